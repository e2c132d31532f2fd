-- Stored events that were held, and offering them again.

-- name: held_events
select id::text as key, event, code, message, received_at as first_seen, attempts from inbox
where source = %(source)s and state = 'held' and (%(code)s::text is null or code = %(code)s)
order by id limit %(limit)s

-- name: count_held_events
select count(*) from inbox
where source = %(source)s and state = 'held' and (%(code)s::text is null or code = %(code)s)

-- name: offer_events
update inbox set state = 'new', attempts = 0, due_at = now(), code = null, message = ''
where source = %(source)s and state = 'held' and (%(code)s::text is null or code = %(code)s)
  and (%(key)s::text is null or id::text = %(key)s)
