-- Whether an event could be kept now, and whether what was kept is worked at.

-- name: patience
-- Set for this transaction only: whoever asks whether a service is ready does not wait for long.
select set_config('statement_timeout', %(milliseconds)s, true), set_config('lock_timeout', %(milliseconds)s, true)

-- name: work
-- `stopped` waits for a person: a token that was revoked, a setting that is wrong. Jobs rest after each failure.
select (select coalesce(max(extract(epoch from clock_timestamp() - due_at)), 0)::float8
        from inbox where state = 'new' and due_at <= clock_timestamp()) as late,
       (select count(*) from inbox where state = 'new' and code = 'fix') as stopped,
       (select count(*) from resting where attempts >= %(failures)s) as failing
