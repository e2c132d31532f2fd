-- Links between landed rows. Each is derived anew from what both sides hold now, so that none outlives its reason.
-- {fitting}: the ids of the rows that fit the row `f` by the first tier of which `f` states every column.
-- {agree}: nothing that both `f` and the row `o` state differs.

-- name: derive
with affected as materialized (
    {affected}
),
derived as (
    select f.id, o.id as target
    from affected join {table} f using (id)
    cross join lateral (select {fitting} as ids) fitting
    left join {to} o on cardinality(fitting.ids) = 1 and o.id = fitting.ids[1] and {agree}
    where f.{column} is distinct from o.id
),
changed as (
    update {table} t set {column} = derived.target,
        {linked_at} = case when derived.target is not null then clock_timestamp() end
    from derived where t.id = derived.id
    returning t.id, t.{key}::text as key, t.deleted_at is null as live
),
told as (
    insert into outbox (table_name, operation, record_id, vendor_id, vendor_key)
    select %(table)s, 'UPDATE', id, key, %(vendor_key)s from changed where live
)
select id::text from changed

-- name: fitted
-- Rows that fit what is about to be written, as long as it says what it says now.
select f.id::text from {to} o join {table} f on {equal} where o.{to_key} = any(%(keys)s::{key_type}[])

-- name: unlinked
select f.id::text, f.{key}::text,
    case when fitting.ids is null then 'none' when cardinality(fitting.ids) = 1 then 'contradiction' else 'ambiguous' end
from {table} f cross join lateral (select {fitting} as ids) fitting
where f.{column} is null and f.deleted_at is null
order by f.first_seen_at, f.id limit %(limit)s

-- name: next_ids
select id::text from {table} where id > %(after)s order by id limit %(most)s

-- name: lock
select pg_advisory_xact_lock(hashtext('careloom links'), hashtext(%(table)s))
