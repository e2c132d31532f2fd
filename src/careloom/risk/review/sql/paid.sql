-- What CMS paid on against what is computed here. Grain: a person and category that either side has, and one row without a
-- category for a person whose score differs, or who is known to one side only.
-- Reads: current_scores, former_found (person_id, hcc), paid_members (person_id, risk_score), paid_hccs (person_id, hcc),
-- categories, hierarchies, worths; $tolerance.
with here as (
    select
        cast(person_id as varchar) as person_id,
        segment,
        hcc_list,
        hcc_list_before,
        held,
        score_compared as risk_score
    from current_scores
),
ours as (select person_id, unnest(hcc_list) as hcc from here),
found as (select person_id, unnest(hcc_list_before) as hcc from here),
relations as (
    select ours.person_id, ours.hcc, max(case when paid_hccs.hcc = hierarchies.hcc then 1 else 0 end) as is_higher
    from ours
    join hierarchies on hierarchies.hcc = ours.hcc or hierarchies.child_hcc = ours.hcc
    join paid_hccs
        on paid_hccs.person_id = ours.person_id
        and paid_hccs.hcc = case when hierarchies.hcc = ours.hcc then hierarchies.child_hcc else hierarchies.hcc end
    group by all
),
compared as (
    select
        coalesce(ours.person_id, paid_hccs.person_id) as person_id,
        coalesce(ours.hcc, paid_hccs.hcc) as hcc,
        ours.hcc is not null as is_here,
        paid_hccs.hcc is not null as is_at_cms
    from ours
    full join paid_hccs on paid_hccs.person_id = ours.person_id and paid_hccs.hcc = ours.hcc
),
by_category as (
    select
        compared.person_id,
        compared.hcc,
        categories.label,
        compared.is_here,
        compared.is_at_cms,
        case
            when is_here and is_at_cms then 'agrees'
            when is_at_cms and categories.hcc is null then 'hcc-not-in-model'
            when is_at_cms and here.person_id is null then 'person-not-here'
            when is_at_cms and here.held is not null then 'person-held-here'
            when is_at_cms and found.hcc is not null then 'lower-in-hierarchy-here'
            when is_at_cms and former_found.hcc is not null then 'coded-in-a-former-year-only'
            when is_at_cms then 'no-diagnosis-here'
            when paid_members.person_id is null then 'person-not-in-report'
            when relations.is_higher = 1 then 'higher-in-hierarchy-at-cms'
            when relations.is_higher = 0 then 'lower-in-hierarchy-at-cms'
            else 'not-paid-by-cms'
        end as reason,
        case when reason <> 'agrees' then worths.coefficient end as coefficient_at_stake
    from compared
    left join categories on categories.hcc = compared.hcc
    left join here on here.person_id = compared.person_id
    left join found on found.person_id = compared.person_id and found.hcc = compared.hcc
    left join former_found on former_found.person_id = compared.person_id and former_found.hcc = compared.hcc
    left join paid_members on paid_members.person_id = compared.person_id
    left join relations on relations.person_id = compared.person_id and relations.hcc = compared.hcc
    left join worths on worths.segment = here.segment and worths.hcc = compared.hcc
),
by_person as (
    select
        coalesce(here.person_id, paid_members.person_id) as person_id,
        here.person_id is not null as is_here,
        paid_members.person_id is not null as is_at_cms,
        case
            when here.person_id is null then 'person-not-here'
            when paid_members.person_id is null then 'person-not-in-report'
            when here.held is not null then 'person-held-here'
            when paid_members.risk_score is null or here.risk_score is null then null
            when round(abs(here.risk_score - paid_members.risk_score), 9) > $tolerance then 'score-differs'
        end as reason
    from here
    full join paid_members on paid_members.person_id = here.person_id
),
rows as (
    select * from by_category
    union all by name
    select person_id, null as hcc, null as label, is_here, is_at_cms, reason, null as coefficient_at_stake
    from by_person
    where reason is not null
)
select
    rows.*,
    here.risk_score as risk_score_here,
    paid_members.risk_score as risk_score_at_cms,
    here.risk_score - paid_members.risk_score as score_difference
from rows
left join here using (person_id)
left join paid_members using (person_id)
order by rows.person_id, try_cast(rows.hcc as integer) nulls first
