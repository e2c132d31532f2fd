-- What the role that we connect as may do.

-- name: lacking
-- Tables of ours that it may not write, and schemas in which it may not make what the project asks for.
select 'table ' || c.relname as what
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = current_schema() and c.relkind in ('r', 'p')
  and not (has_table_privilege(c.oid, 'select') and has_table_privilege(c.oid, 'insert'))
union all
select 'schema ' || nspname
from pg_namespace
where nspname = any(%(schemas)s::text[]) and not has_schema_privilege(oid, 'usage, create')
order by 1
