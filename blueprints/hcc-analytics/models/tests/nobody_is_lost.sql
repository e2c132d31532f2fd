-- Every participant has one row for every model and year.
select
    p.person_id,
    f.model,
    f.payment_year
from {{ ref('stg_participants') }} as p
cross join {{ ref('hcc_payment_factors') }} as f
left join {{ ref('fact_patient_risk_scores') }} as s
    on p.person_id = s.person_id and f.model = s.model and f.payment_year = s.payment_year
where s.person_id is null
