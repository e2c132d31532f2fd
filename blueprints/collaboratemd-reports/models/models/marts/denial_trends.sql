with charges as (
    select * from {{ ref('stg_gross_billing') }}
),

denials as (
    select * from {{ ref('stg_denial_trends') }}
),

billed as (
    select
        customer_account,
        coalesce(primary_payer_name, '(patient)') as payer_name,
        {{ start_of('month', 'first_billed_date') }} as month,
        count(distinct charge_id) as charges_billed,
        max(loaded_at) as loaded_at
    from charges
    where first_billed_date is not null
    group by 1, 2, 3
),

denied as (
    select
        customer_account,
        coalesce(payer_name, '(patient)') as payer_name,
        {{ start_of('month', 'denial_date') }} as month,
        coalesce(denial_group_code, 'Unknown') as denial_group_code,
        coalesce(denial_reason_code, 'Unknown') as denial_reason_code,
        max(denial_reason) as denial_reason,
        count(*) as denials,
        count(distinct charge_id) as charges_denied,
        sum(charge_amount) as charge_amount,
        sum(denied_amount) as denied_amount,
        sum(recovered_amount) as recovered_amount,
        {{ how_many(is_yes('appealed')) }} as appeals,
        max(loaded_at) as loaded_at
    from denials
    group by 1, 2, 3, 4, 5
)

select
    denied.customer_account,
    denied.payer_name,
    denied.month,
    denied.denial_group_code,
    denied.denial_reason_code,
    denied.denial_reason,
    denied.denials,
    denied.charges_denied,
    denied.charge_amount,
    denied.denied_amount,
    denied.recovered_amount,
    denied.appeals,
    billed.charges_billed,
    {{ share('denied.charges_denied', 'billed.charges_billed') }} as denial_rate,
    {{ share('denied.recovered_amount', 'denied.denied_amount') }} as recovery_rate,
    {{ share('denied.appeals', 'denied.denials') }} as appeal_rate,
    {{ share(
        'denied.denials',
        'sum(denied.denials) over '
        ~ '(partition by denied.customer_account, denied.payer_name, denied.month)'
    ) }} as share_of_payer_denials,
    greatest(denied.loaded_at, billed.loaded_at) as loaded_at
from denied
left join billed
    on denied.customer_account = billed.customer_account
    and denied.payer_name = billed.payer_name
    and denied.month = billed.month
