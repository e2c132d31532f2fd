-- What waits for a person.

-- name: list_held
select sync, key, kind, code, property, message, first_seen, last_seen, attempts
from held
where (%(sync)s::text is null or sync = %(sync)s) and (%(key)s::text is null or key = %(key)s)
  and (%(kinds)s::text[] is null or kind = any(%(kinds)s::text[]))
  and (%(code)s::text is null or code = %(code)s)
-- what contradicts and is asked about nevertheless comes last: most of it is two people
order by sync, kind, code in ('twin', 'suffix-contradicted'), code, key limit %(limit)s

-- name: count_held
select sync, kind, code, property, count(*) as records, min(first_seen) as first_seen, max(last_seen) as last_seen
from held
where (%(sync)s::text is null or sync = %(sync)s)
group by sync, kind, code, property order by records desc, sync, code

-- name: retry
update held set kind = 'source', fingerprint = null
where (%(sync)s::text is null or sync = %(sync)s) and (%(key)s::text is null or key = %(key)s)
  and (%(code)s::text is null or code = %(code)s) and kind = 'remote'
returning sync, key

-- name: candidates_of
select remote_id, rule, reason, verdicts from candidate where sync = %(sync)s and key = %(key)s order by rule, remote_id

-- name: link_of
select remote_id, rule, grade, linked_run, settled_run, linked_at, settled_at
from link where sync = %(sync)s and key = %(key)s

-- name: links_to
select sync, key from link where remote_id = %(remote_id)s order by sync, key

-- name: base_of
select "values" from agreed where sync = %(sync)s and key = %(key)s

-- name: decisions_on
select verdict, remote_id, property, who, why, at, spent_run from ruling
where sync = %(sync)s and key = %(key)s order by id

-- name: deliveries_of
select run, batch, at, object, kind, verdicts[array_position(keys, %(key)s)] as verdict,
       remote_ids[array_position(keys, %(key)s)] as remote_id
from delivery join run on run.id = delivery.run
where run.sync = %(sync)s and %(key)s = any(keys) order by at desc limit %(limit)s

-- name: mirror_record
select id, "values", updated_at, archived, merged_into from mirror
where system = %(system)s and object = %(object)s and id = any(%(ids)s::text[])
