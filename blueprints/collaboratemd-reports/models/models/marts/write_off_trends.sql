with reported as (
    select * from {{ ref('stg_write_off_trends') }}
)

select
    customer_account,
    {{ start_of('month', 'write_off_date') }} as month,
    coalesce(payer_name, '(patient)') as payer_name,
    coalesce(facility_name, 'Unknown') as facility_name,
    coalesce(write_off_type, 'Unknown') as write_off_type,
    coalesce(write_off_reason, 'Unknown') as write_off_reason,
    count(*) as write_offs,
    count(distinct charge_id) as charges,
    sum(charge_amount) as charge_amount,
    sum(write_off_amount) as write_off_amount,
    {{ share('sum(write_off_amount)', 'sum(charge_amount)') }} as share_of_charges,
    max(loaded_at) as loaded_at
from reported
group by 1, 2, 3, 4, 5, 6
