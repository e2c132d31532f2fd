"""A job of the worker that goes on failing is mailed once, with its reason and without people; one that recovers is not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from careloom.core.errors import Fix
from careloom.project.model import Alerts, Mail
from careloom.store.database import Store, open_store
from careloom.worker import jobs
from careloom.worker.jobs import JobContext, run_job
from promises.test_a_person_appears_nowhere import Post, free_port
from services.fake_rooms import make_session, project


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    new_store = open_store(database)
    yield new_store
    new_store.close()


@pytest.fixture
def post() -> Iterator[tuple[Post, int]]:
    box, port = Post(), free_port()
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    yield box, port
    server.stop()


def failing(with_: Exception) -> Any:
    def job(_bench: JobContext, _subject: str) -> Any:
        raise with_

    return job


def try_again(bench: JobContext, times: int) -> None:
    for _ in range(times):
        run_job(bench, "cleanup", "clinic")
        with bench.session.store.transaction() as connection:
            connection.execute("update resting set due_at = now()")


@pytest.mark.parametrize(
    ("error", "mails"),
    [
        (RuntimeError("Zzyzx was in row 7"), [0, 0, 1, 1, 1]),
        (Fix("the token was withdrawn: careloom connect ehr"), [1, 1, 1, 1, 1]),
    ],
)
def test_a_job_that_goes_on_failing_is_told_once(
    store: Store,
    post: tuple[Post, int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    mails: list[int],
) -> None:
    box, port = post
    mail = Mail(recipients=("ops@clinic.example",), sender="loom@clinic.example", smtp=f"smtp://127.0.0.1:{port}")
    session = make_session(store, replace(project(tmp_path, ["ehr"]), alerts=Alerts(mail=mail)))
    bench = JobContext(session=session, urgent=session, stop=Event())
    monkeypatch.setitem(jobs.JOBS, "cleanup", failing(error))  # type: ignore[arg-type]
    counted = []
    for _ in range(5):
        try_again(bench, 1)
        counted.append(len(box.mails))
    assert counted == mails
    assert "cleanup clinic" in box.mails[0]
    assert "Zzyzx" not in box.mails[0]
    assert ("RuntimeError" if mails[0] == 0 else "careloom connect ehr") in box.mails[0]
    monkeypatch.setitem(jobs.JOBS, "cleanup", lambda _bench, _subject: {})  # type: ignore[arg-type]
    try_again(bench, 1)
    monkeypatch.setitem(jobs.JOBS, "cleanup", failing(error))  # type: ignore[arg-type]
    try_again(bench, 3)
    assert len(box.mails) == mails[-1] + 1
