"""The body of a request, read with limits: in bytes on the wire, in bytes unpacked, in time, and in all bodies together."""

from __future__ import annotations

import asyncio
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from starlette.requests import Request

MOST = 10 * 1024 * 1024
TOGETHER = 256 * 1024 * 1024
PARTS = 2
SECONDS = 10.0
_GZIP = 31
"""zlib's word for a gzip stream with its header."""


class BadBody(Exception):
    """The body is refused; `status` is HTTP's word for why."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(slots=True)
class Share:
    """What one request holds of the memory for bodies."""

    memory: Memory
    client: str
    size: int = 0

    def take(self, size: int) -> None:
        """Hold `size` bytes more. BadBody with 503 if that is more than there is for all requests, or for one client's."""
        memory = self.memory
        if memory.size + size > memory.limit or memory.by_client[self.client] + size > memory.limit // PARTS:
            raise BadBody(503, "busy")
        memory.size += size
        memory.by_client[self.client] += size
        self.size += size


@dataclass(slots=True)
class Memory:
    """The memory for the bodies of all requests that are under way. No client's bodies take more than half of it."""

    limit: int = TOGETHER
    size: int = 0
    by_client: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def share(self, client: str = "") -> Iterator[Share]:
        """A share that is given back with the block."""
        share = Share(self, client)
        try:
            yield share
        finally:
            self.size -= share.size
            self.by_client[client] -= share.size
            if not self.by_client[client]:
                del self.by_client[client]


async def read_body(request: Request, share: Share, *, limit: int = MOST, seconds: float = SECONDS) -> bytes:
    """The whole body, unpacked. BadBody with 400, 408, 413, 415 or 503; ClientDisconnect if the client is gone."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"identity", "gzip", ""}:
        raise BadBody(415, "content-encoding")
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > limit:
        raise BadBody(413, "too-large")
    try:
        async with asyncio.timeout(seconds):
            body = await _read(request, share, limit)
    except TimeoutError:
        raise BadBody(408, "too-slow") from None
    if encoding != "gzip":
        return body
    content = _unpack(body, limit)
    share.take(len(content))
    return content


async def _read(request: Request, share: Share, limit: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        # What a stated length promises is not believed: only what came is counted.
        if len(body) + len(chunk) > limit:
            raise BadBody(413, "too-large")
        share.take(len(chunk))
        body += chunk
    return bytes(body)


def _unpack(body: bytes, limit: int) -> bytes:
    unpacker = zlib.decompressobj(_GZIP)
    try:
        content = unpacker.decompress(body, limit + 1)
    except zlib.error:
        raise BadBody(400, "bad-gzip") from None
    if len(content) > limit:
        raise BadBody(413, "too-large")
    if not unpacker.eof or unpacker.unused_data:
        raise BadBody(400, "bad-gzip")
    return content
