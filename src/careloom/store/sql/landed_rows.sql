-- Writing landing tables. {…} are identifiers and types of a stream's table; values are parameters.

-- name: set_actor
select set_config('careloom.actor', %(actor)s, true), set_config('careloom.run', %(run)s, true)

-- name: land
with given as (
    select * from json_to_recordset(%(rows)s::json) as g (
        {typed} _number integer, _key text, _raw jsonb, _fingerprint text, _version timestamptz,
        _observed_at timestamptz, _deleted boolean, _root text, _beside timestamptz[])
),
best as materialized (
    select distinct on (_key) * from given order by _key, _version desc, _observed_at desc, _number desc
),
compared as materialized (
    select b._number, t.id, t.deleted_at is not null as was_deleted, t.{raw} = '{{}}' as never_came,
        (b._version, b._observed_at) < (t.source_version, t.observed_at) as older,
        (b._version, b._observed_at) > (t.source_version, t.observed_at) as newer,
        -- What was read from the source after the row was last written says what is true, whatever the versions say:
        -- clocks are set back, hours are repeated. But answers may be seconds old, and so may deny what was just told.
        %(read)s and b._observed_at > t.synced_at as read_since,
        b._observed_at > t.synced_at + make_interval(secs => %(lag)s)
            or t.source_version > clock_timestamp() + make_interval(secs => %(skew)s) as settled,
        b._deleted = (t.deleted_at is not null) and (
            b._fingerprint = t.fingerprint
            -- The part before the colon names the columns: a wider table is filled from records that did not change.
            or split_part(b._fingerprint, ':', 1) = split_part(t.fingerprint, ':', 1) and (t.{raw} || b._raw) = t.{raw}
        ) as same,
        {overtaken} as overtaken, {stated} as stated
    from best b left join {table} t on t.{key} = b._key::{key_type} {root}
),
known as materialized (
    select c.*,
        case when c.older then b._observed_at else b._version end as version,
        case
            -- The record that holds this one was landed in a form that is newer, and said what was so then.
            when c.overtaken is not null then case when c.same then 'SAME' else c.overtaken end
            -- It was not there when that form was made, nor ever before: nobody need remember so.
            when c.id is null and b._deleted and c.stated then 'ABSENT'
            when c.id is null then 'NEW'
            when c.older and c.same then 'SAME'
            when c.older and not (c.read_since and c.settled) then case when c.read_since then 'DIFFERS' else 'STALE' end
            -- A later deletion of what is deleted is remembered, or a record from between the two would come back.
            when b._deleted and c.was_deleted then case when c.newer then 'AGAIN' else 'SAME' end
            when b._deleted or c.was_deleted then 'WRITE'
            -- So is what was told again, or a deletion from between the two would take it. What is read says so with every scan,
            -- which would write every row.
            when c.same then case when c.newer and not %(read)s then 'AGAIN' else 'SAME' end
            else 'WRITE'
        end as verdict
    from compared c join best b using (_number)
),
written as (
    insert into {table} as t (
        {key}, {names} {raw}, fingerprint, source_version, observed_at, synced_at, deleted_at)
    select c._key::{key_type}, {staged} c._raw, c._fingerprint, k.version, c._observed_at, clock_timestamp(),
        case when c._deleted then c._version end
    from best c join known k using (_number) where k.verdict in ('NEW', 'WRITE', 'AGAIN')
    on conflict ({key}) do update set
        {kept}
        {raw} = t.{raw} || excluded.{raw}, fingerprint = excluded.fingerprint,
        source_version = excluded.source_version, observed_at = excluded.observed_at, synced_at = clock_timestamp(),
        deleted_at = case when excluded.deleted_at is not null then coalesce(t.deleted_at, excluded.deleted_at) end
    -- Somebody else may have landed a newer form since `known` looked.
    where (excluded.source_version, excluded.observed_at) >= (t.source_version, t.observed_at)
        or %(read)s and excluded.observed_at > t.synced_at and (
            excluded.observed_at > t.synced_at + make_interval(secs => %(lag)s)
            or t.source_version > clock_timestamp() + make_interval(secs => %(skew)s))
    returning t.id, t.{key}::text as key, xmax = 0 as inserted, t.deleted_at is not null as deleted
),
ended as materialized (
    select b._number, b._key, coalesce(w.id, k.id) as id,
        case
            when w.id is null then case when k.verdict in ('SAME', 'DIFFERS', 'ABSENT') then k.verdict else 'STALE' end
            -- The mark of a record that never came is nobody's business.
            when w.inserted then case when w.deleted then 'SAME' else 'INSERT' end
            when k.verdict = 'AGAIN' then 'SAME'
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

-- name: root
-- The row of the record that holds this one, if it is landed too.
left join {root} r on r.{key} = nullif(b._root, '')::{key_type}

-- name: overtaken
-- What is landed together is in order by itself, and so is what was read after that row was written.
case
    when r.id is null or (b._version, b._observed_at) >= (r.source_version, r.observed_at) then null
    when r.observed_at = any(b._beside) then null
    when not %(read)s or b._observed_at <= r.synced_at then 'STALE'
    when b._observed_at > r.synced_at + make_interval(secs => %(lag)s)
        or r.source_version > clock_timestamp() + make_interval(secs => %(skew)s) then null
    else 'DIFFERS'
end

-- name: stated
coalesce(r.source_version >= b._version, false)

-- name: ties
-- Of the records given, those of the very version that is stored, which yet say something else.
with given as (
    select * from json_to_recordset(%(rows)s::json) as g (_key text, _version timestamptz, _raw jsonb)
)
select g._key from given g join {table} t on t.{key} = g._key::{key_type}
where t.source_version = g._version and (t.deleted_at is not null or (t.{raw} || g._raw) <> t.{raw})

-- name: stored_forms
select {key}::text, fingerprint, source_version, observed_at from {table} where {key} = any(%(keys)s::{key_type}[]) and deleted_at is null

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

-- name: make_truncate_trigger
create trigger no_truncate before truncate on {table} for each statement execute function careloom.refuse_truncate()
