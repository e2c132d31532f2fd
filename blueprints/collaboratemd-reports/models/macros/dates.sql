{# Today in the project's zone, each time a view is read; a fixed day where `as_of` is set. #}
{% macro as_of() -%}
    {%- if var('as_of', none) -%} cast('{{ var("as_of") }}' as date)
    {%- else -%} cast(current_timestamp at time zone '{{ var("timezone") }}' as date) {%- endif -%}
{%- endmacro %}

{# The day of a moment in the project's zone. #}
{% macro day_of(moment) -%}
    cast({{ moment }} at time zone '{{ var("timezone") }}' as date)
{%- endmacro %}

{# Whole days from `first` to `last`, on both engines a bigint. #}
{% macro days_between(first, last) -%}
    cast({{ last }} - {{ first }} as bigint)
{%- endmacro %}

{% macro start_of(part, day) -%}
    cast(date_trunc('{{ part }}', {{ day }}) as date)
{%- endmacro %}

{# `0-5 days`, `6-10 days`, … `121+ days`, `unknown`, in the order of their numbers. #}
{% macro aging_bucket_names() -%}
    {%- set found = namespace(names=[], first=0) -%}
    {%- for last in var('aging_buckets') -%}
        {%- do found.names.append(found.first ~ '-' ~ last ~ ' days') -%}
        {%- set found.first = last + 1 -%}
    {%- endfor -%}
    {{ return(found.names + [found.first ~ '+ days', 'unknown']) }}
{%- endmacro %}

{# A day that is still to come counts as day 0. #}
{% macro aging_bucket_order(days) -%}
    case
        when {{ days }} is null then {{ var('aging_buckets') | length + 2 }}
    {%- for last in var('aging_buckets') %}
        when {{ days }} <= {{ last }} then {{ loop.index }}
    {%- endfor %}
        else {{ var('aging_buckets') | length + 1 }}
    end
{%- endmacro %}

{% macro aging_bucket(order) -%}
    case {{ order }}
    {%- for name in aging_bucket_names() %}
        when {{ loop.index }} then '{{ name }}'
    {%- endfor %}
    end
{%- endmacro %}
