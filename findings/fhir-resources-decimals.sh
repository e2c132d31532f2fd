#!/bin/sh
# fhir.resources 8.3.0 reads a lab result of 6.30 and writes 6.3, and 1.0E3 becomes 1000.0. FHIR says that the precision of a decimal
# must be kept: 6.30 says that the hundredths were measured. An exact Decimal is what the library gives, yet one with other digits.
# Seen on 2026-11-30:
#   6.30 is read as Decimal('6.3') and written as 6.3
#   0.010 is read as Decimal('0.01') and written as 0.01
#   1.0E3 is read as Decimal('1000.0') and written as 1000.0
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    fhir.resources==8.3.0 fhir-core==1.1.12 pydantic==2.14.3
"$folder/venv/bin/python" - > "$folder/seen" <<'PY'
import json

from fhir.resources.R4B.observation import Observation

for written in ("6.30", "0.010", "1.0E3"):
    text = (
        '{"resourceType": "Observation", "status": "final", "code": {"text": "Glucose"}, '
        '"valueQuantity": {"value": %s, "unit": "mmol/L"}}' % written
    )
    observation = Observation.model_validate_json(text)
    again = json.loads(observation.model_dump_json(), parse_float=str)["valueQuantity"]["value"]
    print(f"{written} is read as {observation.valueQuantity.value!r} and written as {again}")
PY
cat "$folder/seen"
cmp - "$folder/seen" <<'SEEN'
6.30 is read as Decimal('6.3') and written as 6.3
0.010 is read as Decimal('0.01') and written as 0.01
1.0E3 is read as Decimal('1000.0') and written as 1000.0
SEEN
