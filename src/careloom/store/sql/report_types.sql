-- A report's column that is given another type: its rows are read again, and who reads the view goes on reading the former one.

-- name: wrong_pins
select column_name from report_columns c
where system = %(system)s and report_name = %(name)s and type = 'integer' and exists (
    select from report_drift d join account_reports a on a.id = d.account_report
    where (a.system, a.report_name, d.column_name) = (c.system, c.report_name, c.column_name)
      and a.rows_of is not null and d.code in ('unparsed-values', 'changed-type'))

-- name: unread
select distinct unparsed ->> {text} from {table} where unparsed ? {text}

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

-- name: is_percent
select 1 from report_columns
where system = %(system)s and report_name = %(name)s and column_name = %(column)s and type = 'percent'

-- name: as_text
alter table {table} alter column {column} type text using coalesce({column}::text || {sign}, unparsed ->> {text})

-- name: beside_no_more
update {table} set unparsed = nullif(unparsed - {text}, '{{}}'::jsonb) where unparsed ? {text}

-- name: back_to_text
coalesce({cell}::text, unparsed ->> {text})

-- name: back_to_whole
case when {cell} = trunc({cell}) and abs({cell}) < 1000000000000000000 then {cell}::bigint end

-- name: back_to_whole_of_text
case when {cell} ~ '^-?(0|[1-9][0-9]{{0,17}})$' then {cell}::bigint end

-- name: back_to_number_of_text
case when {cell} ~ '^-?[$]?[0-9]{{1,3}}(,?[0-9]{{3}})*([.][0-9]+)?$' then translate({cell}, '$,', '')::numeric end

-- name: back_to_day_of_text
case when {cell} ~ '^[1-9][0-9]{{3}}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$'
    then make_date(left({cell}, 4)::integer, substr({cell}, 6, 2)::integer, 1) + right({cell}, 2)::integer - 1 end

-- name: back_to_nothing
null::{was}

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
