-- Writing landing tables. {…} are identifiers and types of a stream's table; values are parameters.

-- name: set_actor
select set_config('careloom.actor', %(actor)s, true), set_config('careloom.run', %(run)s, true)

-- name: land
with given as (
    select * from json_to_recordset(%(rows)s::json) as g (
        {typed} _number integer, _key text, _raw jsonb, _fingerprint text, _version timestamptz,
        _observed_at timestamptz, _deleted boolean)
),
best as materialized (
    select distinct on (_key) * from given order by _key, _version desc, _observed_at desc, _number desc
),
known as materialized (
    select b._number, t.id, t.deleted_at is not null as was_deleted, t.{raw} = '{{}}' as never_came,
        case
            when t.id is null then 'NEW'
            when (b._version, b._observed_at) < (t.source_version, t.observed_at) and b._fingerprint = t.fingerprint
                 and b._deleted = (t.deleted_at is not null) then 'SAME'
            when b._version < t.source_version
                 or (b._version = t.source_version and b._observed_at < t.observed_at) then 'STALE'
            -- A later deletion of what is deleted is remembered, or a record from between the two would come back.
            when b._deleted then case
                when t.deleted_at is null then 'WRITE'
                when (b._version, b._observed_at) > (t.source_version, t.observed_at) then 'AGAIN'
                else 'SAME' end
            when t.deleted_at is not null then 'WRITE'
            when b._fingerprint = t.fingerprint then 'SAME'
            -- The part before the colon names the columns: a wider table is filled from records that did not change.
            when split_part(b._fingerprint, ':', 1) = split_part(t.fingerprint, ':', 1)
                 and (t.{raw} || b._raw) = t.{raw} then 'SAME'
            else 'WRITE'
        end as verdict
    from best b left join {table} t on t.{key} = b._key::{key_type}
),
written as (
    insert into {table} as t (
        {key}, {names} {raw}, fingerprint, source_version, observed_at, deleted_at)
    select c._key::{key_type}, {staged} c._raw, c._fingerprint, c._version, c._observed_at,
        case when c._deleted then c._observed_at end
    from best c join known k using (_number) where k.verdict in ('NEW', 'WRITE', 'AGAIN')
    on conflict ({key}) do update set
        {kept}
        {raw} = t.{raw} || excluded.{raw}, fingerprint = excluded.fingerprint,
        source_version = excluded.source_version, observed_at = excluded.observed_at, synced_at = now(),
        deleted_at = case when excluded.deleted_at is not null then coalesce(t.deleted_at, excluded.deleted_at) end
    -- Somebody else may have landed a newer form since `known` looked.
    where (excluded.source_version, excluded.observed_at) >= (t.source_version, t.observed_at)
    returning t.id, t.{key}::text as key, xmax = 0 as inserted, t.deleted_at is not null as deleted
),
ended as materialized (
    select b._number, b._key, coalesce(w.id, k.id) as id,
        case
            when w.id is null then case when k.verdict = 'SAME' then 'SAME' else 'STALE' end
            -- The mark of a record that never came is nobody's business.
            when w.inserted then case when w.deleted then 'SAME' else 'INSERT' end
            when w.deleted then case when k.was_deleted then 'SAME' else 'DELETE' end
            when k.never_came then 'INSERT'
            else 'UPDATE'
        end as operation
    from best b join known k using (_number) left join written w on w.key = b._key
),
told as (
    insert into outbox (table_name, operation, record_id, vendor_id, vendor_key)
    select %(table)s, operation, id, _key, {vendor_key} from ended
    where operation in ('INSERT', 'UPDATE', 'DELETE') order by _number
)
select _number, operation, _key, id::text from ended

-- name: known
select {key}::text, fingerprint from {table} where {key} = any(%(keys)s::{key_type}[]) and deleted_at is null

-- name: mark_absent
with marked as (
    update {table} set deleted_at = clock_timestamp(), synced_at = now()
    where {key}::text = any(%(keys)s) and deleted_at is null
    returning id, {key}::text as key
),
told as (
    insert into outbox (table_name, operation, record_id, vendor_id, vendor_key)
    select %(table)s, 'DELETE', id, key, %(vendor_key)s from marked
)
select key, id::text from marked

-- name: lock_shapes
select pg_advisory_xact_lock(7266135011)

-- name: columns_of
select column_name, udt_name from information_schema.columns where table_schema = 'clinical' and table_name = %(table)s

-- name: indexes_of
select array_agg(a.attname::text order by k.place)
from pg_index i
join pg_class c on c.oid = i.indrelid
join pg_namespace n on n.oid = c.relnamespace
cross join unnest(i.indkey) with ordinality k (number, place)
join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number
where n.nspname = 'clinical' and c.relname = %(table)s and i.indpred is null
group by i.indexrelid

-- name: make_table
create table {table} (
    id uuid primary key default gen_random_uuid(),
    {key} {key_type} not null unique,
    {raw} jsonb not null,
    fingerprint text not null,
    source_version timestamptz not null,
    observed_at timestamptz not null,
    first_seen_at timestamptz not null default now(),
    synced_at timestamptz not null default now(),
    deleted_at timestamptz
)

-- name: make_trigger
create trigger change_log after insert or update or delete on {table}
    for each row execute function careloom.log_change({raw_name})
