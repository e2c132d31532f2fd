with charges as (
    select * from {{ ref('stg_ar_aging') }}
),

aged as (
    select
        *,
        coalesce(
            balance_age_days,
            {{ days_between('coalesce(date_first_billed, date_of_service)', as_of()) }}
        ) as age_days,
        coalesce(electronic_statements_sent, 0) + coalesce(paper_statements_sent, 0)
            as total_statements_sent
    from charges
),

ordered as (
    select
        *,
        {{ aging_bucket_order('age_days') }} as aging_bucket_order,
        cast(
            sum(total_statements_sent) over (partition by customer_account, patient_id) as bigint
        ) as statements_of_number
    from aged
)

select
    customer_account,
    charge_id,
    claim_id,
    patient_id,
    facility_name,
    rendering_provider,
    coalesce(payer_name, '(patient)') as payer_name,
    coalesce(
        payer_type, case when payer_name is null then 'Patient' else 'Unknown' end
    ) as payer_type,
    cpt_code,
    date_of_service,
    date_first_billed,
    charge_amount,
    balance_due,
    balance_due_insurance,
    balance_due_patient,
    age_days,
    {{ aging_bucket('aging_bucket_order') }} as aging_bucket,
    aging_bucket_order,
    electronic_statements_sent,
    paper_statements_sent,
    total_statements_sent,
    case
        when patient_id is null then total_statements_sent
        else statements_of_number
    end as patient_statements_sent,
    last_statement_date,
    loaded_at
from ordered
