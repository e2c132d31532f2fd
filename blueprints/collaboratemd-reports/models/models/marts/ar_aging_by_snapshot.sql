-- Receivables as each snapshot that is kept had them. Where the report says no age, days are
-- counted to the day on which the snapshot came.
with charges as (
    select * from {{ ref('stg_ar_aging_snapshots') }}
),

snapshots as (
    select * from {{ ref('stg_snapshots') }}
),

aged as (
    select
        charges.customer_account,
        charges.report_run,
        snapshots.snapshots_ago,
        snapshots.is_current,
        snapshots.first_loaded_at,
        snapshots.loaded_at,
        coalesce(charges.payer_name, '(patient)') as payer_name,
        charges.balance_due,
        coalesce(
            charges.balance_age_days,
            {{ days_between(
                'coalesce(charges.date_first_billed, charges.date_of_service)',
                day_of('snapshots.loaded_at')
            ) }}
        ) as age_days
    from charges
    inner join snapshots
        on charges.report_run = snapshots.report_run
        and snapshots.report_name = 'ar_aging'
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
group by
    customer_account, report_run, snapshots_ago, is_current, first_loaded_at, payer_name,
    aging_bucket_order, loaded_at
