with remaining as (
    {{ exploded(ref('hcc_former_scores'), ['person_id', 'model', 'payment_year'], 'hcc_list', 'hcc') }}
),

former as (
    select f.*, k.label, s.segment, s.hcc_list_before, {{ is_in('f.hcc', 's.hcc_list_before') }} as is_coded
    from {{ ref('int_former_hccs') }} as f
    join remaining as r on r.person_id = f.person_id and r.model = f.model and r.payment_year = f.payment_year and r.hcc = f.hcc
    join {{ ref('hcc_categories') }} as k
        on k.model = f.model and k.payment_year = f.payment_year and k.hcc = f.hcc and k.is_chronic
    join {{ ref('hcc_scores') }} as s on s.person_id = f.person_id and s.model = f.model and s.payment_year = f.payment_year
),

covered as (
    select f.person_id, f.model, f.payment_year, f.hcc, min(h.hcc) as covered_by
    from former as f
    join {{ ref('hcc_hierarchies') }} as h on h.model = f.model and h.payment_year = f.payment_year and h.child_hcc = f.hcc
    where not f.is_coded and {{ is_in('h.hcc', 'f.hcc_list_before') }}
    group by f.person_id, f.model, f.payment_year, f.hcc
)

select
    f.person_id,
    f.model,
    f.payment_year,
    f.hcc,
    f.label,
    f.last_coded_on,
    f.years_coded,
    case when f.is_coded then 'recaptured' when c.hcc is not null then 'covered' else 'open' end as status,
    c.covered_by,
    case when not f.is_coded and c.hcc is null then w.coefficient end as open_coefficient
from former as f
left join covered as c
    on c.person_id = f.person_id and c.model = f.model and c.payment_year = f.payment_year and c.hcc = f.hcc
left join {{ ref('hcc_coefficients') }} as w
    on w.model = f.model and w.payment_year = f.payment_year and w.segment_name = f.segment and w.hcc = f.hcc
