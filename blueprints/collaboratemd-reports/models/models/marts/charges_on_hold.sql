with charges as (
    select * from {{ ref('stg_charges_on_hold') }}
)

select
    customer_account,
    coalesce(facility_name, 'Unknown') as facility_name,
    coalesce(claim_status, 'Unknown') as claim_status,
    coalesce(service_type, 'Unknown') as service_type,
    coalesce(cpt_code, 'Unknown') as cpt_code,
    count(*) as charges,
    count(distinct claim_id) as claims,
    sum(charge_amount) as total_amount,
    string_agg(distinct hold_reason, '; ' order by hold_reason) as hold_reasons,
    min(charge_entered_date) as oldest_entered_date,
    max({{ days_between('charge_entered_date', as_of()) }}) as oldest_days_on_hold,
    max(loaded_at) as loaded_at
from charges
group by 1, 2, 3, 4, 5
