"""Kill -9 of the door, the worker and PostgreSQL itself while events arrive: every 2xx is in the store once, landed once.

The long form, with 10,000 events, is `python benchmarks/chaos.py`.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import psycopg
import pytest
import urllib3

from careloom.store.migrations import migrate
from careloom.store.server.embedded import ensure_server, leave_server
from careloom.store.server.home import server_home
from careloom.systems.deepcura.simulator import invented_note, sealed
from hang import HANG

SECRET = "a shared secret of the clinic"
PROJECT = """\
project: clinic
timezone: America/New_York
systems:
  deepcura: {kind: deepcura, secret: secret:deepcura-shared-secret, ciphers: [aes-gcm]}
"""
STREAM = "{stream: notes, from: {system: deepcura, stream: notes}}\n"
EVENTS, LIVES = 300, 3
CUT, KILLED = 2, (1,)
"""In which of the door's lives its connections are cut, and in which PostgreSQL is killed."""


@dataclass
class Sender:
    """Sends each event until somebody says 2xx, now and then twice, as vendors do."""

    url: str
    accepted: list[int] = field(default_factory=list)
    other: set[int] = field(default_factory=set)

    def run(self, numbers: range) -> None:
        http, dice = urllib3.PoolManager(), random.Random(numbers.start)
        for number in numbers:
            body = sealed(invented_note(number, patient=number, day=date(2026, 11, 20)), SECRET, "aes-gcm")
            left = 2 if dice.random() < 0.1 else 1
            while left:
                left -= self._sent(http, body, number)
            self.accepted.append(number)
            time.sleep(0.02)

    def _sent(self, http: urllib3.PoolManager, body: bytes, number: int) -> bool:
        headers = {"x-deepcura-secret": SECRET, "content-type": "application/json"}
        try:
            answer = http.request("POST", self.url, body=body, headers=headers, retries=False, timeout=5)
        except urllib3.exceptions.HTTPError:
            time.sleep(0.05)
            return False
        if answer.status not in {200, 503}:
            self.other.add(answer.status)
        return answer.status != 503


@contextmanager
def door(folder: Path, database: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
    environment = os.environ | {"CARELOOM_DATABASE_URL": database, "DEEPCURA_SHARED_SECRET": SECRET}
    command = [sys.executable, "-m", "careloom.cli.start", "serve", "--work", "--port", str(port)]
    with subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def answers(port: int) -> bool:
    try:
        return urllib3.request("GET", f"http://127.0.0.1:{port}/ready", retries=False, timeout=HANG).status == 200
    except urllib3.exceptions.HTTPError:
        return False


def ask(database: str, statement: str) -> int:
    with psycopg.connect(database, options="-c search_path=careloom") as connection:
        row = connection.execute(statement).fetchone()  # type: ignore[call-overload]
        return int(row[0])


def until(true: object, seconds: float = HANG) -> None:
    end = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        assert time.monotonic() < end, "it never came"
        time.sleep(0.1)


@pytest.fixture
def cluster() -> Iterator[Path]:
    """The folder of a PostgreSQL of its own, that may be killed."""
    folder = Path(tempfile.mkdtemp(prefix="careloom-killed-"))
    migrate(ensure_server(folder))
    yield folder
    leave_server(folder)
    kill(folder)
    home = server_home(folder).path
    until(lambda: not (home / "data" / "postmaster.pid").exists() or not alive(folder))
    shutil.rmtree(home, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


def postmaster(folder: Path) -> int:
    return int((server_home(folder).data / "postmaster.pid").read_text().splitlines()[0])


def alive(folder: Path) -> bool:
    try:
        return Path(f"/proc/{postmaster(folder)}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def kill(folder: Path) -> None:
    os.kill(postmaster(folder), signal.SIGKILL)
    until(lambda: not alive(folder))


@pytest.mark.slow
@pytest.mark.xdist_group("killed door")
def test_every_2xx_is_in_the_store_once_whatever_is_killed(tmp_path: Path, cluster: Path) -> None:
    database = ensure_server(cluster)
    (tmp_path / "careloom.yaml").write_text(PROJECT)
    (tmp_path / "streams").mkdir()
    (tmp_path / "streams" / "notes.yaml").write_text(STREAM)
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = int(found.getsockname()[1])
    sender = Sender(f"http://127.0.0.1:{port}/webhooks/deepcura")
    parts = [range(1, EVENTS // 2), range(EVENTS // 2, EVENTS + 1)]
    threads = [threading.Thread(target=sender.run, args=(part,), daemon=True) for part in parts]
    dice = random.Random(3)
    for life in range(LIVES):
        with door(tmp_path, database, port):
            until(lambda: answers(port))
            if not life:
                for thread in threads:
                    thread.start()
            time.sleep(dice.uniform(0.3, 1.2))
            if life in KILLED:
                kill(cluster)
                time.sleep(dice.uniform(0.1, 0.5))
                # For a moment its last processes keep its socket open, as if it lived.
                until(lambda: ensure_server(cluster) == database and alive(cluster))
                time.sleep(1)
            if life == CUT:
                cut = "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
                assert ask(database, cut) > 0
                time.sleep(1)
    with door(tmp_path, database, port):
        for thread in threads:
            thread.join(60)
        until(lambda: ask(database, "select count(*) from inbox where state = 'new'") == 0)
    assert sorted(sender.accepted) == list(range(1, EVENTS + 1))
    assert sender.other == set()
    assert ask(database, "select count(*) from inbox where state = 'done'") == EVENTS
    assert ask(database, "select count(*) from inbox") == EVENTS
    assert ask(database, "select count(distinct session_id) from clinical.notes") == EVENTS
    assert ask(database, "select count(*) from change_log where operation = 'INSERT'") == EVENTS
    assert ask(database, "select count(*) from sync_log where status = 'running' and completed_at is not null") == 0
