-- name: take
select ticket, mark, wait
from budget_take(%s, %s, %s, %s, %s::smallint, %s, %s, %s, %s, %s);

-- name: give_back
select budget_give_back(%s, %s, %s, %s);

-- name: withdraw
delete from budget_wait where id = %s;

-- name: pause
insert into budget_limit (system, name, stopped_until)
values (%s, %s, clock_timestamp() + make_interval(secs => %s))
on conflict (system, name) do update
set stopped_until = greatest(budget_limit.stopped_until, excluded.stopped_until);

-- name: learn
insert into budget_limit (system, name, stated, stopped_until)
values (%s, %s, %s, coalesce(%s, '-infinity'::timestamptz))
on conflict (system, name) do update
set stated = coalesce(excluded.stated, budget_limit.stated),
    stopped_until = greatest(budget_limit.stopped_until, excluded.stopped_until);

-- name: known
select stated from budget_limit where system = %s and name = %s;
