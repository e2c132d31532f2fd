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
    join factors as f on f.model = s.model and f.payment_year = s.payment_year
),

paid as (
    select
        *,
        cast(risk_score as {{ double_type() }}) / normalization as risk_score_normalized,
        cast(risk_score as {{ double_type() }}) * (1.0 - coding_intensity) / normalization
        + cast({{ var('frailty') }} as {{ double_type() }}) as risk_score_payment
    from adjusted
),

blended as (
    select
        person_id,
        payment_year,
        {#- half a thousandth: the shares are published with two places, and doubles add up to nearly one -#}
        case when abs(sum(share) - 1.0) < 0.0005 then sum(case when share > 0 then share * risk_score_payment end) end as risk_score_blended
    from paid
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
    p.risk_score_normalized,
    p.risk_score_payment,
    b.risk_score_blended
from paid as p
left join blended as b on b.person_id = p.person_id and b.payment_year = p.payment_year
