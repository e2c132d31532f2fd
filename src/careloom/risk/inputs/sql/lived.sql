-- Each service line with the reason why its claim is none, or is one no longer (`ended`), whatever CMS's filter says of it: it
-- was never a claim, was cancelled, failed, takes another one back, or was replaced. A chart review that takes diagnoses back takes
-- them from the claims it is tied to.
--
-- A claim (a: replacement, void, delete) is tied to others (o) of the same person by the numbers it refers to (REF*F8, `related`); where none
-- of them is here, by its own number (CLM01); as some senders give all claims of a person one number, only to those that end on its day,
-- unless all end on one day. It is about claims of before: those of no action that were not sent later, and those of any
-- action that were sent, or where that is equal are read, earlier.
with lines as (
  select
    * replace (coalesce(action, case frequency when '7' then 'replacement' when '8' then 'void' end) as action),
    row_number() over () as line
  from services
),
claims as materialized (
  select
    row_number() over (order by min(sent) nulls first, source, position, claim, person_id) as key,
    source, position, claim, person_id,
    min(claim_id) as claim_id,
    any_value(claim_numbers) as claim_numbers,
    any_value(format) as format,
    any_value(action) as action,
    any_value(refers_to) as refers_to,
    min(sent) as sent,
    max(coalesce(through_date, service_date)) as day,
    any_value(diagnosis_codes) as codes,
    case
      when lower(coalesce(any_value(use), 'claim')) <> 'claim' then 'not-a-claim'
      when lower(coalesce(any_value(status), 'active')) <> 'active' then 'cancelled'
      when lower(coalesce(any_value(outcome), 'complete')) = 'error' then 'failed'
      when any_value(action) = 'void' then 'void'
      when any_value(action) = 'delete' then 'chart-review-delete'
      when any_value(replaced) then 'replaced'
    end as own
  from lines
  group by source, position, claim, person_id
),
acting as (
  select *
  from claims
  where action is not null and coalesce(own, action) in ('void', 'chart-review-delete', 'replacement', 'replaced')
),
named as (
  select key, person_id, action, sent, unnest(list_distinct(list_prepend(claim_id, coalesce(claim_numbers, [])))) as number
  from claims
),
referring as (
  select key, person_id, action, sent, unnest(list_distinct(coalesce(refers_to, []))) as number
  from acting
),
by_reference as (
  select distinct a.key as later, o.key as earlier
  from referring as a
  join named as o on o.person_id = a.person_id and o.number = a.number and o.key <> a.key
  where o.key < a.key or (o.action is null and coalesce(o.sent <= a.sent, true))
),
numbered as (
  select person_id, claim_id, count(distinct day) as days
  from claims
  where action is null
  group by person_id, claim_id
),
by_number as (
  select a.key as later, o.key as earlier
  from acting as a
  join claims as o on o.person_id = a.person_id and o.claim_id = a.claim_id and o.key <> a.key
  left join numbered as n on n.person_id = a.person_id and n.claim_id = a.claim_id
  where
    a.format <> 'fhir'
    and (o.day is not distinct from a.day or coalesce(n.days, 0) <= 1)
    and a.key not in (select later from by_reference)
    and (o.key < a.key or (o.action is null and coalesce(o.sent <= a.sent, true)))
),
ties as materialized (
  select t.earlier, t.later, a.action
  from (from by_reference union all from by_number) as t
  join acting as a on a.key = t.later
),
overtaken as (
  select earlier as key, max(case action when 'void' then 'voided' else 'replaced' end) as reason
  from ties
  where action in ('void', 'replacement')
  group by earlier
),
taken_back as (
  select t.earlier as key, list_distinct(flatten(list(a.codes))) as codes
  from ties as t
  join claims as a on a.key = t.later
  where t.action = 'delete' and t.later not in (select key from overtaken)
  group by t.earlier
),
former as (
  select key
  from claims
  where format = 'fhir' and claim_id is not null
  qualify row_number() over (partition by person_id, claim_id order by key desc) > 1
),
judged as (
  select
    claims.key, claims.source, claims.position, claims.claim, claims.person_id,
    coalesce(own, overtaken.reason, case when former.key is not null then 'older-version' end) as ended,
    taken_back.codes as taken_back,
    case when claims.key in (select key from acting) and claims.key not in (select later from ties) then claims.action end as untied
  from claims
  left join overtaken on overtaken.key = claims.key
  left join former on former.key = claims.key
  left join taken_back on taken_back.key = claims.key
)
select
  lines.* exclude (line),
  judged.ended,
  judged.untied,
  judged.taken_back,
  list_has_any(list_transform(coalesce(lines.modifiers, []), lambda modifier: upper(modifier)), ['93', 'FQ']) as by_voice
from lines
join judged
  on judged.source is not distinct from lines.source and judged.position is not distinct from lines.position
  and judged.claim is not distinct from lines.claim and judged.person_id is not distinct from lines.person_id
order by lines.line
