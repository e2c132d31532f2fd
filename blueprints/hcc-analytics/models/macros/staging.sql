{#
    One source, each different row once and each column of its type. A column that the source
    lacks is NULL, or its default; a source that is not there has no rows. `columns`: our name
    of each column, and its kind.
#}
{% macro staged(table, columns) %}
{%- set relation = source('raw', table) -%}
{%- set own = var('source_columns').get(table, {}) -%}
{%- set there = columns_there(relation) -%}
select distinct
    {%- for name, kind in columns.items() %}
    {%- set theirs = own.get(name, name) %}
    {{ read_as(theirs if is_there(relation) and (not there or theirs | lower in there) else 'null', kind, there.get(theirs | lower, '')) }} as {{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- if is_there(relation) %}
from {{ relation }}
{%- else %}
from (select 1 as nothing) as nothing
where 1 = 0
{%- endif %}
{% endmacro %}

{% macro is_there(relation) -%}
    {#- a unit test's rows are no relation of the database, and SQL that is made to be read has none -#}
    {{ return(not execute or relation.is_cte or var('render_for', none) is not none or load_relation(relation) is not none) }}
{%- endmacro %}

{#
    The types of the source's own columns, all in small letters; none where that cannot be seen
    (a unit test's rows).
#}
{% macro columns_there(relation) -%}
    {%- set own = {} -%}
    {%- if execute -%}
        {%- for column in adapter.get_columns_in_relation(relation) -%} {%- do own.update({column.name | lower: column.dtype | lower}) -%} {%- endfor -%}
    {%- endif -%}
    {{ return(own) }}
{%- endmacro %}

{#
    What has its type already is not taken through text: of ten million diagnoses that would be
    most of the time.
#}
{% macro read_as(column, kind, type) -%}
    {%- if kind == 'day' and (type.startswith('date') or type.startswith('timestamp')) -%} cast({{ column }} as date)
    {%- elif kind == 'truth' and type.startswith('bool') -%} {{ column }}
    {%- elif kind == 'text' and 'int' in type -%} cast({{ column }} as {{ text_type() }})
    {#- an id or number that came as 12.0 is 12: DuckDB would write 12.0 of it, and PostgreSQL 12 -#}
    {%- elif kind == 'text' and (type.startswith('double') or type.startswith('float') or type == 'real') -%} {{ as_code(column) }}
    {%- else -%} {{ typed(column, kind) }} {%- endif -%}
{%- endmacro %}
