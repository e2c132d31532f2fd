"""`careloom risk` as a shell sees it, over small invented files."""

from __future__ import annotations

import contextlib
import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from careloom.cli.main import main

PEOPLE = """person_id,age,sex,dual_elgbl_cd,orec,crec,new_enrollee,snp,lti
A1,72,F,00,0,0,no,no,no
A2,50,M,02,1,0,no,no,no
A3,68,F,,0,0,no,no,no
A4,,M,00,0,0,no,no,no
"""
DIAGNOSES = """person_id,diagnosis_code,service_date
A1,E11.9,2025-03-02
A1,i50.9,2025-04-01
A1,J449,2025-05-01
A1,N184,2025-06-01
A1,E11.9,2024-05-01
A1,E11.22,2024-06-01
A1,C50.911,2021-06-01
A2,F200,2025-01-01
A2,F1020,2025-01-01
A2,I509,2024-02-01
A2,I509,2023-02-01
A2,F200,2024-02-01
A3,Z0000,2025-02-01
A3,E1169,
A3,E119,2024-01-01
B9,E119,2025-02-01
B9,rubbish!,2025-02-01
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """A folder with people.csv and dx.csv; `risk` runs a verb there, with both files unless told otherwise."""

    folder: Path

    def risk(self, verb: str, *words: str, files: bool = True) -> Said:
        options = ["--people", "people.csv", "--diagnoses", "dx.csv"] if files else []
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
        with (
            contextlib.chdir(self.folder),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            pytest.raises(SystemExit) as error,
        ):
            main(["risk", verb, *words, *options])
        return Said(code=int(error.value.code or 0), out=_text(out), err=_text(err))

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def rows(self, name: str) -> list[dict[str, str]]:
        with (self.folder / name).open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    stream.seek(0)
    return stream.read()
