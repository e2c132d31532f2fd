-- The newest snapshot of each account against the one before it. An account that has but one is not
-- in it: its balance is no change.
with snapshots as (
    select * from {{ ref('stg_snapshots') }}
),

balances as (
    select * from {{ ref('ar_aging_by_snapshot') }}
),

compared as (
    select
        customer_account,
        max(case when snapshots_ago = 0 then loaded_at end) as loaded_at,
        max(case when snapshots_ago = 1 then loaded_at end) as former_loaded_at
    from snapshots
    where report_name = 'ar_aging' and snapshots_ago <= 1
    group by customer_account
    having count(*) = 2
),

summed as (
    select
        customer_account,
        payer_name,
        aging_bucket,
        aging_bucket_order,
        {{ total('case when snapshots_ago = 0 then charges else 0 end') }} as charges,
        {{ total('case when snapshots_ago = 1 then charges else 0 end') }} as former_charges,
        coalesce(sum(case when snapshots_ago = 0 then balance_due end), 0) as balance_due,
        coalesce(sum(case when snapshots_ago = 1 then balance_due end), 0) as former_balance_due
    from balances
    where snapshots_ago <= 1
    group by customer_account, payer_name, aging_bucket, aging_bucket_order
)

select
    summed.customer_account,
    summed.payer_name,
    summed.aging_bucket,
    summed.aging_bucket_order,
    summed.charges,
    summed.former_charges,
    summed.charges - summed.former_charges as change_of_charges,
    summed.balance_due,
    summed.former_balance_due,
    summed.balance_due - summed.former_balance_due as change_of_balance,
    compared.former_loaded_at,
    compared.loaded_at
from summed
inner join compared on summed.customer_account = compared.customer_account
