with scores as (
    select * from {{ ref('hcc_scores') }}
),

adjustments as (
    select * from {{ ref('int_risk_adjustments') }}
)

select
    scores.person_id,
    scores.model,
    scores.payment_year,
    scores.segment,
    scores.risk_score,
    scores.risk_score_demographics,
    scores.risk_score_hcc,
    scores.risk_score_chronic_only,
    adjustments.risk_score_payment,
    adjustments.risk_score_blended,
    scores.hcc_list,
    scores.hcc_list_before,
    scores.interactions,
    scores.payment_hcc_count,
    scores.defaults_taken,
    scores.held
from scores
inner join adjustments
    on scores.person_id = adjustments.person_id
    and scores.model = adjustments.model
    and scores.payment_year = adjustments.payment_year
