"""A worker that listens, in a process of its own, to be killed: python a_listener.py DATABASE FOLDER STOP_AT.

It prints its port, then "stopped" where it stands still for ever: `keeping` (nothing is on disk yet) or `reply` (it is).
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

from careloom.services.session import sessions
from careloom.store.database import open_store
from careloom.worker.listeners import listener_servers, start_listeners

sys.path.insert(0, str(Path(__file__).parents[1]))

from services.fake_rooms import make_session, project
from worker.line_room import LineListener, line_room


def stand_still(_message: bytes) -> None:
    print("> stopped", flush=True)
    time.sleep(600)


def main() -> None:
    database, folder, stop_at = sys.argv[1:]
    listener = LineListener()
    if stop_at == "keeping":
        listener.before_keeping = stand_still
    if stop_at == "reply":
        listener.before_reply = stand_still
    sessions.rooms = lambda: {"lab": line_room(listener)}
    store = open_store(database)
    session = make_session(store, project(Path(folder), ["lab"]))
    stop = threading.Event()
    servers = listener_servers(session, stop)
    join = start_listeners(servers)
    while not servers[0].port:
        time.sleep(0.01)
    print(">", servers[0].port, flush=True)
    sys.stdin.read()
    stop.set()
    join()
    session.close()
    store.close()


if __name__ == "__main__":
    main()
