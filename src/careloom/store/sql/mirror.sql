-- The copy of remote objects that matching needs.

-- name: state
select cursor, properties, scan from mirror_state where system = %(system)s and object = %(object)s

-- name: highest_scan
select coalesce(max(scan), 0) from mirror where system = %(system)s and object = %(object)s

-- name: learn
update mirror_state set properties = array(select distinct unnest(properties || %(properties)s::text[]) order by 1)
where system = %(system)s and object = %(object)s

-- name: put
insert into mirror (system, object, id, "values", updated_at, archived, merged_into, scan)
select %(system)s, %(object)s, unnest(%(ids)b::text[]), unnest(%(values)b::text[])::jsonb,
       unnest(%(updated)b::text[]), unnest(%(archived)s::boolean[]), null, %(scan)s
-- Syncs of one object read it at one time and ask for different properties: what this one did not ask for stays known, and
-- a record that a whole scan has shown is not marked back, or that scan would sweep it away.
on conflict (system, object, id) do update
    set "values" = mirror."values" || excluded."values", updated_at = excluded.updated_at, archived = excluded.archived,
        merged_into = null, scan = greatest(mirror.scan, excluded.scan)

-- name: put_merged
insert into mirror (system, object, id, "values", updated_at, archived, merged_into, scan)
select %(system)s, %(object)s, unnest(%(ids)b::text[]), '{}', '', true, unnest(%(into)b::text[]), %(scan)s
on conflict (system, object, id) do update
    set archived = true, merged_into = excluded.merged_into, scan = greatest(mirror.scan, excluded.scan)

-- name: sweep
delete from mirror where system = %(system)s and object = %(object)s and scan < %(scan)s

-- name: save_state
insert into mirror_state (system, object, cursor, properties, scan)
values (%(system)s, %(object)s, %(cursor)s, %(properties)s, %(scan)s)
on conflict (system, object) do update
    set cursor = excluded.cursor, properties = excluded.properties, scan = excluded.scan, read_at = now()
