-- Receivables as each snapshot that is kept had them. Where the report says no age, days are counted to the day on which the snapshot came.
with aged as (
    select
        charge.customer_account,
        charge.report_run,
        snapshot.snapshots_ago,
        snapshot.is_current,
        snapshot.first_loaded_at,
        snapshot.loaded_at,
        coalesce(charge.payer_name, '(patient)') as payer_name,
        charge.balance_due,
        coalesce(
            charge.balance_age_days,
            {{ days_between('coalesce(charge.date_first_billed, charge.date_of_service)', day_of('snapshot.loaded_at')) }}
        ) as age_days
    from {{ ref('stg_ar_aging_snapshots') }} as charge
    inner join {{ ref('stg_snapshots') }} as snapshot
        on charge.report_run = snapshot.report_run
        and snapshot.report_name = 'ar_aging'
),

ordered as (
    select *, {{ aging_bucket_order('age_days') }} as aging_bucket_order from aged
)

select
    customer_account,
    report_run,
    snapshots_ago,
    is_current,
    first_loaded_at,
    payer_name,
    {{ aging_bucket('aging_bucket_order') }} as aging_bucket,
    aging_bucket_order,
    count(*) as charges,
    sum(balance_due) as balance_due,
    loaded_at
from ordered
group by customer_account, report_run, snapshots_ago, is_current, first_loaded_at, payer_name, aging_bucket_order, loaded_at
