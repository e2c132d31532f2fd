with reported as (
    select * from {{ ref('stg_quadrant_performance') }}
),

summed as (
    select
        customer_account,
        coalesce(rendering_provider, 'Unknown') as rendering_provider,
        coalesce(facility_name, 'Unknown') as facility_name,
        {{ start_of('month', 'month') }} as month,
        {{ total('encounters') }} as encounters,
        {{ total('new_patients') }} as new_patients,
        sum(work_rvus) as work_rvus,
        sum(charges) as charges,
        sum(payments) as payments,
        sum(adjustments) as adjustments,
        max(loaded_at) as loaded_at
    from reported
    group by 1, 2, 3, 4
),

yielded as (
    select
        *,
        {{ share('payments', 'charges') }} as payment_yield,
        {{ share('payments', 'encounters', 2) }} as payments_an_encounter
    from summed
),

medians as (
    select
        customer_account,
        month,
        percentile_cont(0.5) within group (
            order by cast(encounters as double precision)
        ) as encounters,
        percentile_cont(0.5) within group (
            order by cast(payment_yield as double precision)
        ) as payment_yield
    from yielded
    group by 1, 2
)

select
    yielded.customer_account,
    yielded.rendering_provider,
    yielded.facility_name,
    yielded.month,
    yielded.encounters,
    yielded.new_patients,
    yielded.work_rvus,
    yielded.charges,
    yielded.payments,
    yielded.adjustments,
    yielded.payment_yield,
    yielded.payments_an_encounter,
    cast(medians.encounters as decimal(18, 1)) as median_encounters,
    cast(medians.payment_yield as decimal(18, 4)) as median_yield,
    case
        when yielded.payment_yield is null or yielded.encounters is null then 'no volume'
        else
            case
                when yielded.encounters >= medians.encounters then 'high volume'
                else 'low volume'
            end
            || case
                when cast(yielded.payment_yield as double precision) >= medians.payment_yield
                    then ', high yield'
                else ', low yield'
            end
    end as quadrant,
    yielded.loaded_at
from yielded
inner join medians
    on yielded.customer_account = medians.customer_account
    and coalesce(yielded.month, date '1900-01-01') = coalesce(medians.month, date '1900-01-01')
