with thought as (
    select
        person_id,
        model,
        payment_year,
        hcc,
        min(found_on) as found_on,
        count(*) as times,
        min(reason) as reason
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
    left join {{ ref('hcc_categories') }} as k on t.model = k.model and t.payment_year = k.payment_year and t.hcc = k.hcc
    left join {{ ref('hcc_scores') }} as s on t.person_id = s.person_id and t.model = s.model and t.payment_year = s.payment_year
),

covered as (
    select
        t.person_id,
        t.model,
        t.payment_year,
        t.hcc,
        min(h.hcc) as covered_by
    from known as t
    inner join {{ ref('hcc_hierarchies') }} as h on t.model = h.model and t.payment_year = h.payment_year and t.hcc = h.child_hcc
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
    on t.person_id = c.person_id and t.model = c.model and t.payment_year = c.payment_year and t.hcc = c.hcc
left join {{ ref('hcc_coefficients') }} as w
    on t.model = w.model and t.payment_year = w.payment_year and t.segment = w.segment_name and t.hcc = w.hcc
