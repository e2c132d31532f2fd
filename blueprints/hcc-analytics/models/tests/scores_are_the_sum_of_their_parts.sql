select
    person_id,
    model,
    payment_year
from {{ ref('fact_patient_risk_scores') }}
where held is null and risk_score <> risk_score_demographics + risk_score_hcc
