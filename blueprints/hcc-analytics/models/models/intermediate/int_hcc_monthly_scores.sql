{%- for one in var('monthly') %}
{{ hcc_edition_months(one.model, one.payment_year | int) }}
{{ 'union all' if not loop.last }}
{%- else %}
with scores as (
    select * from {{ ref('hcc_scores') }}
)

select * from scores
where 1 = 0
{%- endfor %}
