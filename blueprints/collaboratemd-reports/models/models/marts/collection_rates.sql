-- What came in of what was billed, by payer and month. Payments are those of Payment Trends in the
-- month in which they were received; charges are those of Gross Billing in the month of their first
-- bill. A month's payments are mostly for earlier months' charges: over several months the rates
-- tell how well a payer pays.
with payments as (
    select * from {{ ref('payment_trends_view') }}
),

charges as (
    select * from {{ ref('gross_billing_view') }}
),

received as (
    select
        customer_account,
        payer_name,
        received_month as month,
        sum(payment_amount) as payments,
        count(*) as number_of_payments,
        max(loaded_at) as loaded_at
    from payments
    where received_month is not null
    group by customer_account, payer_name, received_month
),

billed as (
    select
        customer_account,
        payer_name,
        {{ start_of('month', 'first_billed_date') }} as month,
        sum(charge_amount) as charges,
        sum(coalesce(allowed_amount, expected_amount)) as allowed,
        count(*) as number_of_charges,
        max(loaded_at) as loaded_at
    from charges
    where first_billed_date is not null
    group by customer_account, payer_name, {{ start_of('month', 'first_billed_date') }}
),

months as (
    select
        customer_account,
        payer_name,
        month
    from received
    union
    select
        customer_account,
        payer_name,
        month
    from billed
)

select
    months.customer_account,
    months.payer_name,
    months.month,
    coalesce(received.number_of_payments, 0) as payments_received,
    coalesce(received.payments, 0) as payment_amount,
    coalesce(billed.number_of_charges, 0) as charges_billed,
    coalesce(billed.charges, 0) as charge_amount,
    billed.allowed as allowed_amount,
    {{ share('coalesce(received.payments, 0)', 'billed.charges') }} as gross_collection_rate,
    {{ share('coalesce(received.payments, 0)', 'billed.allowed') }} as net_collection_rate,
    greatest(received.loaded_at, billed.loaded_at) as loaded_at
from months
left join received
    on months.customer_account = received.customer_account
    and months.payer_name = received.payer_name
    and months.month = received.month
left join billed
    on months.customer_account = billed.customer_account
    and months.payer_name = billed.payer_name
    and months.month = billed.month
