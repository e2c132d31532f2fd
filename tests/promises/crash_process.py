"""Runs a sync again and again, each time in a child that is killed where it is told to.

    python crash_process.py FOLDER

Each line of standard input is a JSON object: {"at": POINT, "nth": N} kills at the N-th passing of a point (see POINTS),
{"part": P} kills from outside after that part of the time that the last whole life took, {} lets the run end. "way" says what
is done: "run", or "apply" for a plan that is applied. Each is answered by a line with the child's exit code, negative for a
signal. One warm process forks all children, since starting Python two hundred times would take minutes; it has read the project
and opened nothing before it forks.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from careloom.project.loader import load_project
from careloom.services.session.logs import set_up_logs
from careloom.services.session.progress import Watch
from careloom.services.session.sessions import open_session
from careloom.services.session.settings import read_settings
from careloom.services.sync.deliver import Delivery
from careloom.services.sync.run import apply_sync, plan_sync, run_sync
from careloom.store.ledger import Ledger
from careloom.store.mirror import Mirror
from careloom.store.runs import Runs
from careloom.systems import rooms
from careloom.systems.hubspot.client.http import Client
from careloom.systems.hubspot.target.target import HubSpotTarget

BATCH = 10


def main() -> None:
    folder = Path(sys.argv[1])
    load_project(folder, rooms())
    whole = 1.0
    for line in sys.stdin:
        order, born = json.loads(line), time.monotonic()
        child = os.fork()
        if not child:
            os._exit(live(folder, order))
        if "part" in order:
            time.sleep(order["part"] * whole)
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if not order:
            whole = time.monotonic() - born
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def live(folder: Path, order: dict[str, Any]) -> int:
    for point, (owner, method, before) in POINTS.items():
        if order.get("at") == point:
            setattr(owner, method, dying(getattr(owner, method), order["nth"], before=before))
    settings = read_settings(dict(os.environ))
    set_up_logs(settings)
    with open_session(folder, settings) as session:
        session.target("crm").batch_size = BATCH
        sync = session.project.syncs["people"]
        if order.get("way") == "apply":
            plan_sync(session, sync, Watch())
            report = apply_sync(session, sync, Watch())
        else:
            report = run_sync(session, sync, Watch())
    return 0 if report.balanced and report.state == "done" else 1


POINTS: dict[str, tuple[type, str, bool]] = {
    "before send": (Delivery, "_send", True),
    "after send": (Delivery, "_send", False),
    "before settle": (Ledger, "settle", True),
    "after settle": (Ledger, "settle", False),
    "before a request": (Client, "send", True),
    "after a request": (Client, "send", False),
    "before declaring": (HubSpotTarget, "declare", True),
    "after declaring": (HubSpotTarget, "declare", False),
    "before the mirror": (Mirror, "take_in", True),
    "after the mirror": (Mirror, "take_in", False),
    "after the start": (Runs, "start", False),
    "after the plan is taken": (Runs, "apply_plan", False),
    "before the watermark": (Ledger, "set_watermark", True),
    "after the watermark": (Ledger, "set_watermark", False),
    "before the end": (Runs, "finish", True),
}


def dying(method: Callable[..., Any], nth: int, *, before: bool) -> Callable[..., Any]:
    passings = itertools.count(1)

    def mortal(*words: Any, **named: Any) -> Any:
        last = next(passings) == nth
        if last and before:
            os.kill(os.getpid(), signal.SIGKILL)
        answer = method(*words, **named)
        if last:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    return mortal


if __name__ == "__main__":
    main()
