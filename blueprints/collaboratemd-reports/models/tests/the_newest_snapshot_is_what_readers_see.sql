-- Of each account whose snapshots are kept, the newest comes to what `ar_aging_view` shows, payer
-- by payer.
with newest as (
    select
        customer_account,
        payer_name,
        sum(balance_due) as balance_due,
        sum(charges) as charges
    from {{ ref('ar_aging_by_snapshot') }}
    where is_current
    group by customer_account, payer_name
),

shown as (
    select
        customer_account,
        payer_name,
        sum(balance_due) as balance_due,
        count(*) as charges
    from {{ ref('ar_aging_view') }}
    where customer_account in (select newest.customer_account from newest)
    group by customer_account, payer_name
)

select
    coalesce(newest.customer_account, shown.customer_account) as customer_account,
    newest.balance_due,
    shown.balance_due as shown
from newest
full outer join shown
    on newest.customer_account = shown.customer_account
    and newest.payer_name = shown.payer_name
where coalesce(newest.balance_due, 0) <> coalesce(shown.balance_due, 0)
    or coalesce(newest.charges, 0) <> coalesce(shown.charges, 0)
