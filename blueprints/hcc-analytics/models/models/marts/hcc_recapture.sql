with remaining as (
    {{ exploded(ref('hcc_former_scores'), ['person_id', 'model', 'payment_year'], 'hcc_list', 'hcc') }}
),

former as (
    select
        f.*,
        k.label,
        s.segment,
        s.hcc_list_before,
        {{ is_in('f.hcc', 's.hcc_list_before') }} as is_coded
    from {{ ref('int_former_hccs') }} as f
    inner join remaining as r on f.person_id = r.person_id and f.model = r.model and f.payment_year = r.payment_year and f.hcc = r.hcc
    inner join {{ ref('hcc_categories') }} as k
        on f.model = k.model and f.payment_year = k.payment_year and f.hcc = k.hcc and k.is_chronic
    inner join {{ ref('hcc_scores') }} as s on f.person_id = s.person_id and f.model = s.model and f.payment_year = s.payment_year
),

covered as (
    select
        f.person_id,
        f.model,
        f.payment_year,
        f.hcc,
        min(h.hcc) as covered_by
    from former as f
    inner join {{ ref('hcc_hierarchies') }} as h on f.model = h.model and f.payment_year = h.payment_year and f.hcc = h.child_hcc
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
    on f.person_id = c.person_id and f.model = c.model and f.payment_year = c.payment_year and f.hcc = c.hcc
left join {{ ref('hcc_coefficients') }} as w
    on f.model = w.model and f.payment_year = w.payment_year and f.segment = w.segment_name and f.hcc = w.hcc
