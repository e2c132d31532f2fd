with opportunities as (
    select * from {{ ref('stg_hcc_opportunities') }}
),

categories as (
    select * from {{ ref('hcc_categories') }}
),

scores as (
    select * from {{ ref('hcc_scores') }}
),

hierarchies as (
    select * from {{ ref('hcc_hierarchies') }}
),

coefficients as (
    select * from {{ ref('hcc_coefficients') }}
),

suspected as (
    select
        person_id,
        model,
        payment_year,
        hcc,
        min(found_on) as found_on,
        count(*) as times,
        min(reason) as reason
    from opportunities
    group by person_id, model, payment_year, hcc
),

compared as (
    select
        suspected.*,
        categories.hcc is not null as is_category,
        categories.label,
        scores.person_id is not null as is_person,
        scores.segment,
        scores.hcc_list_before,
        {{ is_in('suspected.hcc', 'scores.hcc_list_before') }} as is_coded
    from suspected
    left join categories
        on suspected.model = categories.model
        and suspected.payment_year = categories.payment_year
        and suspected.hcc = categories.hcc
    left join scores
        on suspected.person_id = scores.person_id
        and suspected.model = scores.model
        and suspected.payment_year = scores.payment_year
),

covered as (
    select
        compared.person_id,
        compared.model,
        compared.payment_year,
        compared.hcc,
        min(hierarchies.hcc) as covered_by
    from compared
    inner join hierarchies
        on compared.model = hierarchies.model
        and compared.payment_year = hierarchies.payment_year
        and compared.hcc = hierarchies.child_hcc
    where not compared.is_coded and {{ is_in('hierarchies.hcc', 'compared.hcc_list_before') }}
    group by compared.person_id, compared.model, compared.payment_year, compared.hcc
)

select
    compared.person_id,
    compared.model,
    compared.payment_year,
    compared.hcc,
    compared.label,
    compared.reason,
    compared.found_on,
    compared.times,
    case
        when not compared.is_category then 'unknown-hcc'
        when not compared.is_person then 'unknown-person'
        when compared.is_coded then 'captured'
        when covered.hcc is not null then 'covered'
        else 'open'
    end as status,
    covered.covered_by,
    case
        when not compared.is_coded and covered.hcc is null then coefficients.coefficient
    end as open_coefficient
from compared
left join covered
    on compared.person_id = covered.person_id
    and compared.model = covered.model
    and compared.payment_year = covered.payment_year
    and compared.hcc = covered.hcc
left join coefficients
    on compared.model = coefficients.model
    and compared.payment_year = coefficients.payment_year
    and compared.segment = coefficients.segment_name
    and compared.hcc = coefficients.hcc
