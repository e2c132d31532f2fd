with
{%- for report in report_names() %}
{{ report }}_counted as (
    select
        '{{ report }}' as report,
        customer_account,
        {{ total('_copies') }} as rows_that_came,
        {{ total('_copies - 1') }} as duplicate_rows,
        max(_copies) as most_copies
    from {{ ref('stg_' ~ report) }}
    group by 2
),
{% endfor %}
every as (
    {%- for report in report_names() %}
    select * from {{ report }}_counted
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select * from every
where duplicate_rows > 0
