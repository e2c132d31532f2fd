{#
    What the scoring statement looks up, made of the seeds that `careloom risk emit` writes.
    Plain SQL, the same on every engine.
#}

{# 0 to 511: every set of nine categories. #}
{% macro states_of_a_chunk() -%}
    select a.n + b.n + c.n as state
    from ({% for n in range(8) %}select {{ n }} as n{{ ' union all ' if not loop.last }}{% endfor %}) as a
    cross join ({% for n in range(8) %}select {{ n * 8 }} as n{{ ' union all ' if not loop.last }}{% endfor %}) as b
    cross join ({% for n in range(8) %}select {{ n * 64 }} as n{{ ' union all ' if not loop.last }}{% endfor %}) as c
{%- endmacro %}

{% macro of_edition(seed, model, payment_year) -%}
    (select * from {{ ref(seed) }} where model = '{{ model }}' and payment_year = {{ payment_year }})
{%- endmacro %}

{# `state` is the segment's number times 512 plus the set of categories. #}
{% macro hcc_states(model, payment_year) -%}
with sets as (
    {{ states_of_a_chunk() }}
)

select
    c.chunk,
    cast(c.segment * 512 + s.state as {{ whole_type() }}) as state,
    cast(sum(case when (s.state & c.place) <> 0 then c.sums else 0 end) as {{ whole_type() }}) as sums,
    cast(bit_or(case when (s.state & c.place) <> 0 then c.flags else 0 end) as {{ whole_type() }}) as flags
from {{ of_edition('hcc_coefficients', model, payment_year) }} as c
cross join sets as s
group by c.chunk, c.segment, s.state
{%- endmacro %}

{% macro hcc_hierarchy(model, payment_year, words) -%}
with sets as (
    {{ states_of_a_chunk() }}
)

select
    c.chunk,
    cast(s.state as {{ whole_type() }}) as state
    {%- for word in range(words) %},
    cast(bit_or(case when (s.state & c.place) <> 0 then c.d{{ word }} else 0 end) as {{ whole_type() }}) as d{{ word }}
    {%- endfor %}
from {{ of_edition('hcc_categories', model, payment_year) }} as c
cross join sets as s
group by c.chunk, s.state
{%- endmacro %}

{# Each category is followed by a comma. #}
{% macro hcc_names(model, payment_year) -%}
with sets as (
    {{ states_of_a_chunk() }}
)

select
    c.chunk,
    cast(s.state as {{ whole_type() }}) as state,
    concat(
        {%- for bit in range(9) %}
        max(case when c.place = {{ 2 ** bit }} and (s.state & {{ 2 ** bit }}) <> 0 then concat(c.hcc, ',') else '' end){{ ',' if not loop.last }}
        {%- endfor %}
    ) as names
from {{ of_edition('hcc_categories', model, payment_year) }} as c
cross join sets as s
group by c.chunk, s.state
{%- endmacro %}

{% macro hcc_cells(model, payment_year, kinds) -%}
select k.kind, d.segment, d.segment_name, d.demographics, d.besides, d.bare, d.flags, d.held
from {{ kinds }} as k
join {{ of_edition('hcc_demographics', model, payment_year) }} as d on d.cell = k.cell
{%- endmacro %}

{# A file cannot say whether a text is empty or not there. #}
{% macro hcc_counts(payment_counts) -%}
select place, worth, coalesce(name, '') as name from {{ payment_counts }}
{%- endmacro %}

{% macro hcc_edition_scores(model, payment_year) -%}
select cast({{ payment_year }} as {{ whole_type() }}) as payment_year, s.*
from (
    {{ hcc_scores(model, payment_year, people_of(payment_year), diagnoses_of(payment_year)) }}
) as s
{%- endmacro %}

{# CMS counts the age on 1 February of the payment year; a given age is taken as it is. #}
{% macro age_in(payment_year, birth_date, age) -%}
    coalesce(
        {{ age }},
        cast(
            {{ payment_year }} - extract(year from {{ birth_date }})
            - case when extract(month from {{ birth_date }}) * 100 + extract(day from {{ birth_date }}) > 201 then 1 else 0 end
            as {{ double_type() }}
        )
    )
{%- endmacro %}

{% macro people_of(payment_year) -%}
(
    select
        person_id, {{ age_in(payment_year, 'birth_date', 'age') }} as age, sex, dual_elgbl_cd, orec, crec, new_enrollee, snp, lti,
        low_income, graft_months
    from {{ ref('stg_participants') }}
)
{%- endmacro %}

{#
    The diagnoses that a payment year counts: those of the year before it, and those without a
    day.
#}
{% macro diagnoses_of(payment_year) -%}
(
    select person_id, diagnosis_code, service_date
    from {{ ref('int_diagnoses') }}
    where service_date is null or (service_date >= date '{{ payment_year - 1 }}-01-01' and service_date < date '{{ payment_year }}-01-01')
)
{%- endmacro %}

{# `look_back` years before the one that counts; a diagnosis without a day is none of them. #}
{% macro former_diagnoses_of(payment_year) -%}
(
    select person_id, diagnosis_code
    from {{ ref('int_diagnoses') }}
    where service_date >= date '{{ payment_year - 1 - var('look_back') }}-01-01' and service_date < date '{{ payment_year - 1 }}-01-01'
)
{%- endmacro %}

{# What the former years' diagnoses, all of them together, would count for in the payment year. #}
{% macro hcc_edition_former(model, payment_year) -%}
{%- set former = former_diagnoses_of(payment_year) -%}
{%- set people = '(select * from ' ~ people_of(payment_year) ~ ' as p where p.person_id in (select person_id from ' ~ former ~ ' as f))' -%}
select cast({{ payment_year }} as {{ whole_type() }}) as payment_year, s.person_id, s.model, s.hcc_list
from (
    {{ hcc_scores(model, payment_year, people, former) }}
) as s
{%- endmacro %}

{#
    What a code is: `applies` is always, or only `unless` or `if` the person's sex is `sex`, or
    the age at most `age_max` or at least `age_min`.
#}
{% macro hcc_code_categories(model, payment_year, words, codes, edits) -%}
{{ _code_categories(model, payment_year, words, codes, 'w', 'always') }}
{%- if edits is not none %}
union all
{{ _code_categories(model, payment_year, words, edits, 'w', 'unless') }}
union all
{{ _code_categories(model, payment_year, words, edits, 'o', 'if') }}
{%- endif %}
{%- endmacro %}

{% macro _code_categories(model, payment_year, words, codes, letter, applies) -%}
{%- set edited = applies != 'always' -%}
select
    k.model,
    k.payment_year,
    c.code as diagnosis_code,
    k.hcc,
    '{{ applies }}' as applies,
    {{ 'c.sex' if edited else 'cast(null as ' ~ text_type() ~ ')' }} as sex,
    {{ 'c.age_min' if edited else 'cast(null as ' ~ whole_type() ~ ')' }} as age_min,
    {{ 'c.age_max' if edited else 'cast(null as ' ~ whole_type() ~ ')' }} as age_max
from {{ codes }} as c
join {{ of_edition('hcc_categories', model, payment_year) }} as k
    on (
        {%- for word in range(words) %}
        (k.word = {{ word }} and (c.{{ letter }}{{ word }} & k.mask) <> 0){{ ' or' if not loop.last }}
        {%- endfor %}
    )
{%- if not edited %}
where not c.edited
{%- endif %}
{%- endmacro %}

{# Whether the person of `participants` is one whom the edit of `code_categories` is about. #}
{% macro edit_fires(payment_year) -%}
    {%- set age = 'floor(' ~ age_in(payment_year, 'participants.birth_date', 'participants.age') ~ ')' -%}
    case
        when code_categories.sex is not null then coalesce(code_categories.sex = case
            when participants.sex in ('M', '1') then '1'
            when participants.sex in ('F', '2') then '2'
        end, false)
        else coalesce({{ age }} >= code_categories.age_min, false)
            or coalesce({{ age }} <= code_categories.age_max, false)
    end
{%- endmacro %}
