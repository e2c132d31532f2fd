-- The landing half: what came in, what was landed and when, what changed, what is to be told, and tokens.
-- The landing tables themselves live in the schema `clinical` and are made and widened from the project's streams.

create schema if not exists clinical;

-- Everything that came in by itself, as it came. A 2xx means that its row is committed. Rows are the queue; jobs only wake.
create table inbox (
    id bigint generated always as identity primary key,
    source text not null,
    event_id text not null,
    event text not null,
    received_at timestamptz not null default now(),
    body bytea not null,
    body_hash bytea not null,
    state text not null default 'new' check (state in ('new', 'done', 'held')),
    attempts integer not null default 0,
    due_at timestamptz not null default now(),
    code text,
    message text not null default '',
    done_at timestamptz
);
create unique index inbox_event on inbox (source, event_id);
create index inbox_new on inbox (source, due_at, id) where state = 'new';
create index inbox_held on inbox (source, id) where state = 'held';

-- How far a stream was read. `checkpoint` is where an unfinished scan goes on; empty between scans.
create table stream_state (
    stream text primary key,
    changed_until timestamptz,
    scan_kind text,
    scan_began timestamptz,
    checkpoint text not null default '',
    scanned_at timestamptz,
    reconciled_at timestamptz
);

-- What an unfinished whole scan has seen so far, a row for each page, so that absence can still be found after a crash: logged,
-- since a checkpoint that outlived these rows would make everything before it look deleted. Gone when the scan is complete.
create table scan_page (
    stream text not null,
    member text not null,
    keys text[] not null,
    keyless integer not null default 0
);
create index scan_page_stream on scan_page (stream, member);

-- Every landing: a scan, a reconcile, a batch of events, a replay; with its balanced counts.
create table sync_log (
    id bigint generated always as identity primary key,
    source text not null,
    sync_type text not null check (sync_type in ('webhook', 'incremental', 'full_sync', 'reconcile', 'replay', 'retry')),
    table_name text not null,
    status text not null default 'running' check (status in ('running', 'completed', 'failed', 'interrupted')),
    started_at timestamptz not null default now(),
    completed_at timestamptz,
    records_total bigint not null default 0,
    records_created bigint not null default 0,
    records_updated bigint not null default 0,
    records_unchanged bigint not null default 0,
    records_deleted bigint not null default 0,
    records_failed bigint not null default 0,
    records_repaired bigint not null default 0,
    balanced boolean,
    error text,
    details jsonb not null default '{}'
);
create index sync_log_table on sync_log (table_name, id desc);

-- A record that could not be landed, with its bytes and its reason. `message` names columns, never values.
create table landing_held (
    stream text not null,
    key text not null,
    code text not null,
    "column" text,
    message text not null default '',
    body bytea not null,
    first_seen timestamptz not null default now(),
    last_seen timestamptz not null default now(),
    attempts integer not null default 1,
    primary key (stream, key)
);

-- Every change of a landed row, written by trigger. `changed`: {"column": [old, new]}, of an insert or a delete the whole row.
create table change_log (
    id bigint generated always as identity primary key,
    at timestamptz not null default clock_timestamp(),
    actor text not null,
    run bigint,
    table_name text not null,
    record_id uuid not null,
    operation text not null check (operation in ('INSERT', 'UPDATE', 'DELETE')),
    changed jsonb not null
);
create index change_log_record on change_log (table_name, record_id, id);
create index change_log_at on change_log (at);

-- What others are to be told. Written in the transaction that made the change; gone once it was acknowledged.
create table outbox (
    id bigint generated always as identity primary key,
    table_name text not null,
    operation text not null,
    record_id uuid not null,
    vendor_id text not null,
    vendor_key text not null,
    at timestamptz not null default clock_timestamp()
);

-- A replay says nothing to others unless it is asked to: `careloom.quiet` is set on its connections alone.
create function say_nothing() returns trigger language plpgsql as $$ begin return null; end $$;
create trigger outbox_quiet before insert on outbox for each row
when (current_setting('careloom.quiet', true) = 'on') execute function say_nothing();

-- OAuth2 tokens, sealed with AES-256-GCM under the key of CARELOOM_SEAL_KEY; the additional data names system and generation.
create table sealed_token (
    system text primary key,
    generation bigint not null,
    sealed bytea not null,
    expires_at timestamptz not null,
    refreshed_at timestamptz not null default now()
);

-- What was removed by the project's rules of retention: numbers, never people.
create table cleanup_receipt (
    id bigint generated always as identity primary key,
    at timestamptz not null default now(),
    actor text not null,
    dry_run boolean not null,
    removed jsonb not null
);

-- One function for every landed table. The actor and the run come from the transaction's settings.
create function log_change() returns trigger language plpgsql as $$
declare
    changed jsonb;
    bookkeeping text[] := array['synced_at', 'source_version', 'fingerprint', 'first_seen_at', 'observed_at'];
begin
    if tg_op = 'UPDATE' then
        select jsonb_object_agg(coalesce(o.key, n.key), jsonb_build_array(o.value, n.value)) into changed
        from jsonb_each(to_jsonb(old)) o full join jsonb_each(to_jsonb(new)) n on n.key = o.key
        where n.value is distinct from o.value and coalesce(o.key, n.key) <> all (bookkeeping);
        if changed is null then
            return null;
        end if;
    elsif tg_op = 'INSERT' then
        -- The record as it came stays in its row, and in the old value of its first change.
        changed := to_jsonb(new) - tg_argv[0];
    else
        changed := to_jsonb(old);
    end if;
    insert into careloom.change_log (actor, run, table_name, record_id, operation, changed)
    values (coalesce(nullif(current_setting('careloom.actor', true), ''), session_user),
            nullif(current_setting('careloom.run', true), '')::bigint, tg_table_name,
            case when tg_op = 'DELETE' then old.id else new.id end, tg_op, changed);
    return null;
end
$$;
