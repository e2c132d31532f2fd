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
    on parent.model = h.model and parent.payment_year = h.payment_year and parent.hcc = h.hcc
left join {{ ref('hcc_categories') }} as child
    on child.model = h.model and child.payment_year = h.payment_year and child.hcc = h.child_hcc
