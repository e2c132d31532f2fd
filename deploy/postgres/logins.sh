#!/bin/sh
# Run once by the PostgreSQL image, when the data folder is new: an owner who migrates, and a login for each process that stays.
# On a server that is there already, run the statements below by hand. What the roles may do: `careloom migrate --roles`.
set -eu

psql --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
    --set owner="$(cat "$OWNER_PASSWORD_FILE")" \
    --set serve="$(cat "$SERVE_PASSWORD_FILE")" \
    --set work="$(cat "$WORK_PASSWORD_FILE")" <<'SQL'
create role careloom_receiver nologin;
create role careloom_worker nologin;
create role careloom_reader nologin;

create role careloom_owner login createrole password :'owner';
grant careloom_receiver, careloom_worker, careloom_reader to careloom_owner with admin option;
alter database careloom owner to careloom_owner;
revoke all on database careloom from public;
grant connect on database careloom to careloom_receiver, careloom_worker, careloom_reader;

create role careloom_serve login password :'serve' in role careloom_receiver;
create role careloom_work login password :'work' in role careloom_worker;
-- So that what it makes belongs to the worker's role, whichever login made it.
alter role careloom_work set role = careloom_worker;
SQL
