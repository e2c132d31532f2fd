select
    s.person_id,
    s.model,
    s.payment_year,
    s.segment,
    s.risk_score,
    s.risk_score_demographics,
    s.risk_score_hcc,
    s.risk_score_chronic_only,
    a.risk_score_payment,
    a.risk_score_blended,
    s.hcc_list,
    s.hcc_list_before,
    s.interactions,
    s.payment_hcc_count,
    s.defaults_taken,
    s.held
from {{ ref('hcc_scores') }} as s
inner join {{ ref('int_risk_adjustments') }} as a
    on s.person_id = a.person_id and s.model = a.model and s.payment_year = a.payment_year
