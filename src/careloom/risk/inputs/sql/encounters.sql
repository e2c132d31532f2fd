-- One row for each claim: when, what kind, how many service lines and diagnoses.
select
  person_id,
  min(claim_id) as claim_id,
  min(claim_type) as claim_type,
  min(type_of_bill) as type_of_bill,
  min(frequency) as frequency,
  min(status) as status,
  min(service_date) as first_date,
  max(service_date) as last_date,
  list_sort(coalesce(list(distinct procedure_code) filter (procedure_code is not null), [])) as procedure_codes,
  list_sort(list_distinct(flatten(list(diagnosis_codes)))) as diagnosis_codes,
  count(*) as service_lines,
  source,
  position,
  claim
from services
group by source, position, claim, person_id
