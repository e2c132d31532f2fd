"""What a command writes reaches whoever can read it, and what cannot be written ends no work and hides no exit code."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from careloom.cli.rich_output import uncut
from cli.shell import call, environment
from services.sync_project import Clinic, someone

START = (sys.executable, "-m", "careloom.cli.start")
SMALL = 'project: small\ntimezone: UTC\nsystems:\n  files: {kind: sql, url: "csv://data"}\n'


@pytest.fixture
def small(tmp_path: Path) -> Path:
    (tmp_path / "careloom.yaml").write_text(SMALL)
    return tmp_path


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "utf-8"])
def test_a_terminal_of_any_encoding_is_told_what_was_done_and_the_exit_code_is_kept(
    clinic: Clinic, encoding: str
) -> None:
    clinic.rows([someone(1, Last="Muñoz"), someone(2, Born="soon"), someone(3)])
    told = {
        words[0]: call(clinic, *words, encoding=encoding)
        for words in (("plan",), ("doctor",), ("run",), ("explain", "K1", "--reveal"), ("review",), ("runs",))
    }
    assert {name: said.code for name, said in told.items()} == {
        "plan": 0,
        "doctor": 0,
        "run": 4,
        "explain": 0,
        "review": 0,
        "runs": 0,
    }
    assert not [name for name, said in told.items() if "bug" in said.err]
    if encoding == "ascii":
        assert "Mu\\xf1oz" in told["explain"].out
        assert "+ project:" in told["doctor"].out
        assert "... reading files" in told["run"].err
        assert not [name for name, said in told.items() if "\\u" in said.out + said.err]


def test_a_full_disk_is_told_in_one_line(small: Path) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run([*START, "--help"], cwd=small, stdout=full, stderr=subprocess.PIPE, check=False)
    assert ended.returncode == 1
    assert ended.stderr.decode().splitlines() == [
        "careloom: standard output cannot be written (No space left on device); what was asked for was done, but not shown"
    ]


@pytest.mark.parametrize("closed", ["1", "2", "0 1 2"])
def test_a_closed_stream_is_no_bug(small: Path, closed: str) -> None:
    shut = " ".join(f"{number}>&-" for number in closed.split())
    command = " ".join([*START, "--help" if "2" in closed else "check --json", shut])
    ended = subprocess.run(["/bin/sh", "-c", command], cwd=small, capture_output=True, text=True, check=False)
    assert ended.returncode == (1 if "1" in closed else 0), ended.stderr
    assert "Traceback" not in ended.stderr
    assert len(ended.stderr.splitlines()) == (1 if closed == "1" else 0)


def test_work_goes_on_when_nobody_can_read_of_it(clinic: Clinic) -> None:
    clinic.rows([someone(1), someone(2)])
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [*START, "run"], cwd=clinic.folder, env=environment(clinic), stdout=full, stderr=full, check=False
        )
    assert ended.returncode == 1
    assert len(clinic.records()) == 2
    assert clinic.ask("select state from careloom.run") == [("done",)]


def test_a_reader_that_leaves_early_ends_it_in_silence(small: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as pipe:
        ended = subprocess.run([*START, "--help"], cwd=small, stdout=pipe, stderr=subprocess.PIPE, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")


PRESSED = """
import os, runpy, signal, sys

class Press:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            os.kill(os.getpid(), signal.SIGINT)
        return None

sys.meta_path.insert(0, Press())
sys.argv[2:] = sys.argv[2:]
from careloom.cli import start
start.main(sys.argv[2:])
"""


@pytest.mark.parametrize(
    "while_loading",
    ["typer", "careloom.cli.check", "pydantic", "careloom.project.loader"],
)
def test_ctrl_c_while_a_command_is_loaded_ends_it_without_a_word(small: Path, while_loading: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PRESSED, while_loading, "check"], cwd=small, capture_output=True, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, b"", b"")


def test_ctrl_c_at_work_is_told_in_a_sentence_or_as_json(small: Path) -> None:
    work = """
import os, signal, sys
from careloom.cli import start
import careloom.project.loader as loader
def pressed(*_):
    os.kill(os.getpid(), signal.SIGINT)
loader.load_project = pressed
start.main(sys.argv[1:])
"""
    for words in (["check"], ["check", "--json"]):
        ended = subprocess.run([sys.executable, "-c", work, *words], cwd=small, capture_output=True, check=False)
        assert ended.returncode == 130
        assert b"stopped at once" in ended.stderr
        assert b"Traceback" not in ended.stderr
        if "--json" in words:
            assert json.loads(ended.stdout)["error"]["code"] == "interrupted"


def test_a_code_is_whole_on_a_narrow_terminal() -> None:
    table = Table("records", "sync", "reason", "property", "what it means", box=None)
    table.add_row(
        "12", "patients", "not-a-date", "birth_date", "the value is not a date; ISO dates are read as they are"
    )
    table.add_row("1", "patients", "provisional", "", "The pair agrees as far as it goes, but a birth date is missing")
    narrow = Console(width=60, file=io.StringIO())
    narrow.print(uncut(table, "sync", "reason"))
    shown = narrow.file.getvalue()
    assert "not-a-date" in shown
    assert "provisional" in shown
    assert "…" not in shown
