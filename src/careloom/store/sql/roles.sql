-- Who may do what in the database. Run by the owner after each migration; a second time it changes nothing.

-- name: make
do $$
declare
    name text;
begin
    foreach name in array array['careloom_receiver', 'careloom_worker', 'careloom_reader'] loop
        begin
            execute format('create role %I nologin', name);
        exception when duplicate_object or unique_violation then
            null;
        end;
    end loop;
    -- Tables are handed over to the worker below, which only a member can do.
    if not pg_has_role(current_user, 'careloom_worker', 'usage') then
        execute format('grant careloom_worker to %I', current_user);
    end if;
end
$$

-- name: close
revoke all on all tables in schema careloom from careloom_receiver, careloom_worker, careloom_reader

-- name: enter
grant usage on schema careloom to careloom_receiver, careloom_worker, careloom_reader

-- name: receive
-- To keep an event, to know a repetition of it, to wake who reads it. Not to read one.
grant insert, select (id, source, event_id, body_hash, state, due_at, code) on careloom.inbox to careloom_receiver

-- name: repeat
grant select (source, event_id, body_hash) on careloom.inbox_digest to careloom_receiver

-- name: wake
grant insert, select (id, queueing_lock, status) on careloom.procrastinate_jobs to careloom_receiver

-- name: wake_events
grant insert on careloom.procrastinate_events to careloom_receiver

-- name: wake_numbers
grant usage on sequence careloom.procrastinate_jobs_id_seq, careloom.procrastinate_events_id_seq to careloom_receiver

-- name: ready
grant select on careloom.migration, careloom.environment to careloom_receiver, careloom_worker

-- name: resting
grant select (attempts) on careloom.resting to careloom_receiver

-- name: work
grant select, insert, update, delete on all tables in schema careloom to careloom_worker

-- name: work_numbers
grant usage on all sequences in schema careloom to careloom_worker

-- name: keep
-- The audit can be written on, and nothing of it or of the migrations changed; its triggers are the owner's.
revoke update, delete on careloom.audit from careloom_worker

-- name: keep_head
revoke insert, delete on careloom.audit_head from careloom_worker

-- name: keep_migrations
revoke insert, update, delete on careloom.migration, careloom.environment from careloom_worker

-- name: shape
grant usage, create on schema clinical, reports to careloom_worker

-- name: hand_over
-- Landed tables and reports are made and widened by the worker, so they are its own, also those that another role made before.
do $$
declare
    relation regclass;
begin
    for relation in
        select c.oid::regclass from pg_class c
        where c.relnamespace in ('clinical'::regnamespace, 'reports'::regnamespace) and c.relkind in ('r', 'p', 'v', 'm')
          and c.relowner <> 'careloom_worker'::regrole
    loop
        execute format('alter table %s owner to careloom_worker', relation);
    end loop;
end
$$

-- name: read
grant usage on schema clinical, reports to careloom_reader

-- name: read_tables
grant select on all tables in schema clinical, reports to careloom_reader

-- name: read_later
alter default privileges for role careloom_worker in schema clinical, reports grant select on tables to careloom_reader

-- name: read_counts
grant select on careloom.sync_log, careloom.run, careloom.stream_state, careloom.account_reports, careloom.report_drift,
    careloom.cleanup_receipt, careloom.models_built to careloom_reader

-- name: running
select rolsuper, rolcreaterole from pg_roles where rolname = current_user
