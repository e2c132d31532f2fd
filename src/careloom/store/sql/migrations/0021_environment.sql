-- The environment that a store was made for: no row in production's. It is written with the store, and never changed.

create table environment (
    single boolean primary key default true check (single),
    name text not null check (name <> '')
);

comment on table environment is 'For which environment this store was made; no row: production.';

-- Who opens the store asks; where the roles were made before this table, they need not be made again.
do $$
declare
    name text;
begin
    foreach name in array array['careloom_receiver', 'careloom_worker'] loop
        if exists (select from pg_roles where rolname = name) then
            execute format('grant select on environment to %I', name);
        end if;
    end loop;
end
$$;
