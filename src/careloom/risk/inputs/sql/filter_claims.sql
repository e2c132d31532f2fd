-- CMS's encounter data filtering. An inpatient bill (11X, 41X) counts; an outpatient one (12X ... 87X) counts by the
-- CPT or HCPCS codes of its lines, and so does a professional claim, which has no type of bill. The year's codes are
-- in eligible(code), one row each. Rules: Encounter Data Diagnosis Filtering Logic; 87X by EDS edit 20495 of 2021.
-- A claim that was cancelled or entered in error does not count.
select services.*
from services
left join eligible on eligible.code = services.procedure_code
where coalesce(services.status, 'active') = 'active'
  and case
        when services.facility_type is null or services.service_type is null
          then eligible.code is not null
        when services.facility_type || services.service_type in ('11', '41')
          then true
        when services.facility_type || services.service_type in ('12', '13', '43', '71', '73', '76', '77', '85', '87')
          then eligible.code is not null
        else false
      end
