-- What was agreed with the other side, written only on acknowledgement.
-- Lists of text travel in binary (%(...)b): as text each value is escaped, which costs more than all else in settling.

-- name: settle_links
insert into link (sync, key, remote_id, rule, grade, fingerprint, linked_run, settled_run)
select %(sync)s, unnest(%(keys)b::text[]), unnest(%(remote_ids)b::text[]), unnest(%(rules)b::text[]),
       unnest(%(grades)b::text[]), unnest(%(fingerprints)s::bigint[]), %(run)s, %(run)s
on conflict (sync, key) do update
    set remote_id = excluded.remote_id, fingerprint = excluded.fingerprint, settled_run = excluded.settled_run,
        settled_at = now()

-- name: settle_base
insert into agreed (sync, key, "values")
select %(sync)s, unnest(%(keys)b::text[]), unnest(%(values)b::text[])::jsonb
on conflict (sync, key) do update set "values" = excluded."values"

-- name: release
with freed as (
    -- A conflict that this very run found outlives the writing of the record's other fields.
    delete from held
    where sync = %(sync)s and key = any(%(keys)b::text[]) and (kind <> 'conflict' or run < %(run)s)
    returning key
)
delete from candidate where sync = %(sync)s and key = any(%(keys)b::text[])

-- name: unlink
with gone as (delete from link where sync = %(sync)s and key = any(%(keys)b::text[]) returning key),
     forgotten as (delete from tie where sync = %(sync)s and key = any(%(keys)b::text[]) returning key)
delete from agreed where sync = %(sync)s and key = any(%(keys)b::text[])

-- name: hold
-- A plan has the lowest number: what a run holds stays the run's, or a plan made meanwhile would take the hold away from it.
insert into held (sync, key, kind, code, property, message, fingerprint, run)
select %(sync)s, unnest(%(keys)b::text[]), unnest(%(kinds)b::text[]), unnest(%(codes)b::text[]),
       unnest(%(properties)b::text[]), unnest(%(messages)b::text[]), unnest(%(fingerprints)s::bigint[]), %(run)s
on conflict (sync, key) do update
    set kind = excluded.kind, code = excluded.code, property = excluded.property, message = excluded.message,
        fingerprint = excluded.fingerprint, run = greatest(held.run, excluded.run), last_seen = now(), attempts = held.attempts + 1

-- name: offer_candidates
insert into candidate (sync, key, remote_id, rule, reason, verdicts)
select %(sync)s, unnest(%(keys)b::text[]), unnest(%(remote_ids)b::text[]), unnest(%(rules)b::text[]),
       unnest(%(reasons)b::text[]), unnest(%(verdicts)b::text[])::jsonb
on conflict (sync, key, remote_id) do update
    set rule = excluded.rule, reason = excluded.reason, verdicts = excluded.verdicts

-- name: forget_held_not_seen
-- What was held for its source or its match and is no longer: the row was mended, or it left the source.
with stale as (
    delete from held
    where sync = %(sync)s and run < %(run)s and kind in ('source', 'match', 'conflict')
    returning key
)
delete from candidate using stale where candidate.sync = %(sync)s and candidate.key = stale.key

-- name: forget_planned
with stale as (delete from held where sync = %(sync)s and run = %(planned)s returning key)
delete from candidate using stale where candidate.sync = %(sync)s and candidate.key = stale.key

-- name: forget_held_gone
with gone as (delete from held where sync = %(sync)s and key = any(%(keys)b::text[]) returning key)
delete from candidate using gone where candidate.sync = %(sync)s and candidate.key = gone.key

-- name: base_of
select key, "values"::text as agreed from agreed where sync = %(sync)s and key = any(%(keys)b::text[])

-- name: open_decisions
select distinct on (key, coalesce(property, ''), case when verdict = 'never' then remote_id end)
       key, verdict, remote_id, property
from ruling
where sync = %(sync)s and spent_run is null
  -- "never" is taken back by a later "link" to the same record
  and not (verdict = 'never' and exists (
      select 1 from ruling later
      where later.sync = ruling.sync and later.key = ruling.key and later.id > ruling.id
        and later.verdict = 'link' and later.remote_id = ruling.remote_id))
order by key, coalesce(property, ''), case when verdict = 'never' then remote_id end, id desc

-- name: consume_decisions
update ruling set spent_run = %(run)s
where sync = %(sync)s and key = any(%(keys)b::text[]) and spent_run is null and verdict in ('source', 'destination')

-- name: record_decision
insert into ruling (sync, key, verdict, remote_id, property, who, why)
values (%(sync)s, %(key)s, %(verdict)s, %(remote_id)s, %(property)s, %(who)s, %(why)s)

-- name: log_delivery
insert into delivery (run, batch, object, kind, keys, verdicts, remote_ids, milliseconds)
values (%(run)s, %(batch)s, %(object)s, %(kind)s, %(keys)b::text[], %(verdicts)b::text[], %(remote_ids)b::text[],
        %(milliseconds)s)

-- name: ties_of
select key, to_object, to_key, label, from_id, to_id from tie where sync = %(sync)s

-- name: has_links
select 1 from link where sync = %(sync)s limit 1

-- name: forget_base_properties
update agreed set "values" = "values" - %(properties)s::text[] where sync = %(sync)s

-- name: forget_fingerprints
update link set fingerprint = 0 where sync = %(sync)s

-- name: settle_ties
insert into tie (sync, key, to_object, to_key, label, from_id, to_id, run)
select %(sync)s, unnest(%(keys)b::text[]), %(to_object)s, unnest(%(to_keys)b::text[]), unnest(%(labels)b::text[]),
       unnest(%(from_ids)b::text[]), unnest(%(to_ids)b::text[]), %(run)s
on conflict (sync, key, to_object, to_key, label) do update
    set from_id = excluded.from_id, to_id = excluded.to_id, run = excluded.run

-- name: remove_ties
delete from tie using (
    select unnest(%(keys)b::text[]) as key, unnest(%(to_keys)b::text[]) as to_key, unnest(%(labels)b::text[]) as label
) gone
where tie.sync = %(sync)s and tie.to_object = %(to_object)s
  and tie.key = gone.key and tie.to_key = gone.to_key and tie.label = gone.label

-- name: watermark
select value from watermark where sync = %(sync)s and project_digest = %(digest)s
  and not exists (select 1 from held where held.sync = %(sync)s)

-- name: set_watermark
insert into watermark (sync, value, project_digest) values (%(sync)s, %(value)s, %(digest)s)
on conflict (sync) do update set value = excluded.value, project_digest = excluded.project_digest, set_at = now()

-- name: clear_watermark
delete from watermark where sync = %(sync)s
