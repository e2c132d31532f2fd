{#
    All diagnoses that count: those given as such, and those of claims with a service line that CMS counts, if they are of a kind that counts
    and no chart review took them back.
#}
{{ config(materialized='view') }}
with counted as (
    select
        person_id,
        claim_id,
        max(service_date) as service_date
    from {{ ref('int_service_lines') }}
    where refused is null
    group by person_id, claim_id
),

taken_back as (
    select distinct
        lines.person_id,
        lines.replaces_claim_id as claim_id,
        codes.diagnosis_code
    from {{ ref('stg_service_lines') }} as lines
    inner join {{ ref('int_service_lines') }} as judged
        on lines.person_id = judged.person_id and lines.claim_id = judged.claim_id and judged.refused = 'chart-review-delete'
    inner join {{ ref('stg_claim_diagnoses') }} as codes on lines.person_id = codes.person_id and lines.claim_id = codes.claim_id
    where lines.replaces_claim_id is not null
)

select
    person_id,
    diagnosis_code,
    service_date
from {{ ref('stg_diagnosis_codes') }}
union all
select
    found.person_id,
    found.diagnosis_code,
    counted.service_date
from {{ ref('stg_claim_diagnoses') }} as found
inner join counted on found.person_id = counted.person_id and found.claim_id = counted.claim_id
left join taken_back
    on found.person_id = taken_back.person_id and found.claim_id = taken_back.claim_id and found.diagnosis_code = taken_back.diagnosis_code
where
    taken_back.diagnosis_code is null
    and coalesce(lower(found.kind), 'other') in (
        '{{ var("counted_kinds") | join("', '") }}'
    )
