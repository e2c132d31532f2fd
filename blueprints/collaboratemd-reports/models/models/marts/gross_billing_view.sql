with charges as (
    select * from {{ ref('stg_gross_billing') }}
)

select
    customer_account,
    charge_id,
    claim_id,
    patient_id,
    facility_name,
    rendering_provider,
    coalesce(primary_payer_name, '(patient)') as payer_name,
    coalesce(service_type, 'Unknown') as service_type,
    cpt_code,
    cpt_description,
    units,
    charge_status,
    date_of_service,
    charge_entered_date,
    first_billed_date,
    charge_amount,
    allowed_amount,
    expected_amount,
    insurance_payments,
    patient_payments,
    coalesce(insurance_payments, 0) + coalesce(patient_payments, 0) as revenue,
    adjustments,
    charge_balance,
    first_billed_date is null as is_on_hold,
    {{ days_between('charge_entered_date', as_of()) }} as days_on_hold,
    {{ days_between('charge_entered_date', 'first_billed_date') }} as billing_lag_days,
    charge_entered_date as entered_day,
    {{ start_of('week', 'charge_entered_date') }} as entered_week,
    {{ start_of('month', 'charge_entered_date') }} as entered_month,
    cast(extract(year from charge_entered_date) as bigint) as entered_year,
    loaded_at
from charges
