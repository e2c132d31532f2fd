{{ config(materialized='view') }}
with scores as (
    select * from {{ ref('fact_patient_risk_scores') }}
),

factors as (
    select * from {{ ref('hcc_payment_factors') }}
)

select
    person_id,
    model,
    segment,
    risk_score,
    risk_score_demographics,
    risk_score_hcc,
    risk_score_chronic_only,
    risk_score_payment,
    hcc_list
from scores
where payment_year = (select max(factors.payment_year) from factors)
