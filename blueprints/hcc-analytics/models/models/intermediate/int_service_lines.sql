{#
    CMS's encounter data filtering: an inpatient bill (11X, 41X) counts; an outpatient one (12X to 87X) counts by the CPT or HCPCS codes of
    its lines, and so does a professional claim, which has no type of bill. What was cancelled or entered in error does not count, nor
    does a bill that takes another one back (its third digit is 8). The payment year is the year after the service.
#}
with lines as (
    select
        stg_service_lines.*,
        substr(type_of_bill, 1, 2) as bill,
        extract(year from service_date) + 1 as payment_year
    from {{ ref('stg_service_lines') }} as stg_service_lines
),
listed as (
    select distinct payment_year from {{ ref('hcc_eligible_procedures') }}
)
select
    lines.person_id, lines.claim_id, lines.type_of_bill, lines.procedure_code, lines.service_date,
    case
        when coalesce(lower(lines.status), 'active') <> 'active' then 'cancelled'
        when substr(lines.type_of_bill, 3, 1) = '8' then 'void'
        when lines.bill in ('11', '41') then null
        when lines.bill not in ('12', '13', '43', '71', '73', '76', '77', '85', '87') then 'type-of-bill'
        when listed.payment_year is null then 'year-without-list'
        when eligible.code is null then 'procedure'
    end as refused
from lines
left join listed on listed.payment_year = lines.payment_year
left join {{ ref('hcc_eligible_procedures') }} as eligible
    on eligible.payment_year = lines.payment_year and eligible.code = upper(lines.procedure_code)
