"""Kill -9 at every kind of batch edge and at random: no record lost, none twice. Cut answers, again and again: the same.

`make test-all` kills 200 times and cuts 1,000 answers; `make test` does a sample that passes every kind of place.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from careloom.services.session.progress import Watch
from careloom.services.sync.run import run_sync
from hang import HANG
from services.sync_project import COLUMNS, Clinic, someone
from sizes import size

PEOPLE = """\
sync: people
from: {system: files, table: People, key: ID}
to: {system: crm, object: contacts, key: clinic_id}
missing: archive
archive_limit: 100
fields:
  firstname: {from: First, role: none}
  lastname: {from: Last, role: none}
  email: {from: Email, role: none}
  visits: {from: Visits, type: number, label: Visits, owner: source}
"""
WITH_CURSOR = PEOPLE.replace("key: ID}", "key: ID, cursor: Changed, look_back: 1 second}").replace(
    "missing: archive\narchive_limit: 100\n", ""
)

BATCHES = ("before send", "after send", "before settle", "after settle")
REQUESTS = ("before a request", "after a request")
MOMENTS = (
    "after the start",
    "after the plan is taken",
    "before the watermark",
    "after the watermark",
    "before the end",
)
SETUP = ("before declaring", "after declaring", "before the mirror", "after the mirror")
SCAN_KILLS, CURSOR_KILLS, CUTS = size((30, 14, 100), whole=(140, 60, 1000))
BATCH_EDGES = size((1, 4), whole=tuple(range(1, 11)))
REQUEST_EDGES = size((1, 9, 19), whole=tuple(range(1, 24, 2)))
CURSOR_EDGES = size((2,), whole=(1, 2, 4, 6))

Order = dict[str, object]


class Mortal:
    """The process that runs the sync, in children that may be killed."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, **order: object) -> int:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@contextmanager
def mortal(clinic: Clinic) -> Iterator[Mortal]:
    environment = os.environ | {
        "CARELOOM_DATABASE_URL": clinic.database,
        "HUBSPOT_TOKEN": "pat-test",
        "CARELOOM_LOG_LEVEL": "critical",
    }
    command = [sys.executable, str(Path(__file__).parent / "crash_process.py"), str(clinic.folder)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment) as process:
        try:
            yield Mortal(process)
        finally:
            process.stdin.close()
            process.wait(HANG)


@dataclass(kw_only=True)
class Town:
    """The source: rows that come, change, go, become wrong and are mended. `settled`: keys that a whole run has seen; `leave`:
    whether any go."""

    clinic: Clinic
    dice: random.Random = field(default_factory=lambda: random.Random(20261121))
    rows: dict[str, dict[str, str]] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)
    wrong: set[str] = field(default_factory=set)
    leave: bool = True
    numbers: Iterator[int] = field(default_factory=lambda: count(1000))
    minutes: Iterator[int] = field(default_factory=count)

    def come(self, people: int) -> None:
        for number in (next(self.numbers) for _ in range(people)):
            self.rows[f"K{number}"] = someone(number, First=f"First{number}", Changed=self._now())

    def change(self, people: int) -> None:
        for key in self.dice.sample(sorted(self.rows), people):
            self.rows[key] |= {"Visits": str(int(self.rows[key]["Visits"]) + 1), "Changed": self._now()}

    def go(self, people: int) -> None:
        """Only rows that a whole run has seen: of one that came and went between two kills careloom may know nothing."""
        if not self.leave or not self.settled:
            return
        for key in self.dice.sample(sorted(self.settled & set(self.rows) - self.wrong), people):
            del self.rows[key]

    def err(self, people: int) -> None:
        """So many mails become none that a portal takes; those of yesterday are mended."""
        for key in self.wrong & set(self.rows):
            self.rows[key]["Email"] = f"mended{key.lower()}@clinic.example"
        self.wrong = set(self.dice.sample(sorted(self.rows), people))
        for key in self.wrong:
            self.rows[key]["Email"] = f"no mail of {key} {next(self.minutes)}"

    def write(self) -> None:
        self.clinic.rows(list(self.rows.values()), columns=(*COLUMNS, "Changed"))

    def _now(self) -> str:
        minute = next(self.minutes)
        return f"2026-01-{1 + minute // 1440:02} {minute // 60 % 24:02}:{minute % 60:02}:00"


def check_world(clinic: Clinic, rows: Mapping[str, Mapping[str, str]], wrong: set[str] = frozenset()) -> None:
    """From outside: the portal holds each row once and as it is, and nothing else, but for those held with a reason."""
    records = [values for values in clinic.records().values() if values.get("clinic_id")]
    carried = Counter(values["clinic_id"] for values in records)
    assert set(carried.values()) == {1}
    assert set(rows) - wrong <= set(carried) <= set(rows)
    assert clinic.reasons() == dict.fromkeys(wrong, "INVALID_EMAIL")
    for values in records:
        row = rows[values["clinic_id"]]
        if row["ID"] not in wrong:
            held = (values["firstname"], values["lastname"], values["email"], values["visits"])
            assert held == (row["First"], row["Last"], row["Email"], row["Visits"])
    links = clinic.links()
    assert set(links) == set(carried)
    assert len(set(links.values())) == len(links)


def lives(town: Town, runs: Mortal, orders: list[Order]) -> int:
    """Three lives to a day, and every other day a run to its end, after which all must be right; how many were killed."""
    killed = 0
    for number, order in enumerate(orders, 1):
        if number % 3 == 1:
            town.err(2) if town.wrong else None
            town.change(30)
            town.come(25)
            town.go(25)
            town.write()
        killed += runs.run(**order) == -9
        if number % 6 == 0 or number == len(orders):
            assert runs.run() == 0
            check_world(town.clinic, town.rows, town.wrong)
            town.settled = set(town.rows) - town.wrong
    return killed


def shuffled(town: Town, edges: list[Order], kills: int) -> list[Order]:
    """First the kills while the portal is made ready; then the others, filled up with kills at any moment."""
    later: list[Order] = [*edges, *({"at": point, "nth": 1} for point in MOMENTS)]
    first: list[Order] = [{"at": point, "nth": 1} for point in SETUP]
    later += [{"part": town.dice.uniform(0.05, 1.0)} for _ in range(kills - len(first) - len(later))]
    town.dice.shuffle(later)
    return [order | {"way": "run" if number % 3 else "apply"} for number, order in enumerate([*first, *later], 1)]


@pytest.mark.slow
@pytest.mark.xdist_group("kills")
def test_killed_at_every_batch_edge_and_at_random_no_record_is_lost_and_none_is_twice(clinic: Clinic) -> None:
    clinic.write(PEOPLE)
    town = Town(clinic=clinic)
    town.come(80)
    town.err(2)
    edges: list[Order] = [{"at": point, "nth": nth} for point in BATCHES for nth in BATCH_EDGES]
    edges += [{"at": point, "nth": nth} for point in REQUESTS for nth in REQUEST_EDGES]
    orders = shuffled(town, edges, SCAN_KILLS)
    assert len(orders) == SCAN_KILLS
    with mortal(clinic) as runs:
        killed = lives(town, runs, orders)
    assert killed > SCAN_KILLS * 0.6, "most runs ended before they could be killed: the test proves nothing"


@pytest.mark.slow
@pytest.mark.xdist_group("kills with a cursor")
def test_killed_while_only_changes_are_read_no_change_is_passed_over(clinic: Clinic) -> None:
    """Each row is read until it is settled, and no longer: what a killed run had read was not done."""
    clinic.write(WITH_CURSOR)
    town = Town(clinic=clinic, leave=False)
    town.come(80)
    edges: list[Order] = [{"at": point, "nth": nth} for point in BATCHES for nth in CURSOR_EDGES]
    orders = shuffled(town, edges, CURSOR_KILLS)
    with mortal(clinic) as runs:
        killed = lives(town, runs, orders)
    assert killed > CURSOR_KILLS * 0.6
    assert clinic.run().counts["read"] < len(town.rows) / 2, "everything is read: the test proves nothing of cursors"


@pytest.mark.slow
@pytest.mark.xdist_group("cuts")
def test_cut_answers_leave_no_duplicate(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every second write is applied and its answer cut off, until that happened often."""
    monkeypatch.setattr("careloom.systems.hubspot.target.batch_writer._MOST_ROUNDS", 3)
    clinic.write(PEOPLE)
    town = Town(clinic=clinic)
    town.come(60)
    clinic.faults({"kind": "cut_after_write", "match": "batch/", "method": "POST", "every": 2})
    cut = 0
    while cut < CUTS:
        town.change(40)
        town.come(20)
        town.go(20)
        town.write()
        while hurried(clinic)["later"]:
            pass
        town.settled = set(town.rows)
        cut = int(clinic.simulator.control("GET", "state")["cut"])
    clinic.faults()
    assert clinic.run().counts["later"] == 0
    check_world(clinic, town.rows)


def hurried(clinic: Clinic) -> Mapping[str, int]:
    """A run of small batches that does not wait between a lost answer and the look after it; what it counted."""
    with clinic.open() as ready:
        target = ready.target("crm")
        target.batch_size = 4
        target._client.pause = lambda _seconds: None
        return run_sync(ready, ready.project.syncs["people"], Watch()).counts
