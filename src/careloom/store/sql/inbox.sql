-- Events as they come in. Keeping and waking are one transaction: a 2xx means that both are on disk.

-- name: keep
-- Received one after the other, though by one clock and in one transaction: of two events the later says what is true.
insert into inbox (source, event_id, event, body, body_hash, state, code, received_at)
select source, event_id, event, body, body_hash, state, code, now() + number * interval '1 microsecond'
from unnest(%(sources)b::text[], %(ids)b::text[], %(events)b::text[], %(bodies)b::bytea[], %(hashes)b::bytea[],
                     %(states)b::text[], %(codes)b::text[], %(numbers)b::integer[])
    as u (source, event_id, event, body, body_hash, state, code, number)
where not exists (select from inbox_digest d where d.source = u.source and d.event_id = u.event_id)
on conflict (source, event_id) do nothing
returning source, event_id

-- name: known
select source, event_id, body_hash from inbox
where (source, event_id) in (select * from unnest(%(sources)b::text[], %(ids)b::text[]))
union all
select source, event_id, body_hash from inbox_digest
where (source, event_id) in (select * from unnest(%(sources)b::text[], %(ids)b::text[]))

-- name: first_told
insert into inbox_content as c (source, digest, first_at)
select %(source)s, digest, min(came_at)
from unnest(%(digests)b::bytea[], %(times)s::timestamptz[]) as u (digest, came_at) group by digest order by digest
on conflict (source, digest) do update set first_at = least(c.first_at, excluded.first_at)
returning digest, first_at

-- name: depth
select s.source, count(i.id) filter (where i.state = 'new'), count(i.id) filter (where i.state = 'held'),
       extract(epoch from clock_timestamp() - min(i.due_at) filter (where i.state = 'new' and i.due_at <= clock_timestamp()))::float8
from unnest(%(sources)s::text[]) s (source) left join inbox i on i.source = s.source and i.state <> 'done'
group by s.source order by s.source

-- name: totals
select (select count(*) from inbox), (select count(*) from inbox where state = 'new'),
       (select count(*) from inbox where state = 'held') + (select count(*) from landing_held),
       (select count(*) from outbox)
