-- OAuth2 tokens, sealed.

-- name: read
select generation, sealed from sealed_token where system = %(system)s

-- name: generation
select coalesce(max(generation), 0) + 1 from sealed_token where system = %(system)s

-- name: write
insert into sealed_token (system, generation, sealed, expires_at)
values (%(system)s, %(generation)s, %(sealed)s, %(expires_at)s)
on conflict (system) do update
set generation = excluded.generation, sealed = excluded.sealed, expires_at = excluded.expires_at, refreshed_at = now()
where sealed_token.generation < excluded.generation
