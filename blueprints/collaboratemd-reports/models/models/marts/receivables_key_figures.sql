-- The few numbers by which receivables are judged, of each account. Days in A/R is the balance
-- divided by the average charges of a day over the last 90 days, as HFMA's MAP Keys and MGMA reckon
-- it.
with open_charges as (
    select * from {{ ref('ar_aging_view') }}
),

charges as (
    select * from {{ ref('gross_billing_view') }}
),

balances as (
    select
        customer_account,
        sum(balance_due) as balance_due,
        sum(case when age_days > 90 then balance_due else 0 end) as over_90_days,
        sum(case when age_days > 120 then balance_due else 0 end) as over_120_days,
        max(loaded_at) as loaded_at
    from open_charges
    group by customer_account
),

charged as (
    select
        customer_account,
        sum(charge_amount) as charges_of_90_days,
        max(loaded_at) as loaded_at
    from charges
    where {{ days_between('charge_entered_date', as_of()) }} between 0 and 89
    group by customer_account
)

select
    balances.customer_account,
    balances.balance_due,
    balances.over_90_days,
    balances.over_120_days,
    {{ share('balances.over_90_days', 'balances.balance_due') }} as share_over_90_days,
    {{ share('balances.over_120_days', 'balances.balance_due') }} as share_over_120_days,
    charged.charges_of_90_days,
    {{ share('90 * balances.balance_due', 'charged.charges_of_90_days', places=1) }} as days_in_ar,
    greatest(balances.loaded_at, charged.loaded_at) as loaded_at
from balances
left join charged on balances.customer_account = charged.customer_account
