with reported as (
    select * from {{ ref('stg_user_time_spread') }}
),

spent as (
    select
        customer_account,
        coalesce(user_name, 'Unknown') as user_name,
        coalesce(task, 'Unknown') as task,
        {{ start_of('week', 'work_date') }} as week,
        count(*) as entries,
        {{ total('minutes') }} as minutes,
        {{ total('case when ' ~ is_yes('billable') ~ ' then minutes else 0 end') }}
            as billable_minutes,
        max(loaded_at) as loaded_at
    from reported
    group by 1, 2, 3, 4
)

select
    customer_account,
    user_name,
    task,
    week,
    entries,
    minutes,
    billable_minutes,
    {{ share('billable_minutes', 'minutes') }} as billable_share,
    {{ share('minutes', 'sum(minutes) over (partition by customer_account, user_name, week)') }}
        as share_of_week,
    loaded_at
from spent
