-- CMS's encounter data filtering: each service line with the reason why it does not count, or none if it does. An inpatient
-- bill (11X, 41X) counts; an outpatient one (12X ... 87X) counts by the CPT or HCPCS codes of its lines, and so does a
-- professional claim, which has no type of bill. The year's codes are in eligible(code), one row each. Rules: Encounter Data
-- Diagnosis Filtering Logic; 87X by EDS edit 20495 of 2021. A claim that was cancelled or entered in error does not count,
-- nor does a bill that takes another one back (frequency 8).
select
  services.*,
  case
    when coalesce(services.status, 'active') <> 'active' then 'cancelled'
    when services.frequency = '8' then 'void'
    when services.facility_type || services.service_type in ('11', '41') then null
    when services.facility_type || services.service_type
      not in ('12', '13', '43', '71', '73', '76', '77', '85', '87') then 'type-of-bill'
    when eligible.code is null then 'procedure'
  end as refused
from services
left join eligible on eligible.code = services.procedure_code
