with thought as (
    select person_id, model, payment_year, hcc, min(found_on) as found_on, count(*) as times, min(reason) as reason
    from {{ ref('stg_hcc_opportunities') }}
    group by person_id, model, payment_year, hcc
),

known as (
    select
        t.*,
        k.hcc is not null as is_category,
        k.label,
        s.person_id is not null as is_person,
        s.segment,
        s.hcc_list_before,
        {{ is_in('t.hcc', 's.hcc_list_before') }} as is_coded
    from thought as t
    left join {{ ref('hcc_categories') }} as k on k.model = t.model and k.payment_year = t.payment_year and k.hcc = t.hcc
    left join {{ ref('hcc_scores') }} as s on s.person_id = t.person_id and s.model = t.model and s.payment_year = t.payment_year
),

covered as (
    select t.person_id, t.model, t.payment_year, t.hcc, min(h.hcc) as covered_by
    from known as t
    join {{ ref('hcc_hierarchies') }} as h on h.model = t.model and h.payment_year = t.payment_year and h.child_hcc = t.hcc
    where not t.is_coded and {{ is_in('h.hcc', 't.hcc_list_before') }}
    group by t.person_id, t.model, t.payment_year, t.hcc
)

select
    t.person_id,
    t.model,
    t.payment_year,
    t.hcc,
    t.label,
    t.reason,
    t.found_on,
    t.times,
    case
        when not t.is_category then 'unknown-hcc'
        when not t.is_person then 'unknown-person'
        when t.is_coded then 'captured'
        when c.hcc is not null then 'covered'
        else 'open'
    end as status,
    c.covered_by,
    case when not t.is_coded and c.hcc is null then w.coefficient end as open_coefficient
from known as t
left join covered as c
    on c.person_id = t.person_id and c.model = t.model and c.payment_year = t.payment_year and c.hcc = t.hcc
left join {{ ref('hcc_coefficients') }} as w
    on w.model = t.model and w.payment_year = t.payment_year and w.segment_name = t.segment and w.hcc = t.hcc
