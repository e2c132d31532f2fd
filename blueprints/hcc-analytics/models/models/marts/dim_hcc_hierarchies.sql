with hierarchies as (
    select * from {{ ref('hcc_hierarchies') }}
),

categories as (
    select * from {{ ref('hcc_categories') }}
)

select
    hierarchies.model,
    hierarchies.payment_year,
    hierarchies.hcc,
    parent.label,
    hierarchies.child_hcc,
    child.label as child_label,
    child.is_chronic as child_is_chronic
from hierarchies
left join categories as parent
    on hierarchies.model = parent.model
    and hierarchies.payment_year = parent.payment_year
    and hierarchies.hcc = parent.hcc
left join categories as child
    on hierarchies.model = child.model
    and hierarchies.payment_year = child.payment_year
    and hierarchies.child_hcc = child.hcc
