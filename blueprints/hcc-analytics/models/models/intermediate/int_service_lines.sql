{#
    CMS's encounter data filtering: an inpatient bill (11X, 41X) counts; an outpatient one (12X to
    87X) counts by the CPT or HCPCS codes of its lines, and so does a professional claim, which has
    no type of bill. What is no claim, was cancelled or failed does not count, nor does a bill that
    takes another one back (frequency 8), what one took back, or what a replacement (frequency 7)
    took the place of. From payment year 2027 on services by voice alone and chart reviews of no
    encounter do not count (Rate Announcement of 2026-04-06). The payment year is the year after the
    service.
#}
with service_lines as (
    select * from {{ ref('stg_service_lines') }}
),

procedures as (
    select * from {{ ref('hcc_eligible_procedures') }}
),

lines as (
    select
        service_lines.*,
        substr(service_lines.type_of_bill, 1, 2) as bill,
        coalesce(
            service_lines.frequency, substr(service_lines.type_of_bill, 3, 1)
        ) as bill_of_stay,
        concat(
            ' ', upper(coalesce(translate(service_lines.modifiers, ',;:|', '    '), '')), ' '
        ) as spaced_modifiers,
        extract(year from service_lines.service_date) + 1 as payment_year,
        case
            when coalesce(lower(service_lines.use), 'claim') <> 'claim' then 'not-a-claim'
            when coalesce(lower(service_lines.status), 'active') <> 'active' then 'cancelled'
            when coalesce(lower(service_lines.outcome), 'complete') = 'error' then 'failed'
        end as dead
    from service_lines
),

ended as (
    select
        person_id,
        replaces_claim_id as claim_id,
        max(case when bill_of_stay = '8' then 'voided' else 'replaced' end) as reason
    from lines
    where
        dead is null and replaces_claim_id is not null and replaces_claim_id <> claim_id
        and bill_of_stay in ('7', '8') and coalesce(lower(chart_review), '') <> 'delete'
    group by person_id, replaces_claim_id
),

listed as (
    select distinct payment_year from procedures
)

select
    lines.person_id,
    lines.claim_id,
    lines.type_of_bill,
    lines.procedure_code,
    lines.service_date,
    case
        when lines.dead is not null then lines.dead
        when lines.bill_of_stay = '8' then 'void'
        when lower(lines.chart_review) = 'delete' then 'chart-review-delete'
        when ended.reason is not null then ended.reason
        when
            lower(lines.chart_review) = 'unlinked'
            and lines.payment_year >= {{ var('unlinked_chart_reviews_until') }} + 1
            then 'unlinked-chart-review'
        when lines.bill in ('11', '41') then null
        when
            lines.bill not in ('12', '13', '43', '71', '73', '76', '77', '85', '87')
            then 'type-of-bill'
        when listed.payment_year is null then 'year-without-list'
        when procedures.code is null then 'procedure'
        when
            lines.payment_year >= {{ var('audio_only_until') }} + 1
            and (lines.spaced_modifiers like '% 93 %' or lines.spaced_modifiers like '% FQ %')
            then 'audio-only'
    end as refused
from lines
left join ended on lines.person_id = ended.person_id and lines.claim_id = ended.claim_id
left join listed on lines.payment_year = listed.payment_year
left join procedures
    on lines.payment_year = procedures.payment_year and lines.procedure_code = procedures.code
