{# These read whatever a source wrote and give NULL for what cannot be read, instead of failing. #}
{% macro as_text(column) -%}
    nullif({{ without_blanks_around('cast(' ~ column ~ ' as ' ~ text_type() ~ ')') }}, '')
{%- endmacro %}

{#
    Every blank that stands in exported codes, some of them unseen: engines' own trim know only
    some, and not the same.
#}
{% macro blanks() -%} {{ return(' \u00a0\u2002\u2003\u2007\u2009\u202f\u3000\u200b\u200c\u200d\u2060\ufeff\t\r\n') }} {%- endmacro %}
{% macro unseen() -%} {{ return('\u200b\u200c\u200d\u2060\ufeff') }} {%- endmacro %}
{% macro blanks_written() -%}
    {%- set written = blanks() | replace('\t', '\\t') | replace('\r', '\\r') | replace('\n', '\\n') -%}
    {{ return(("E'" if engine() == 'postgres' else "'") ~ (blanks() if engine() == 'duckdb' else written) ~ "'") }}
{%- endmacro %}

{% macro without_blanks_around(text) -%}
    {%- if engine() == 'spark' -%} trim(both {{ blanks_written() }} from {{ text }})
    {%- else -%} trim({{ text }}, {{ blanks_written() }}) {%- endif -%}
{%- endmacro %}

{#
    A code of one or two digits that may have come as a number: 1, 1.0 and '01' differ only in
    writing.
#}
{% macro as_code(column) -%}
    {{ without(as_text(column), '[.]0*$') }}
{%- endmacro %}

{#
    A type of bill of three digits: 0131 is 131. The first two say where and how, the third
    which bill of the stay it is.
#}
{% macro as_bill(column) -%} {{ without(as_code(column), '^0') }} {%- endmacro %}

{% macro as_number(column) -%}
    {%- if engine() == 'duckdb' -%}
    case when isfinite(try_cast({{ as_text(column) }} as double)) then try_cast({{ as_text(column) }} as double) end
    {%- elif engine() == 'bigquery' -%}
    case
        when is_nan(safe_cast({{ as_text(column) }} as float64)) or is_inf(safe_cast({{ as_text(column) }} as float64)) then null
        else safe_cast({{ as_text(column) }} as float64)
    end
    {%- else -%}
    {%- set like = 'rlike' if engine() == 'spark' else '~' -%}
    case
        when {{ as_text(column) }} {{ like }} '^[-+]?([0-9]{1,15}([.][0-9]{0,15})?|[.][0-9]{1,15})$'
            then cast({{ as_text(column) }} as {{ double_type() }})
    end
    {%- endif -%}
{%- endmacro %}

{% macro as_truth(column) -%}
    case
        when lower({{ as_text(column) }}) in ('1', 'true', 't', 'yes', 'y', '1.0') then true
        when lower({{ as_text(column) }}) in ('0', 'false', 'f', 'no', 'n', '0.0') then false
    end
{%- endmacro %}

{# YYYY-MM-DD, whatever follows it; a day that there is not (02-30) is NULL. #}
{% macro as_day(column) -%}
    {%- set day = 'substr(' ~ as_text(column) ~ ', 1, 10)' -%}
    {%- if engine() == 'bigquery' -%} safe_cast({{ day }} as date)
    {%- elif engine() in ('duckdb', 'spark') -%} try_cast({{ day }} as date)
    {%- else -%}
    {%- set year = 'cast(substr(' ~ day ~ ', 1, 4) as integer)' -%}
    {%- set month = 'cast(substr(' ~ day ~ ', 6, 2) as integer)' -%}
    {%- set number = 'cast(substr(' ~ day ~ ', 9, 2) as integer)' -%}
    case
        when {{ day }} !~ '^[1-9][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$' then null
        when {{ number }} <= extract(day from make_date({{ year }}, {{ month }}, 1) + interval '1 month' - interval '1 day')
            then make_date({{ year }}, {{ month }}, {{ number }})
    end
    {%- endif -%}
{%- endmacro %}

{#
    A diagnosis or procedure code as it is compared: without dots and blanks around it, in
    capitals.
#}
{% macro as_clean_code(column) -%}
    {%- set text = "replace(translate(cast(" ~ column ~ " as " ~ text_type() ~ "), '" ~ unseen() ~ "', ''), '.', '')" -%}
    nullif(upper({{ without_blanks_around(text) }}), '')
{%- endmacro %}

{% macro as_diagnosis(column) -%} {{ as_clean_code(column) }} {%- endmacro %}

{# A CPT or HCPCS code; 99213.0 is one that came as a number, and so is 100 for 00100. #}
{% macro as_procedure(column) -%}
    {%- set code = as_clean_code(without(as_text(column), '[.]0*$')) -%}
    case when length({{ code }}) < 5 then lpad({{ code }}, 5, '0') else {{ code }} end
{%- endmacro %}

{#
    HCC 037, hcc37, 37 and 37.0, as data frames write it, are one category: its number, as text.
    What is none of them stays as it is.
#}
{% macro as_hcc(column) -%}
    nullif({{ without(without(as_text(column), '[.]0*$'), '^[^0-9]*0*') }}, '')
{%- endmacro %}

{#
    `CMS-HCC Model V28`, `hcc_v28` and `V28` are one model; one that is not named is the
    project's.
#}
{% macro as_model(column) -%}
    coalesce(
        nullif(regexp_replace(upper({{ as_text(column) }}), '^(CMS[ _-]?)?(HCC[ _-]?)?(MODEL[ _-]?)?', ''), ''),
        '{{ var("default_model") }}'
    )
{%- endmacro %}

{% macro as_year(column) -%}
    coalesce(cast({{ as_number(column) }} as {{ whole_type() }}), {{ var('default_payment_year') }})
{%- endmacro %}

{% macro typed(column, kind) -%}
    {%- if kind == 'number' -%} {{ as_number(column) }}
    {%- elif kind == 'count' -%} cast(floor({{ as_number(column) }}) as {{ whole_type() }})
    {%- elif kind == 'truth' -%} {{ as_truth(column) }}
    {%- elif kind == 'day' -%} {{ as_day(column) }}
    {%- elif kind == 'sex' -%}
    case
        when upper({{ as_code(column) }}) in ('M', '1', 'MALE', 'MAN') then 'M'
        when upper({{ as_code(column) }}) in ('F', '2', 'FEMALE', 'WOMAN') then 'F'
    end
    {%- elif kind == 'code' -%} {{ as_code(column) }}
    {%- elif kind == 'dual' -%}
    case when length({{ as_code(column) }}) = 1 then concat('0', {{ as_code(column) }}) else {{ as_code(column) }} end
    {%- elif kind == 'diagnosis' -%} {{ as_diagnosis(column) }}
    {%- elif kind == 'bill' -%} {{ as_bill(column) }}
    {%- elif kind == 'procedure' -%} {{ as_procedure(column) }}
    {%- elif kind == 'hcc' -%} {{ as_hcc(column) }}
    {%- elif kind == 'model' -%} {{ as_model(column) }}
    {%- elif kind == 'year' -%} {{ as_year(column) }}
    {%- else -%} {{ as_text(column) }} {%- endif -%}
{%- endmacro %}
