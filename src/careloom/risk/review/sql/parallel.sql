-- Each person's score and categories here beside another system's. Grain: a person and category that only one side has, and one
-- row without a category for every person: `equal`, or why not.
-- Reads: current_scores, compat_scores, paid_members (person_id, risk_score), reconciled; score_compared.
with here as (
    select cast(person_id as varchar) as person_id, held, score_compared as score, segment from current_scores
),
as_the_library as (select cast(person_id as varchar) as person_id, score_compared as score from compat_scores),
categories_apart as (
    select person_id, hcc, label, is_here, is_at_cms as is_there, reason, coefficient_at_stake
    from reconciled
    where hcc is not null and reason <> 'agrees'
),
persons as (
    select
        coalesce(here.person_id, there.person_id) as person_id,
        here.person_id is not null as is_here,
        there.person_id is not null as is_there,
        here.score as score_here,
        there.risk_score as score_there,
        case
            when here.person_id is null then 'person-not-here'
            when there.person_id is null then 'person-not-there'
            when here.score is null and there.risk_score is null and apart.person_id is null then 'equal'
            when here.held is not null then 'held-here'
            when here.score is null then 'no-score-here'
            when there.risk_score is null then 'no-score-there'
            when apart.person_id is not null then 'other-categories'
            when round(here.score - there.risk_score, 9) = 0 then 'equal'
            when as_the_library.score is not null and round(as_the_library.score - there.risk_score, 6) = 0 then 'score-as-compat'
            when round(here.score, 3) = round(there.risk_score, 3) or abs(here.score - there.risk_score) < 0.0015 then 'rounded-otherwise'
            else 'other-coefficients'
        end as reason
    from here
    full join paid_members as there on there.person_id = here.person_id
    left join (select distinct person_id from categories_apart) as apart
        on apart.person_id = coalesce(here.person_id, there.person_id)
    left join as_the_library on as_the_library.person_id = here.person_id
),
rows as (
    select
        person_id,
        null::varchar as hcc,
        null::varchar as label,
        is_here,
        is_there,
        reason,
        score_here,
        score_there,
        score_here - score_there as difference,
        null::decimal(9, 3) as coefficient_at_stake
    from persons
    union all by name
    select a.*, p.score_here, p.score_there, p.score_here - p.score_there as difference
    from categories_apart as a
    join persons as p using (person_id)
    where p.is_here and p.is_there
)
select * from rows order by person_id, try_cast(hcc as integer) nulls first
