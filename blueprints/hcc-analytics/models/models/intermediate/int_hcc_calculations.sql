{{ config(materialized='view') }}
with scores as (
    select * from {{ ref('hcc_scores') }}
),

hierarchies as (
    select * from {{ ref('hcc_hierarchies') }}
),

categories as (
    select * from {{ ref('hcc_categories') }}
),

coefficients as (
    select * from {{ ref('hcc_coefficients') }}
),

coded as (
    {{ exploded(
        'scores',
        ['person_id', 'model', 'payment_year', 'segment', 'hcc_list', 'hcc_list_before'],
        'hcc_list_before',
        'hcc'
    ) }}
),

marked as (
    select
        coded.*,
        {{ is_in('coded.hcc', 'coded.hcc_list') }} as is_paid
    from coded
),

pushed_out as (
    select
        marked.person_id,
        marked.model,
        marked.payment_year,
        marked.hcc,
        min(hierarchies.hcc) as dropped_by
    from marked
    inner join hierarchies
        on marked.model = hierarchies.model
        and marked.payment_year = hierarchies.payment_year
        and marked.hcc = hierarchies.child_hcc
    where not marked.is_paid and {{ is_in('hierarchies.hcc', 'marked.hcc_list_before') }}
    group by marked.person_id, marked.model, marked.payment_year, marked.hcc
)

select
    marked.person_id,
    marked.model,
    marked.payment_year,
    marked.segment,
    marked.hcc,
    categories.label,
    categories.is_chronic,
    marked.is_paid,
    pushed_out.dropped_by,
    case
        when marked.is_paid then coefficients.coefficient
        else cast(0 as {{ 'numeric' if engine() == 'bigquery' else 'decimal(12, 3)' }})
    end as coefficient
from marked
inner join categories
    on marked.model = categories.model
    and marked.payment_year = categories.payment_year
    and marked.hcc = categories.hcc
left join pushed_out
    on marked.person_id = pushed_out.person_id
    and marked.model = pushed_out.model
    and marked.payment_year = pushed_out.payment_year
    and marked.hcc = pushed_out.hcc
left join coefficients
    on marked.model = coefficients.model
    and marked.payment_year = coefficients.payment_year
    and marked.segment = coefficients.segment_name
    and marked.hcc = coefficients.hcc
