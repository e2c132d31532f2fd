with payments as (
    select * from {{ ref('stg_payment_trends') }}
)

select
    customer_account,
    payment_id,
    charge_id,
    patient_id,
    facility_name,
    coalesce(payer_name, '(patient)') as payer_name,
    case
        when
            lower(payment_source) like '%patient%' or lower(payment_source) like '%self%'
            then 'Patient'
        when
            lower(payment_source) like '%insurance%' or lower(payment_source) like '%payer%'
            then 'Insurance'
        when payment_source is not null then 'Other'
        when payer_name is not null then 'Insurance'
        else 'Unknown'
    end as payment_category,
    payment_source,
    payment_type,
    payment_received_date,
    payment_entered_date,
    {{ days_between('payment_received_date', 'payment_entered_date') }} as payment_posting_tat_days,
    payment_amount,
    applied_amount,
    unapplied_amount,
    case
        when coalesce(unapplied_amount, 0) = 0 then 'applied'
        when coalesce(applied_amount, 0) = 0 then 'unapplied'
        else 'partly applied'
    end as application,
    payment_received_date as received_day,
    {{ start_of('week', 'payment_received_date') }} as received_week,
    {{ start_of('month', 'payment_received_date') }} as received_month,
    cast(extract(year from payment_received_date) as bigint) as received_year,
    loaded_at
from payments
