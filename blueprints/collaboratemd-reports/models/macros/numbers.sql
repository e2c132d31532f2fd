{#
    `part` of `whole`, rounded half away from zero; NULL where there is nothing to divide by.
    DuckDB divides decimals as floating numbers, where a half is now and then less than one: it
    is done in whole numbers there.
#}
{% macro share(part, whole, places=4) -%}
    {%- if target.type == 'duckdb' -%}
    {%- set up = 'cast(abs(cast(' ~ part ~ ' as decimal(30, 4))) * 10000 as hugeint)' -%}
    {%- set down = 'cast(abs(cast(' ~ whole ~ ' as decimal(30, 4))) * 10000 as hugeint)' -%}
    cast(
        cast(sign(cast({{ part }} as double)) * sign(cast({{ whole }} as double)) as decimal(2, 0))
        * cast((2 * {{ up }} * {{ 10 ** places }} + {{ down }}) // nullif(2 * {{ down }}, 0) as decimal(18, 0))
        * cast({{ 1 / 10 ** places }} as decimal(8, {{ places }})) as decimal(18, {{ places }})
    )
    {%- else -%}
    cast(round(cast({{ part }} as decimal(38, 4)) / nullif(cast({{ whole }} as decimal(38, 4)), 0), {{ places }}) as decimal(18, {{ places }}))
    {%- endif -%}
{%- endmacro %}

{# A sum of whole numbers, on both engines a bigint. #}
{% macro total(count) -%}
    cast(sum({{ count }}) as bigint)
{%- endmacro %}

{% macro how_many(condition) -%}
    count(case when {{ condition }} then 1 end)
{%- endmacro %}

{# What `count` is above `limit`, 0 if it is not; NULL where it is not known. #}
{% macro beyond(count, limit) -%}
    case when {{ count }} is not null then greatest({{ count }} - coalesce({{ limit }}, 0), 0) end
{%- endmacro %}
