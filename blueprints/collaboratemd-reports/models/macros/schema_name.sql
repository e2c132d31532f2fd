{# Models are in `analytics`, whatever schema a profile names. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or 'analytics') | trim }}
{%- endmacro %}
