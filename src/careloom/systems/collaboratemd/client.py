"""Calls to the Web API: HTTP Basic, always POST, an Accept header always, and 200 whatever happened.

401 and 403 are NotPermitted, 429 Later, a redirect and any other 4xx Fix; the rest is the kit's rule. A repeated request to
run a report never starts a second one: while the first runs, the answer is its identifier. So all may be repeated.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Never

from careloom.core.errors import Fix, Hold, NotPermitted, RemoteUnavailable
from careloom.core.rooms import RoomContext
from careloom.systems.collaboratemd.archives import private_file
from careloom.systems.collaboratemd.envelopes import Damaged, Envelope, read_envelope
from careloom.systems.collaboratemd.options import Options
from careloom.vendor_kit import status
from careloom.vendor_kit.api import Api
from careloom.vendor_kit.call import Answer, Call, Trial
from careloom.vendor_kit.http import HttpClient
from careloom.vendor_kit.pool import USER_AGENT
from careloom.vendor_kit.retry import RetryPolicy

_REDIRECTS = (301, 302, 303, 307, 308)
_OWN_WORDS = (*_REDIRECTS, status.UNAUTHORIZED, status.FORBIDDEN, status.TOO_MANY_REQUESTS)


class Client:
    """Speaks for one partner; may be used by several threads."""

    def __init__(
        self,
        options: Options,
        context: RoomContext,
        *,
        policy: RetryPolicy | None = None,
        pause: Callable[[float], None] | None = None,
    ) -> None:
        self._most = options.limits.downloaded_mb * 1024 * 1024
        self._http = HttpClient(
            Api(
                name="CollaborateMD",
                base_url=options.base_url.rstrip("/"),
                headers={
                    "Authorization": _basic(context.secret(options.username), context.secret(options.password)),
                    "Accept": f"application/{options.format}",
                    "User-Agent": USER_AGENT,
                },
                statuses=dict.fromkeys(_OWN_WORDS, _refuse),
                refused=_refuse,
                given_up=_given_up,
                template=_template,
            ),
            policy=policy or RetryPolicy(attempts=4, first_wait=1.0, read_timeout=options.timeout_seconds),
            connections=4,
            pause=pause or context.pause,
        )
        self.close = self._http.close

    def __repr__(self) -> str:
        return f"Client({self._http.api.base_url!r})"

    def post(self, path: str, query: Sequence[tuple[str, str]] = (), *, data: Path | None = None) -> Envelope:
        """The answer to a call; the decoded `Data` goes into the file `data`, which only its owner may read.

        Hold: answer-too-large, corrupt-answer.
        """
        call = Call(
            method="POST", path=path, query=query, repeatable=True, reader=lambda chunks: self._read(chunks, data)
        )
        envelope: Envelope = self._http.send(call).content
        return envelope

    def _read(self, chunks: Iterator[bytes], data: Path | None) -> Envelope:
        try:
            if data is None:
                return read_envelope(self._counted(chunks), len)
            with private_file(data) as target:
                return read_envelope(self._counted(chunks), target.write)
        except Damaged as damage:
            raise Hold(
                "corrupt-answer", f"CollaborateMD's answer is damaged: {damage}. Ask for the report again"
            ) from None

    def _counted(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        size = 0
        for chunk in chunks:
            size += len(chunk)
            if size > self._most:
                raise Hold(
                    "answer-too-large",
                    "CollaborateMD's answer is larger than the system's limits.downloaded_mb; where that is right, raise it",
                )
            yield chunk


def _basic(username: str, password: str) -> str:
    if ":" in username:
        raise Fix("CollaborateMD's username holds a colon, which HTTP Basic cannot carry: check username")
    try:
        raw = f"{username}:{password}".encode("latin-1")
    except UnicodeEncodeError:
        raise Fix("CollaborateMD's username or password has letters beyond Latin-1: check them") from None
    return f"Basic {b64encode(raw).decode('ascii')}"


def _given_up(where: str, answer: Answer | None, failures: int, _wait: float) -> RemoteUnavailable:
    if answer is None:
        reason = "no answer, or one that broke off"
    elif answer.strange:
        reason = f"{answer.status} and a page that is no answer of the Web API"
    else:
        reason = f"the status {answer.status}"
    return RemoteUnavailable(
        f"CollaborateMD: {where} failed {failures} times, the last time with {reason}; "
        "check the network and base_url; nothing is lost: run again",
        after=60.0,
    )


def _refuse(call: Call, answer: Answer, _trial: Trial) -> Never:
    """Raise the error for a status that no repetition changes."""
    if answer.status in {status.UNAUTHORIZED, status.FORBIDDEN}:
        raise NotPermitted(
            f"CollaborateMD refuses the request ({answer.status}): check the system's username and password; where they serve for "
            "other accounts, ask CollaborateMD to enable the Web API, and its reports, for this one"
        )
    if answer.status == status.UNSUPPORTED_MEDIA_TYPE:
        raise Fix(
            "CollaborateMD does not give the form that is asked for (415): set the system's format to xml or json"
        )
    if answer.status == status.TOO_MANY_REQUESTS:
        raise RemoteUnavailable("CollaborateMD asks for fewer calls (429)", after=60.0)
    raise Fix(
        f"CollaborateMD refuses POST {_template(call.path)} ({answer.status}): check the account, the report's and the "
        "filter's number, and the system's base_url"
    )


def _template(path: str) -> str:
    """A path for logs and messages, without numbers."""
    return "/".join("{id}" if part.isdigit() else part for part in path.split("/"))
