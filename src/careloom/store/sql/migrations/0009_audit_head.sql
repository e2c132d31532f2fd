-- The end of the audit, kept apart from it: of a chain whose end was cut off, what is left is a good chain.
-- `seal`: HMAC under a key that is not in the database; null where the row was written by a process that has none.

create table audit_head (
    single boolean primary key default true check (single),
    rows bigint not null,
    hash bytea not null,
    seal bytea
);

insert into audit_head (rows, hash)
select count(*), coalesce((select hash from audit order by seq desc limit 1), decode(repeat('00', 32), 'hex')) from audit;

create trigger audit_head_stays before delete or truncate on audit_head
    for each statement execute function audit_is_append_only();

-- The head follows every row, whoever writes it; the seal is the writer's, if they have the key.
create function audit_head_follows() returns trigger language plpgsql as $$
begin
    update audit_head set rows = new.seq, hash = new.hash, seal = null where hash = new.previous;
    return null;
end
$$;
create trigger audit_head_follows after insert on audit for each row execute function audit_head_follows();
