with reported as (
    select * from {{ ref('stg_pdr3_calculator') }}
),

counted as (
    select
        *,
        coalesce(discharge_date, {{ as_of() }}) as last_day,
        discharge_date is null as is_open
    from reported
),

stays as (
    select
        *,
        -- The day of discharge is no patient day, but who comes and goes on one day was there for
        -- one.
        case
            when discharge_date < admission_date then null
            when last_day < admission_date then 0
            when discharge_date = admission_date then 1
            else {{ days_between('admission_date', 'last_day') }}
        end as patient_days
    from counted
)

select
    customer_account,
    coalesce(facility_name, 'Unknown') as facility_name,
    coalesce(level_of_care, 'Unknown') as level_of_care,
    coalesce(payer_name, '(patient)') as payer_name,
    {{ start_of('month', 'admission_date') }} as admission_month,
    count(*) as stays,
    {{ how_many('is_open') }} as open_stays,
    {{ how_many('patient_days is null') }} as stays_without_days,
    {{ total('patient_days') }} as patient_days,
    {{ total('authorized_days') }} as authorized_days,
    {{ total('billed_days') }} as billed_days,
    {{ total(beyond('patient_days', 'billed_days')) }} as days_not_billed,
    {{ total(beyond('billed_days', 'authorized_days')) }} as days_billed_beyond_authorization,
    {{ total(beyond('authorized_days', 'billed_days')) }} as authorized_days_not_billed,
    sum(charge_amount) as charge_amount,
    {{ share('sum(charge_amount)', 'sum(billed_days)', 2) }} as charge_a_billed_day,
    max(loaded_at) as loaded_at
from stays
group by 1, 2, 3, 4, 5
