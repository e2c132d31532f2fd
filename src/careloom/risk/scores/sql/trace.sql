-- How every score of one part of the people came about: the steps' numbers, sorted.
-- Reads: scored (with kind and part), marked (steps of diagnoses) and the hcc_trace_ tables.
with batch as (
    select * from scored
    where part = $part
),
lonely as (
    select batch.person_id, lone.category
    from batch
    join hcc_trace_lone as lone
        on list_contains(batch.hcc_list_before, lone.category)
        and not list_has_any(batch.hcc_list_before, lone.beside)
),
missed as (
    select person_id, unnest(hcc_list_before) as hcc, hcc_list, hcc_list_before
    from batch
    where len(hcc_list_before) > len(hcc_list)
),
dropped as (
    select missed.person_id, missed.hcc, pairs.step
    from missed
    join hcc_trace_pairs as pairs
        on pairs.child = missed.hcc and list_contains(missed.hcc_list_before, pairs.parent)
    anti join lonely on lonely.person_id = missed.person_id and lonely.category = pairs.parent
    where not list_contains(missed.hcc_list, missed.hcc)
),
stepped as (
    select person_id, step from marked
    where part = $part
    union all
    select person_id, step from dropped
    union all
    select missed.person_id, unused.step
    from missed
    join hcc_trace_unused as unused using (hcc)
    anti join dropped on dropped.person_id = missed.person_id and dropped.hcc = missed.hcc
    where not list_contains(missed.hcc_list, missed.hcc)
    union all
    select found.person_id, worth.step
    from (select person_id, segment, unnest(hcc_list) as found from batch) as found
    join hcc_trace_worth as worth using (segment, found)
    union all
    select found.person_id, worth.step
    from (select person_id, segment, unnest(interactions) as found from batch) as found
    join hcc_trace_worth as worth using (segment, found)
),
listed as (
    select person_id, list(distinct step) as steps
    from stepped
    group by person_id
)
select
    batch.* exclude (kind, part),
    list_sort(list_concat(listed.steps, terms.steps)) as trace
from batch
left join listed using (person_id)
left join hcc_trace_terms as terms using (kind)
