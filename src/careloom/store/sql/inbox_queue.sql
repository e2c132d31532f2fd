-- Taking stored events and change events in their order, and saying what became of them.

-- name: claim_events
-- In the order of their ids, as many as fit into `most` and `bytes`, and at least one.
select id, event_id, event, received_at, body, case when code = %(asked)s then attempts else 0 end as asked
from (
    select *, sum(octet_length(body)) over (order by id) - octet_length(body) as before
    from (
        select id, event_id, event, received_at, body, code, attempts
        from inbox
        where source = %(source)s and state = 'new' and due_at <= now()
        order by id limit %(most)s
    ) due
) measured
where before < %(bytes)s
order by id

-- name: done
update inbox set state = 'done', done_at = now(), code = null, message = ''
where id = any(%(ids)s) and state = 'new'

-- name: hold
update inbox set state = 'held', attempts = attempts + 1, code = %(code)s, message = %(message)s
where id = %(id)s and state = 'new'

-- name: wait
-- Attempts count again from one when the reason is another: an outage of hours is no sign that the event is bad.
with verdicts as (
    select * from unnest(%(ids)s::bigint[], %(after)s::float8[], %(chance)s::float8[]) as v (id, after, chance)
)
update inbox i
set attempts = n.attempts,
    code = %(code)s,
    message = %(message)s,
    state = case when n.attempts >= %(limit)s then 'held' else 'new' end,
    due_at = now() + make_interval(
        secs => greatest(v.after, least(%(most)s, %(first)s * 2.0 ^ least(n.attempts - 1, 20)) * v.chance)
    )
from verdicts v, lateral (select case when j.code = %(code)s then j.attempts + 1 else 1 end as attempts
                          from inbox j where j.id = v.id) n
where i.id = v.id and i.state = 'new'
returning i.state

-- name: due_sources
select source from unnest(%(sources)s::text[]) as s (source)
where exists (select from inbox i where i.source = s.source and i.state = 'new' and i.due_at <= now())

-- name: claim_changes
select id, table_name, operation, record_id, vendor_id, vendor_key, at
from outbox where not told @> array[%(publisher)s::text] order by id limit %(most)s

-- name: mark_told
update outbox set told = told || %(publisher)s::text where id = any(%(ids)s)

-- name: forget_told
delete from outbox where id = any(%(ids)s) and told || %(publisher)s::text @> %(publishers)s::text[]

-- name: forget_settled
-- What only waited for a publisher that the project no longer has.
delete from outbox where told <> '{}' and told @> %(publishers)s::text[]

-- name: forget_all
delete from outbox where id in (select id from outbox order by id limit %(most)s)

-- name: anything_to_tell
select exists(select from outbox)

-- name: rests
select due_at > now() from resting where what = %(what)s

-- name: resting
select what from resting where due_at > now()

-- name: rest
insert into resting (what, due_at)
values (%(what)s, now() + make_interval(secs => greatest(%(after)s::float8, %(first)s::float8 * %(chance)s::float8)))
on conflict (what) do update
set attempts = resting.attempts + 1,
    due_at = now() + make_interval(secs => greatest(
        %(after)s::float8,
        least(%(most)s::float8, %(first)s::float8 * 2.0 ^ least(resting.attempts, 20)) * %(chance)s::float8
    ))
returning attempts

-- name: rested
delete from resting where what = %(what)s
