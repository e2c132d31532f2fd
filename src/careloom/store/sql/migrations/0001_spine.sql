-- The spine: runs and plans, the ledger, what is held, the mirror of remote objects, and the audit.

create table run (
    id bigint generated always as identity primary key,
    sync text not null,
    state text not null check (state in ('running', 'done', 'failed', 'interrupted')),
    started_at timestamptz not null default now(),
    finished_at timestamptz,
    counts jsonb not null default '{}',
    requests bigint not null default 0,
    seconds double precision not null default 0,
    balanced boolean,
    error text,
    steps jsonb not null default '[]'
);
create index run_sync on run (sync, id desc);

-- A plan holds what would be done as numbers and digests, never as people.
create table plan (
    id bigint generated always as identity primary key,
    sync text not null,
    created_at timestamptz not null default now(),
    project_digest text not null,
    source_digest text not null,
    portal_digest text not null,
    action_digest text not null,
    report jsonb not null,
    applied_by bigint references run (id)
);
create index plan_sync on plan (sync, id desc);

-- "This source key is that remote record", and which rule said so.
create table link (
    sync text not null,
    key text not null,
    remote_id text not null,
    rule text not null,
    grade text not null,
    fingerprint bigint not null,
    linked_run bigint not null,
    settled_run bigint not null,
    linked_at timestamptz not null default now(),
    settled_at timestamptz not null default now(),
    primary key (sync, key)
);
-- Two source rows never take one record.
create unique index link_remote on link (sync, remote_id);

-- The values that both sides last agreed on; apart from `link`, which a run reads whole.
create table agreed (
    sync text not null,
    key text not null,
    "values" jsonb not null,
    primary key (sync, key)
);

-- A record that was stopped, with its reason. `message` may quote the record: it is shown only on request, and audited.
create table held (
    sync text not null,
    key text not null,
    kind text not null check (kind in ('source', 'match', 'conflict', 'remote')),
    code text not null,
    property text,
    message text not null default '',
    fingerprint bigint,
    run bigint not null,
    first_seen timestamptz not null default now(),
    last_seen timestamptz not null default now(),
    attempts integer not null default 1,
    primary key (sync, key)
);

-- The records that a held source row might be.
create table candidate (
    sync text not null,
    key text not null,
    remote_id text not null,
    rule text not null,
    reason text not null default '',
    verdicts jsonb not null default '{}',
    primary key (sync, key, remote_id)
);

-- What a person decided. Rulings outlive runs and outrank rules; a later one supersedes, none is deleted.
create table ruling (
    id bigint generated always as identity primary key,
    sync text not null,
    key text not null,
    verdict text not null check (verdict in ('link', 'create', 'never', 'source', 'destination')),
    remote_id text,
    property text,
    who text not null,
    why text not null default '',
    at timestamptz not null default now(),
    spent_run bigint
);
create index ruling_sync on ruling (sync, key);

-- How far a sync with a cursor has read. Gone as soon as anything was left over, so that the next run reads it all.
create table watermark (
    sync text primary key,
    value text not null,
    project_digest text not null,
    set_at timestamptz not null default now()
);

-- Remote objects as last read: a copy for matching, rebuilt at will.
create table mirror (
    system text not null,
    object text not null,
    id text not null,
    "values" jsonb not null,
    updated_at text not null,
    archived boolean not null default false,
    merged_into text,
    scan bigint not null,
    primary key (system, object, id)
);
create table mirror_state (
    system text not null,
    object text not null,
    cursor text not null,
    properties text[] not null,
    scan bigint not null,
    read_at timestamptz not null default now(),
    primary key (system, object)
);

-- Ties that were made between records.
create table tie (
    sync text not null,
    key text not null,
    to_object text not null,
    to_key text not null,
    label text not null default '',
    from_id text not null,
    to_id text not null,
    run bigint not null,
    primary key (sync, key, to_object, to_key, label)
);

-- Every batch that went out, and what became of each of its records.
create table delivery (
    run bigint not null,
    batch integer not null,
    at timestamptz not null default now(),
    object text not null,
    kind text not null,
    keys text[] not null,
    verdicts text[] not null,
    remote_ids text[] not null,
    milliseconds integer not null,
    primary key (run, batch)
);

-- Who looked at people's data, and who decided what: append-only, each row chained to the one before.
create table audit (
    seq bigint primary key,
    at timestamptz not null,
    actor text not null,
    action text not null,
    subject text not null,
    previous bytea not null,
    hash bytea not null
);
create function audit_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'the audit is append-only';
end
$$;
create trigger audit_append_only before update or delete or truncate on audit
    for each statement execute function audit_is_append_only();
