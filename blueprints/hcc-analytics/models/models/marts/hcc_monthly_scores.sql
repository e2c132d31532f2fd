select
    substr(s.person_id, 3) as person_id,
    s.model,
    s.payment_year,
    m.month_end,
    s.segment,
    s.risk_score,
    s.risk_score_demographics,
    s.risk_score_hcc,
    s.risk_score_chronic_only,
    {#- factors are of the person and the year: no month changes them #}
    {{ thousandths(payment_score(normalized_score('s.risk_score', 'a.normalization'), 'a.coding_intensity')) }} as risk_score_payment,
    s.hcc_list,
    s.hcc_list_before,
    s.interactions,
    s.payment_hcc_count,
    s.held
from {{ ref('int_hcc_monthly_scores') }} as s
inner join {{ ref('int_hcc_months') }} as m on s.payment_year = m.payment_year and m.month_key = substr(s.person_id, 1, 2)
inner join {{ ref('int_risk_adjustments') }} as a
    on a.person_id = substr(s.person_id, 3) and s.model = a.model and s.payment_year = a.payment_year
