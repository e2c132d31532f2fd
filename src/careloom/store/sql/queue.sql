-- Waking jobs, and those whose worker is gone. The tables are procrastinate's, in our schema.

-- name: wake
-- The first test spares the wait for another transaction's commit that a conflict costs; the index settles the race.
insert into procrastinate_jobs (queue_name, task_name, lock, queueing_lock, args)
select %(queue)s::text, %(job)s::text, %(lock)s::text, %(lock)s::text, jsonb_build_object('subject', %(subject)s::text)
where not exists (select from procrastinate_jobs where queueing_lock = %(lock)s::text and status = 'todo')
on conflict (queueing_lock) where status = 'todo' do nothing

-- name: abandoned
select j.id
from procrastinate_jobs j left join procrastinate_workers w on w.id = j.worker_id
where j.status = 'doing' and (w.id is null or w.last_heartbeat < now() - make_interval(secs => %(silence)s))

-- name: taken_by
select id from procrastinate_jobs where status = 'doing' and worker_id = any(%(workers)s)

-- name: drop
delete from procrastinate_jobs where id = %(id)s and status = 'doing' returning task_name, args ->> 'subject'

-- name: drop_ended
delete from procrastinate_jobs where status not in ('todo', 'doing')

-- name: under_way
select lock from procrastinate_jobs where status = 'doing'

-- name: last_cleanup
select max(at) from cleanup_receipt where not dry_run
