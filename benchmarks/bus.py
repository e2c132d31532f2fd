"""A Redis for a benchmark: as much of it as careloom's publisher speaks, and a memory of what was told."""

from __future__ import annotations

import json
import socketserver
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress


class Bus(socketserver.ThreadingTCPServer):
    """As much of Redis as takes XADD in a transaction; remembers when it first heard of each patient, and how often."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Talk)
        self.first: dict[int, float] = {}
        self.times: Counter[int] = Counter()

    def heard(self, entries: Sequence[bytes]) -> None:
        """These were added for good."""
        for entry in entries:
            key = int(json.loads(entry)["drchrono_id"])
            self.first.setdefault(key, time.monotonic())
            self.times[key] += 1


class _Talk(socketserver.StreamRequestHandler):
    server: Bus

    def handle(self) -> None:
        added: list[bytes] | None = None
        with suppress(OSError, ValueError):
            while words := self._words():
                command = words[0].upper()
                if command == b"MULTI":
                    added = []
                    self.wfile.write(b"+OK\r\n")
                elif command == b"XADD" and added is not None:
                    added.append(words[words.index(b"data") + 1])
                    self.wfile.write(b"+QUEUED\r\n")
                elif command == b"EXEC" and added is not None:
                    self.server.heard(added)
                    self.wfile.write(b"*%d\r\n" % len(added) + b"$3\r\n1-1\r\n" * len(added))
                elif command == b"HELLO":
                    self.wfile.write(b"-ERR unknown command\r\n")
                else:
                    self.wfile.write(b"+OK\r\n")

    def _words(self) -> list[bytes]:
        head = self.rfile.readline()
        words: list[bytes] = []
        for _ in range(int(head[1:]) if head else 0):
            length = int(self.rfile.readline()[1:])
            words.append(self.rfile.read(length + 2)[:-2])
        return words
