{#- of each year that `monthly` asks for, to the month of its newest diagnosis: a month that is still to come would repeat the one before -#}
{%- set years = var('monthly') | map(attribute='payment_year') | map('int') | unique | sort -%}
select months.payment_year, months.month_key, months.month_end
from (
    {%- for year in years or [var('default_payment_year')] %}
    {{ month_ends(year) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
) as months
join (
    select max(service_date) as newest, cast(extract(year from service_date) as {{ whole_type() }}) as service_year
    from {{ ref('int_diagnoses') }}
    group by cast(extract(year from service_date) as {{ whole_type() }})
) as coded
    on coded.service_year = months.payment_year - 1 and months.month_start <= coded.newest
{%- if not years %}
where 1 = 0
{%- endif %}
