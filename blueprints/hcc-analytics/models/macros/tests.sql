{# At most one row for each combination of the columns. #}
{% test one_row_for_each(model, columns) %}
select {{ columns | join(', ') }}, count(*) as times
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}

{% test no_rows(model) %}
select * from {{ model }}
{% endtest %}
