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
