"""Every attempt is a row, whatever it was and however it ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from careloom.core.errors import Later, UsageFault
from careloom.services.landing.replay import replay
from careloom.services.landing.scan import reconcile, scan
from careloom.services.operate.retention import cleanup
from careloom.services.review.stuck import retry_stream
from careloom.services.session.progress import Watch
from careloom.services.session.sessions import Session
from careloom.store.attempts import Attempts
from careloom.store.database import Store, open_store
from careloom.store.locks import advisory_lock
from careloom.worker.jobs import JobContext, run_job
from services.fake_rooms import Paper, arrive, install, make_due, make_session, project, rows


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    store = open_store(database)
    yield store
    store.close()


@pytest.fixture
def papers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Paper]:
    papers = {"ehr": Paper(), "bus": Paper()}
    install(monkeypatch, papers)
    return papers


@pytest.fixture
def session(store: Store, papers: dict[str, Paper], tmp_path: Path) -> Session:
    return make_session(store, project(tmp_path, ["ehr", "bus"], publish=["bus"]))


def attempt_rows(store: Store) -> list[tuple[str, str, str, str]]:
    return [
        (attempt["kind"], attempt["name"], attempt["state"], attempt["code"])
        for attempt in reversed(Attempts(store).recent())
    ]


def test_each_kind_of_landing_leaves_a_row_and_so_does_one_that_is_refused(session: Session, store: Store) -> None:
    scan(session, "visits", Watch())
    reconcile(session, "visits", Watch())
    replay(session, "ehr", Watch())
    retry_stream(session, "visits")
    cleanup(session, dry_run=True)
    with advisory_lock(store, "scan", "visits"), pytest.raises(Later):
        scan(session, "visits", Watch())
    with pytest.raises(UsageFault):
        scan(session, "nothing", Watch())
    assert attempt_rows(store) == [
        ("land", "visits", "done", ""),
        ("reconcile", "visits", "done", ""),
        ("replay", "ehr", "done", ""),
        ("retry", "visits", "done", ""),
        ("cleanup", "paper", "done", ""),
        ("land", "visits", "failed", "later"),
        ("land", "nothing", "failed", "usage-fault"),
    ]
    assert {row["trigger"] for row in Attempts(store).recent()} == {"hand"}


def test_a_foreign_error_is_told_by_its_name_alone(session: Session, store: Store, papers: dict[str, Paper]) -> None:
    def breaks() -> Iterator[None]:
        raise ValueError("Zzyzx")

    papers["ehr"].pages = breaks  # type: ignore[assignment]
    with pytest.raises(ValueError, match="Zzyzx"):
        scan(session, "visits", Watch())
    (row,) = Attempts(store).recent(failures_only=True)
    assert (row["code"], row["error"]) == ("value-error", "ValueError (see the log)")


def test_rounds_by_the_thousand_are_a_row_for_each_hour_and_each_ending(
    session: Session, store: Store, papers: dict[str, Paper]
) -> None:
    bench = JobContext(
        session=replace(session, trigger="worker"), urgent=replace(session, trigger="worker"), stop=Event()
    )
    for number in range(3):
        arrive(store, "ehr", {"records": [{"id": f"V{number}", "room": "1"}]})
        run_job(bench, "process_inbox", "ehr")
        run_job(bench, "publish", "outbox")
    run_job(bench, "process_inbox", "ehr")
    run_job(bench, "publish", "outbox")

    def away(_key: str) -> None:
        raise Later("the practice does not answer")

    papers["ehr"].fetches = away
    arrive(store, "ehr", {"hints": ["V9"]})
    for _ in range(2):
        make_due(store)
        run_job(bench, "process_inbox", "ehr")
    papers["bus"].publishing = lambda _events: []
    counts = {(row["kind"], row["state"], row["code"]): row for row in Attempts(store).recent()}
    assert counts.keys() == {
        ("events", "done", ""),
        ("publish", "done", ""),
        ("events", "failed", "events-wait"),
    }
    assert counts["events", "done", ""]["counts"] == {"events": 3, "done": 3}
    assert counts["events", "done", ""]["rounds"] == 3
    assert counts["publish", "done", ""]["counts"] == {"acknowledged": 3}
    assert counts["events", "failed", "events-wait"]["rounds"] == 2
    assert {row["trigger"] for row in counts.values()} == {"worker"}


def test_old_attempts_go_by_the_projects_rule_and_those_under_way_stay(session: Session, store: Store) -> None:
    scan(session, "visits", Watch())
    rule = replace(session.project.retention, runs=session.clock() - session.clock().replace(year=2020))
    ruled_session = replace(session, project=replace(session.project, retention=rule))
    with Attempts(store).under_way("land", "visits", "hand"):
        rows(store, "update careloom.attempt set started_at = '2001-01-01' returning id")
        assert cleanup(ruled_session, dry_run=False).removed["runs"] == 1
        assert [(row["kind"], row["state"]) for row in Attempts(store).recent()] == [
            ("cleanup", "done"),
            ("land", "running"),
        ]
