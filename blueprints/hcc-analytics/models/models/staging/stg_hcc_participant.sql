{{ staged('hcc_participant', {
    'person_id': 'text', 'model': 'model', 'payment_year': 'year', 'payment_month': 'day',
    'hcc': 'hcc', 'risk_score': 'number',
}) }}
