-- How far streams were read.

-- name: read
select stream, changed_until, scan_kind, scan_began, checkpoint, scanned_at, reconciled_at
from stream_state where stream = %(stream)s

-- name: begin
-- By the database's clock, by which landed rows are dated too.
insert into stream_state (stream, scan_kind, scan_began, checkpoint)
values (%(stream)s, %(kind)s, clock_timestamp(), '')
on conflict (stream) do update set scan_kind = excluded.scan_kind, scan_began = excluded.scan_began, checkpoint = ''
returning stream, changed_until, scan_kind, scan_began, checkpoint, scanned_at, reconciled_at

-- name: forget_pages
delete from scan_page where stream = %(stream)s

-- name: advance
update stream_state set checkpoint = %(checkpoint)s where stream = %(stream)s

-- name: add_page
insert into scan_page (stream, member, keys, keyless) values (%(stream)s, %(member)s, %(keys)s, %(keyless)s)

-- name: keyless
select coalesce(sum(keyless), 0) from scan_page where stream = %(stream)s and member = %(member)s

-- name: complete
-- `changed_until` never goes back: what was read up to then was read.
insert into stream_state (stream, changed_until, scanned_at, reconciled_at)
select one, %(began)s, clock_timestamp(), case when %(whole)s then clock_timestamp() end
from unnest(%(streams)s::text[]) as s (one)
on conflict (stream) do update
set changed_until = greatest(stream_state.changed_until, excluded.changed_until), scanned_at = excluded.scanned_at,
    reconciled_at = coalesce(excluded.reconciled_at, stream_state.reconciled_at),
    scan_kind = null, scan_began = null, checkpoint = ''
