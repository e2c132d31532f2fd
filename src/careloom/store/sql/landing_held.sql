-- Records that could not be landed.

-- name: hold
insert into landing_held (stream, key, code, "column", message, body)
values (%(stream)s, %(key)s, %(code)s, %(column)s, %(message)s, %(body)s)
on conflict (stream, key) do update
    set code = excluded.code, "column" = excluded."column", message = excluded.message, body = excluded.body,
        last_seen = now(), attempts = landing_held.attempts + 1

-- name: forget
delete from landing_held where stream = %(stream)s and key = any(%(keys)s::text[])

-- name: among
select stream, key, code, "column", message, body, first_seen, attempts from landing_held
where stream = %(stream)s and key = any(%(keys)s::text[])

-- name: list
select stream, key, code, "column", message, first_seen, attempts from landing_held
where %(stream)s::text is null or stream = %(stream)s
order by first_seen, stream, key

-- name: bodies
select stream, key, code, "column", message, body, first_seen, attempts from landing_held
where stream = %(stream)s order by first_seen, key limit %(limit)s

-- name: note_drift
insert into landing_drift (stream, "column", code, kind, records)
values (%(stream)s, %(column)s, %(code)s, %(kind)s, %(records)s)
on conflict (stream, "column", code, kind) do update
    set last_seen = now(), records = landing_drift.records + excluded.records
returning xmax = 0

-- name: drift
-- What has not come for a week is over.
select stream, "column", code, kind, first_seen, records from landing_drift
where stream = %(stream)s and last_seen > now() - interval '7 days' order by first_seen, "column"
