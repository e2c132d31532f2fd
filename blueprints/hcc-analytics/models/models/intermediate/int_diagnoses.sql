{# All diagnoses that count: those given as such, and those of claims with a service line that CMS counts. #}
{{ config(materialized='view') }}
with counted as (
    select person_id, claim_id, max(service_date) as service_date
    from {{ ref('int_service_lines') }}
    where refused is null
    group by person_id, claim_id
)
select person_id, diagnosis_code, service_date
from {{ ref('stg_diagnosis_codes') }}
union all
select found.person_id, found.diagnosis_code, counted.service_date
from {{ ref('stg_claim_diagnoses') }} as found
join counted on counted.person_id = found.person_id and counted.claim_id = found.claim_id
