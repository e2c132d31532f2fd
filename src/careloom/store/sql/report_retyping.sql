-- A report's column of text that a project has given a type: its rows are read again, and who reads the view goes on reading text.

-- name: texts_of
select attname from pg_attribute
where attrelid = to_regclass(%(table)s) and attnum > 0 and not attisdropped and atttypid = 'text'::regtype

-- name: patience
set local lock_timeout = '300ms'

-- name: no_writers
lock table {table} in share row exclusive mode

-- name: make_cells
create temp table careloom_cells (came text not null, value text) on commit drop

-- name: fill_cells
copy careloom_cells (came, value) from stdin

-- name: weigh_cells
analyze careloom_cells

-- name: distinct_cells
select distinct {column} from {table} where {column} is not null

-- name: read_cells
update {table} r
set {column} = c.value,
    unparsed = case
        when c.value is null and trim(c.came) <> '' then coalesce(r.unparsed, '{{}}'::jsonb) || jsonb_build_object({text}, c.came)
        else r.unparsed
    end
from careloom_cells c
where r.{column} = c.came

-- name: retype
alter table {table} alter column {column} type {kind} using {column}::{kind}

-- name: pin
insert into report_columns (system, report_name, column_name, place, type)
select %(system)s, %(name)s, %(column)s,
       coalesce((select max(place) + 1 from report_columns where system = %(system)s and report_name = %(name)s), 0), %(type)s
on conflict (system, report_name, column_name) do update set type = excluded.type

-- name: load_anew
-- The same files bring other rows now, and other drift.
update account_reports set digest = null where system = %(system)s and report_name = %(name)s and current

-- name: former_views
select relname from pg_class
where relnamespace = 'reports'::regnamespace and relkind = 'v' and starts_with(relname, %(prefix)s) order by relname

-- name: step_aside
alter view {view} rename to {former}

-- name: columns_of
select attname, format_type(atttypid, atttypmod) from pg_attribute
where attrelid = to_regclass(%(relation)s) and attnum > 0 and not attisdropped order by attnum

-- name: grants
select format('grant %%s%%s on %%s to %%s%%s', g.privilege_type, g.of_column, v.oid::regclass,
              case when g.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(g.grantee)) end,
              case when g.is_grantable then ' with grant option' else '' end)
from pg_class v
cross join lateral (
    select a.privilege_type, a.grantee, a.is_grantable, '' as of_column from aclexplode(v.relacl) a
    union all
    select a.privilege_type, a.grantee, a.is_grantable, format(' (%%I)', c.attname)
    from pg_attribute c, aclexplode(c.attacl) a where c.attrelid = v.oid and not c.attisdropped
) g
where v.oid = to_regclass(%(view)s) and g.grantee <> v.relowner
