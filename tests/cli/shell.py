"""The command line as a shell sees it: exit code, standard output, standard error."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import pytest
import structlog

from careloom.cli.main import main
from services.sync_project import Clinic

START = "import sys; from careloom.cli.main import main; main(sys.argv[1:])"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def environment(clinic: Clinic) -> dict[str, str]:
    mine = {"CARELOOM_DATABASE_URL": clinic.database, "HUBSPOT_TOKEN": "pat-test", "CARELOOM_ACTOR": "tester"}
    mine["CARELOOM_ENV"] = ""  # restored after a call in this process, which `--env` would set for the next
    return {**os.environ, **mine, **clinic.environment}


def call(clinic: Clinic, *words: str, encoding: str = "utf-8") -> Said:
    """A command in this process, which need not load everything anew; no terminal is in sight."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2))
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.chdir(clinic.folder),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        for name, value in environment(clinic).items():
            patch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            main(list(words))
    structlog.reset_defaults()
    return Said(code=int(ended.value.code or 0), out=_text(out), err=_text(err))


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    stream.seek(0)
    return stream.read()


def begin(clinic: Clinic, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", START, *words],
        cwd=clinic.folder,
        env=environment(clinic),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
