-- All that waits, wherever it waits: counted by its cause, with the first of each.

-- name: of_syncs
select sync as name, kind, code, property as "column", count(*)::int as number, min(first_seen) as oldest,
       max(attempts)::int as tries
from held group by sync, kind, code, property

-- name: of_streams
select stream as name, 'landed record' as kind, code, "column", count(*)::int as number, min(first_seen) as oldest,
       max(attempts)::int as tries
from landing_held group by stream, code, "column"

-- name: of_events
-- Those that are held, and those that were tried in vain and are tried again by themselves.
select source as name, case state when 'held' then 'event' else 'event tried again' end as kind, coalesce(code, '') as code,
       null::text as "column", count(*)::int as number, min(received_at) as oldest, max(attempts)::int as tries
from inbox where state = 'held' or (state = 'new' and attempts > 0) group by source, state, code

-- name: of_reports
select name, 'report' as kind, coalesce(code, '') as code, null::text as "column", count(*)::int as number,
       min(due_at) as oldest, max(asks)::int as tries
from (
    select distinct on (system, report_name, customer_account)
        report_name as name, error_code as code, due_at, status, asks
    from account_reports order by system, report_name, customer_account, id desc
) latest
where status = 'failed' group by name, code

-- name: of_jobs
select what as name, 'job' as kind, '' as code, null::text as "column", 1 as number, since as oldest, attempts as tries
from resting
