with cms_report as (
    select * from {{ ref('stg_hcc_participant') }}
),

scores as (
    select * from {{ ref('hcc_scores') }}
),

categories as (
    select * from {{ ref('hcc_categories') }}
),

hierarchies as (
    select * from {{ ref('hcc_hierarchies') }}
),

coefficients as (
    select * from {{ ref('hcc_coefficients') }}
),

former_hccs as (
    select * from {{ ref('int_former_hccs') }}
),

by_month as (
    select
        *,
        rank() over (
            partition by person_id, model, payment_year
            order by case when payment_month is null then 1 else 0 end, payment_month desc
        ) as months_back
    from cms_report
),

newest as (
    select * from by_month
    where months_back = 1
),

members as (
    select
        person_id,
        model,
        payment_year,
        max(payment_month) as payment_month,
        max(risk_score) as risk_score
    from newest
    group by person_id, model, payment_year
),

at_cms as (
    select distinct
        person_id,
        model,
        payment_year,
        hcc
    from newest
    where hcc is not null
),

reported as (
    select distinct
        model,
        payment_year
    from members
),

computed as (
    {{ exploded('scores', ['person_id', 'model', 'payment_year'], 'hcc_list', 'hcc') }}
),

here as (
    select
        computed.person_id,
        computed.model,
        computed.payment_year,
        computed.hcc
    from computed
    inner join reported
        on computed.model = reported.model and computed.payment_year = reported.payment_year
),

both_sides as (
    select
        coalesce(here.person_id, at_cms.person_id) as person_id,
        coalesce(here.model, at_cms.model) as model,
        coalesce(here.payment_year, at_cms.payment_year) as payment_year,
        coalesce(here.hcc, at_cms.hcc) as hcc,
        here.hcc is not null as is_here,
        at_cms.hcc is not null as is_at_cms
    from here
    full outer join at_cms
        on here.person_id = at_cms.person_id
        and here.model = at_cms.model
        and here.payment_year = at_cms.payment_year
        and here.hcc = at_cms.hcc
),

here_alone as (
    select
        person_id,
        model,
        payment_year,
        hcc
    from both_sides
    where is_here and not is_at_cms
),

related as (
    select
        here_alone.person_id,
        here_alone.model,
        here_alone.payment_year,
        here_alone.hcc,
        1 as is_higher
    from here_alone
    inner join hierarchies
        on here_alone.model = hierarchies.model
        and here_alone.payment_year = hierarchies.payment_year
        and here_alone.hcc = hierarchies.child_hcc
    inner join at_cms
        on here_alone.person_id = at_cms.person_id
        and here_alone.model = at_cms.model
        and here_alone.payment_year = at_cms.payment_year
        and hierarchies.hcc = at_cms.hcc
    union all
    select
        here_alone.person_id,
        here_alone.model,
        here_alone.payment_year,
        here_alone.hcc,
        0 as is_higher
    from here_alone
    inner join hierarchies
        on here_alone.model = hierarchies.model
        and here_alone.payment_year = hierarchies.payment_year
        and here_alone.hcc = hierarchies.hcc
    inner join at_cms
        on here_alone.person_id = at_cms.person_id
        and here_alone.model = at_cms.model
        and here_alone.payment_year = at_cms.payment_year
        and hierarchies.child_hcc = at_cms.hcc
),

relations as (
    select
        person_id,
        model,
        payment_year,
        hcc,
        max(is_higher) as is_higher
    from related
    group by person_id, model, payment_year, hcc
)

select
    both_sides.person_id,
    both_sides.model,
    both_sides.payment_year,
    both_sides.hcc,
    categories.label,
    both_sides.is_here,
    both_sides.is_at_cms,
    case
        when both_sides.is_here and both_sides.is_at_cms then 'agrees'
        when both_sides.is_at_cms and categories.hcc is null then 'hcc-not-in-model'
        when both_sides.is_at_cms and scores.person_id is null then 'person-not-here'
        when
            both_sides.is_at_cms and {{ is_in('both_sides.hcc', 'scores.hcc_list_before') }}
            then 'lower-in-hierarchy-here'
        when
            both_sides.is_at_cms and former_hccs.hcc is not null
            then 'coded-in-a-former-year-only'
        when both_sides.is_at_cms then 'no-diagnosis-here'
        when members.person_id is null then 'person-not-in-report'
        when relations.is_higher = 1 then 'higher-in-hierarchy-at-cms'
        when relations.is_higher = 0 then 'lower-in-hierarchy-at-cms'
        else 'not-paid-by-cms'
    end as reason,
    case
        when not (both_sides.is_here and both_sides.is_at_cms) then coefficients.coefficient
    end as coefficient_at_stake,
    members.payment_month,
    scores.risk_score as risk_score_here,
    members.risk_score as risk_score_at_cms
from both_sides
left join categories
    on both_sides.model = categories.model
    and both_sides.payment_year = categories.payment_year
    and both_sides.hcc = categories.hcc
left join scores
    on both_sides.person_id = scores.person_id
    and both_sides.model = scores.model
    and both_sides.payment_year = scores.payment_year
left join members
    on both_sides.person_id = members.person_id
    and both_sides.model = members.model
    and both_sides.payment_year = members.payment_year
left join former_hccs
    on both_sides.person_id = former_hccs.person_id
    and both_sides.model = former_hccs.model
    and both_sides.payment_year = former_hccs.payment_year
    and both_sides.hcc = former_hccs.hcc
left join relations
    on both_sides.person_id = relations.person_id
    and both_sides.model = relations.model
    and both_sides.payment_year = relations.payment_year
    and both_sides.hcc = relations.hcc
left join coefficients
    on both_sides.model = coefficients.model
    and both_sides.payment_year = coefficients.payment_year
    and scores.segment = coefficients.segment_name
    and both_sides.hcc = coefficients.hcc
