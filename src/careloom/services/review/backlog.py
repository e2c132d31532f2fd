"""One list of all that waits, with its reason, its age, and the command that moves it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from careloom.project.model import Landing
from careloom.services.landing.link import unlinked
from careloom.services.session.sessions import Session
from careloom.store.backlog import Cause, causes, first_seen
from careloom.store.landing_tables import ensure_table

_ALL = 10_000_000
_DECIDED = ("match", "conflict")
OF_SYNCS = {"source": "record", "remote": "refused record", "match": "review", "conflict": "conflict"}
"""What a sync holds, by the word that is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BacklogEntry:
    """What waits for one reason: `where` it does, how many, since when the oldest, and what to do about it.

    `what`: record, refused record, review, conflict (of a sync), landed record, event, event tried again, link, report, job. `tries`: the most that any was tried;
    None of links, which are tried whenever a row on either side is landed.
    """

    what: str
    where: str
    code: str
    column: str | None
    number: int
    oldest: datetime | None
    tries: int | None
    command: str

    def as_json(self) -> dict[str, Any]:
        """The same as plain data."""
        return asdict(self)


def backlog(session: Session, *, code: str | None = None) -> Sequence[BacklogEntry]:
    """All that waits in the project, oldest first; for one reason, if it is named."""
    waits = [wait for wait in (*_causes(session), *_links(session)) if code in (None, wait.code)]
    return sorted(
        waits, key=lambda wait: (wait.oldest is None, str(wait.oldest or ""), wait.what, wait.where, wait.code)
    )


def _causes(session: Session) -> Iterator[BacklogEntry]:
    for cause in causes(session.store):
        kind = OF_SYNCS.get(cause.kind, cause.kind)
        yield BacklogEntry(
            what=kind,
            where=cause.name,
            code=cause.code,
            column=cause.column,
            number=cause.number,
            oldest=cause.oldest,
            tries=cause.tries,
            command=_command(session, cause),
        )


def _command(session: Session, cause: Cause) -> str:
    """What a person types to see it, or to decide it."""
    if cause.kind in _DECIDED:
        return f"careloom review {cause.name}"
    if cause.kind == "remote":
        return f"careloom retry {cause.name} --code {cause.code}"
    if cause.kind == "source":
        return f"careloom held {cause.name} --code {cause.code}"
    if cause.kind == "landed record":
        return f"careloom held --stream {cause.name}"
    if cause.kind.startswith("event"):
        stream = next(
            (landing.name for landing in session.project.landings.values() if landing.system == cause.name), ""
        )
        return f"careloom held --stream {stream}" if stream else "careloom runs --kind events --failed"
    return "careloom reports --failed" if cause.kind == "report" else "careloom runs --failed"


def _links(session: Session) -> Iterator[BacklogEntry]:
    by_table = {landing.table: landing for landing in session.project.landings.values()}
    for landing in session.project.landings.values():
        if not landing.stream.links:
            continue
        for rule in landing.stream.links:
            if rule.to in by_table:
                ensure_table(session.store, by_table[rule.to].stream)
        ensure_table(session.store, landing.stream)
        yield from _links_of(session, landing)


def _links_of(session: Session, landing: Landing) -> Iterator[BacklogEntry]:
    rows = unlinked(session, landing, _ALL)
    numbers = Counter((row.column, row.why) for row in rows)
    # They come oldest first.
    oldest = {(row.column, row.why): row.record_id for row in reversed(rows)}
    times = first_seen(session.store, landing.table, list(oldest.values()))
    for (column, why), number in numbers.items():
        yield BacklogEntry(
            what="link",
            where=landing.name,
            code=f"link-{why}",
            column=column,
            number=number,
            oldest=times.get(oldest[column, why]),
            tries=None,
            command=f"careloom held --stream {landing.name}",
        )
