select *
from (
    {{ staged('service_lines', {
        'person_id': 'text', 'claim_id': 'text', 'type_of_bill': 'bill', 'status': 'text',
        'use': 'text', 'outcome': 'text', 'frequency': 'code', 'replaces_claim_id': 'text',
        'chart_review': 'text', 'procedure_code': 'procedure', 'modifiers': 'text',
        'service_date': 'day',
    }) }}
) as given
where person_id is not null and claim_id is not null
