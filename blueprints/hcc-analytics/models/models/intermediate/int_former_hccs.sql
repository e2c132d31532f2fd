with diagnoses as (
    select * from {{ ref('int_diagnoses') }}
),

code_categories as (
    select * from {{ ref('hcc_code_categories') }}
),

participants as (
    select * from {{ ref('stg_participants') }}
)

select
    diagnoses.person_id,
    code_categories.model,
    code_categories.payment_year,
    code_categories.hcc,
    max(diagnoses.service_date) as last_coded_on,
    count(distinct extract(year from diagnoses.service_date)) as years_coded
from diagnoses
inner join code_categories on diagnoses.diagnosis_code = code_categories.diagnosis_code
inner join participants on diagnoses.person_id = participants.person_id
where
    extract(year from diagnoses.service_date)
    between code_categories.payment_year - 1 - {{ var('look_back') }}
    and code_categories.payment_year - 2
    and (
        code_categories.applies = 'always'
        or (code_categories.applies = 'if') = ({{ edit_fires('code_categories.payment_year') }})
    )
group by
    diagnoses.person_id, code_categories.model, code_categories.payment_year, code_categories.hcc
