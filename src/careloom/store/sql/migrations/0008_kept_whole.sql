-- What outlives the bytes of an event, and that no landed table is emptied behind the change log's back.

-- The digest of an event whose bytes are no longer kept: a captured one that is sent again is known by it, and changes nothing.
create table inbox_digest (
    source text not null,
    event_id text not null,
    body_hash bytea not null,
    seen_at timestamptz not null default now(),
    primary key (source, event_id)
);
create index inbox_digest_seen on inbox_digest (seen_at);

-- A truncate fires no trigger for a row, and would leave neither history nor news.
create function refuse_truncate() returns trigger language plpgsql as $$
begin
    raise exception 'clinical.% is not truncated, since the change log would not know of it: delete its rows', tg_table_name;
end
$$;

-- Landed tables that an earlier release made; later ones get it when they are made.
do $$
declare
    landed record;
begin
    for landed in
        select c.relname as name from pg_trigger t
        join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'clinical' and t.tgname = 'change_log'
    loop
        execute format('create trigger no_truncate before truncate on clinical.%I'
                       ' for each statement execute function careloom.refuse_truncate()', landed.name);
    end loop;
end
$$;
