{#
    Each snapshot that careloom keeps, and those without a row, by its place before the newest
    of the same account and filter. One that came again unchanged is one. Empty where the list
    is not there: over a copy of the reports alone.
#}
{%- set relation = source('careloom', 'account_reports') -%}
{%- if not execute or relation.is_cte or adapter.get_columns_in_relation(relation) %}
with snapshots as (
    select * from {{ relation }}
),

newest as (
    select
        system,
        report_name,
        customer_account,
        asked_for
    from snapshots
    where {{ adapter.quote('current') }}
),

shown as (
    select
        snapshots.report_name,
        snapshots.customer_account,
        snapshots.rows_of,
        snapshots.loaded_at,
        snapshots.{{ adapter.quote('current') }} as is_current
    from snapshots
    inner join newest
        on snapshots.system = newest.system
        and snapshots.report_name = newest.report_name
        and snapshots.customer_account = newest.customer_account
    -- What was asked for with another filter is no former state of the same thing.
    where
        snapshots.rows_of is not null
        and snapshots.loaded_at is not null
        and coalesce(snapshots.asked_for = newest.asked_for, true)
)

select
    report_name,
    customer_account,
    rows_of as report_run,
    row_number() over (
        partition by report_name, customer_account order by rows_of desc
    ) - 1 as snapshots_ago,
    bool_or(is_current) as is_current,
    min(loaded_at) as first_loaded_at,
    max(loaded_at) as loaded_at
from shown
group by report_name, customer_account, rows_of
{%- else %}
select
    cast(null as text) as report_name,
    cast(null as text) as customer_account,
    cast(null as bigint) as report_run,
    cast(null as bigint) as snapshots_ago,
    cast(null as boolean) as is_current,
    cast(null as timestamp with time zone) as first_loaded_at,
    cast(null as timestamp with time zone) as loaded_at
where false
{%- endif %}
