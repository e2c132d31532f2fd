{#-
    Of each year that `monthly` asks for, to the month of its newest diagnosis: a month still
    to come would repeat the one before.
-#}
{%- set years = var('monthly') | map(attribute='payment_year') | map('int') | unique | sort -%}
with diagnoses as (
    select * from {{ ref('int_diagnoses') }}
),

months as (
    {%- for year in years or [var('default_payment_year')] %}
    {{ month_ends(year) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

newest as (
    select
        max(service_date) as newest_day,
        cast(extract(year from service_date) as {{ whole_type() }}) as service_year
    from diagnoses
    group by cast(extract(year from service_date) as {{ whole_type() }})
)

select
    months.payment_year,
    months.month_key,
    months.month_end
from months
inner join newest
    on months.payment_year - 1 = newest.service_year
    and months.month_start <= newest.newest_day
{%- if not years %}
where 1 = 0
{%- endif %}
