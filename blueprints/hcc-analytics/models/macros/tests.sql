{# At most one row for each combination of the columns. #}
{% test one_row_for_each(model, columns) %}
select {{ columns | join(', ') }}, count(*) as times
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}

{#
    A model that shows each row of another once: for each combination of the columns both have
    as many. For models whose rows no combination of columns must tell apart; NULL is a value
    like others here.
#}
{% test same_grain_as(model, of, columns) %}
select {{ columns | join(', ') }}, sum(here) as rows_here, sum(there) as rows_there
from (
    select {{ columns | join(', ') }}, 1 as here, 0 as there
    from {{ model }}
    union all
    select {{ columns | join(', ') }}, 0 as here, 1 as there
    from {{ of }}
) as both_sides
group by {{ columns | join(', ') }}
having sum(here) <> sum(there)
{% endtest %}

{% test no_rows(model) %}
select * from {{ model }}
{% endtest %}
