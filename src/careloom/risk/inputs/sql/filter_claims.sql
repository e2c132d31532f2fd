-- CMS's encounter data filtering: each service line of `lived` with the reason why it does not count, or none if it does. An inpatient
-- bill (11X, 41X) counts; an outpatient one (12X ... 87X) counts by the CPT or HCPCS codes of its lines, and so does a
-- professional claim, which has no type of bill. The year's codes are in eligible(code), its other rules in the row of `rules`.
-- Encounter Data Diagnosis Filtering Logic (CMS, 2015-12-22); 87X by EDS edit 20495 of 2021; audio-only services (modifiers 93 and FQ)
-- and unlinked chart reviews by the Rate Announcement of 2026-04-06.
select
  lived.*,
  case
    when lived.ended is not null then lived.ended
    when not rules.filtered then null
    when rules.unlinked_chart_review and lived.chart_review = 'unlinked' then 'unlinked-chart-review'
    when lived.facility_type || lived.service_type in ('11', '41') then null
    when lived.facility_type || lived.service_type is null and lived.institutional then 'no-type-of-bill'
    when lived.facility_type || lived.service_type
      not in ('12', '13', '43', '71', '73', '76', '77', '85', '87') then 'type-of-bill'
    when eligible.code is null then 'procedure'
    when rules.audio_only and lived.by_voice then 'audio-only'
  end as refused
from lived
cross join rules
left join eligible on eligible.code = upper(trim(lived.procedure_code))
