"""`careloom exec`: a command of one's own beside the project's database, with its exit code, and no password on a command line."""

from __future__ import annotations

import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from careloom.store.server.embedded import ensure_server, leave_server
from cli.shell import START, call, environment
from hang import HANG
from services.sync_project import Clinic
from warm_python import warm_python

MACROS = Path(__file__).parents[2] / "blueprints" / "collaboratemd-reports" / "models" / "macros"
DBT_PROJECT = """\
name: clinic
version: '1.0'
profile: careloom
flags: {send_anonymous_usage_stats: false}
vars: {timezone: America/New_York}
models: {clinic: {+materialized: view, inner: {+schema: staging}}}
"""
VIEWS = """
select n.nspname, c.relname, pg_get_viewdef(c.oid), c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'v' and n.nspname in ('analytics', 'staging', 'dev_anna', 'dev_anna_staging') order by 1, 2
"""
CONNECT = """
import psycopg
print(*psycopg.connect().execute("select current_database(), current_setting('timezone')").fetchone())
"""
WAIT = """
import signal, sys
numbers = {signal.SIGINT, signal.SIGTERM}
signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
print("ready", flush=True)
first = signal.sigwaitinfo(numbers)
count = 1
while count < int(sys.argv[1]):
    print("heard", count, flush=True)
    signal.sigwaitinfo(numbers)
    count += 1
while signal.sigtimedwait(numbers, 2.0):
    count += 1
print("signals", count, flush=True)
sys.exit(40 + first.si_signo)
"""


def models(clinic: Clinic) -> None:
    folder = clinic.folder / "models"
    (folder / "models" / "inner").mkdir(parents=True)
    (folder / "macros").mkdir()
    (folder / "dbt_project.yml").write_text(DBT_PROJECT)
    shutil.copy(MACROS / "schema_name.sql", folder / "macros")
    day = "select (timestamptz '2026-03-08 03:00Z' at time zone '{{ var(\"timezone\") }}')::date as day"
    (folder / "models" / "inner" / "days.sql").write_text(day)
    (folder / "models" / "visits.sql").write_text("select day, count(*) as visits from {{ ref('days') }} group by day")


def shell(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, with the embedded database."""
    given = {name: value for name, value in os.environ.items() if not name.startswith("CARELOOM")}
    given |= {"HUBSPOT_TOKEN": "pat-test", "DO_NOT_TRACK": "1"}
    command = [str(warm_python()), "-c", START, *words]
    return subprocess.run(command, cwd=folder, env=given, capture_output=True, text=True, check=False)


def views(folder: Path) -> list[tuple[str, str, str, int]]:
    with psycopg.connect(ensure_server(folder / ".careloom")) as connection:
        return connection.execute(VIEWS).fetchall()


@pytest.mark.slow
@pytest.mark.xdist_group("models")
def test_dbt_by_hand_equals_careloom_models_and_a_schema_of_ones_own_touches_nothing(clinic: Clinic) -> None:
    models(clinic)
    folder = clinic.folder
    try:
        built = shell(folder, "models", "build")
        assert built.returncode == 0, built.stdout + built.stderr
        first = views(folder)
        assert [view[:2] for view in first] == [("analytics", "visits"), ("staging", "days")]
        with psycopg.connect(ensure_server(folder / ".careloom"), autocommit=True) as connection:
            connection.execute("drop schema analytics, staging cascade")
        by_hand = shell(folder, "exec", "--", "dbt", "build")
        assert by_hand.returncode == 0, by_hand.stdout + by_hand.stderr
        second = views(folder)
        assert [view[:3] for view in second] == [view[:3] for view in first]
        assert "America/New_York" in next(view[2] for view in second if view[1] == "days")
        own = shell(folder, "exec", "--schema", "dev_anna", "--", "dbt", "build")
        assert own.returncode == 0, own.stdout + own.stderr
        third = views(folder)
        assert [view for view in third if not view[0].startswith("dev_")] == second, (
            "production's are not even made anew"
        )
        assert [view[:2] for view in third if view[0].startswith("dev_")] == [
            ("dev_anna", "visits"),
            ("dev_anna_staging", "days"),
        ]
        assert not (folder / "models" / "target").exists()
        wrong = shell(folder, "exec", "--", "dbt", "build", "--select", "nothing_of_this", "--no-such-option")
        assert wrong.returncode == 2, "the exit code is dbt's own"
    finally:
        leave_server(folder / ".careloom")


def test_any_client_finds_the_database_in_the_projects_zone(clinic: Clinic) -> None:
    name = clinic.ask("select current_database()")[0][0]
    found = shell_of(clinic, sys.executable, "-c", CONNECT)
    assert (found.returncode, found.stdout) == (0, f"{name} America/New_York\n"), found.stderr
    assert clinic.ask("select action, subject from careloom.audit order by seq desc limit 1") == [
        ("exec", Path(sys.executable).name)
    ]


@pytest.mark.skipif(shutil.which("psql") is None, reason="no psql on this machine")
def test_psql_finds_it_too(clinic: Clinic) -> None:
    found = shell_of(clinic, "psql", "-XAtc", "select current_database()")
    assert found.stdout.strip() == clinic.ask("select current_database()")[0][0], found.stderr


def shell_of(clinic: Clinic, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", START, "exec", "--", *words]
    return subprocess.run(
        command, cwd=clinic.folder, env=environment(clinic), capture_output=True, text=True, check=False
    )


def test_a_password_goes_by_the_environment_and_stands_on_no_command_line_and_in_no_file(clinic: Clinic) -> None:
    models(clinic)
    clinic.database = make_conninfo(clinic.database, password="Xyzzy-secret")
    look = "cat /proc/$$/cmdline /proc/$PPID/cmdline; echo; echo $PGPASSWORD $CARELOOM_DBT_PASSWORD"
    found = shell_of(clinic, "sh", "-c", look)
    lines, password = found.stdout.splitlines()
    assert password == "Xyzzy-secret Xyzzy-secret"
    assert "exec" in lines
    assert "Xyzzy" not in lines
    written = [path for path in (clinic.folder / ".careloom").rglob("*") if path.is_file()]
    assert [path.name for path in written if path.name == "profiles.yml"]
    assert not [path for path in written if b"Xyzzy" in path.read_bytes()]


@pytest.mark.parametrize(("script", "code"), [("exit 7", 7), ("kill -9 $$", 137), ("exit 0", 0)])
def test_the_exit_code_is_the_commands_own(clinic: Clinic, script: str, code: int) -> None:
    assert shell_of(clinic, "sh", "-c", script).returncode == code


def test_options_behind_the_dashes_are_the_commands(clinic: Clinic) -> None:
    found = shell_of(clinic, "sh", "-c", 'echo "$@"; exit 3', "sh", "--json", "-v", "-p", "x", "--", "--help")
    assert (found.returncode, found.stdout) == (3, "--json -v -p x -- --help\n")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "say what to run, behind --"),
        (("--", "no-such-command"), "there is no command 'no-such-command'"),
        (("--schema", "staging", "--", "true"), "begins with dev_"),
        (("--schema", "clinical", "--", "true"), "begins with dev_"),
        (("--schema", "dev_anna; drop", "--", "true"), "begins with dev_"),
        (("--schema", "dev_" + "a" * 37, "--", "true"), "begins with dev_"),
    ],
)
def test_what_cannot_be_run_is_told_in_words(clinic: Clinic, words: tuple[str, ...], told: str) -> None:
    said = call(clinic, "exec", *words)
    assert said.code == 2
    assert told in said.err
    assert "Traceback" not in said.err


def waiting(signals: int) -> list[str]:
    """A command that waits for so many signals, and then for whether more come."""
    return [sys.executable, "-c", START, "exec", "--", sys.executable, "-c", WAIT, str(signals)]


def begun(clinic: Clinic, **how: object) -> subprocess.Popen[str]:
    return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
        waiting(1), cwd=clinic.folder, env=environment(clinic), text=True, **how
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_handed_on_and_the_command_says_how_it_ends(clinic: Clinic, number: signal.Signals) -> None:
    process = begun(clinic, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    out, err = process.communicate(timeout=HANG)
    assert (process.returncode, out, err) == (40 + number, "signals 1\n", "")


def test_ctrl_c_at_a_terminal_reaches_the_command_once_each_time(clinic: Clinic) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(clinic.folder)
        os.execve(sys.executable, waiting(4), environment(clinic))
    said = b""

    def heard(word: bytes) -> bool:
        nonlocal said
        said += os.read(terminal, 1000)
        return word in said

    until(lambda: heard(b"ready"))
    for number in range(1, 4):  # two that meet may count as one
        os.write(terminal, b"\x03")
        until(lambda word=b"heard %d" % number: heard(word))
    os.write(terminal, b"\x03")
    until(lambda: heard(b"signals 4\r\n"))
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 42


def until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + HANG
    while not reached():
        assert time.monotonic() < deadline
