{#
    Every amount of every report: what came, less what came twice, is what the view shows. Each report is read once for all its amounts.
#}
with every as (
    select
        cast(null as text) as report, cast(null as text) as customer_account, cast(null as text) as column_name,
        cast(null as bigint) as rows_that_came, cast(null as bigint) as duplicate_rows, cast(null as decimal(38, 4)) as total_that_came,
        cast(null as decimal(38, 4)) as total_of_duplicates, cast(null as decimal(38, 4)) as total_kept
    where false
{% for report in report_names() if amounts_of(report) %}
    {%- set relation = source('reports', report) -%}
    {%- set staged = ref('stg_' ~ report) -%}
    {%- set view = ref(view_of(report)) -%}
    {%- set amounts = amounts_of(report) -%}
    {%- set there = columns_there(relation, report) -%}
    {%- if there %}
    union all
    select
        '{{ report }}', came.customer_account, amounts.column_name, came.all_rows, coalesce(twice.all_rows, 0),
        case amounts.column_name {% for name in amounts %}when '{{ name }}' then came.{{ name }} {% endfor %}end,
        coalesce(case amounts.column_name {% for name in amounts %}when '{{ name }}' then twice.{{ name }} {% endfor %}end, 0),
        coalesce(case amounts.column_name {% for name in amounts %}when '{{ name }}' then shown.{{ name }} {% endfor %}end, 0)
    from (
        select
            cast(customer_account as text) as customer_account, count(*) as all_rows
            {%- for name in amounts %}, coalesce(sum({{ cell(name, 'money', there) }}), 0) as {{ name }}{% endfor %}
        from {{ relation }}
        group by 1
    ) as came
    left join (
        select
            customer_account, {{ total('_copies - 1') }} as all_rows
            {%- for name in amounts %}, sum({{ name }} * (_copies - 1)) as {{ name }}{% endfor %}
        from {{ staged }}
        where _copies > 1
        group by 1
    ) as twice on came.customer_account = twice.customer_account
    left join (
        select customer_account{% for name in amounts %}, sum({{ shown_as(report, name) }}) as {{ name }}{% endfor %}
        from {{ view }}
        group by 1
    ) as shown on came.customer_account = shown.customer_account
    cross join (values {% for name in amounts %}('{{ name }}'){{ ', ' if not loop.last }}{% endfor %}) as amounts (column_name)
    {%- endif %}
{%- endfor %}
)

select
    *,
    total_that_came - total_of_duplicates - total_kept as unexplained
from every
