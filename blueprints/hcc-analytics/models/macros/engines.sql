{#
    Everything in which the engines differ; the scoring statement itself is written for each of
    them by `careloom risk emit`.
#}
{% macro engine() -%}
    {{ return(var('render_for', none) or target.type) }}
{%- endmacro %}

{#
    The statement of a model and year over two relations: `people` (typed and named as
    `stg_participants`, with the age of the year) and `diagnoses` (person_id, diagnosis_code).
#}
{% macro hcc_scores(model, payment_year, people, diagnoses) -%}
    {%- if var('render_for', none) -%}
        {{ return(context[var('render_for') ~ '__hcc_scores'](model, payment_year, people, diagnoses)) }}
    {%- else -%}
        {{ return(adapter.dispatch('hcc_scores')(model, payment_year, people, diagnoses)) }}
    {%- endif -%}
{%- endmacro %}

{#
    A number, such as a score or a factor, as a whole number of the parts that `parts` of make
    one.
#}
{% macro scaled(number, parts) -%}
    cast(round(cast({{ number }} as {{ double_type() }}) * {{ parts }}) as {{ whole_type() }})
{%- endmacro %}

{# The nearest whole number to a quotient of whole numbers, half up; none of them is negative. #}
{% macro whole_quotient(left, right) -%}
    {%- set twice = '(2 * (' ~ left ~ ') + (' ~ right ~ '))' -%}
    {%- set divisor = '(2 * (' ~ right ~ '))' -%}
    {%- if engine() == 'duckdb' -%} ({{ twice }} // {{ divisor }})
    {%- elif engine() == 'bigquery' -%} div({{ twice }}, {{ divisor }})
    {%- elif engine() == 'spark' -%} ({{ twice }} div {{ divisor }})
    {%- else -%} ({{ twice }} / {{ divisor }}) {%- endif -%}
{%- endmacro %}

{# A whole number of thousandths as a double. #}
{% macro thousandths(whole) -%} cast({{ whole }} as {{ double_type() }}) / 1000.0 {%- endmacro %}

{#
    CMS's two steps from a raw score to a payment score, each rounded to three decimals, half
    up; whole thousandths.
#}
{% macro normalized_score(raw, normalization) -%}
    {{ whole_quotient(scaled(raw, 1000) ~ ' * 1000000000', scaled(normalization, 1000000000)) }}
{%- endmacro %}
{% macro payment_score(normalized, coding_intensity) -%}
    ({{ whole_quotient(normalized ~ ' * ' ~ scaled('(1.0 - ' ~ coding_intensity ~ ')', 1000000000), '1000000000') }}
    + {{ scaled(var('frailty'), 1000) }})
{%- endmacro %}

{% macro text_type() -%} {{ 'string' if engine() in ('bigquery', 'spark') else 'text' }} {%- endmacro %}
{% macro whole_type() -%} {{ 'int64' if engine() == 'bigquery' else 'bigint' }} {%- endmacro %}
{% macro double_type() -%} {{ {'bigquery': 'float64', 'postgres': 'double precision'}.get(engine(), 'double') }} {%- endmacro %}
{% macro truth_type() -%} {{ 'bool' if engine() == 'bigquery' else 'boolean' }} {%- endmacro %}

{#
    Each row once for every item of its list of texts; a row with an empty list, or none, is not
    there.
#}
{% macro exploded(relation, columns, list, name) -%}
    {%- if engine() == 'bigquery' -%}
    select {{ columns | join(', ') }}, {{ name }} from {{ relation }} cross join unnest({{ list }}) as {{ name }}
    {%- elif engine() == 'spark' -%}
    select {{ columns | join(', ') }}, explode({{ list }}) as {{ name }} from {{ relation }}
    {%- else -%}
    select {{ columns | join(', ') }}, unnest({{ list }}) as {{ name }} from {{ relation }}
    {%- endif -%}
{%- endmacro %}

{% macro without(expression, pattern) -%}
    regexp_replace({{ expression }}, '{{ pattern }}', ''{{ ", 'g'" if engine() in ('postgres', 'duckdb') }})
{%- endmacro %}

{# Whether a list of texts has the item; false where there is no list. #}
{% macro is_in(item, list) -%}
    {%- if engine() == 'duckdb' -%} coalesce(list_contains({{ list }}, {{ item }}), false)
    {%- elif engine() == 'bigquery' -%} coalesce({{ item }} in unnest({{ list }}), false)
    {%- elif engine() == 'spark' -%} coalesce(array_contains({{ list }}, {{ item }}), false)
    {%- else -%} coalesce({{ item }} = any({{ list }}), false) {%- endif -%}
{%- endmacro %}
