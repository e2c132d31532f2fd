-- What the rules of retention remove, a batch at a time, and what they would remove.

-- name: count_inbox
select count(*) from inbox where state = 'done' and done_at < %(before)s

-- name: keep_digests
-- In a transaction of its own, before the bytes go: whoever sends one again meets either it or its digest.
insert into inbox_digest (source, event_id, body_hash)
select source, event_id, body_hash from inbox where state = 'done' and done_at < %(before)s order by id limit %(most)s
on conflict do nothing

-- name: count_inbox_digest
select (select count(*) from inbox_digest where seen_at < %(before)s)
    + (select count(*) from inbox_content where first_at < %(before)s)

-- name: drop_inbox_digest
with digests as (
    delete from inbox_digest where (source, event_id) in (
        select source, event_id from inbox_digest where seen_at < %(before)s order by seen_at limit %(most)s)
    returning 1
),
contents as (
    delete from inbox_content where (source, digest) in (
        select source, digest from inbox_content where first_at < %(before)s order by first_at limit %(most)s)
    returning 1
)
select * from digests union all select * from contents

-- name: drop_inbox
delete from inbox where id in (
    select id from inbox where state = 'done' and done_at < %(before)s order by id limit %(most)s)

-- name: count_change_log
select count(*) from change_log where at < %(before)s

-- name: drop_change_log
delete from change_log where id in (select id from change_log where at < %(before)s order by at, id limit %(most)s)

-- name: count_sync_log
select count(*) from sync_log where status <> 'running' and started_at < %(before)s

-- name: drop_sync_log
delete from sync_log where id in (
    select id from sync_log where status <> 'running' and started_at < %(before)s order by id limit %(most)s)

-- name: count_account_reports
-- What was asked of accounts, but for the newest of each, those under way, and those whose own rows are there.
select count(*) from account_reports a
where due_at < %(before)s and status in ('loaded', 'empty', 'failed', 'ended') and not current and rows_of is distinct from id
  and exists (
      select from account_reports n where n.id > a.id
        and (n.system, n.report_name, n.customer_account) = (a.system, a.report_name, a.customer_account))

-- name: drop_account_reports
delete from account_reports where id in (
    select id from account_reports a
    where due_at < %(before)s and status in ('loaded', 'empty', 'failed', 'ended') and not current and rows_of is distinct from id
      and exists (
          select from account_reports n where n.id > a.id
            and (n.system, n.report_name, n.customer_account) = (a.system, a.report_name, a.customer_account))
    order by id limit %(most)s)

-- name: count_runs
select count(*) from attempt where state <> 'running' and started_at < %(before)s

-- name: drop_runs
delete from attempt where id in (
    select id from attempt where state <> 'running' and started_at < %(before)s order by started_at limit %(most)s)

-- name: count_landing_held
select count(*) from landing_held where stream = %(stream)s and last_seen < %(before)s

-- name: drop_landing_held
delete from landing_held where (stream, key) in (
    select stream, key from landing_held where stream = %(stream)s and last_seen < %(before)s limit %(most)s)

-- name: forget_changes
delete from change_log where table_name = %(table)s and record_id = any(%(ids)s::uuid[])

-- name: tell
insert into outbox (table_name, operation, record_id, vendor_id, vendor_key)
select %(table)s, 'DELETE', id, key, %(vendor_key)s
from unnest(%(ids)s::uuid[], %(keys)s::text[]) as gone (id, key)

-- name: receipt
insert into cleanup_receipt (at, actor, dry_run, removed) values (%(at)s, %(actor)s, %(dry_run)s, %(removed)s::jsonb)
returning id
