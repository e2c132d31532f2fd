-- A portal's rate budget, shared by every worker: places that count, and who waits for one.

create table budget_limit (
    system text not null,
    name text not null,
    used integer not null default 0,
    stated integer,
    stopped_until timestamptz not null default '-infinity',
    primary key (system, name)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- One request. It stops counting at free_at: a window after its answer, or, unanswered, when its worker must be dead.
create table budget_place (
    id bigint generated always as identity primary key,
    system text not null,
    name text not null,
    free_at timestamptz not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
create index budget_place_free on budget_place (system, name, free_at);

-- Someone who waits; lower lanes go first, then lower ids. A mark that is not renewed counts no longer.
create table budget_wait (
    id bigint generated always as identity primary key,
    system text not null,
    name text not null,
    lane smallint not null,
    valid_until timestamptz not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- A place, or how many seconds until there may be one. All times are read from this server's clock, under the limit's lock.
create function budget_take(
    a_system text, a_name text, a_most integer, a_window double precision, a_lane smallint, a_mark bigint,
    a_reserve double precision, a_expiry double precision, a_recheck double precision, a_grace double precision,
    out ticket bigint, out mark bigint, out wait double precision
) language plpgsql as $$
declare
    limits budget_limit;
    moment timestamptz;
    wake timestamptz;
    freed integer;
    capacity integer;
    ahead integer;
    short integer;
begin
    -- A lost place costs at most one refused request; a commit on disk for each request would cost more.
    perform set_config('synchronous_commit', 'off', true);
    select * into limits from budget_limit where system = a_system and name = a_name for update;
    if not found then
        insert into budget_limit (system, name) values (a_system, a_name) on conflict do nothing;
        select * into limits from budget_limit where system = a_system and name = a_name for update;
    end if;

    moment := clock_timestamp();
    delete from budget_place where system = a_system and name = a_name and free_at <= moment;
    get diagnostics freed = row_count;
    limits.used := limits.used - freed;

    capacity := least(a_most, coalesce(limits.stated, a_most));
    if a_lane > 0 and capacity > 1 then
        capacity := capacity - greatest(1, floor(capacity * a_reserve)::integer);
    end if;
    select count(*) into ahead from budget_wait
    where system = a_system and name = a_name and valid_until > moment
      and (lane < a_lane or (lane = a_lane and (a_mark is null or id < a_mark)));
    short := ahead + 1 - (capacity - limits.used);

    if short <= 0 and limits.stopped_until <= moment then
        insert into budget_place (system, name, free_at)
        values (a_system, a_name, moment + make_interval(secs => greatest(a_expiry, a_window)))
        returning id into ticket;
        limits.used := limits.used + 1;
        delete from budget_wait where id = a_mark;
        update budget_limit set used = limits.used where system = a_system and name = a_name;
        return;
    end if;

    if freed > 0 then
        update budget_limit set used = limits.used where system = a_system and name = a_name;
    end if;
    -- Our turn comes when as many places have become free as we are short of. An unanswered one needs a window at least.
    wake := moment;
    if short > 0 then
        select free_at into wake from budget_place
        where system = a_system and name = a_name order by free_at offset short - 1 limit 1;
        wake := least(coalesce(wake, 'infinity'), moment + make_interval(secs => a_window));
    end if;
    wait := extract(epoch from greatest(wake, limits.stopped_until) - moment);

    update budget_wait set valid_until = moment + make_interval(secs => least(wait, a_recheck) + a_grace)
    where id = a_mark returning id into mark;
    if mark is null then
        delete from budget_wait where system = a_system and name = a_name and valid_until <= moment;
        insert into budget_wait (system, name, lane, valid_until)
        values (a_system, a_name, a_lane, moment + make_interval(secs => least(wait, a_recheck) + a_grace))
        returning id into mark;
    end if;
end $$;

-- The answer came: the place counts for one window from now, also if it was given up as dead.
create function budget_give_back(a_system text, a_name text, a_window double precision, a_ticket bigint) returns void
language plpgsql as $$
begin
    perform set_config('synchronous_commit', 'off', true);
    update budget_place set free_at = clock_timestamp() + make_interval(secs => a_window) where id = a_ticket;
    if not found then
        update budget_limit set used = used + 1 where system = a_system and name = a_name;
        insert into budget_place (system, name, free_at)
        values (a_system, a_name, clock_timestamp() + make_interval(secs => a_window));
    end if;
end $$;
