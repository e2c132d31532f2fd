"""A worker in a process of its own, to be killed: python a_worker.py DATABASE FOLDER NOTES DELAY.

Each event that it reads is a line in NOTES; it takes DELAY seconds for each. Ends on SIGTERM, or with its standard input.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

from careloom.core.webhooks import Reading, StoredEvent
from careloom.services.session import sessions
from careloom.store.database import open_store
from careloom.worker.periodic import Timing
from careloom.worker.run import work

sys.path.insert(0, str(Path(__file__).parents[1]))

from services.fake_rooms import Paper, make_session, project, room

QUICK = Timing(pause=0.2, heartbeat=0.3, silence=1.5, poll=0.1, grace=10.0)


class Slow(Paper):
    """Reads slowly, and says who read what."""

    notes: Path
    delay: float

    def read(self, event: StoredEvent) -> Reading:
        with self.notes.open("a") as file:
            file.write(f"{os.getpid()} {event.id}\n")
        time.sleep(self.delay)
        return Paper.read(self, event)


def main() -> None:
    database, folder, notes, delay = sys.argv[1:]
    paper = Slow()
    paper.notes, paper.delay = Path(notes), float(delay)
    sessions.rooms = lambda: {"ehr": room("ehr", paper), "bus": room("bus", Paper())}
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
    store = open_store(database)
    session = make_session(store, project(Path(folder), ["ehr", "bus"], publish=["bus"]))
    print("working", flush=True)
    work(session, stop=stop, timing=QUICK)
    session.close()
    store.close()


if __name__ == "__main__":
    main()
