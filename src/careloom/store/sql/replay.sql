-- Reading stored events again. {…} are identifiers of landing tables.

-- name: events
select id, event_id, event, received_at, body
from (
    select *, sum(octet_length(body)) over (order by id) - octet_length(body) as before
    from (
        select id, event_id, event, received_at, body
        from inbox
        where source = %(source)s and state = 'done' and id > %(after)s
          and (%(since)s::timestamptz is null or received_at >= %(since)s)
          and (%(until)s::timestamptz is null or received_at < %(until)s)
        order by id limit %(most)s
    ) batch
) measured
where before < %(bytes)s
order by id

-- name: bare
drop trigger if exists change_log on {scratch}

-- name: compare
-- The store may hold more of a record than its events said: what they said must be in it.
with judged as (
    select case
        when l.id is null then case when s.deleted_at is null then 'missing' else 'same' end
        when (l.deleted_at is null) = (s.deleted_at is null) and (l.{raw} || s.{raw}) = l.{raw} and ({equal}) then 'same'
        when (l.source_version, l.observed_at) > (s.source_version, s.observed_at) then 'newer'
        else 'different'
    end as verdict
    from {scratch} s left join {table} l on l.{key} = s.{key}
)
select verdict, count(*) from judged group by verdict

-- name: forget_held
delete from landing_held where stream = any(%(streams)s)
