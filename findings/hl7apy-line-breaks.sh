#!/bin/sh
# hl7apy 1.3.5 reads a valid ORU and writes it with other escape sequences: the line break of formatted text (\.br\) and a character
# given as hexadecimal digits (\X0D\) are escaped once more, those of delimiters (\T\, \F\) are not. A reader of what was passed on shows
# "\.br\" as text, in the middle of a pathologist's sentence.
# Seen on 2026-11-30:
#   first line\.br\second line is written as first line\E\.br\E\second line
#   one\X0D\two is written as one\E\X0D\E\two
#   this \T\ that \F\ more is written as this \T\ that \F\ more
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    hl7apy==1.3.5
"$folder/venv/bin/python" - > "$folder/seen" <<'PY'
from hl7apy.parser import parse_message

MESSAGE = "\r".join([
    r"MSH|^~\&|LAB|CITY|EHR|CLINIC|20261130101500||ORU^R01^ORU_R01|1|P|2.5.1",
    "PID|1||A1^^^CLINIC^MR||Quill^Ana",
    "OBR|1|||11529-5^Report^LN",
    r"OBX|1|FT|11529-5^Report^LN||first line\.br\second line||||||F",
    r"OBX|2|FT|11529-5^Report^LN||one\X0D\two||||||F",
    r"OBX|3|FT|11529-5^Report^LN||this \T\ that \F\ more||||||F",
])
before = [segment.split("|")[5] for segment in MESSAGE.split("\r") if segment.startswith("OBX")]
after = [segment.split("|")[5] for segment in parse_message(MESSAGE).to_er7().split("\r") if segment.startswith("OBX")]
for read, written in zip(before, after):
    print(f"{read} is written as {written}")
PY
cat "$folder/seen"
cmp - "$folder/seen" <<'SEEN'
first line\.br\second line is written as first line\E\.br\E\second line
one\X0D\two is written as one\E\X0D\E\two
this \T\ that \F\ more is written as this \T\ that \F\ more
SEEN
