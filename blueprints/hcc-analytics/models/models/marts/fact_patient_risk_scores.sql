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
join {{ ref('int_risk_adjustments') }} as a
    on a.person_id = s.person_id and a.model = s.model and a.payment_year = s.payment_year
