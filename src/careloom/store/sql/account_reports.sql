-- What was asked of a system that makes reports, and how far it came.

-- name: open
insert into account_reports (system, report_name, customer_account, due_at)
values (%(system)s, %(name)s, %(account)s, %(due_at)s)
on conflict (system, report_name, customer_account) where status in ('due', 'asked', 'ready') do nothing

-- name: opened
select id, system, report_name as name, customer_account as account, due_at, status, coalesce(identifier, '') as identifier,
    asks, asked_at, coalesce(asked_for, '') as asked_for, tries, tried_at
from account_reports
where system = %(system)s and report_name = %(name)s and customer_account = %(account)s
  and status in ('due', 'asked', 'ready')

-- name: so_far
-- When the newest one was due, how often it failed since it last came to something, and when it last did.
with mine as (
    select id, due_at, status, failed_at from account_reports
    where system = %(system)s and report_name = %(name)s and customer_account = %(account)s
),
failures as (
    select count(*) as number, max(failed_at) as at from mine
    where status = 'failed' and id > coalesce((select max(id) from mine where status not in ('failed', 'due', 'asked', 'ready')), 0)
)
-- One that a clock which ran ahead has asked for must not put off all others until that day.
select (select max(due_at) from mine where due_at <= %(now)s) as due_at, number as failures, at as failed_at from failures

-- name: asked
update account_reports
set status = 'asked', identifier = %(identifier)s, asked_for = %(asked_for)s, asks = asks + 1, asked_at = now(), ready_at = null
where id = %(id)s

-- name: ready
update account_reports set status = 'ready', ready_at = now() where id = %(id)s

-- name: again
update account_reports set status = 'due', identifier = null where id = %(id)s

-- name: failed
update account_reports set status = 'failed', failed_at = %(at)s, error_code = %(code)s, error = %(error)s where id = %(id)s

-- name: shown
-- What readers see of an account, if it was asked for since the report was last begun anew.
select coalesce(a.rows, 0) from account_reports a
left join report_starts s on (s.system, s.report_name) = (a.system, a.report_name)
where a.system = %(system)s and a.report_name = %(name)s and a.customer_account = %(account)s
  and a.current and a.id >= coalesce(s.since, 0)

-- name: accounts
select distinct customer_account from account_reports where system = %(system)s

-- name: start_over
insert into report_starts (system, report_name, since)
select %(system)s, %(name)s, coalesce(max(id), 0) + 1 from account_reports
on conflict (system, report_name) do update set since = excluded.since, at = now()

-- name: end_open
update account_reports set status = 'ended', error_code = 'started-over', error = 'the report was started over'
where system = %(system)s and report_name = %(name)s and status in ('due', 'asked', 'ready')

-- name: kind_of
select c.relkind::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = %(schema)s and c.relname = 'account_reports'

-- name: make_schema
create schema if not exists {schema}

-- name: show_in_schema
create or replace view {schema}.account_reports as select * from reports.account_reports

-- name: lost
update account_reports
set tries = %(tries)s, tried_at = %(at)s, error_code = 'no-answer', error = %(error)s
where id = %(id)s

-- name: end_others
update account_reports
set status = 'ended', error_code = 'not-in-project', error = 'the project asks for it no longer; its rows stay as they are'
where (system = %(system)s or system <> all(%(systems)s)) and status in ('due', 'asked', 'ready')
  and (report_name, customer_account) not in (select * from unnest(%(names)s::text[], %(accounts)s::text[]))
returning id, report_name, customer_account

-- name: newest
select distinct on (a.system, a.report_name, a.customer_account)
    a.id, a.system, a.report_name as name, a.customer_account as account, a.status, a.due_at, a.asked_at, a.ready_at,
    a.loaded_at, a.rows, a.error_code, a.error, shown.loaded_at as shown_since, shown.rows as shown_rows
from account_reports a
left join account_reports shown on shown.system = a.system and shown.report_name = a.report_name
    and shown.customer_account = a.customer_account and shown.current
where %(name)s::text is null or a.report_name = %(name)s
order by a.system, a.report_name, a.customer_account, a.id desc

-- name: drifts
select column_name, code, count from report_drift where account_report = %(id)s order by column_name, code

-- name: to_build
select not exists (select from models_built where project = %(project)s)
    or exists (
        select from account_reports a, models_built b
        where b.project = %(project)s and a.status in ('loaded', 'empty') and a.rows_of = a.id and a.loaded_at >= b.at)

-- name: built
insert into models_built (project, at) values (%(project)s, %(at)s)
on conflict (project) do update set at = excluded.at
