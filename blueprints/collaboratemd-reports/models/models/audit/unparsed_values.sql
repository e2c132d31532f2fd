{# Each report is read once for all its columns that are no text. #}
{%- set loaded = {} -%}
{%- for report in report_names() -%}
    {%- set there = columns_there(source('reports', report), report) -%}
    {%- set kinds = {} -%}
    {%- for name, kind in report_columns(report).items() if kind != 'text' and name in there -%}
        {%- do kinds.update({name: kind}) -%}
    {%- endfor -%}
    {%- if kinds -%} {%- do loaded.update({report: [there, kinds]}) -%} {%- endif -%}
{%- endfor -%}
with
{%- for report, (there, kinds) in loaded.items() %}
{{ report }}_counted as (
    select
        cast(customer_account as text) as customer_account
        {%- for name, kind in kinds.items() %},
        {{ how_many(is_unreadable(name, kind, there)) }} as {{ name }}
        {%- endfor %}
    from {{ source('reports', report) }}
    group by 1
),

{{ report }}_unparsed as (
    select
        '{{ report }}' as report,
        counted.customer_account,
        columns.column_name,
        case columns.column_name
            {%- for name in kinds %}
            when '{{ name }}' then counted.{{ name }}
            {%- endfor %}
        end as unparsed_values
    from {{ report }}_counted as counted
    cross join (
        values
        {%- for name in kinds %}
        ('{{ name }}'){{ ',' if not loop.last }}
        {%- endfor %}
    ) as columns (column_name)
),
{% endfor %}
every as (
    select
        cast(null as text) as report,
        cast(null as text) as customer_account,
        cast(null as text) as column_name,
        cast(null as bigint) as unparsed_values
    where false
    {%- for report in loaded %}
    union all
    select * from {{ report }}_unparsed
    {%- endfor %}
)

select * from every
where unparsed_values > 0
