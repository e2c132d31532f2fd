-- Chronic payment categories that former years found, and what this year's diagnoses say of them. Grain: a person and category.
-- Reads: current_scores, former_scores (traced), former_codes (person_id, code, service_date), categories, hierarchies, worths.
with steps as (
    select cast(person_id as varchar) as person_id, unnest(trace, recursive := true)
    from former_scores
),
former as (
    select cast(person_id as varchar) as person_id, unnest(hcc_list) as hcc
    from former_scores
),
coded as (
    select
        former.person_id,
        former.hcc,
        max(former_codes.service_date) as last_coded_on,
        count(distinct year(former_codes.service_date)) as years_coded
    from former
    join steps using (person_id, hcc)
    join former_codes on former_codes.person_id = steps.person_id and former_codes.code = steps.diagnosis_code
    where steps.step in ('diagnosis', 'edited')
    group by all
),
here as (
    select cast(person_id as varchar) as person_id, segment, hcc_list_before
    from current_scores
)
select
    coded.person_id,
    coded.hcc,
    categories.label,
    coded.last_coded_on,
    coded.years_coded,
    case
        when list_contains(here.hcc_list_before, coded.hcc) then 'recaptured'
        when above.covered_by is not null then 'covered'
        else 'open'
    end as status,
    case when status = 'covered' then above.covered_by end as covered_by,
    -- a segment that pays for no disease has no coefficient: there it would add nothing
    case when status = 'open' and here.segment is not null then coalesce(worths.coefficient, 0) end as open_coefficient
from coded
join categories on categories.hcc = coded.hcc and categories.is_chronic
join here using (person_id)
left join (
    select here.person_id, hierarchies.child_hcc as hcc, min(hierarchies.hcc) as covered_by
    from (select person_id, unnest(hcc_list_before) as hcc from here) as here
    join hierarchies using (hcc)
    group by all
) as above on above.person_id = coded.person_id and above.hcc = coded.hcc
left join worths on worths.segment = here.segment and worths.hcc = coded.hcc
order by coded.person_id, try_cast(coded.hcc as integer)
