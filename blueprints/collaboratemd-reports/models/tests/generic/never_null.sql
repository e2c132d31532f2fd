{# Several columns in one pass over the model. #}
{% test never_null(model, columns) %}
select {{ columns | join(', ') }}
from {{ model }}
where {% for name in columns %}{{ name }} is null{{ ' or ' if not loop.last }}{% endfor %}
{% endtest %}
