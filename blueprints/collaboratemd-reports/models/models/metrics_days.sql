-- A day a row: the time spine by which metrics are asked for over time, also for days on which
-- nothing happened.
select cast(day as date) as day
from generate_series(timestamp '2000-01-01', timestamp '2049-12-31', interval '1 day') as days (day)
