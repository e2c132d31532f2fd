"""Every attempt leaves a row, whatever became of it and however early: `careloom runs` says what failed overnight."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from careloom.core.attempts import Kind
from careloom.core.errors import CareloomError, Hold, Later, safe_text
from careloom.core.ports import Lane
from careloom.services.session.environments import hidden_folder, in_environment
from careloom.services.session.sessions import Session, Trigger, open_session, store_url
from careloom.services.session.settings import Settings
from careloom.store.attempts import Attempts, State
from careloom.store.database import open_store


@dataclass(slots=True, kw_only=True)
class Attempt:
    """How an attempt ends, to be filled in by its caller; as it stands, it is done and there is nothing to tell."""

    state: State = "done"
    counts: Mapping[str, int] = field(default_factory=dict)
    is_balanced: bool | None = None
    code: str = ""
    error: str = ""
    run: int | None = None

    def ended(self, state: str, counts: Mapping[str, int], *, is_balanced: bool | None = None) -> None:
        """Take over how it ended by its own report; "completed" is done, and a word that is not ours has failed."""
        self.state = _STATES.get(state, "failed")
        self.counts, self.is_balanced = counts, is_balanced


_STATES: Mapping[str, State] = {"done": "done", "completed": "done", "interrupted": "interrupted"}


@contextmanager
def attempt(session: Session, kind: Kind, name: str) -> Iterator[Attempt]:
    """A row for what is done inside; an exception is written into it, and raised again. Later where the database does not answer."""
    attempts, entry = Attempts(session.store), Attempt()
    with attempts.under_way(kind, name, session.trigger) as number:
        try:
            yield entry
        except BaseException as error:
            entry.state = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
            entry.code, entry.error = code_of(error), safe_text(error)
            with suppress(CareloomError, psycopg.Error):
                _end(attempts, number, entry)
            raise
        _end(attempts, number, entry)


def recent(
    session: Session,
    *,
    name: str | None,
    kind: str | None,
    failures_only: bool,
    since: datetime | None,
    limit: int,
) -> Sequence[Mapping[str, Any]]:
    """The last attempts, newest first: of one name, of one kind, that failed, that ended since, as far as that is said."""
    return Attempts(session.store).recent(name=name, kind=kind, failures_only=failures_only, since=since, limit=limit)


@contextmanager
def round_of(session: Session, kind: Kind, name: str) -> Iterator[Attempt]:
    """The same for one of the short rounds that come by the thousand: a row for an hour's that ended alike.

    A round that did nothing leaves none.
    """
    entry = Attempt()
    try:
        yield entry
    except Exception as error:
        entry.state, entry.code, entry.error = "failed", code_of(error), safe_text(error)
        with suppress(CareloomError, psycopg.Error):
            _add_round(session, kind, name, entry)
        raise
    if entry.counts or entry.state != "done":
        _add_round(session, kind, name, entry)


def _add_round(session: Session, kind: Kind, name: str, entry: Attempt) -> None:
    Attempts(session.store).add_round(
        kind,
        name,
        session.trigger,
        state=entry.state,
        counts=entry.counts,
        code=entry.code,
        error=entry.error or None,
    )


def _end(attempts: Attempts, number: int, entry: Attempt) -> None:
    attempts.end(
        number,
        state=entry.state,
        counts=entry.counts,
        is_balanced=entry.is_balanced,
        code=entry.code,
        error=entry.error or None,
        run=entry.run,
    )


@contextmanager
def opened_for(
    folder: Path, settings: Settings, kind: Kind, name: str, *, lane: Lane = "schedule", trigger: Trigger = "hand"
) -> Iterator[Session]:
    """The project in `folder`, opened for an attempt: where that fails already, there is a row that says so."""
    with ExitStack() as stack:
        try:
            session = stack.enter_context(open_session(folder, settings, lane=lane, trigger=trigger))
        except CareloomError as error:
            _note(folder, settings, (kind, name, trigger), error)
            raise
        yield session


def _note(folder: Path, settings: Settings, key: tuple[Kind, str, str], error: CareloomError) -> None:
    """Write a failed attempt into the store, if there is one that answers; no store is made for it."""
    if isinstance(error, Later):
        return  # it is the database that does not answer
    with suppress(CareloomError, psycopg.Error):
        store_settings = in_environment(folder, settings)
        if store_settings.database_url is None and not any(hidden_folder(folder, store_settings).glob("postgres*")):
            return
        store = open_store(store_url(folder, store_settings), store_settings.env)
        try:
            Attempts(store).note(*key, code=code_of(error), error=safe_text(error))
        finally:
            store.close()


def code_of(error: BaseException) -> str:
    """The machine's word for what went wrong: the reason of a hold, else the error's name in small letters with hyphens."""
    if isinstance(error, Hold):
        return error.code
    name = type(error).__name__
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-")
