-- One row for each person, claim and diagnosis: the code without its dot, in capitals; the last day of the claim.
with claims as (
  select
    source, position, claim, person_id,
    min(claim_id) as claim_id,
    min(claim_type) as claim_type,
    min(type_of_bill) as type_of_bill,
    max(service_date) as service_date,
    list_sort(list(distinct procedure_code) filter (procedure_code is not null)) as procedure_codes,
    list_distinct(flatten(list(diagnosis_codes))) as codes
  from services
  group by source, position, claim, person_id
),
coded as (
  select *, unnest(codes) as code
  from claims
)
select distinct
  person_id,
  upper(replace(code, '.', '')) as diagnosis_code,
  service_date,
  claim_id,
  claim_type,
  type_of_bill,
  coalesce(procedure_codes, []) as procedure_codes
from coded
where trim(code) <> ''
