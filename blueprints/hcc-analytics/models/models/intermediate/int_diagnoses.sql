{#
    All diagnoses that count: those given as such, and those of claims with a service line that CMS
    counts, if they are of a kind that counts and no chart review took them back.
#}
{{ config(materialized='view') }}
with diagnosis_codes as (
    select * from {{ ref('stg_diagnosis_codes') }}
),

service_lines as (
    select * from {{ ref('stg_service_lines') }}
),

judged_lines as (
    select * from {{ ref('int_service_lines') }}
),

claim_diagnoses as (
    select * from {{ ref('stg_claim_diagnoses') }}
),

counted_claims as (
    select
        person_id,
        claim_id,
        max(service_date) as service_date
    from judged_lines
    where refused is null
    group by person_id, claim_id
),

taken_back as (
    select distinct
        service_lines.person_id,
        service_lines.replaces_claim_id as claim_id,
        claim_diagnoses.diagnosis_code
    from service_lines
    inner join judged_lines
        on service_lines.person_id = judged_lines.person_id
        and service_lines.claim_id = judged_lines.claim_id
        and judged_lines.refused = 'chart-review-delete'
    inner join claim_diagnoses
        on service_lines.person_id = claim_diagnoses.person_id
        and service_lines.claim_id = claim_diagnoses.claim_id
    where service_lines.replaces_claim_id is not null
)

select
    person_id,
    diagnosis_code,
    service_date,
    cast(null as {{ text_type() }}) as claim_id,
    cast(null as {{ text_type() }}) as kind
from diagnosis_codes
union all
select
    claim_diagnoses.person_id,
    claim_diagnoses.diagnosis_code,
    counted_claims.service_date,
    claim_diagnoses.claim_id,
    claim_diagnoses.kind
from claim_diagnoses
inner join counted_claims
    on claim_diagnoses.person_id = counted_claims.person_id
    and claim_diagnoses.claim_id = counted_claims.claim_id
left join taken_back
    on claim_diagnoses.person_id = taken_back.person_id
    and claim_diagnoses.claim_id = taken_back.claim_id
    and claim_diagnoses.diagnosis_code = taken_back.diagnosis_code
where
    taken_back.diagnosis_code is null
    and coalesce(lower(claim_diagnoses.kind), 'other') in (
        {%- for kind in var('counted_kinds') %}
        '{{ kind }}'{{ ',' if not loop.last }}
        {%- endfor %}
    )
