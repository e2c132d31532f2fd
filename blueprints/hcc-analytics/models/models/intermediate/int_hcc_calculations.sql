{{ config(materialized='view') }}
with found as (
    {{ exploded(
        ref('hcc_scores'), ['person_id', 'model', 'payment_year', 'segment', 'hcc_list', 'hcc_list_before'], 'hcc_list_before', 'hcc'
    ) }}
),

marked as (
    select
        f.*,
        {{ is_in('f.hcc', 'f.hcc_list') }} as is_paid
    from found as f
),

pushed as (
    select
        m.person_id,
        m.model,
        m.payment_year,
        m.hcc,
        min(h.hcc) as dropped_by
    from marked as m
    inner join {{ ref('hcc_hierarchies') }} as h on m.model = h.model and m.payment_year = h.payment_year and m.hcc = h.child_hcc
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
    case when m.is_paid then c.coefficient else cast(0 as {{ 'numeric' if engine() == 'bigquery' else 'decimal(12, 3)' }}) end
        as coefficient
from marked as m
inner join {{ ref('hcc_categories') }} as k on m.model = k.model and m.payment_year = k.payment_year and m.hcc = k.hcc
left join pushed as p
    on m.person_id = p.person_id and m.model = p.model and m.payment_year = p.payment_year and m.hcc = p.hcc
left join {{ ref('hcc_coefficients') }} as c
    on m.model = c.model and m.payment_year = c.payment_year and m.segment = c.segment_name and m.hcc = c.hcc
