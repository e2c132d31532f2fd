"""A connection that is not patient without end: requests whose head is too long, or does not come, are refused."""

from __future__ import annotations

import asyncio
from asyncio import TimerHandle

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from careloom.web.connection_limit import Crowd, busy

HEAD_BYTES, HEADERS = 64 * 1024, 200
HEAD_SECONDS = 10.0
_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: application/json\r\n"
    b'content-length: 29\r\nconnection: close\r\n\r\n{"error":"headers-too-large"}'
)


class Connection(HttpToolsProtocol):
    """uvicorn's protocol, which by itself takes any number of headers, and waits for ever for their end."""

    crowd: Crowd
    _head: int = 0
    _in_head: bool = True
    _clock: TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A sender is there; what it sends first must come soon."""
        super().connection_made(transport)
        self._expect_head()
        if not self.crowd.enter(self._peer(), self):
            self.app = busy

    def connection_lost(self, exc: Exception | None) -> None:
        """The sender is gone."""
        self.crowd.leave(self._peer(), self)
        self._expect_no_head()
        super().connection_lost(exc)

    def idle(self) -> bool:
        """Whether no request is under way."""
        return self.cycle is None or self.cycle.response_complete

    def send_off(self) -> None:
        """Close it: there are too many."""
        if not self.transport.is_closing():
            self.transport.close()

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._head, self._in_head = 0, True
        self._expect_head()

    def on_headers_complete(self) -> None:
        """Its head is complete."""
        self._in_head = False
        self._expect_no_head()
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > HEAD_BYTES or len(self.headers) > HEADERS:
            raise _HeadTooLargeError
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Some of it came. A head is measured as it comes, since one that never ends is never complete."""
        super().data_received(data)
        if self._in_head:
            self._head += len(data)
            if self._head > HEAD_BYTES:
                self._refuse()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, or has too large a head."""
        size = sum(len(name) + len(value) + 4 for name, value in self.headers or ()) + len(getattr(self, "url", b""))
        if size > HEAD_BYTES or len(self.headers or ()) > HEADERS:
            self._refuse()
            return
        super().send_400_response(msg)

    def _peer(self) -> str:
        return self.client[0] if self.client else ""

    def _refuse(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()

    def _expect_head(self) -> None:
        self._expect_no_head()
        self._clock = self.loop.call_later(HEAD_SECONDS, self._gave_up)

    def _expect_no_head(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _gave_up(self) -> None:
        self._clock = None
        if not self.transport.is_closing():
            self.transport.close()


def connection_in(crowd: Crowd) -> type[Connection]:
    """The protocol of a server whose connections are those of `crowd`."""
    return type("CrowdedConnection", (Connection,), {"crowd": crowd})


class _HeadTooLargeError(Exception):
    """Ends the parsing of a request."""
