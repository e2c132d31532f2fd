"""The folder in which commands of the risk tests run."""

from __future__ import annotations

from pathlib import Path

import pytest

from risk.calling_risk import DIAGNOSES, PEOPLE, Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    ready = Shell(folder=tmp_path)
    ready.write("people.csv", PEOPLE)
    ready.write("dx.csv", DIAGNOSES)
    return ready
