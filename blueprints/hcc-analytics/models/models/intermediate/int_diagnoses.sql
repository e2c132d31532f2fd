{#
    All diagnoses that count: those given as such, and those of claims with a service line that CMS counts, if they are of a kind that counts
    and no chart review took them back.
#}
{{ config(materialized='view') }}
with counted as (
    select person_id, claim_id, max(service_date) as service_date
    from {{ ref('int_service_lines') }}
    where refused is null
    group by person_id, claim_id
),
taken_back as (
    select distinct lines.person_id, lines.replaces_claim_id as claim_id, codes.diagnosis_code
    from {{ ref('stg_service_lines') }} as lines
    join {{ ref('int_service_lines') }} as judged
        on judged.person_id = lines.person_id and judged.claim_id = lines.claim_id and judged.refused = 'chart-review-delete'
    join {{ ref('stg_claim_diagnoses') }} as codes on codes.person_id = lines.person_id and codes.claim_id = lines.claim_id
    where lines.replaces_claim_id is not null
)
select person_id, diagnosis_code, service_date
from {{ ref('stg_diagnosis_codes') }}
union all
select found.person_id, found.diagnosis_code, counted.service_date
from {{ ref('stg_claim_diagnoses') }} as found
join counted on counted.person_id = found.person_id and counted.claim_id = found.claim_id
left join taken_back
    on taken_back.person_id = found.person_id and taken_back.claim_id = found.claim_id and taken_back.diagnosis_code = found.diagnosis_code
where
    taken_back.diagnosis_code is null
    and coalesce(lower(found.kind), 'other') in ('{{ var("counted_kinds") | join("', '") }}')
