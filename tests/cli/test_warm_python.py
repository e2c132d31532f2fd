"""A warm process is what a real one is to whoever begins it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from hang import HANG
from sizes import WHOLE
from warm_python import warm_python

pytestmark = pytest.mark.skipif(WHOLE, reason="every process is a real one")

SEEN = "import os, sys; print(sys.argv, os.getcwd(), os.environ['MARK'], sys.stdin.read()); sys.stderr.write('so')"
PARENT_GONE = "import os, sys; print(os.getpid(), flush=True); sys.stdin.read()"


@pytest.fixture
def pythons() -> list[str]:
    return [sys.executable, str(warm_python())]


@pytest.mark.parametrize(
    "words",
    [
        ("-c", SEEN, "a", "b c"),
        ("-c", "import sys; sys.exit(7)"),
        ("-c", "import sys; sys.exit('a word')"),
        ("-c", "import os; os._exit(5)"),
        ("-c", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"),
        ("-c", "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"),
        ("-c", "import atexit; atexit.register(print, 'last')"),
        ("-m", "careloom.cli.start", "--version"),
        ("-m", "careloom.cli.start", "check"),
        ("-m", "careloom.cli.start", "chekc"),
        ("-W", "ignore", "-m", "dbt.cli.main", "build", "--project-dir", "nowhere"),
    ],
)
def test_it_says_and_leaves_with_what_a_real_one_does(
    pythons: list[str], tmp_path: Path, words: tuple[str, ...]
) -> None:
    environment = os.environ | {"MARK": "m", "PYTHONPATH": ""}
    ends = [
        subprocess.run(
            [python, *words], input="x", capture_output=True, text=True, cwd=tmp_path, env=environment, check=False
        )
        for python in pythons
    ]
    real, warm = [(end.returncode, end.stdout, end.stderr) for end in ends]
    assert warm == real


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_as_it_ends_a_real_one(pythons: list[str], number: signal.Signals) -> None:
    codes = []
    for python in pythons:
        with subprocess.Popen([python, "-c", PARENT_GONE], stdin=-1, stdout=-1, stderr=-1, text=True) as process:
            assert process.stdout
            process.stdout.readline()
            process.send_signal(number)
            process.wait(timeout=HANG)  # its input stays open: at its end it would leave with 0
        codes.append(process.returncode)
    assert codes[0] == codes[1]


def test_it_is_killed_with_whom_it_was_begun_by() -> None:
    with subprocess.Popen([str(warm_python()), "-c", PARENT_GONE], stdin=-1, stdout=-1, text=True) as process:
        assert process.stdout
        pid = int(process.stdout.readline())
        process.kill()
        process.wait()
        psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=HANG)
    assert not psutil.pid_exists(pid)
