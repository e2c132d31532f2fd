{# A bill of type 0131 is one of type 131; its first two digits say where and how, the third which bill of the stay it is. #}
select
    person_id, claim_id, case when substr(type_of_bill, 1, 1) = '0' then substr(type_of_bill, 2) else type_of_bill end as type_of_bill,
    status, use, outcome, frequency, replaces_claim_id, chart_review, procedure_code, modifiers, service_date
from (
    {{ staged('service_lines', {
        'person_id': 'text', 'claim_id': 'text', 'type_of_bill': 'code', 'status': 'text', 'use': 'text', 'outcome': 'text', 'frequency': 'code',
        'replaces_claim_id': 'text', 'chart_review': 'text', 'procedure_code': 'procedure', 'modifiers': 'text', 'service_date': 'day'
    }) }}
) as given
where person_id is not null and claim_id is not null
