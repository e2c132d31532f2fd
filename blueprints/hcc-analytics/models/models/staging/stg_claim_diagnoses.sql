select *
from (
    {{ staged('claim_diagnoses', {
        'person_id': 'text', 'claim_id': 'text', 'diagnosis_code': 'diagnosis', 'kind': 'text',
    }) }}
) as given
where person_id is not null and claim_id is not null and diagnosis_code is not null
