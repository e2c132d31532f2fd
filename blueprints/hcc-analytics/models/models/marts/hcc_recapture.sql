with former_hccs as (
    select * from {{ ref('int_former_hccs') }}
),

former_scores as (
    select * from {{ ref('hcc_former_scores') }}
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

remaining as (
    {{ exploded('former_scores', ['person_id', 'model', 'payment_year'], 'hcc_list', 'hcc') }}
),

compared as (
    select
        former_hccs.*,
        categories.label,
        scores.segment,
        scores.hcc_list_before,
        {{ is_in('former_hccs.hcc', 'scores.hcc_list_before') }} as is_coded
    from former_hccs
    inner join remaining
        on former_hccs.person_id = remaining.person_id
        and former_hccs.model = remaining.model
        and former_hccs.payment_year = remaining.payment_year
        and former_hccs.hcc = remaining.hcc
    inner join categories
        on former_hccs.model = categories.model
        and former_hccs.payment_year = categories.payment_year
        and former_hccs.hcc = categories.hcc
        and categories.is_chronic
    inner join scores
        on former_hccs.person_id = scores.person_id
        and former_hccs.model = scores.model
        and former_hccs.payment_year = scores.payment_year
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
    compared.last_coded_on,
    compared.years_coded,
    case
        when compared.is_coded then 'recaptured'
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
