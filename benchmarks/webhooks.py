"""How many webhooks a second `careloom serve` takes, each verified and committed before it is answered.

`python -m benchmarks.webhooks [--seconds 10] [--connections 32]`: starts the service over an embedded PostgreSQL in a new
folder, posts signed events of 4 KiB over kept connections from a process of their own, first as fast as they are answered, then
100 a second; at the end every event that was answered with 200 must be in the inbox. Then, with `careloom work` beside the
service, 20 a second, each of a patient of its own: how long from sending one until its change is heard on the channel of NOTIFY
that the blueprint's `bus` publishes to.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from time import perf_counter, sleep
from typing import Any

import psycopg

from benchmarks.servers import remove_server
from careloom.core.folders import HIDDEN
from careloom.store.server.embedded import ensure_server, leave_server

SECRET = "invented-webhook-secret"
PATH = "/webhooks/drchrono"
FIRST_TOLD = 1000
SIZE = 4096
PACED, CRITICAL = 100, 20
GOAL, GOAL_P99, GOAL_TOLD = 1000, 0.1, 2.0
CHANNEL = "change_events"
PATIENCE = 120.0
_WAITING = """
    select (select count(*) from careloom.inbox where state = 'new') + (select count(*) from careloom.outbox)
"""
ROOT = Path(__file__).parents[1]


@dataclass(slots=True)
class Tally:
    """What was sent: how long each accepted event took, and how many were not accepted."""

    seconds: list[float] = field(default_factory=list)
    refused: int = 0

    def percentile(self, share: float) -> float:
        """So many of the events took no longer."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def body(patient_id: int = 1) -> bytes:
    """A patient event of 4 KiB; its people are invented."""
    patient = {
        "id": patient_id,
        "first_name": "Ada",
        "last_name": "Abel",
        "updated_at": "2026-01-01T00:00:00",
        "notes": "",
    }
    bare = json.dumps({"receiver": {"id": 1}, "object": patient}).encode()
    return bare.replace(b'"notes": ""', b'"notes": "' + b"x" * (SIZE - len(bare)) + b'"')


def request(delivery: str, patient_id: int = 1) -> bytes:
    """One signed event, as it goes over the wire."""
    content = body(patient_id)
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nX-drchrono-event: PATIENT_MODIFY\r\n"
        f"X-drchrono-signature: {SECRET}\r\nX-drchrono-delivery: {delivery}\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


async def _post(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delivery: str, tally: Tally, patient: int = 1
) -> None:
    sent, began = request(delivery, patient), perf_counter()
    writer.write(sent)
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
    )
    await reader.readexactly(length)
    if head.startswith(b"HTTP/1.1 200"):
        tally.seconds.append(perf_counter() - began)
    else:
        tally.refused += 1


async def _flood(port: int, connections: int, seconds: float, tally: Tally, name: str) -> None:
    """Every connection sends its next event when the one before was answered."""
    until = perf_counter() + seconds

    async def one(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        turn = 0
        while perf_counter() < until:
            turn += 1
            await _post(reader, writer, f"{name}-{number}-{turn}", tally)
        writer.close()

    await asyncio.gather(*(one(number) for number in range(connections)))


async def _pace(port: int, seconds: float, tally: Tally) -> None:
    """An event each hundredth of a second, whether those before were answered or not."""
    free = [await asyncio.open_connection("127.0.0.1", port) for _ in range(8)]
    under_way: set[asyncio.Task[None]] = set()

    async def one(number: int) -> None:
        pair = free.pop() if free else await asyncio.open_connection("127.0.0.1", port)
        await _post(*pair, f"paced-{number}", tally)
        free.append(pair)

    began = perf_counter()
    for number in range(int(seconds * PACED)):
        await asyncio.sleep(max(0.0, began + number / PACED - perf_counter()))
        task = asyncio.create_task(one(number))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
    await asyncio.gather(*under_way)


def send(port: int, connections: int, seconds: float) -> None:
    """Be the sender: prints what came of it as JSON."""
    flood, paced = Tally(), Tally()
    asyncio.run(_flood(port, connections, 1.0, Tally(), "warm"))  # so that everything is loaded
    began = perf_counter()
    asyncio.run(_flood(port, connections, seconds, flood, "flood"))
    took = perf_counter() - began
    asyncio.run(_pace(port, seconds, paced))
    found = {"accepted": len(flood.seconds), "rate": len(flood.seconds) / took}
    found |= {"p50": flood.percentile(0.5), "p99": flood.percentile(0.99), "refused": flood.refused + paced.refused}
    found |= {"paced": len(paced.seconds), "paced_p50": paced.percentile(0.5), "paced_p99": paced.percentile(0.99)}
    print(json.dumps(found))


def told(port: int, database: str, seconds: float) -> tuple[Tally, int]:
    """Send 20 events a second and listen for their changes: how long each took from sending, and how many were not heard."""
    began: dict[int, float] = {}
    tally, events = Tally(), int(seconds * CRITICAL)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"listen {CHANNEL}")
        sender = Thread(target=lambda: asyncio.run(_send_slowly(port, events, began)))
        sender.start()
        heard: set[int] = set()
        for notice in connection.notifies(timeout=seconds + 30):
            arrived, key = perf_counter(), int(json.loads(notice.payload)["drchrono_id"])
            if key in began and key not in heard:
                heard.add(key)
                tally.seconds.append(arrived - began[key])
            if len(heard) == events:
                break
        sender.join()
    return tally, events - len(heard)


async def _send_slowly(port: int, events: int, began: dict[int, float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    start = perf_counter()
    for number in range(events):
        await asyncio.sleep(max(0.0, start + number / CRITICAL - perf_counter()))
        key = FIRST_TOLD + number
        began[key] = perf_counter()
        await _post(reader, writer, f"told-{number}", Tally(), key)
    writer.close()


@contextmanager
def working(folder: Path) -> Iterator[None]:
    """`careloom work` over the project in `folder`."""
    command = [sys.executable, "-m", "careloom.cli.start", "work", "-p", str(folder / "project")]
    with subprocess.Popen(command, env=_environment(), cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()


def _environment() -> dict[str, str]:
    words = ("DRCHRONO_CLIENT_ID", "DRCHRONO_CLIENT_SECRET", "DEEPCURA_SHARED_SECRET")
    secrets = dict.fromkeys(words, "invented-secret-of-the-benchmark") | {"DRCHRONO_WEBHOOK_SECRET": SECRET}
    return {name: value for name, value in os.environ.items() if not name.startswith("CARELOOM")} | secrets


@contextmanager
def service(folder: Path, *arguments: str) -> Iterator[int]:
    """`careloom serve` over a new project in `folder`; gives its port."""
    careloom = [sys.executable, "-m", "careloom.cli.start"]
    project = folder / "project"
    subprocess.run([*careloom, "init", "drchrono-clinical", str(project)], check=True, stdout=subprocess.DEVNULL)
    command = [*careloom, "serve", "-p", str(project), "--port", "0", *arguments]
    with subprocess.Popen(command, env=_environment(), cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield _port(process)
        finally:
            process.terminate()


def _port(process: subprocess.Popen[str]) -> int:
    for line in process.stderr or ():
        if line.startswith("serving on "):
            return int(line.partition(";")[0].rpartition(":")[2])
    raise SystemExit("the service did not start")


def kept(folder: Path) -> int:
    """How many events of the benchmark are in the inbox."""
    hidden = folder / "project" / HIDDEN
    with psycopg.connect(ensure_server(hidden)) as connection:
        row = connection.execute(
            "select count(*) from careloom.inbox where event_id like 'flood-%' or event_id like 'paced-%'"
        ).fetchone()
    leave_server(hidden)
    return int(row[0]) if row else 0


def main(words: Sequence[str] | None = None) -> int:
    """Measure and print; 1 if a goal was missed."""
    parser = argparse.ArgumentParser(prog="benchmarks.webhooks", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--work", action="store_true", help="the same process works on the events meanwhile")
    parser.add_argument("--send-to", type=int, default=0, help=argparse.SUPPRESS)
    asked = parser.parse_args(words)
    if asked.send_to:
        send(asked.send_to, asked.connections, asked.seconds)
        return 0
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="careloom-") as name:
        folder = Path(name)
        with service(folder, *(["--work"] if asked.work else [])) as port:
            sender = [sys.executable, "-m", "benchmarks.webhooks", "--send-to", str(port)]
            sender += ["--seconds", str(asked.seconds), "--connections", str(asked.connections)]
            found = json.loads(subprocess.run(sender, check=True, capture_output=True, text=True, cwd=ROOT).stdout)
            stored = kept(folder)
            changes, unheard = _told(folder, port, asked.seconds)
        remove_server(folder / "project" / HIDDEN)
    return _show(found, stored, changes, unheard, asked.connections, load)


def _told(folder: Path, port: int, seconds: float) -> tuple[Tally, int]:
    """Work off what came before, then measure."""
    hidden = folder / "project" / HIDDEN
    with working(folder):
        url = ensure_server(hidden)
        with psycopg.connect(url, autocommit=True) as connection:
            end = perf_counter() + PATIENCE
            while connection.execute(_WAITING).fetchone() != (0,) and perf_counter() < end:
                sleep(0.2)
        found = told(port, url, seconds)
    leave_server(hidden)
    return found


def _show(found: dict[str, Any], stored: int, changes: Tally, unheard: int, connections: int, load: float) -> int:
    """The table; 1 if a goal was missed."""
    accepted = found["accepted"] + found["paced"]
    heard = changes.percentile(0.5), changes.percentile(0.99)
    rows = [
        (
            f"as fast as it goes, {connections} connections, {SIZE} bytes each",
            found["rate"],
            found["p50"],
            found["p99"],
        ),
        (f"{PACED} a second", PACED, found["paced_p50"], found["paced_p99"]),
        (f"{CRITICAL} a second: sent → landed → heard", CRITICAL, *heard),
    ]
    print("|  | events/s | p50 ms | p99 ms |\n|---|---:|---:|---:|")
    for what, rate, half, most in rows:
        print(f"| {what} | {rate:,.0f} | {half * 1000:.1f} | {most * 1000:.1f} |")
    print(f"\nanswered with 200: {accepted:,}; in the inbox: {stored:,}; refused: {found['refused']}")
    print(f"sent and not heard of: {unheard}; load before: {load:.1f}")
    reached = found["rate"] >= GOAL and found["paced_p99"] < GOAL_P99 and stored == accepted
    reached = reached and not unheard and heard[1] < GOAL_TOLD
    goal = "1,000/s, p99 < 100 ms at 100/s, heard within 2 s at 20/s, nothing lost"
    print(f"goal ({goal}): {'reached' if reached else 'missed'}")
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
