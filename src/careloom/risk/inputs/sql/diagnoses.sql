-- One row for each person, claim and diagnosis: the code without its dot and blanks, in capitals; the last day of the claim. That is a
-- bill's through date, and the last service of a professional claim.
with claims as (
  select
    source, position, claim, person_id,
    min(claim_id) as claim_id,
    min(claim_type) as claim_type,
    min(type_of_bill) as type_of_bill,
    coalesce(max(through_date) filter (type_of_bill is not null), max(service_date)) as service_date,
    list_sort(list(distinct procedure_code) filter (procedure_code is not null)) as procedure_codes,
    list_distinct(flatten(list(diagnosis_codes))) as codes
  from services
  group by source, position, claim, person_id
),
unnested as (
  select *, unnest(codes) as code
  from claims
),
coded as (
  select *, {code} as diagnosis_code
  from unnested
)
select distinct
  person_id,
  diagnosis_code,
  service_date,
  claim_id,
  claim_type,
  type_of_bill,
  coalesce(procedure_codes, []) as procedure_codes
from coded
where diagnosis_code <> ''
