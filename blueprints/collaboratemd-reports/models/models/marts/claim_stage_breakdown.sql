with claims as (
    select * from {{ ref('stg_claim_stage_breakdown') }}
),

aged as (
    select
        *,
        {{ days_between('stage_entered_date', as_of()) }} as days_in_stage,
        {{ days_between('claim_last_worked_date', as_of()) }} as days_not_worked
    from claims
)

select
    customer_account,
    coalesce(claim_stage, 'Unknown') as claim_stage,
    coalesce(payer_name, '(patient)') as payer_name,
    count(*) as claims,
    sum(claim_amount) as claim_amount,
    sum(claim_balance) as claim_balance,
    {{ share('sum(days_in_stage)', 'count(days_in_stage)', 1) }} as average_days_in_stage,
    max(days_in_stage) as longest_days_in_stage,
    max(days_not_worked) as longest_days_not_worked,
    {{ how_many(is_yes('clearinghouse_rejected')) }} as clearinghouse_rejections,
    {{ share('count(*)', 'sum(count(*)) over (partition by customer_account)') }}
        as share_of_claims,
    max(loaded_at) as loaded_at
from aged
group by 1, 2, 3
