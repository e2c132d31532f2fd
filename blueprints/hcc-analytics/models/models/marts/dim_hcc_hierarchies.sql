select
    h.model,
    h.payment_year,
    h.hcc,
    parent.label,
    h.child_hcc,
    child.label as child_label,
    child.is_chronic as child_is_chronic
from {{ ref('hcc_hierarchies') }} as h
left join {{ ref('hcc_categories') }} as parent
    on h.model = parent.model and h.payment_year = parent.payment_year and h.hcc = parent.hcc
left join {{ ref('hcc_categories') }} as child
    on h.model = child.model and h.payment_year = child.payment_year and h.child_hcc = child.hcc
