{{ staged('participants', {
    'person_id': 'text', 'birth_date': 'day', 'age': 'number', 'sex': 'sex',
    'dual_elgbl_cd': 'dual', 'orec': 'code', 'crec': 'code', 'new_enrollee': 'truth',
    'snp': 'truth', 'lti': 'truth', 'low_income': 'truth', 'graft_months': 'count',
}) }}
