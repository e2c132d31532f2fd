{#-
    CMS rounds to three decimals after each step, half up: here in whole thousandths by whole
    billionths, so that engines agree.
-#}
{%- set pace = var('pace') -%}
with scores as (
    select * from {{ ref('hcc_scores') }}
),

payment_factors as (
    select * from {{ ref('hcc_payment_factors') }}
),

factors as (
    select
        model,
        payment_year,
        normalization,
        coalesce(graft_normalization, normalization) as graft_normalization,
        {{ '0.0' if pace else 'coalesce(coding_intensity, 0.0)' }} as coding_intensity,
        {{ 'pace_share' if pace else 'share' }} as share
    from payment_factors
),

adjusted as (
    select
        scores.person_id,
        scores.model,
        scores.payment_year,
        scores.segment,
        scores.risk_score,
        case
            when scores.segment like 'G%' then factors.graft_normalization
            else factors.normalization
        end as normalization,
        factors.coding_intensity,
        factors.share
    from scores
    inner join factors
        on scores.model = factors.model and scores.payment_year = factors.payment_year
),

paid as (
    select
        *,
        {{ normalized_score('risk_score', 'normalization') }} as normalized
    from adjusted
),

lessened as (
    select
        *,
        {{ payment_score('normalized', 'coding_intensity') }} as payment
    from paid
),

parted as (
    select
        *,
        {{ whole_quotient('payment * ' ~ scaled('share', 1000000000), '1000000000') }} as part
    from lessened
),

blended as (
    select
        person_id,
        payment_year,
        {#-
            half a thousandth: the shares are published with two places, and doubles add up to
            nearly one
        -#}
        case
            when abs(sum(share) - 1.0) < 0.0005 then sum(case when share > 0 then part end)
        end as blended
    from parted
    group by person_id, payment_year
)

select
    parted.person_id,
    parted.model,
    parted.payment_year,
    parted.segment,
    parted.risk_score,
    parted.normalization,
    parted.coding_intensity,
    parted.share,
    {{ thousandths('parted.normalized') }} as risk_score_normalized,
    {{ thousandths('parted.payment') }} as risk_score_payment,
    {{ thousandths('blended.blended') }} as risk_score_blended
from parted
left join blended
    on parted.person_id = blended.person_id and parted.payment_year = blended.payment_year
