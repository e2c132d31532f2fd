-- What became of the categories that somebody thinks a person has. Grain: a person and category.
-- Reads: current_scores, thought (person_id, hcc, reason, found_on), categories, hierarchies, worths.
with here as (
    select cast(person_id as varchar) as person_id, segment, hcc_list_before
    from current_scores
),
wanted as (
    select person_id, hcc, min(reason) as reason, min(found_on) as found_on, count(*) as times
    from thought
    group by person_id, hcc
)
select
    wanted.person_id,
    wanted.hcc,
    categories.label,
    wanted.reason,
    wanted.found_on,
    wanted.times,
    case
        when categories.hcc is null then 'unknown-hcc'
        when here.person_id is null then 'unknown-person'
        when list_contains(here.hcc_list_before, wanted.hcc) then 'captured'
        when above.covered_by is not null then 'covered'
        else 'open'
    end as status,
    case when status = 'covered' then above.covered_by end as covered_by,
    -- a segment that pays for no disease has no coefficient: there it would add nothing
    case when status = 'open' and here.segment is not null then coalesce(worths.coefficient, 0) end as open_coefficient
from wanted
left join categories using (hcc)
left join here using (person_id)
left join (
    select here.person_id, hierarchies.child_hcc as hcc, min(hierarchies.hcc) as covered_by
    from (select person_id, unnest(hcc_list_before) as hcc from here) as here
    join hierarchies using (hcc)
    group by all
) as above on above.person_id = wanted.person_id and above.hcc = wanted.hcc
left join worths on worths.segment = here.segment and worths.hcc = wanted.hcc
order by wanted.person_id, try_cast(wanted.hcc as integer)
