{{ staged('hcc_opportunities', {
    'person_id': 'text', 'model': 'model', 'payment_year': 'year', 'hcc': 'hcc', 'reason': 'text',
    'found_on': 'day',
}) }}
