select *
from (
    {{ staged('participant_diagnosis_codes', {
        'person_id': 'text', 'diagnosis_code': 'diagnosis', 'service_date': 'day',
    }) }}
) as given
where person_id is not null and diagnosis_code is not null
