"""One build of the models at a time, which ends with whoever asked for it; and what failed is a failure, with its line."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Thread

import pytest

from careloom.core.errors import Later
from careloom.services.analytics.build import ModelsRun, run_models
from careloom.services.operate.doctor import check_up
from careloom.services.session.progress import Watch
from careloom.store.attempts import Attempts
from careloom.store.models_lock import building
from hang import HANG
from services.sync_project import Clinic

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("models")]
DBT_PROJECT = "name: clinic\nversion: '1.0'\nprofile: careloom\nmodels: {clinic: {+materialized: table}}\n"


def write(clinic: Clinic, **models: str) -> None:
    folder = clinic.folder / "models"
    (folder / "models").mkdir(parents=True, exist_ok=True)
    (folder / "dbt_project.yml").write_text(DBT_PROJECT)
    for name, sql in models.items():
        (folder / "models" / f"{name}.sql").write_text(sql)


def build(clinic: Clinic) -> ModelsRun:
    with clinic.open() as session:
        return run_models(session, "build", Watch())


def wait_until(condition: Callable[[], object]) -> None:
    began = time.monotonic()
    while not condition():
        assert time.monotonic() < began + HANG
        time.sleep(0.05)


def sleeping(clinic: Clinic) -> int:
    activity = (
        "select count(*) from pg_stat_activity where datname = current_database() and query like '%%pg_sleep(600)%%'"
    )
    return int(clinic.ask(activity + " and pid <> pg_backend_pid()")[0][0])


def begin(clinic: Clinic) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "CARELOOM_DATABASE_URL": clinic.database, "HUBSPOT_TOKEN": "pat-test"}
    words = [sys.executable, "-m", "careloom.cli.main", "models", "build"]
    return subprocess.Popen(words, cwd=clinic.folder, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE)


def children(pid: int) -> list[int]:
    process = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(word) for word in process.stdout.split()]


def lives(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        state = subprocess.run(["ps", "-o", "state=", "-p", str(pid)], capture_output=True, text=True, check=False)
        return state.stdout.strip() not in ("", "Z")
    return False


def test_a_build_ends_with_the_run_that_was_killed_and_the_next_one_works(clinic: Clinic) -> None:
    write(clinic, slow="select pg_sleep(600)::text as nothing")
    running = begin(clinic)
    wait_until(lambda: sleeping(clinic))
    (dbt,) = children(running.pid)
    running.kill()
    running.communicate()
    wait_until(lambda: not lives(dbt))
    write(clinic, slow="select 1 as something")
    assert build(clinic).exit_code == 0
    assert sleeping(clinic) == 0, "what the killed build was at is not still going on beside the new one"
    with clinic.open() as session:
        attempts = [
            (attempt["kind"], attempt["state"], attempt["code"]) for attempt in Attempts(session.store).recent()
        ]
    assert attempts == [("models", "done", ""), ("models", "interrupted", "died")]


def test_two_builds_are_never_at_once_whoever_asks(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("careloom.services.analytics.build._PATIENCE", 0.0)
    write(clinic, quick="select 1 as something")
    with building(clinic.database, "clinic", 0.0) as has_lock:
        assert has_lock
        with pytest.raises(Later, match="being built already"):
            build(clinic)
    ends: list[int] = []
    with building(clinic.database, "clinic", 0.0):
        monkeypatch.setattr("careloom.services.analytics.build._PATIENCE", HANG)
        thread = Thread(target=lambda: ends.append(build(clinic).exit_code))
        thread.start()
        wait_until(lambda: clinic.ask("select 1 from careloom.attempt where state = 'running'"))
    thread.join()
    assert ends == [0], "it waited for the other to end"


def test_a_failed_model_is_a_failure_and_its_line_is_shown_unless_it_quotes_data(clinic: Clinic) -> None:
    write(
        clinic,
        people="select 'Zzyzx' as name",
        payers="select payer from {{ ref('people') }}",
        visits="select * from nowhere",
        words="selec 1",
        ages="select name::int as age from {{ ref('people') }}",
    )
    run = build(clinic)
    assert run.exit_code == 1
    mistakes = {node.name.rpartition(".")[2]: node.mistake for node in run.failed}
    assert 'column "payer" does not exist' in mistakes["payers"]
    assert "models/payers.sql" in mistakes["payers"]
    assert "compiled: " in mistakes["payers"]
    assert 'relation "nowhere" does not exist' in mistakes["visits"]
    assert 'syntax error at or near "selec"' in mistakes["words"]
    assert mistakes["ages"] == "", "a value that could not be read is somebody's"
    assert "Zzyzx" not in str(run.as_json())
    with clinic.open() as session:
        (row,) = Attempts(session.store).recent(kind="models", failures_only=True)
    assert (row["code"], row["name"]) == ("models-failed", "clinic")
    assert "payers" in row["error"]


def test_models_that_cannot_be_read_are_told_by_doctor_and_by_the_build(clinic: Clinic) -> None:
    write(clinic, people="select * from {{ ref('nobody') }}")
    run = build(clinic)
    assert run.exit_code == 1
    assert "depends on a node named 'nobody' which was not found" in run.mistake
    (finding,) = [item for item in check_up(clinic.folder, clinic.settings()) if item.what == "models"]
    assert finding.level == "fault"
    assert "nobody" in finding.detail
