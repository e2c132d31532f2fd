-- Links between landed rows. {found}: the ids of the rows that the first tier to find any finds, for the row `f`.

-- name: own
with found as (
    select f.id, {found} as ids from {table} f
    where f.id = any(%(ids)s::uuid[]) and f.{column} is null and f.deleted_at is null
),
linked as (
    update {table} t set {column} = found.ids[1], {linked_at} = clock_timestamp()
    from found where t.id = found.id and cardinality(found.ids) = 1 and t.{column} is null
    returning t.id, t.{key}::text as key
),
told as (
    insert into outbox (table_name, operation, record_id, vendor_id, vendor_key)
    select %(table)s, 'UPDATE', id, key, %(vendor_key)s from linked
)
select count(*) from linked

-- name: other
with waiting as materialized (
    {waiting}
),
found as (
    select f.id, {found} as ids from waiting join {table} f using (id)
    where f.{column} is null and f.deleted_at is null
),
linked as (
    update {table} t set {column} = found.ids[1], {linked_at} = clock_timestamp()
    from found where t.id = found.id and cardinality(found.ids) = 1 and t.{column} is null
    returning t.id, t.{key}::text as key
),
told as (
    insert into outbox (table_name, operation, record_id, vendor_id, vendor_key)
    select %(table)s, 'UPDATE', id, key, %(vendor_key)s from linked
)
select count(*) from linked

-- name: unlinked
select f.id::text, f.{key}::text, case when cardinality({found}) > 1 then 'ambiguous' else 'none' end
from {table} f where f.{column} is null and f.deleted_at is null
order by f.first_seen_at, f.id limit %(limit)s

-- name: lock
select pg_advisory_xact_lock(hashtext('careloom links'), hashtext(%(table)s))
