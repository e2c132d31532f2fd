-- Runs and plans.

-- name: start_run
insert into run (sync, state) values (%(sync)s, 'running') returning id

-- name: progress
update run set counts = %(counts)s::jsonb, requests = %(requests)s, steps = steps || %(step)s::jsonb where id = %(run)s

-- name: finish_run
update run
set state = %(state)s, finished_at = now(), counts = coalesce(%(counts)s::jsonb, counts), requests = %(requests)s,
    seconds = %(seconds)s, balanced = %(balanced)s, error = %(error)s
where id = %(run)s

-- name: mark_interrupted
-- Called under the sync's lock: whoever says "running" then is dead.
update run set state = 'interrupted', finished_at = now(), error = 'the process ended without saying so'
where sync = %(sync)s and state = 'running'

-- name: last_start
select max(started_at) from run where sync = %(sync)s and state in ('running', 'done', 'failed')

-- name: save_plan
insert into plan (sync, project_digest, source_digest, portal_digest, action_digest, report)
values (%(sync)s, %(project)s, %(source)s, %(portal)s, %(action)s, %(report)s::jsonb) returning id

-- name: last_plan
select id, project_digest, source_digest, portal_digest, action_digest, report, applied_by, created_at
from plan where sync = %(sync)s order by id desc limit 1

-- name: apply_plan
update plan set applied_by = %(run)s where id = %(plan)s
