{#
    One report: each row, each column of its type. The service now and then sends a row twice.
    Rows that carry the same number (`report_ids`) and are equal in everything that came are
    such a row: they are one, and `_copies` says how often it came. Rows of one number that
    differ are all kept. Rows without a number (the report lacks its column, or the cell is
    empty) are counted as often as they stand there: two payments of $50.00 on one day are two.
    No load is counted with another: the source shows one snapshot of each account.

    A column that this organisation's report lacks is NULL; a report that was never loaded is
    empty. `_copies`: no header gives a column a name that begins so.

    `loaded_at`: when the row's snapshot last came. With `snapshots`, all that are kept are
    read, each by itself: `report_run` tells them.

    Only rows whose number comes more than once are compared as a whole: of a million charges
    that is a few, and all the others are read as they stand.
#}
{% macro staged(report, snapshots=false) %}
{%- set relation = source('reports', report ~ ('_snapshots' if snapshots else '')) -%}
{%- set there = columns_there(relation, report) -%}
{%- set ids = report_ids(report) -%}
{%- set id = ids[0] -%}
{%- set no_time = 'cast(null as timestamp with time zone)' -%}
{%- if not there -%}
select
    {% if snapshots %}cast(null as bigint) as report_run,{% endif %}
    cast(null as text) as customer_account,
    {% for name, kind in report_columns(report).items() -%}
    cast(null as {{ type_of(kind) }}) as {{ name }},
    {% endfor -%}
    cast(null as bigint) as _copies,
    {{ no_time }} as loaded_at
where false
{%- else -%}
{%- set every = ('report_run, ' if snapshots else '') ~ quoted(there) -%}
{%- set owner = 'report_run' if snapshots else "coalesce(cast(customer_account as text), '')" -%}
{%- set key = 'coalesce(%s, -1)' % id if family(there.get(id, 'text')) == 'whole' else "coalesce(cast(%s as text), '')" % id -%}
with
{% if ids | reject('in', there) | list -%}
given as (
    select {{ every }}, cast(1 as bigint) as _copies
    from {{ relation }}
)
{%- else -%}
repeated as (
    select {{ owner }} as owner_of_it, {{ key }} as id_of_it
    from {{ relation }}
    group by 1, 2
    -- Not "> 1": of an equality PostgreSQL expects few rows, and looks them up in a hash instead of sorting the whole report.
    having least(count(*), 2) = 2
),

given as (
    select {{ every }}, cast(1 as bigint) as _copies
    from {{ relation }}
    where ({{ owner }}, {{ key }}) not in (select owner_of_it, id_of_it from repeated)
        or not {{ is_numbered(ids, there) }}
    union all
    select {{ every }}, count(*) as _copies
    from {{ relation }}
    where (({{ owner }}, {{ key }}) in (select owner_of_it, id_of_it from repeated)) is true
        and {{ is_numbered(ids, there) }}
    group by {{ every }}
)
{%- endif %}

select
    {% if snapshots %}report_run,{% endif %}
    cast(customer_account as text) as customer_account,
    {% for name, kind in report_columns(report).items() -%}
    {{ cell(name, kind, there) }} as {{ name }},
    {% endfor -%}
    _copies,
    {{ 'loaded_at' if family(there.get('loaded_at', 'text')) == 'date' else no_time }} as loaded_at
from given
{%- endif -%}
{% endmacro %}

{#
    Whether a row says of what it is: something stands in each of the columns `ids`, or beside
    the row where their type did not fit.
#}
{% macro is_numbered(ids, there) -%}
    (
    {%- for name in ids -%}
    {%- set column = adapter.quote(name) -%}
    ({{ column if family(there[name]) != 'text' else as_text(column) }} is not null
        {%- if 'unparsed' in there %} or (unparsed ->> '{{ name }}') is not null{% endif %}){{ ' and ' if not loop.last }}
    {%- endfor -%}
    )
{%- endmacro %}

{#
    A cell of its type: out of its column, or out of what was kept beside the row because the
    column's type did not fit.
#}
{% macro cell(name, kind, there) -%}
    {%- set column = adapter.quote(name) -%}
    {%- if name not in there -%} cast(null as {{ type_of(kind) }})
    {%- elif 'unparsed' not in there -%} {{ read_as(kind, column, there[name]) }}
    {%- elif kind == 'text' or family(there[name]) == 'text' -%}
    {{ read_as(kind, 'coalesce(cast(' ~ column ~ " as text), (unparsed ->> '" ~ name ~ "'))") }}
    {%- else -%}
    coalesce({{ read_as(kind, column, there[name]) }}, case when unparsed is not null then {{ read_as(kind, "(unparsed ->> '" ~ name ~ "')") }} end)
    {%- endif -%}
{%- endmacro %}

{# Whether a cell holds something that `cell` cannot read. #}
{% macro is_unreadable(name, kind, there) -%}
    {%- set column = adapter.quote(name) -%}
    {{ cell(name, kind, there) }} is null
    and ({{ as_text(column) }} is not null{% if 'unparsed' in there %} or (unparsed ->> '{{ name }}') is not null{% endif %})
{%- endmacro %}

{#
    The report's own columns, and `unparsed`, with their types as they are in the database. None
    where it was never loaded. The rows of a unit test have all columns of the list, as text.
#}
{% macro columns_there(relation, report) -%}
    {%- set there = {} -%}
    {%- if not execute or relation.is_cte -%}
        {%- do there.update({'customer_account': 'text'}) -%}
        {%- for name in report_columns(report) -%} {%- do there.update({name: 'text'}) -%} {%- endfor -%}
    {%- else -%}
        {%- for column in adapter.get_columns_in_relation(relation) if column.name not in ('report_run', 'row_number') -%}
            {%- do there.update({column.name: column.dtype}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(there) }}
{%- endmacro %}

{% macro quoted(columns) -%}
    {%- for name in columns -%} {{ adapter.quote(name) }}{{ ', ' if not loop.last }} {%- endfor -%}
{%- endmacro %}
