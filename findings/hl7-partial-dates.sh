#!/bin/sh
# hl7 0.4.5 (python-hl7) makes whole days of HL7's partial dates: `parse_datetime` gives 1 January for a birth date of which the sender
# knows the year only, and the first of the month for a month. Nothing in the value tells it from somebody who was born on that day,
# of whom there are others to be taken for.
# Seen on 2026-11-30:
#   1980 is read as 1980-01-01T00:00:00
#   198003 is read as 1980-03-01T00:00:00
#   19800301 is read as 1980-03-01T00:00:00
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    hl7==0.4.5
"$folder/venv/bin/python" - > "$folder/seen" <<'PY'
import hl7

for born in ("1980", "198003", "19800301"):
    message = hl7.parse(
        "MSH|^~\\&|LAB|CITY|EHR|CLINIC|20261130101500||ADT^A08|1|P|2.5.1\r"
        f"PID|1||A1^^^CLINIC^MR||Quill^Ana||{born}|F\r"
    )
    print(born, "is read as", hl7.parse_datetime(message.extract_field("PID", 1, 7)).isoformat())
PY
cat "$folder/seen"
cmp - "$folder/seen" <<'SEEN'
1980 is read as 1980-01-01T00:00:00
198003 is read as 1980-03-01T00:00:00
19800301 is read as 1980-03-01T00:00:00
SEEN
