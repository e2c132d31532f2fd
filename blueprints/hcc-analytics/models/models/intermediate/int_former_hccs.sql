select
    d.person_id,
    m.model,
    m.payment_year,
    m.hcc,
    max(d.service_date) as last_coded_on,
    count(distinct extract(year from d.service_date)) as years_coded
from {{ ref('int_diagnoses') }} as d
inner join {{ ref('hcc_code_categories') }} as m on d.diagnosis_code = m.diagnosis_code
inner join {{ ref('stg_participants') }} as p on d.person_id = p.person_id
where
    extract(year from d.service_date) between m.payment_year - 1 - {{ var('look_back') }} and m.payment_year - 2
    and (m.applies = 'always' or (m.applies = 'if') = ({{ edit_fires('m.payment_year') }}))
group by d.person_id, m.model, m.payment_year, m.hcc
