with work as (
    select * from {{ ref('stg_rcm_productivity') }}
),

summed as (
    select
        customer_account,
        coalesce(user_name, 'Unknown') as user_name,
        coalesce(task, 'Unknown') as task,
        {{ start_of('week', 'work_date') }} as week,
        count(distinct work_date) as days_worked,
        {{ total('claims_worked') }} as claims_worked,
        {{ total('charges_entered') }} as charges_entered,
        {{ total('payments_posted') }} as payments_posted,
        sum(amount_posted) as amount_posted,
        sum(hours_worked) as hours_worked,
        max(loaded_at) as loaded_at
    from work
    group by 1, 2, 3, 4
),

counted as (
    select
        *,
        coalesce(claims_worked, 0) + coalesce(charges_entered, 0) + coalesce(payments_posted, 0)
            as items
    from summed
)

select
    customer_account,
    user_name,
    task,
    week,
    days_worked,
    claims_worked,
    charges_entered,
    payments_posted,
    amount_posted,
    hours_worked,
    items,
    {{ share('items', 'hours_worked', 2) }} as items_an_hour,
    {{ share('amount_posted', 'hours_worked', 2) }} as amount_posted_an_hour,
    loaded_at
from counted
