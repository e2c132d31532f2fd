with summed as (
    select
        customer_account,
        coalesce(facility_name, 'Unknown') as facility_name,
        coalesce(payer_name, '(patient)') as payer_name,
        {{ start_of('month', 'posting_month') }} as posting_month,
        count(*) as charges,
        sum(charge_amount) as charge_amount,
        sum(contractual_adjustment) as contractual_adjustment,
        sum(write_offs) as write_offs,
        sum(insurance_payments) as insurance_payments,
        sum(patient_payments) as patient_payments,
        sum(refunds) as refunds,
        sum(recognized_revenue) as recognized_revenue
    from {{ ref('stg_revenue_recognition') }}
    group by 1, 2, 3, 4
),

reconciled as (
    select
        *,
        coalesce(charge_amount, 0) - coalesce(contractual_adjustment, 0) - coalesce(write_offs, 0) as net_revenue,
        coalesce(insurance_payments, 0) + coalesce(patient_payments, 0) - coalesce(refunds, 0) as collected
    from summed
)

select
    *,
    net_revenue - collected as outstanding,
    coalesce(recognized_revenue, 0) - collected as recognized_not_collected,
    {{ share('collected', 'net_revenue') }} as collection_rate
from reconciled
