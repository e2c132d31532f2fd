{# Rows of one account that share an id and differ otherwise. All are kept, and counted in every total; somebody should look. #}
{% test one_content_for_each_id(model, id) %}
{{ config(severity='warn') }}
select customer_account, {{ id }}, count(*) as contents
from {{ model }}
where {{ id }} is not null
group by customer_account, {{ id }}
having count(*) > 1
{% endtest %}
