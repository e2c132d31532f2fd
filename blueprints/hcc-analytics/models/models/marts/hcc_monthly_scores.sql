with monthly_scores as (
    select * from {{ ref('int_hcc_monthly_scores') }}
),

months as (
    select * from {{ ref('int_hcc_months') }}
),

adjustments as (
    select * from {{ ref('int_risk_adjustments') }}
),

scores as (
    select
        monthly_scores.*,
        substr(monthly_scores.person_id, 1, 2) as month_key,
        substr(monthly_scores.person_id, 3) as member_id
    from monthly_scores
)

select
    scores.member_id as person_id,
    scores.model,
    scores.payment_year,
    months.month_end,
    scores.segment,
    scores.risk_score,
    scores.risk_score_demographics,
    scores.risk_score_hcc,
    scores.risk_score_chronic_only,
    {#- factors are of the person and the year: no month changes them #}
    {{ thousandths(payment_score(
        normalized_score('scores.risk_score', 'adjustments.normalization'),
        'adjustments.coding_intensity'
    )) }} as risk_score_payment,
    scores.hcc_list,
    scores.hcc_list_before,
    scores.interactions,
    scores.payment_hcc_count,
    scores.held
from scores
inner join months
    on scores.payment_year = months.payment_year and scores.month_key = months.month_key
inner join adjustments
    on scores.member_id = adjustments.person_id
    and scores.model = adjustments.model
    and scores.payment_year = adjustments.payment_year
