{#
    Every amount of every report: what came, less what came twice, is what the view shows. Each
    report is read once for all its amounts.
#}
{%- set loaded = {} -%}
{%- for report in report_names() if amounts_of(report) -%}
    {%- set there = columns_there(source('reports', report), report) -%}
    {%- if there -%} {%- do loaded.update({report: there}) -%} {%- endif -%}
{%- endfor -%}
with
{%- for report, there in loaded.items() %}
{%- set amounts = amounts_of(report) %}
{{ report }}_came as (
    select
        cast(customer_account as text) as customer_account,
        count(*) as all_rows
        {%- for name in amounts %},
        coalesce(sum({{ cell(name, 'money', there) }}), 0) as {{ name }}
        {%- endfor %}
    from {{ source('reports', report) }}
    group by 1
),

{{ report }}_twice as (
    select
        customer_account,
        {{ total('_copies - 1') }} as all_rows
        {%- for name in amounts %},
        sum({{ name }} * (_copies - 1)) as {{ name }}
        {%- endfor %}
    from {{ ref('stg_' ~ report) }}
    where _copies > 1
    group by 1
),

{{ report }}_shown as (
    select
        customer_account
        {%- for name in amounts %},
        sum({{ shown_as(report, name) }}) as {{ name }}
        {%- endfor %}
    from {{ ref(view_of(report)) }}
    group by 1
),

{{ report }}_totals as (
    select
        '{{ report }}' as report,
        came.customer_account,
        amounts.column_name,
        came.all_rows as rows_that_came,
        coalesce(twice.all_rows, 0) as duplicate_rows,
        case amounts.column_name
            {%- for name in amounts %}
            when '{{ name }}' then came.{{ name }}
            {%- endfor %}
        end as total_that_came,
        coalesce(case amounts.column_name
            {%- for name in amounts %}
            when '{{ name }}' then twice.{{ name }}
            {%- endfor %}
        end, 0) as total_of_duplicates,
        coalesce(case amounts.column_name
            {%- for name in amounts %}
            when '{{ name }}' then shown.{{ name }}
            {%- endfor %}
        end, 0) as total_kept
    from {{ report }}_came as came
    left join {{ report }}_twice as twice on came.customer_account = twice.customer_account
    left join {{ report }}_shown as shown on came.customer_account = shown.customer_account
    cross join (
        values
        {%- for name in amounts %}
        ('{{ name }}'){{ ',' if not loop.last }}
        {%- endfor %}
    ) as amounts (column_name)
),
{% endfor %}
every as (
    select
        cast(null as text) as report,
        cast(null as text) as customer_account,
        cast(null as text) as column_name,
        cast(null as bigint) as rows_that_came,
        cast(null as bigint) as duplicate_rows,
        cast(null as decimal(38, 4)) as total_that_came,
        cast(null as decimal(38, 4)) as total_of_duplicates,
        cast(null as decimal(38, 4)) as total_kept
    where false
    {%- for report in loaded %}
    union all
    select * from {{ report }}_totals
    {%- endfor %}
)

select
    *,
    total_that_came - total_of_duplicates - total_kept as unexplained
from every
