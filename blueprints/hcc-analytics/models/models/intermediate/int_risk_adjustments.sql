{#- CMS rounds to three decimals after each step, half up: here in whole thousandths by whole billionths, so that engines agree -#}
{%- set pace = var('pace') -%}
with factors as (
    select
        model,
        payment_year,
        normalization,
        coalesce(graft_normalization, normalization) as graft_normalization,
        {{ '0.0' if pace else 'coalesce(coding_intensity, 0.0)' }} as coding_intensity,
        {{ 'pace_share' if pace else 'share' }} as share
    from {{ ref('hcc_payment_factors') }}
),

adjusted as (
    select
        s.person_id,
        s.model,
        s.payment_year,
        s.segment,
        s.risk_score,
        case when s.segment like 'G%' then f.graft_normalization else f.normalization end as normalization,
        f.coding_intensity,
        f.share
    from {{ ref('hcc_scores') }} as s
    inner join factors as f on s.model = f.model and s.payment_year = f.payment_year
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
        {#- half a thousandth: the shares are published with two places, and doubles add up to nearly one -#}
        case when abs(sum(share) - 1.0) < 0.0005 then sum(case when share > 0 then part end) end as blended
    from parted
    group by person_id, payment_year
)

select
    p.person_id,
    p.model,
    p.payment_year,
    p.segment,
    p.risk_score,
    p.normalization,
    p.coding_intensity,
    p.share,
    {{ thousandths('p.normalized') }} as risk_score_normalized,
    {{ thousandths('p.payment') }} as risk_score_payment,
    {{ thousandths('b.blended') }} as risk_score_blended
from parted as p
left join blended as b on p.person_id = b.person_id and p.payment_year = b.payment_year
