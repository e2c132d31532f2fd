"""`python benchmarks/chaos.py [--events 10000] [--seconds 160]`: events arrive while everything that keeps them is killed.

Signed events come to a running `careloom serve`; `careloom work` lands them in a PostgreSQL of its own and tells a Redis stream
that this script plays. Door, worker and PostgreSQL are each killed with -9 every 5 to 40 seconds and started again. Nine in ten
events are sent until somebody says 2xx, as vendors do; the tenth is sent once. At the end every event that was answered with
2xx must be in the inbox once, read, landed once and told at least once; whatever else is in the store must have been sent.
Only processes that this script started are killed. 1 if anything is missing.
"""

from __future__ import annotations

import argparse
import json
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
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import urllib3

sys.path.insert(0, str(Path(__file__).parents[1]))  # so that it runs as a script too

from benchmarks.bus import Bus
from benchmarks.servers import remove_server
from careloom.store.migrations import migrate
from careloom.store.server.embedded import ensure_server
from careloom.store.server.home import server_home

SECRET = "invented-webhook-secret"
CLIENTS, SHORTEST, LONGEST = 16, 5.0, 40.0
SETTLING, START = 90.0, 60.0
YOUNG = 15.0
"""A program that ends in so many seconds found no PostgreSQL when it started, which is for who started it to mend."""
AGAIN = 0.9
PROJECT = """\
project: chaos
timezone: America/New_York
systems:
  drchrono:
    kind: drchrono
    base_url: http://127.0.0.1:1
    client_id: nobody
    client_secret: secret:drchrono-client-secret
    webhook_secret: secret:drchrono-webhook-secret
  bus: {{kind: redis, url: "redis://127.0.0.1:{bus}/0?protocol=2"}}
publish: [bus]
"""
STREAM = "{stream: patients, from: {system: drchrono, stream: patients}}\n"


@dataclass(slots=True)
class Sender:
    """Sends each event when it is due. `accepted`: event → when it was answered with 2xx."""

    url: str
    rate: float
    began: float = 0.0
    accepted: dict[int, float] = field(default_factory=dict)
    given_up: set[int] = field(default_factory=set)
    answers: Counter[str] = field(default_factory=Counter)
    request_seconds: list[float] = field(default_factory=list)
    whole_seconds: list[float] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self, numbers: range) -> None:
        """Be one of the vendor's clients."""
        http, dice = urllib3.PoolManager(maxsize=1, retries=False, timeout=15.0), random.Random(numbers.start)
        for number in numbers:
            time.sleep(max(0.0, self.began + number / self.rate - time.monotonic()))
            first, again = time.monotonic(), dice.random() < AGAIN
            while not self._accepted(http, number):
                if not again or self.stop.is_set():
                    self.given_up.add(number)
                    break
                time.sleep(0.2)
            else:
                self.whole_seconds.append(time.monotonic() - first)

    def _accepted(self, http: urllib3.PoolManager, number: int) -> bool:
        headers = {
            "content-type": "application/json",
            "x-drchrono-event": "PATIENT_CREATE",
            "x-drchrono-signature": SECRET,
            "x-drchrono-delivery": f"chaos-{number}",
        }
        began = time.monotonic()
        try:
            answer = http.request("POST", self.url, body=_body(number), headers=headers)
        except urllib3.exceptions.HTTPError:
            self.answers["no answer"] += 1
            return False
        self.answers[str(answer.status)] += 1
        if not 200 <= answer.status < 300:
            return False
        self.accepted[number] = time.monotonic()
        self.request_seconds.append(self.accepted[number] - began)
        return True


def _body(number: int) -> bytes:
    """A patient event; its people are invented. Ids begin at one."""
    patient = {"id": number + 1, "first_name": "Ada", "last_name": "Abel", "updated_at": "2026-01-01T00:00:00"}
    return json.dumps({"receiver": {"id": 1}, "object": patient | {"city": f"Town {number % 7}"}}).encode()


@dataclass(slots=True)
class Cluster:
    """A PostgreSQL in a folder of its own."""

    folder: Path
    url: str = ""

    def start(self) -> None:
        """Start it, or go on after it was killed: for a moment its last processes keep its socket open, as if it lived."""
        _until(self._started, START)

    def kill(self) -> None:
        """End the postmaster; the processes that it started end when they notice."""
        pid = self._pid()
        os.kill(pid, signal.SIGKILL)
        _until(lambda: not _runs(pid), START)

    def _started(self) -> bool:
        self.url = ensure_server(self.folder)
        return _runs(self._pid())

    def _pid(self) -> int:
        return int((server_home(self.folder).data / "postmaster.pid").read_text().splitlines()[0])


def _runs(pid: int) -> bool:
    """Whether it is there and not only waits for its parent to look."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@dataclass(slots=True)
class Program:
    """A careloom command that is started anew whenever it ended. `errors`: where its standard error goes."""

    words: Sequence[str]
    folder: Path
    environment: dict[str, str]
    errors: Path
    process: subprocess.Popen[bytes] | None = None
    born: float = 0.0

    def start(self) -> None:
        """Start it."""
        self.born = time.monotonic()
        with self.errors.open("ab") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "careloom.cli.start", *self.words],
                cwd=self.folder,
                env=self.environment,
                stdout=errors,
                stderr=errors,
            )

    def kill(self) -> None:
        """End it, whatever it is at."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def alive(self) -> bool:
        """Whether it runs by itself, as it should between two kills."""
        return self.process is not None and self.process.poll() is None


@dataclass(slots=True)
class Killer:
    """Kills and starts again, at random times. `ended`: programs that ended although nobody killed them, by when."""

    victims: dict[str, Cluster | Program]
    kills: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self, name: str, seed: int) -> None:
        """Be the fate of one victim."""
        victim, dice = self.victims[name], random.Random(seed)
        due = time.monotonic() + dice.uniform(SHORTEST, LONGEST)
        while not self.stop.wait(0.2):
            if isinstance(victim, Program) and not victim.alive():
                young = time.monotonic() - victim.born < YOUNG
                self.ended["at its start" if young else name] += 1
                victim.start()
            if time.monotonic() >= due:
                victim.kill()
                self.kills[name] += 1
                victim.start()
                due = time.monotonic() + dice.uniform(SHORTEST, LONGEST)


@dataclass(slots=True)
class Stage:
    """Everything that runs."""

    bus: Bus
    cluster: Cluster
    sender: Sender
    killer: Killer
    errors: Path


@contextmanager
def staged(folder: Path, rate: float) -> Iterator[Stage]:
    """Door, worker, PostgreSQL and bus, running; ended with the block."""
    with ExitStack() as stack:
        bus = Bus()
        threading.Thread(target=bus.serve_forever, daemon=True).start()
        stack.callback(bus.shutdown)
        project = folder / "project"
        (project / "streams").mkdir(parents=True)
        (project / "careloom.yaml").write_text(PROJECT.format(bus=bus.server_address[1]))
        (project / "streams" / "patients.yaml").write_text(STREAM)
        cluster = Cluster(folder / "postgres")
        cluster.folder.mkdir()
        cluster.start()
        stack.callback(remove_server, cluster.folder)
        migrate(cluster.url)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CARELOOM")}
        environment |= {"CARELOOM_DATABASE_URL": cluster.url, "CARELOOM_SEAL_KEY": "A" * 43 + "="}
        environment |= {"DRCHRONO_WEBHOOK_SECRET": SECRET, "DRCHRONO_CLIENT_SECRET": "invented"}
        port, errors = _free_port(), folder / "errors"
        door = Program(["serve", "--port", str(port)], project, environment, errors)
        worker = Program(["work"], project, environment, errors)
        for program in (door, worker):
            program.start()
            stack.callback(program.kill)
        _until(lambda: _answers(port), START)
        killer = Killer({"door": door, "worker": worker, "PostgreSQL": cluster})
        yield Stage(bus, cluster, Sender(f"http://127.0.0.1:{port}/webhooks/drchrono", rate), killer, errors)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _answers(port: int) -> bool:
    try:
        return urllib3.request("GET", f"http://127.0.0.1:{port}/ready", retries=False, timeout=2).status == 200
    except urllib3.exceptions.HTTPError:
        return False


def _until(true: Any, seconds: float) -> float:
    began = time.monotonic()
    while not true():
        if time.monotonic() - began > seconds:
            break
        time.sleep(0.2)
    return time.monotonic() - began


def _storm(stage: Stage, events: int, seconds: float, seed: int) -> None:
    """Send all events while everything is killed; then nothing is killed any more."""
    stage.sender.began = time.monotonic()
    killers = [
        threading.Thread(target=stage.killer.run, args=(name, seed + number), daemon=True)
        for number, name in enumerate(stage.killer.victims)
    ]
    senders = [
        threading.Thread(target=stage.sender.run, args=(range(part, events, CLIENTS),), daemon=True)
        for part in range(CLIENTS)
    ]
    for thread in (*killers, *senders):
        thread.start()
    end = time.monotonic() + seconds + 30
    for thread in senders:
        thread.join(max(0.1, end - time.monotonic()))
    stage.killer.stop.set()
    for thread in killers:
        thread.join(60)
    stage.sender.stop.set()
    for thread in senders:
        thread.join(20)


def _ask(url: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, options="-c search_path=careloom") as connection:
        return connection.execute(statement).fetchall()


def _still(url: str) -> bool:
    try:
        waiting = _ask(url, "select (select count(*) from inbox where state = 'new') + (select count(*) from outbox)")
    except psycopg.OperationalError:
        return False
    return bool(waiting[0][0] == 0)


def _share(seconds: Sequence[float], share: float) -> float:
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def _judge(stage: Stage, settled: float, events: int) -> dict[str, int]:
    """What must be nought."""
    accepted = set(stage.sender.accepted)
    states = dict(_ask(stage.cluster.url, "select event_id, state from inbox"))
    rows = [
        key for (key,) in _ask(stage.cluster.url, "select drchrono_id from clinical.patients where deleted_at is null")
    ]
    inserts = "select count(*) from change_log where operation = 'INSERT'"
    kept = _ask(stage.cluster.url, "select count(*) from inbox")[0][0]
    return {
        "sent, and never answered by anything but silence": events - len(accepted) - len(stage.sender.given_up),
        "2xx, not in the inbox": sum(f"chaos-{one}" not in states for one in accepted),
        "in the inbox twice": kept - len(states),
        "not read in the end": sum(state != "done" for state in states.values()),
        "2xx, not landed": len({one + 1 for one in accepted} - set(rows)),
        "in the inbox, not landed": len({int(one[6:]) + 1 for one in states} - set(rows)),
        "landed twice": len(rows) - len(set(rows)),
        "inserts logged that are none": _ask(stage.cluster.url, inserts)[0][0] - len(rows),
        "landed, never told": len(set(rows) - set(stage.bus.times)),
        "told, not landed": len(set(stage.bus.times) - set(rows)),
        "programs that ended by themselves": stage.killer.ended["door"] + stage.killer.ended["worker"],
        "tracebacks": stage.errors.read_text(errors="replace").count("Traceback"),
        "not settled in time": int(settled >= SETTLING),
    }


def _show(stage: Stage, settled: float, events: int, load: float) -> None:
    sender, bus = stage.sender, stage.bus
    told = [bus.first[one + 1] - at for one, at in sender.accepted.items() if one + 1 in bus.first]
    kills = ", ".join(f"{name} {stage.killer.kills[name]}" for name in stage.killer.victims)
    answers = ", ".join(f"{name}: {number:,}" for name, number in sorted(sender.answers.items()))
    rows = {
        "events": f"{events:,} at {sender.rate:.0f}/s",
        "kills -9": kills,
        "started while PostgreSQL was away, and again": f"{stage.killer.ended['at its start']}",
        "answers": answers,
        "answered with 2xx": f"{len(sender.accepted):,}",
        "given up by the sender": f"{len(sender.given_up):,}",
        "told more than once": f"{sum(times > 1 for times in bus.times.values()):,}",
        "request with 2xx, p50 / p99": _two(sender.request_seconds),
        "first try → 2xx, p50 / p99": _two(sender.whole_seconds),
        "2xx → told, p50 / p99": _two(told),
        "after the last event, until all was told": f"{settled:.1f} s",
        "load before": f"{load:.1f}",
    }
    print("|  |  |\n|---|---:|")
    for name, value in rows.items():
        print(f"| {name} | {value} |")


def _two(seconds: Sequence[float]) -> str:
    return f"{_share(seconds, 0.5) * 1000:,.0f} / {_share(seconds, 0.99) * 1000:,.0f} ms"


def main(words: Sequence[str] | None = None) -> int:
    """Storm, settle, count; 1 if anything is missing."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=160.0, help="over which the events are spread")
    parser.add_argument("--seed", type=int, default=7, help="of the times at which something is killed")
    parser.add_argument("--keep", action="store_true", help="leave the folder, with what the programs wrote")
    asked = parser.parse_args(words)
    folder, load = Path(tempfile.mkdtemp(prefix="chaos-")), os.getloadavg()[0]
    try:
        with staged(folder, asked.events / asked.seconds) as stage:
            _storm(stage, asked.events, asked.seconds, asked.seed)
            settled = _until(lambda: _still(stage.cluster.url), SETTLING)
            missing = _judge(stage, settled, asked.events)
            _show(stage, settled, asked.events, load)
    finally:
        if asked.keep:
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print("\n| must be nought |  |\n|---|---:|")
    for name, number in missing.items():
        print(f"| {name} | {number:,} |")
    return 1 if any(missing.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
