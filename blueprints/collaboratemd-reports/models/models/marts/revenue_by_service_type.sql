with billed as (
    select * from {{ ref('gross_billing_view') }}
)

select
    customer_account,
    entered_month,
    service_type,
    count(*) as charges,
    {{ how_many('is_on_hold') }} as charges_on_hold,
    sum(charge_amount) as charge_amount,
    sum(revenue) as revenue,
    sum(adjustments) as adjustments,
    sum(charge_balance) as charge_balance,
    {{ share('sum(revenue)', 'sum(charge_amount)') }} as revenue_share,
    {{ share('sum(billing_lag_days)', 'count(billing_lag_days)', 1) }} as average_billing_lag_days,
    max(loaded_at) as loaded_at
from billed
group by 1, 2, 3
