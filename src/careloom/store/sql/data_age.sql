-- How old the data is that a statement reads.

-- name: data_age
-- From the relations that a statement names down to the views of reports and the landed tables that they stand on.
with recursive relation (oid) as (
    select to_regclass(name)::oid from unnest(%(relations)s::text[]) as named (name)
    union
    select dependency.refobjid
    from relation
    join pg_rewrite as rule on rule.ev_class = relation.oid
    join pg_depend as dependency on dependency.classid = 'pg_rewrite'::regclass and dependency.objid = rule.oid
        and dependency.refclassid = 'pg_class'::regclass and dependency.refobjid <> relation.oid
),
base as (
    select space.nspname as schema, class.relname as name
    from relation
    join pg_class as class on class.oid = relation.oid
    join pg_namespace as space on space.oid = class.relnamespace
),
loaded as (
    select report.report_name as name, report.loaded_at as loaded_at
    from base
    join account_reports as report on base.name in (report.report_name, report.report_name || '_snapshots') and report.current
    where base.schema = 'reports'
    union all
    select base.name, state.scanned_at
    from base
    join unnest(%(tables)s::text[], %(streams)s::text[]) as landed (name, stream) on landed.name = base.name
    join stream_state as state on state.stream = landed.stream
    where base.schema = 'clinical'
)
select name, min(loaded_at) as oldest, max(loaded_at) as newest
from loaded
where loaded_at is not null
group by name
order by oldest, name
