{#
    A column has the type that its first file gave it: an amount may be numeric, or text because
    of one broken cell. These read both, on PostgreSQL and DuckDB, and give NULL for what they
    cannot read instead of failing; `unparsed_values` counts those. `type` is the column's type
    in the database where it is known, so that typed columns cost nothing.
#}
{% macro as_text(column) -%}
    nullif(trim(cast({{ column }} as text)), '')
{%- endmacro %}

{#
    What stands around a value, and between its sign and its digits, in files that spreadsheets
    wrote: spaces, tabs, no-break spaces.
#}
{% macro bare(column) -%}
    trim(cast({{ column }} as text), '{{ ' \t\u00a0' }}')
{%- endmacro %}

{#
    The forms of numbers and days are those that careloom itself reads where it finds a column's
    type, no more and no less, but for the time of day behind a day. A test holds both against
    each other, value by value. No leading zeros: such a thing is a name, no amount.
#}
{% macro whole_form() -%} (0|[1-9][0-9]{0,12}|[1-9][0-9]{0,2}(,[0-9]{3}){1,3}|[1-9](,[0-9]{3}){4}) {%- endmacro %}

{#
    `$1,234.50`, `(12.00)`, `-5`, `$ 7`, `+3`, `5.`, `7-`, `7 CR` (less than nothing), `7 DR`,
    `12.5%`; below ten million million, to four places. What PostgreSQL has as a number is taken
    as it is.
#}
{% macro money(column, type='text') -%}
    {%- if family(type) in ('numeric', 'whole') and target.type == 'duckdb' -%}
    case when abs({{ column }}) < 10000000000000 then cast({{ column }} as decimal(18, 4)) end
    {%- elif family(type) in ('numeric', 'whole') -%} cast({{ column }} as numeric)
    {%- else -%}
    {%- set text = bare(column) -%}
    {%- set gap = '[ \u00a0]?' -%}
    {%- set amount = '(' ~ whole_form() ~ '([.][0-9]{0,12})?|[.][0-9]{1,12})' -%}
    {%- set forms = [
        '[-+]?([$]' ~ gap ~ ')?' ~ amount, '[$]' ~ gap ~ '[-+]' ~ amount, '[(]([$]' ~ gap ~ ')?' ~ amount ~ '[)]', '[$][(]' ~ amount ~ '[)]',
        '([$]' ~ gap ~ ')?' ~ amount ~ gap ~ '(-|[Cc][Rr]|[Dd][Rr])', '-?' ~ amount ~ ' ?%', '[(]' ~ amount ~ ' ?%[)]',
    ] -%}
    case when {{ is_like(text, forms | join('|')) }} then
        {%- set digits = "(case when " ~ text ~ " like '%(%' or " ~ text ~ " like '%-%' or upper(" ~ text ~ ") like '%CR' then '-' else '' end)"
            ~ " || regexp_replace(" ~ text ~ ", '[^0-9.]', '', 'g')" %}
        {% if target.type == 'duckdb' %}cast({{ digits }} as decimal(18, 4)){% else %}round(cast({{ digits }} as numeric), 4){% endif %}
    end
    {%- endif -%}
{%- endmacro %}

{# Whole numbers, `1,234`, `+3` and `3.0` too. #}
{% macro count_of(column, type='text') -%}
    {%- if family(type) == 'whole' -%} cast({{ column }} as bigint)
    {%- elif family(type) == 'numeric' -%}
    case when abs({{ column }}) < 10000000000000 and {{ column }} = floor({{ column }}) then cast({{ column }} as bigint) end
    {%- else -%}
    {%- set text = bare(column) -%}
    case when {{ is_like(text, '[-+]?' ~ whole_form() ~ '([.]0*)?') }} then
        cast(regexp_replace(split_part({{ text }}, '.', 1), '[^0-9-]', '', 'g') as bigint)
    end
    {%- endif -%}
{%- endmacro %}

{#
    `1/5/2026`, `01/05/26` (1969 to 2068, but nobody's birth) and `2026-01-05`, with or without
    a time of day after it, of which the day is taken; a day that there is not (02/30) is NULL.
#}
{% macro as_date(column, type='text') -%}
    {%- if family(type) == 'date' -%} cast({{ column }} as date)
    {%- else -%}
    {%- set text = bare(column) -%}
    {%- set births = modules.re.search('(^|[^a-z0-9])(dob|birth[a-z0-9]*|born)([^a-z0-9]|$)', column) -%}
    {%- set years = '[0-9]{4}' if births else '([0-9]{4}|[0-9]{2})' -%}
    {%- set time = '[ T][0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?[ \u00a0]?([AaPp][Mm])?(Z|[-+][0-9]{2}:?[0-9]{2})?' -%}
    {%- set shape = '([0-9]{1,2}/[0-9]{1,2}/' ~ years ~ '|[0-9]{4}-[0-9]{2}-[0-9]{2})(' ~ time ~ ')?' -%}
    {%- set day = "regexp_replace(regexp_replace(" ~ text ~ ", '[ T].*$', ''), '^([0-9]+)/([0-9]+)/([0-9]+)$', '\\3-\\1-\\2')" -%}
    {%- set year = "split_part(" ~ day ~ ", '-', 1)" -%}
    {%- set century = "case when length(" ~ year ~ ") > 2 then '' when " ~ year ~ " >= '69' then '19' else '20' end" -%}
    {%- if target.type == 'duckdb' -%}
    case when {{ is_like(text, shape) }} and {{ year }} <> '0000' then try_cast({{ century }} || {{ day }} as date) end
    {%- else -%}
    {%- set part = namespace(year="cast((" ~ century ~ ") || " ~ year ~ " as integer)",
        month="cast(split_part(" ~ day ~ ", '-', 2) as integer)", day="cast(split_part(" ~ day ~ ", '-', 3) as integer)") -%}
    case
        when {{ is_like(text, shape) }} is not true or {{ year }} = '0000' then null
        when {{ part.month }} not between 1 and 12 or {{ part.day }} < 1 then null
        when {{ part.day }} <= extract(day from make_date({{ part.year }}, {{ part.month }}, 1) + interval '1 month' - interval '1 day')
            then make_date({{ part.year }}, {{ part.month }}, {{ part.day }})
    end
    {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{% macro is_yes(column) -%}
    coalesce(upper({{ column }}) in ('Y', 'YES', 'T', 'TRUE', '1', 'X'), false)
{%- endmacro %}

{% macro is_like(expression, pattern) -%}
    {%- if target.type == 'duckdb' -%} regexp_full_match({{ expression }}, '{{ pattern }}')
    {%- else -%} {{ expression }} ~ '^(?:{{ pattern }})$' {%- endif -%}
{%- endmacro %}

{# What kind of thing a database's type holds: whole, numeric, date or text. #}
{% macro family(type) -%}
    {%- set word = (type | lower).split('(')[0].split(' ')[0] -%}
    {%- if word in ('bigint', 'integer', 'smallint', 'int') -%} whole
    {%- elif word in ('numeric', 'decimal', 'double', 'real', 'float', 'hugeint') -%} numeric
    {%- elif word in ('date', 'timestamp') -%} date
    {%- else -%} text {%- endif -%}
{%- endmacro %}

{% macro read_as(kind, column, type='text') -%}
    {%- if kind in ('money', 'number') -%} {{ money(column, type) }}
    {%- elif kind == 'count' -%} {{ count_of(column, type) }}
    {%- elif kind == 'date' -%} {{ as_date(column, type) }}
    {%- else -%} {{ as_text(column) }} {%- endif -%}
{%- endmacro %}

{% macro type_of(kind) -%}
    {%- set amount = 'decimal(18, 4)' if target.type == 'duckdb' else 'numeric' -%}
    {{ {'money': amount, 'number': amount, 'count': 'bigint', 'date': 'date'}.get(kind, 'text') }}
{%- endmacro %}
