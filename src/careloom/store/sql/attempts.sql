-- Whatever was tried, and how it ended.

-- name: begin
-- The lock is taken before others can see the row, and goes with the connection: whoever says "running" without one is dead.
with begun as (
    insert into attempt (kind, name, trigger, state) values (%(kind)s, %(name)s, %(trigger)s, 'running') returning id
)
select id, pg_advisory_lock(%(lock)s, (id %% 2147483647)::int) from begun

-- name: end
update attempt
set state = %(state)s, ended_at = now(), counts = %(counts)s::jsonb, balanced = %(balanced)s, code = %(code)s,
    error = %(error)s, run = %(run)s
where id = %(id)s

-- name: note
insert into attempt (kind, name, trigger, state, ended_at, code, error)
values (%(kind)s, %(name)s, %(trigger)s, 'failed', now(), %(code)s, %(error)s)

-- name: add_round
insert into attempt as a (kind, name, trigger, state, ended_at, counts, code, error, hour)
values (%(kind)s, %(name)s, %(trigger)s, %(state)s, now(), %(counts)s::jsonb, %(code)s, %(error)s, date_trunc('hour', now()))
on conflict (kind, name, state, code, hour) where hour is not null do update
set rounds = a.rounds + 1, ended_at = now(), error = excluded.error,
    counts = (
        select coalesce(jsonb_object_agg(key, total), '{}')
        from (
            select key, sum(value::numeric) as total
            from (select * from jsonb_each_text(a.counts) union all select * from jsonb_each_text(excluded.counts)) both_rounds
            group by key
        ) summed
    )

-- name: mark_died
update attempt a
set state = 'interrupted', ended_at = now(), code = 'died', error = 'the process ended without saying so'
where state = 'running' and not exists (
    select from pg_locks l
    where l.locktype = 'advisory' and l.database = (select oid from pg_database where datname = current_database())
      and l.classid = %(lock)s::oid and l.objid = (a.id %% 2147483647)::oid and l.objsubid = 2)

-- name: recent
-- What a sync's run that failed had done by then is in its own table.
select a.id, a.kind, a.name, a.trigger, a.state, a.started_at, a.ended_at,
       extract(epoch from coalesce(a.ended_at, now()) - a.started_at)::float8 as seconds,
       case when a.counts = '{}' then coalesce(r.counts, '{}') else a.counts end as counts,
       a.balanced, a.code, a.error, a.run, a.rounds, r.requests, coalesce(r.steps, '[]') as steps
from attempt a left join run r on r.id = a.run and a.kind in ('run', 'apply')
where (%(name)s::text is null or a.name = %(name)s) and (%(kind)s::text is null or a.kind = %(kind)s)
  and (%(since)s::timestamptz is null or coalesce(a.ended_at, now()) >= %(since)s)
  and (not %(failed)s or a.state in ('failed', 'interrupted'))
order by a.started_at desc, a.id desc limit %(limit)s

-- name: last_start
-- Of what came to an end that says something, or is under way; what could not be tried is tried again.
select max(started_at) from attempt
where kind = %(kind)s and name = %(name)s and (state in ('running', 'done') or code = any(%(codes)s::text[]))

-- name: anything_changed
select exists (
    select from sync_log
    where sync_type <> 'webhook' and status <> 'running' and completed_at > coalesce(%(since)s, '-infinity'::timestamptz)
      and records_created + records_updated + records_deleted > 0
      and string_to_array(table_name, ', ') && %(tables)s::text[]
) or exists (
    select from account_reports
    where report_name = any(%(reports)s::text[]) and status in ('loaded', 'empty') and rows_of = id
      and loaded_at > coalesce(%(since)s, '-infinity'::timestamptz)
)
