{#
    Rows of one account that share an id, or all columns of one, and differ otherwise. All are
    kept, and counted in every total; somebody should look. Where a part of the id is missing,
    the row has none.
#}
{% test one_content_for_each_id(model, id) %}
{{ config(severity='warn') }}
{%- set ids = [id] if id is string else id %}
select customer_account, {{ ids | join(', ') }}, count(*) as contents
from {{ model }}
where {{ ids | join(' is not null and ') }} is not null
group by customer_account, {{ ids | join(', ') }}
having count(*) > 1
{% endtest %}
