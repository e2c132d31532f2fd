-- Whatever was tried is a row, however it ended and however early: a sync, a landing, reports, models, a round of events.

create table attempt (
    id bigint generated always as identity primary key,
    kind text not null,
    name text not null,
    trigger text not null,
    state text not null check (state in ('running', 'done', 'failed', 'interrupted')),
    started_at timestamptz not null default now(),
    ended_at timestamptz,
    counts jsonb not null default '{}',
    balanced boolean,
    code text not null default '',
    error text,
    -- Its number in the table of its kind, which is what its own messages call it: `run`, or `sync_log`.
    run bigint,
    -- Of short rounds that come by the thousand, those of one hour that ended alike share a row.
    hour timestamptz,
    rounds integer not null default 1
);
create index attempt_started on attempt (started_at);
create index attempt_last on attempt (kind, name, started_at);
create index attempt_running on attempt (id) where state = 'running';
create unique index attempt_hour on attempt (kind, name, state, code, hour) where hour is not null;

-- What was tried before there was this table; who asked for it was not written down.
insert into attempt (kind, name, trigger, state, started_at, ended_at, counts, balanced, error, run)
select kind, name, 'unknown', state, started_at, ended_at, counts, balanced, error, number
from (
    select 'run' as kind, sync as name, state, started_at, finished_at as ended_at, counts, balanced, error, id as number
    from run where state <> 'running'
    union all
    select case sync_type when 'reconcile' then 'reconcile' when 'replay' then 'replay' when 'retry' then 'retry' else 'land' end,
           coalesce(details ->> 'stream', table_name), case status when 'completed' then 'done' else status end,
           started_at, completed_at,
           jsonb_build_object(
               'total', records_total, 'created', records_created, 'updated', records_updated,
               'unchanged', records_unchanged, 'deleted', records_deleted, 'held', records_failed),
           balanced, error, id
    from sync_log where status <> 'running' and sync_type <> 'webhook'
) former
order by started_at, number;

-- Since when something fails: `careloom held` lists it by age.
alter table resting add column since timestamptz not null default now();
