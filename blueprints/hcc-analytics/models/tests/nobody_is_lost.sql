-- Every participant has one row for every model and year.
select p.person_id, f.model, f.payment_year
from {{ ref('stg_participants') }} as p
cross join {{ ref('hcc_payment_factors') }} as f
left join {{ ref('fact_patient_risk_scores') }} as s
    on s.person_id = p.person_id and s.model = f.model and s.payment_year = f.payment_year
where s.person_id is null
