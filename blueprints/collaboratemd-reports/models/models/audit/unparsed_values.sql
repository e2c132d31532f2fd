with every as (
    select
        cast(null as text) as report, cast(null as text) as customer_account, cast(null as text) as column_name,
        cast(null as bigint) as unparsed_values
    where false
{% for report in report_names() %}
    {%- set relation = source('reports', report) -%}
    {%- set there = columns_there(relation, report) -%}
    {%- set columns = {} -%}
    {%- for name, kind in report_columns(report).items() if kind != 'text' and name in there -%}
        {%- do columns.update({name: kind}) -%}
    {%- endfor -%}
    {%- if columns %}
    union all
    select
        '{{ report }}', customer_account, columns.column_name,
        case columns.column_name {% for name in columns %}when '{{ name }}' then {{ name }} {% endfor %}end
    from (
        select
            cast(customer_account as text) as customer_account
            {%- for name, kind in columns.items() %}, {{ how_many(is_unreadable(name, kind, there)) }} as {{ name }}{% endfor %}
        from {{ relation }}
        group by 1
    ) as counted
    cross join (values {% for name in columns %}('{{ name }}'){{ ', ' if not loop.last }}{% endfor %}) as columns (column_name)
    {%- endif %}
{%- endfor %}
)

select * from every where unparsed_values > 0
