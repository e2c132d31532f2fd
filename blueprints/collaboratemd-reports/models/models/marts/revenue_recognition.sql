with reported as (
    select * from {{ ref('stg_revenue_recognition') }}
),

summed as (
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
        sum(recognized_revenue) as recognized_revenue,
        max(loaded_at) as loaded_at
    from reported
    group by 1, 2, 3, 4
),

reconciled as (
    select
        *,
        coalesce(charge_amount, 0) - coalesce(contractual_adjustment, 0) - coalesce(write_offs, 0)
            as net_revenue,
        coalesce(insurance_payments, 0) + coalesce(patient_payments, 0) - coalesce(refunds, 0)
            as collected
    from summed
)

select
    customer_account,
    facility_name,
    payer_name,
    posting_month,
    charges,
    charge_amount,
    contractual_adjustment,
    write_offs,
    insurance_payments,
    patient_payments,
    refunds,
    recognized_revenue,
    net_revenue,
    collected,
    net_revenue - collected as outstanding,
    coalesce(recognized_revenue, 0) - collected as recognized_not_collected,
    {{ share('collected', 'net_revenue') }} as collection_rate,
    loaded_at
from reconciled
