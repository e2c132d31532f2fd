-- The tables of reports: shaped when a column first comes, filled run by run, shown by the view of the current runs.

-- name: pinned
select column_name, type from report_columns where system = %(system)s and report_name = %(name)s order by place

-- name: lock
select pg_advisory_xact_lock(hashtext('careloom report'), hashtext(%(name)s))

-- name: patience
-- A table that is being loaded cannot be altered meanwhile; whoever waits for it in line keeps all readers waiting too.
set local lock_timeout = '300ms'

-- name: pin
insert into report_columns (system, report_name, column_name, place, type)
select %(system)s, %(name)s, %(column)s,
       coalesce((select max(place) + 1 from report_columns where system = %(system)s and report_name = %(name)s), 0), %(type)s
on conflict (system, report_name, column_name) do update set type = excluded.type where report_columns.type = 'unknown'

-- name: columns_of
select attname, atttypid::regtype::text from pg_attribute
where attrelid = to_regclass(%(table)s) and attnum > 0 and not attisdropped order by attnum

-- name: make_table
create table if not exists {table} (
    report_run bigint not null,
    row_number bigint not null,
    customer_account text not null,
    unparsed jsonb
)

-- name: make_index
create index if not exists {index} on {table} (report_run)

-- name: make_view
-- No header gives a column a name with a hyphen.
create or replace view {view} as select {columns} from {table}
join (
    select rows_of as "run-shown", loaded_at as "came-at" from {schema}.account_reports
    where current and system = {system} and report_name = {name}
) as shown on report_run = "run-shown"

-- name: make_snapshots_view
-- All snapshots that are kept; one that came again unchanged is one, with the time at which it last came.
create or replace view {view} as select {columns} from {table}
join (
    select rows_of as "run-shown", max(loaded_at) as "came-at" from {schema}.account_reports
    where loaded_at is not null and system = {system} and report_name = {name} group by rows_of
) as shown on report_run = "run-shown"

-- name: granted
select 1 from pg_class where oid = any(array[to_regclass(%(view)s), to_regclass(%(snapshots)s)]) and relacl is not null

-- name: forget_run
delete from {table} where report_run = %(run)s

-- name: copy_in
copy {table} ({columns}) from stdin (format csv)

-- name: copy_out
copy (select {columns} from {view} order by customer_account, row_number) to stdout (format csv, header)

-- name: rows_are_own
update account_reports set rows_of = id, digest = %(digest)s, header = %(header)s where id = %(run)s

-- name: former_header
-- The columns of the last files of what this run asks for: of its account, or else of any. None where it is begun anew.
select coalesce(a.header, array(
    select c.column_name from report_columns c
    where (c.system, c.report_name) = (a.system, a.report_name) and not exists (
        select from report_drift d
        where d.account_report = a.id and d.column_name = c.column_name and d.code = 'column-gone')))
from account_reports n
join account_reports a using (system, report_name)
left join report_starts s using (system, report_name)
where n.id = %(run)s and a.id <> n.id and a.status in ('loaded', 'empty') and a.id >= coalesce(s.since, 0)
  and (a.asked_for is null or n.asked_for is null or a.asked_for = n.asked_for)
order by a.header is null, a.customer_account = n.customer_account desc, a.id desc
limit 1

-- name: unlearn
delete from report_columns
where system = %(system)s and report_name = %(name)s and column_name <> all(%(header)s)

-- name: take_over
with former as materialized (
    select f.id, f.rows_of, f.rows, f.header from account_reports f join account_reports n using (system, report_name, customer_account)
    left join report_starts s using (system, report_name)
    where n.id = %(run)s and f.current and f.id <> n.id and f.digest = %(digest)s and f.rows_of is not null
      and f.id >= coalesce(s.since, 0) and (f.asked_for is null or n.asked_for is null or f.asked_for = n.asked_for)
    for share of f
)
update account_reports n set rows_of = former.rows_of, digest = %(digest)s, header = former.header from former where n.id = %(run)s
returning former.id, coalesce(former.rows, 0)

-- name: drift_of
select column_name, code, count from report_drift where account_report = %(run)s and code <> 'new-column'
order by column_name, code

-- name: step_down
update account_reports f set current = false from account_reports n
where n.id = %(run)s and f.current and f.id <> n.id
  and (f.system, f.report_name, f.customer_account) = (n.system, n.report_name, n.customer_account)

-- name: step_up
update account_reports
set status = case when %(rows)s = 0 then 'empty' else 'loaded' end, loaded_at = now(), rows = %(rows)s, current = true,
    rows_of = coalesce(rows_of, id), error_code = null, error = null
where id = %(run)s

-- name: no_drift
delete from report_drift where account_report = %(run)s

-- name: drift
insert into report_drift (account_report, column_name, code, count)
values (%(run)s, %(column)s, %(code)s, %(count)s)

-- name: forgettable
-- Those whose own rows are there; the newest of each account stay, and all that any current or open one shows.
with owners as (
    select id, current, row_number() over (partition by customer_account order by current, id desc) as age
    from account_reports where system = %(system)s and report_name = %(name)s and rows_of = id
)
select id from owners where not current and age > %(keep)s
  and id not in (
      select rows_of from account_reports
      where system = %(system)s and report_name = %(name)s and rows_of is not null
        and (current or status in ('due', 'asked', 'ready'))
  )
order by id

-- name: forgotten
update account_reports set rows_of = null, digest = null where rows_of = %(run)s and not current
