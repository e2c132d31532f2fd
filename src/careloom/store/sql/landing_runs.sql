-- Landings and their counts.

-- name: mark_interrupted
-- Called under the family's lock: whoever says "running" then is dead.
update sync_log
set status = 'interrupted', completed_at = now(), error = 'the process ended without saying so'
where status = 'running' and source = %(source)s and sync_type = any(%(family)s::text[])
  and (table_name = %(table)s or sync_type = 'webhook')

-- name: start
insert into sync_log (source, sync_type, table_name) values (%(source)s, %(sync_type)s, %(table)s) returning id

-- name: note
update sync_log
set records_total = %(total)s, records_created = %(created)s, records_updated = %(updated)s,
    records_unchanged = %(unchanged)s, records_deleted = %(deleted)s, records_failed = %(held)s
where id = %(run)s

-- name: finish
update sync_log
set status = %(status)s, completed_at = now(), error = %(error)s, details = %(details)s::jsonb, balanced = %(balanced)s,
    records_total = %(total)s, records_created = %(created)s, records_updated = %(updated)s,
    records_unchanged = %(unchanged)s, records_deleted = %(deleted)s, records_failed = %(held)s,
    records_repaired = %(repaired)s
where id = %(run)s

-- name: recent
select id, source, sync_type, table_name, status, started_at, completed_at, records_total, records_created,
       records_updated, records_unchanged, records_deleted, records_failed, records_repaired, balanced, error, details
from sync_log
where %(table)s::text is null or table_name = %(table)s or %(table)s = any(string_to_array(table_name, ', '))
order by id desc limit %(limit)s
