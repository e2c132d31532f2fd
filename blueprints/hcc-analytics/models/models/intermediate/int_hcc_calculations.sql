{{ config(materialized='view') }}
with found as (
    {{ exploded(ref('hcc_scores'), ['person_id', 'model', 'payment_year', 'segment', 'hcc_list', 'hcc_list_before'], 'hcc_list_before', 'hcc') }}
),

marked as (
    select f.*, {{ is_in('f.hcc', 'f.hcc_list') }} as is_paid
    from found as f
),

pushed as (
    select m.person_id, m.model, m.payment_year, m.hcc, min(h.hcc) as dropped_by
    from marked as m
    join {{ ref('hcc_hierarchies') }} as h on h.model = m.model and h.payment_year = m.payment_year and h.child_hcc = m.hcc
    where not m.is_paid and {{ is_in('h.hcc', 'm.hcc_list_before') }}
    group by m.person_id, m.model, m.payment_year, m.hcc
)

select
    m.person_id,
    m.model,
    m.payment_year,
    m.segment,
    m.hcc,
    k.label,
    k.is_chronic,
    m.is_paid,
    p.dropped_by,
    case when m.is_paid then c.coefficient else cast(0 as {{ 'numeric' if engine() == 'bigquery' else 'decimal(12, 3)' }}) end as coefficient
from marked as m
join {{ ref('hcc_categories') }} as k on k.model = m.model and k.payment_year = m.payment_year and k.hcc = m.hcc
left join pushed as p
    on p.person_id = m.person_id and p.model = m.model and p.payment_year = m.payment_year and p.hcc = m.hcc
left join {{ ref('hcc_coefficients') }} as c
    on c.model = m.model and c.payment_year = m.payment_year and c.segment_name = m.segment and c.hcc = m.hcc
