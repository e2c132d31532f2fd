"""TCP listeners of the rooms that have one: framed messages in, an acknowledgement out only once a message is on disk.

A sender keeps its connection for hours and waits for each acknowledgement. So each connection has a thread, and there are
not many. A message that was kept and never acknowledged is sent again: its event id tells that it is the same.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from time import monotonic

from careloom.core.errors import safe_text
from careloom.core.listeners import FrameFault, Listener
from careloom.core.log import LOG
from careloom.services.landing.receive import store_message
from careloom.services.session.sessions import Session

MOST_CONNECTIONS = 64
"""Of one listener at once; one more is closed at once."""
_LOOK = 0.2
"""Seconds between two looks at whether it is time to stop."""
_TRY_AGAIN = 5.0
"""Seconds until a taken address is asked for again: another worker of this machine listens there, until it ends."""
_CHUNK = 64 * 1024
_BACKLOG = 64


@dataclass(slots=True, kw_only=True)
class ListenerServer:
    """Listens for one system. `port` is the one in use, 0 while there is none."""

    session: Session
    system: str
    listener: Listener
    stop: Event
    port: int = 0
    _threads: set[Thread] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)

    def serve(self) -> None:
        """Listen until it is time to stop; whoever holds the address is waited for."""
        is_waiting = False
        while not self.stop.is_set():
            try:
                listening = socket.create_server((self.listener.host, self.listener.port), backlog=_BACKLOG)
            except OSError as error:
                if not is_waiting:
                    LOG.warning(
                        "listener.waiting",
                        message="a listener waits for its address",
                        source=self.system,
                        reason=error.strerror,
                    )
                is_waiting = True
                self.stop.wait(_TRY_AGAIN)
                continue
            is_waiting = False
            with listening:
                self._accept(listening)
        for thread in list(self._threads):
            thread.join()

    def _accept(self, listening: socket.socket) -> None:
        listening.settimeout(_LOOK)
        self.port = listening.getsockname()[1]
        LOG.info("listener.started", message="a listener began", source=self.system, port=self.port)
        while not self.stop.is_set():
            try:
                connection, address = listening.accept()
            except TimeoutError:
                continue
            except OSError as error:
                LOG.warning(
                    "listener.restarted", message="a listener begins again", source=self.system, reason=error.strerror
                )
                break
            self._begin(connection, str(address[0]))
        self.port = 0

    def _begin(self, connection: socket.socket, address: str) -> None:
        with self._lock:
            self._threads = {thread for thread in self._threads if thread.is_alive()}
            if len(self._threads) >= MOST_CONNECTIONS or not self.listener.admits(address):
                LOG.warning("connection.refused", message="a connection was refused", source=self.system)
                connection.close()
                return
            thread = Thread(target=self._converse, args=(connection,), name=f"careloom {self.system}")
            self._threads.add(thread)
        thread.start()

    def _converse(self, connection: socket.socket) -> None:
        """One sender, until it goes, breaks a rule, or it is time to stop."""
        with connection:
            connection.settimeout(_LOOK)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            try:
                self._exchange(connection)
            except FrameFault as fault:
                LOG.warning(
                    "connection.ended",
                    message="a connection was ended",
                    source=self.system,
                    reason=str(fault) or "no frame",
                )
            except OSError as error:
                LOG.info(
                    "connection.lost", message="a sender went away", source=self.system, reason=type(error).__name__
                )
            except Exception as error:  # noqa: BLE001 a room that fails is not its sender's fault: it sends again
                LOG.error(
                    "message.unreadable",
                    message="a room could not read a message",
                    source=self.system,
                    reason=safe_text(error),
                )

    def _exchange(self, connection: socket.socket) -> None:
        data, began = b"", monotonic()
        while not self.stop.is_set():
            try:
                chunk = connection.recv(_CHUNK)
            except TimeoutError:
                chunk = None
            if chunk == b"":
                return
            if not data:
                began = monotonic()
            if chunk:
                messages, data = self.listener.split(data + chunk)
                for message in messages:
                    if not self._answer(connection, message):
                        return
                    began = monotonic()
            if len(data) > self.listener.most_bytes:
                raise FrameFault("a frame is larger than admitted")
            if data and monotonic() - began > self.listener.seconds:
                raise FrameFault("a frame did not end in time")

    def _answer(self, connection: socket.socket, message: bytes) -> bool:
        """Keep the message, then say so; False where the connection is to end without a word."""
        if len(message) > self.listener.most_bytes:
            raise FrameFault("a frame is larger than admitted")
        reply = store_message(self.session, self.system, self.listener, message)
        if reply:
            connection.settimeout(self.listener.seconds)
            connection.sendall(reply)
            connection.settimeout(_LOOK)
        return bool(reply)


def listener_servers(session: Session, stop: Event) -> list[ListenerServer]:
    """One for each system of the project whose room listens."""
    return [
        ListenerServer(session=session, system=name, listener=session.listener(name), stop=stop)
        for name in session.listening_systems()
    ]


def start_listeners(servers: list[ListenerServer]) -> Callable[[], None]:
    """Serve them, each in a thread; what is returned waits for their end."""
    threads = [Thread(target=server.serve, name=f"careloom listener {server.system}") for server in servers]
    for thread in threads:
        thread.start()

    def join() -> None:
        for thread in threads:
            thread.join()

    return join
