"""The first token pair of a system: a person lets us in, once, and the code that comes back becomes a sealed pair."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from hmac import compare_digest
from urllib.parse import parse_qs, urlsplit

import orjson

from careloom.core.errors import Fix, UsageFault
from careloom.core.rooms import Authorization
from careloom.core.tokens import Token, Tokens
from careloom.services.session.seal_key import seal_key
from careloom.services.session.sessions import Session
from careloom.systems import rooms

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """The page that a person opens. `redirect` is where the answer will be sent, as the page's address says it."""

    url: str
    redirect: str
    state: str = field(repr=False)

    @property
    def loopback(self) -> tuple[str, int] | None:
        """Host and port on which the answer can be listened for, if it is sent to this machine."""
        parts = urlsplit(self.redirect)
        if parts.scheme != "http" or parts.hostname not in _LOOPBACK:
            return None
        return parts.hostname or "", parts.port or 80


def invite(session: Session, system: str, redirect: str) -> Invitation:
    """An invitation into `system`, answered at `redirect` unless the project says otherwise. Fix if it needs none."""
    state = secrets.token_urlsafe(32)
    authorization = _authorization(session, system)
    options = session.project.systems[system].options
    url = authorization.url(options, session.room_context(system), redirect, state)
    redirect_uri = parse_qs(urlsplit(url).query).get("redirect_uri", [redirect])[-1]
    return Invitation(url=url, redirect=redirect_uri, state=state)


def code_in(answer: str, state: str | None) -> str:
    """The code in an answer: the address that the browser was sent to, or the code alone.

    An address must carry `state` back, unless there is none to compare: otherwise someone else began what it answers.
    """
    query = parse_qs(urlsplit(answer.strip()).query)
    if not query:
        if not answer.strip():
            raise UsageFault("no code was given; open the address again and paste what the browser was sent to")
        return answer.strip()
    if "error" in query:
        raise Fix(f"access was not granted ({_word(query['error'][-1])}); run the command again, and allow it")
    if state is not None and not compare_digest(query.get("state", [""])[-1].encode(), state.encode()):
        raise Fix("the answer belongs to another request than this one (its state differs); run the command again")
    if not query.get("code", [""])[-1]:
        raise UsageFault("the address holds no code; paste the whole address that the browser was sent to")
    return query["code"][-1]


def connect(session: Session, system: str, invitation: Invitation, code: str) -> None:
    """Turn `code` into a token pair and keep it, sealed."""
    tokens, authorization = _tokens(session, system), _authorization(session, system)
    options = session.project.systems[system].options
    pair = authorization.exchange(options, session.room_context(system), invitation.redirect, code)
    tokens.store(pair)


def keep_given(session: Session, system: str, text: bytes) -> None:
    """Keep a pair that was made elsewhere: the JSON that a token endpoint answers with."""
    _authorization(session, system)
    tokens = _tokens(session, system)
    try:
        answer = orjson.loads(text)
        pair = Token(
            access=_text(answer["access_token"]),
            refresh=_text(answer["refresh_token"]),
            expires_at=session.clock() + timedelta(seconds=float(answer["expires_in"])),
        )
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, OverflowError):
        raise UsageFault(
            'standard input is no token pair; it is to be {"access_token": …, "refresh_token": …, "expires_in": SECONDS}'
        ) from None
    tokens.store(pair)


def _authorization(session: Session, system: str) -> Authorization:
    if system not in session.project.systems:
        raise UsageFault(
            f"there is no system {system!r} in this project; there are: {', '.join(session.project.systems)}"
        )
    kind = session.project.systems[system].kind
    authorization = rooms()[kind].authorization
    if authorization is None:
        raise Fix(f"system {system!r} is of kind {kind!r}, which is not connected this way; see its options")
    return authorization


def _tokens(session: Session, system: str) -> Tokens:
    """Where the pair goes."""
    # A missing or wrong key is told before a code is used up.
    seal_key(session.hidden, session.settings)
    tokens = session.room_context(system).tokens
    if tokens is None:
        raise AssertionError("an open project has a store")
    return tokens


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("no text")
    return value


def _word(text: str) -> str:
    """An OAuth2 error is one word (RFC 6749, 4.1.2.1); anything else is not repeated."""
    return text if text.replace("_", "").isalpha() and text.isascii() else "for a reason that it does not name"
