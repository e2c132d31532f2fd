{#
    Scores at each month's end, by the same statement: it is given everybody once for each
    month, under a key of month and person, and each diagnosis in every month by whose end it
    was known.
#}
{% macro month_ends(payment_year) -%}
    {%- for month in range(1, 13) %}
    {%- set first = modules.datetime.date(payment_year - 1, month, 1) %}
    {%- set last = (first + modules.datetime.timedelta(days=31)).replace(day=1) - modules.datetime.timedelta(days=1) %}
    select
        cast({{ payment_year }} as {{ whole_type() }}) as payment_year,
        '{{ '%02d' % month }}' as month_key,
        date '{{ first }}' as month_start,
        date '{{ last }}' as month_end
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{% macro months_of(payment_year) -%}
(select month_key, month_end from {{ ref('int_hcc_months') }} where payment_year = {{ payment_year }})
{%- endmacro %}

{% macro hcc_edition_months(model, payment_year) -%}
{%- set people -%}
(
    select
        concat(m.month_key, p.person_id) as person_id, p.age, p.sex, p.dual_elgbl_cd, p.orec, p.crec, p.new_enrollee, p.snp, p.lti,
        p.low_income, p.graft_months
    from {{ people_of(payment_year) }} as p
    cross join {{ months_of(payment_year) }} as m
)
{%- endset -%}
{%- set diagnoses -%}
(
    select concat(m.month_key, d.person_id) as person_id, d.diagnosis_code
    from {{ diagnoses_of(payment_year) }} as d
    join {{ months_of(payment_year) }} as m on d.service_date is null or d.service_date <= m.month_end
)
{%- endset -%}
select cast({{ payment_year }} as {{ whole_type() }}) as payment_year, s.*
from (
    {{ hcc_scores(model, payment_year, people, diagnoses) }}
) as s
{%- endmacro %}
