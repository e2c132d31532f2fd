-- The evidence of candidates by its full names and levels, where earlier releases wrote two letters and one.

update candidate set verdicts = coalesce((
    select jsonb_object_agg(names.name, case when levels.level is null then evidence.value else to_jsonb(levels.level) end)
    from jsonb_each(candidate.verdicts) as evidence
    join (values
        ('vf', 'first_name'), ('vl', 'last_name'), ('vd', 'birth_date'), ('em', 'email'), ('ph', 'phone'), ('ad', 'address'),
        ('zp', 'zip'), ('sx', 'suffix_differs'), ('gx', 'sex_differs'), ('mx', 'middle_differs'), ('ma', 'middle_agrees')
    ) as names (letters, name) on names.letters = evidence.key
    left join (values ('A', 'agree'), ('N', 'near'), ('X', 'conflict'), ('?', 'unknown')) as levels (letter, level)
        on to_jsonb(levels.letter) = evidence.value
), '{}')
where verdicts ?| array['vf', 'vl', 'vd', 'em', 'ph', 'ad', 'zp', 'sx', 'gx', 'mx', 'ma'];
