#!/bin/sh
# hccinfhir 0.4.0 reads an 837 with a second payer: the diagnoses of the claim, and of the next claim of the same member, are those of the
# other subscriber (loop 2330A) instead of the member (loop 2010BA). Every encounter file to CMS's EDS has that loop.
# Seen on 2026-11-30:
#   OTHER77 E119
#   OTHER77 I509
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check hccinfhir==0.4.0
"$folder/venv/bin/python" - > "$folder/seen" <<'PY'
from hccinfhir.extractor import extract_sld

text = (
    "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *250301*1200*^*00501*000000001*0*P*:~"
    "GS*HC*SENDER*RECEIVER*20250301*1200*1*X*005010X222A1~ST*837*0001*005010X222A1~BHT*0019*00*1*20250301*1200*CH~"
    "HL*1**20*1~NM1*85*2*CLINIC*****XX*1234567893~HL*2*1*22*0~SBR*P*18*******MB~NM1*IL*1*MEMBER*INVENTED****MI*A1~"
    "CLM*C1*90***11:B:1*Y*A*Y*Y~HI*ABK:E119~"
    "SBR*S*18*******CI~OI***Y***Y~NM1*IL*1*SPOUSE*INVENTED****MI*OTHER77~NM1*PR*2*PAYER*****PI*1~"
    "LX*1~SV1*HC:99213*90*UN*1***1~DTP*472*D8*20250301~"
    "CLM*C2*90***11:B:1*Y*A*Y*Y~HI*ABK:I509~LX*1~SV1*HC:99213*90*UN*1***1~DTP*472*D8*20250302~"
    "SE*26*0001~GE*1*1~IEA*1*000000001~"
)
for line in extract_sld(text, format="837"):
    print(line.patient_id, *line.claim_diagnosis_codes)
PY
cat "$folder/seen"
printf 'OTHER77 E119\nOTHER77 I509\n' | cmp - "$folder/seen"
