with newest as (
    select
        *,
        rank() over (
            partition by person_id, model, payment_year
            order by case when payment_month is null then 1 else 0 end, payment_month desc
        ) as age
    from {{ ref('stg_hcc_participant') }}
),

members as (
    select
        person_id,
        model,
        payment_year,
        max(payment_month) as payment_month,
        max(risk_score) as risk_score
    from newest
    where age = 1
    group by person_id, model, payment_year
),

theirs as (
    select distinct
        person_id,
        model,
        payment_year,
        hcc
    from newest
    where age = 1 and hcc is not null
),

reported as (
    select distinct
        model,
        payment_year
    from members
),

ours as (
    select
        c.person_id,
        c.model,
        c.payment_year,
        c.hcc
    from (
        {{ exploded(ref('hcc_scores'), ['person_id', 'model', 'payment_year'], 'hcc_list', 'hcc') }}
    ) as c
    inner join reported
        on c.model = reported.model and c.payment_year = reported.payment_year
),

both_sides as (
    select
        coalesce(o.person_id, t.person_id) as person_id,
        coalesce(o.model, t.model) as model,
        coalesce(o.payment_year, t.payment_year) as payment_year,
        coalesce(o.hcc, t.hcc) as hcc,
        o.hcc is not null as is_here,
        t.hcc is not null as is_at_cms
    from ours as o
    full outer join theirs as t
        on o.person_id = t.person_id and o.model = t.model and o.payment_year = t.payment_year and o.hcc = t.hcc
),

ours_alone as (
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
        o.person_id,
        o.model,
        o.payment_year,
        o.hcc,
        1 as is_higher
    from ours_alone as o
    inner join {{ ref('hcc_hierarchies') }} as h on o.model = h.model and o.payment_year = h.payment_year and o.hcc = h.child_hcc
    inner join theirs as t on o.person_id = t.person_id and o.model = t.model and o.payment_year = t.payment_year and h.hcc = t.hcc
    union all
    select
        o.person_id,
        o.model,
        o.payment_year,
        o.hcc,
        0 as is_higher
    from ours_alone as o
    inner join {{ ref('hcc_hierarchies') }} as h on o.model = h.model and o.payment_year = h.payment_year and o.hcc = h.hcc
    inner join theirs as t
        on o.person_id = t.person_id and o.model = t.model and o.payment_year = t.payment_year and h.child_hcc = t.hcc
),

relations as (
    select
        person_id,
        model,
        payment_year,
        hcc,
        max(is_higher) as higher
    from related
    group by person_id, model, payment_year, hcc
)

select
    b.person_id,
    b.model,
    b.payment_year,
    b.hcc,
    k.label,
    b.is_here,
    b.is_at_cms,
    case
        when b.is_here and b.is_at_cms then 'agrees'
        when b.is_at_cms and k.hcc is null then 'hcc-not-in-model'
        when b.is_at_cms and s.person_id is null then 'person-not-here'
        when b.is_at_cms and {{ is_in('b.hcc', 's.hcc_list_before') }} then 'lower-in-hierarchy-here'
        when b.is_at_cms and f.hcc is not null then 'coded-in-a-former-year-only'
        when b.is_at_cms then 'no-diagnosis-here'
        when m.person_id is null then 'person-not-in-report'
        when r.higher = 1 then 'higher-in-hierarchy-at-cms'
        when r.higher = 0 then 'lower-in-hierarchy-at-cms'
        else 'not-paid-by-cms'
    end as reason,
    case when b.is_here and b.is_at_cms then null else w.coefficient end as coefficient_at_stake,
    m.payment_month,
    s.risk_score as risk_score_here,
    m.risk_score as risk_score_at_cms
from both_sides as b
left join {{ ref('hcc_categories') }} as k on b.model = k.model and b.payment_year = k.payment_year and b.hcc = k.hcc
left join {{ ref('hcc_scores') }} as s on b.person_id = s.person_id and b.model = s.model and b.payment_year = s.payment_year
left join members as m on b.person_id = m.person_id and b.model = m.model and b.payment_year = m.payment_year
left join {{ ref('int_former_hccs') }} as f
    on b.person_id = f.person_id and b.model = f.model and b.payment_year = f.payment_year and b.hcc = f.hcc
left join relations as r
    on b.person_id = r.person_id and b.model = r.model and b.payment_year = r.payment_year and b.hcc = r.hcc
left join {{ ref('hcc_coefficients') }} as w
    on b.model = w.model and b.payment_year = w.payment_year and s.segment = w.segment_name and b.hcc = w.hcc
