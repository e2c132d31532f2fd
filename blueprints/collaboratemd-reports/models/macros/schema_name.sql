{#
    Production's target has the schema `analytics`: there each model is in the schema that its
    folder names, or else in `analytics`. With any other target nothing of production is
    touched: `dev_anna` has `dev_anna`, `dev_anna_staging` and so on.
#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- if custom_schema_name is none or custom_schema_name | trim == target.schema -%} {{ target.schema }}
    {%- elif target.schema == 'analytics' -%} {{ custom_schema_name | trim }}
    {%- else -%} {{ target.schema }}_{{ custom_schema_name | trim }} {%- endif -%}
{%- endmacro %}
