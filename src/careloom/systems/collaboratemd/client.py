"""Calls to the Web API: HTTP Basic, always POST, an Accept header always, and 200 whatever happened.

- 401, 403: NotPermitted. 415, another 4xx, a redirect: Fix. 429: Later.
- 5xx, no answer, a connection that breaks off, a page that is no answer, or a success without one (204): repeated a few
  times with growing waits, then Later.

A repeated request to run a report never starts a second one: while the first runs, the answer is its identifier.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom
from time import perf_counter, sleep
from urllib.parse import urlencode

import urllib3
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from careloom.core.errors import CareloomError, Fix, Hold, NotPermitted, RemoteUnavailable
from careloom.core.log import LOG
from careloom.core.rooms import RoomContext
from careloom.systems.collaboratemd.archives import CHUNK, private_file
from careloom.systems.collaboratemd.envelopes import Damaged, Envelope, NotAnAnswer, read_envelope
from careloom.systems.collaboratemd.options import Options

_DICE = SystemRandom()


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How long a call is tried for. Waits in seconds."""

    attempts: int = 4
    first_wait: float = 1.0
    longest_wait: float = 20.0


class Client:
    """Speaks for one partner; may be used by several threads."""

    def __init__(
        self,
        options: Options,
        context: RoomContext,
        *,
        patience: RetryPolicy | None = None,
        pause: Callable[[float], None] = sleep,
    ) -> None:
        self.patience = patience or RetryPolicy()
        self.pause = pause
        self._base = options.base_url.rstrip("/")
        self._most = options.limits.downloaded_mb * 1024 * 1024
        self._headers = {
            "Authorization": _basic(context.secret(options.username), context.secret(options.password)),
            "Accept": f"application/{options.format}",
            "User-Agent": "careloom",
        }
        timeout = urllib3.Timeout(connect=10.0, read=options.timeout_seconds)
        self._pool = urllib3.PoolManager(maxsize=4, block=True, retries=False, timeout=timeout)

    def __repr__(self) -> str:
        return f"Client({self._base!r})"

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        self._pool.clear()

    def post(self, path: str, query: Sequence[tuple[str, str]] = (), *, data: Path | None = None) -> Envelope:
        """The answer to a call; the decoded `Data` goes into the file `data`, which only its owner may read.

        Hold: answer-too-large, corrupt-answer.
        """
        url = self._base + path + (f"?{urlencode(query)}" if query else "")
        last = 0
        for failures in range(1, self.patience.attempts + 1):
            result = self._try(url, path, data)
            if isinstance(result, Envelope):
                return result
            last = result
            if 300 <= result < 500:  # noqa: PLR2004
                raise _refusal(result, path)
            if failures < self.patience.attempts:
                self.pause(_DICE.uniform(0, self._ceiling(failures)))
        raise RemoteUnavailable(
            f"CollaborateMD: POST {_template(path)} failed {self.patience.attempts} times, the last time with {_spoken(last)}; "
            "check the network and base_url; nothing is lost: run again",
            after=60.0,
        )

    def _ceiling(self, failures: int) -> float:
        return min(self.patience.longest_wait, self.patience.first_wait * 2.0 ** (failures - 1))

    def _try(self, url: str, path: str, data: Path | None) -> Envelope | int:
        """One attempt: the answer, or the HTTP status of what is none; 0 when nothing came, or not to its end."""
        start = perf_counter()
        status: int = 0
        try:
            response = self._pool.request(
                "POST", url, body=b"", headers=self._headers, redirect=False, preload_content=False
            )
            status = response.status
            with _given_back(response):
                return self._read(response, data) if status == 200 else status  # noqa: PLR2004
        except HTTPError as error:
            LOG.warning("no answer", method="POST", path=_template(path), error=type(error).__name__)
            return 0
        except NotAnAnswer:
            LOG.warning("not an answer of the Web API", method="POST", path=_template(path))
            return status
        except Damaged as damage:
            raise Hold(
                "corrupt-answer", f"CollaborateMD's answer is damaged: {damage}. Ask for the report again"
            ) from None
        finally:
            milliseconds = round((perf_counter() - start) * 1000, 1)
            LOG.debug("request", method="POST", path=_template(path), status=status, ms=milliseconds)

    def _read(self, response: BaseHTTPResponse, data: Path | None) -> Envelope:
        if data is None:
            return read_envelope(self._chunks(response), len)
        with private_file(data) as target:
            return read_envelope(self._chunks(response), target.write)

    def _chunks(self, response: BaseHTTPResponse) -> Iterator[bytes]:
        size = 0
        for chunk in response.stream(CHUNK):
            size += len(chunk)
            if size > self._most:
                raise Hold(
                    "answer-too-large",
                    "CollaborateMD's answer is larger than the system's limits.downloaded_mb; where that is right, raise it",
                )
            yield chunk


@contextmanager
def _given_back(response: BaseHTTPResponse) -> Iterator[None]:
    """Give the connection back to the pool, which has only so many; closed where what it brings was not read to its end."""
    try:
        yield
    finally:
        if not response.closed:
            response.close()
        response.release_conn()


def _basic(username: str, password: str) -> str:
    if ":" in username:
        raise Fix("CollaborateMD's username holds a colon, which HTTP Basic cannot carry: check username")
    try:
        raw = f"{username}:{password}".encode("latin-1")
    except UnicodeEncodeError:
        raise Fix("CollaborateMD's username or password has letters beyond Latin-1: check them") from None
    return f"Basic {b64encode(raw).decode('ascii')}"


def _spoken(status: int) -> str:
    """What came instead of an answer; 0 is nothing, or not to its end."""
    if status == 0:
        return "no answer, or one that broke off"
    return f"{status} and a page that is no answer of the Web API" if status < 300 else f"the status {status}"  # noqa: PLR2004


def _refusal(status: int, path: str) -> CareloomError:
    """The error for a status that no repetition changes."""
    if status in {401, 403}:
        return NotPermitted(
            f"CollaborateMD refuses the request ({status}): check the system's username and password; where they serve for other "
            "accounts, ask CollaborateMD to enable the Web API, and its reports, for this one"
        )
    if status == 415:  # noqa: PLR2004
        return Fix(
            "CollaborateMD does not give the form that is asked for (415): set the system's format to xml or json"
        )
    if status == 429:  # noqa: PLR2004
        return RemoteUnavailable("CollaborateMD asks for fewer calls (429)", after=60.0)
    return Fix(
        f"CollaborateMD refuses POST {_template(path)} ({status}): check the account, the report's and the filter's number, "
        "and the system's base_url"
    )


def _template(path: str) -> str:
    """A path for logs and messages, without numbers."""
    return "/".join("{id}" if part.isdigit() else part for part in path.split("/"))
