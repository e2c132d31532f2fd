"""What a whole scan did not show: gone at the source, or only seemingly so. Nothing is deleted on a doubt."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from careloom.core.errors import Hold
from careloom.core.streams import Record, Stream, Unreadable
from careloom.project.model import Landing
from careloom.services.landing.link import link_rows, lock_links
from careloom.services.landing.write import land
from careloom.services.session.sessions import Session
from careloom.store.landed_rows import mark_absent
from careloom.store.queue import enqueue
from careloom.store.stream_state import Absent, Seen, StreamState, StreamStates

_FEW = 10
"""So many may go without a look at their share, as long as the source showed anything at all."""

_ASKED = 200
"""So many absent records a scan asks for one by one; the next scan asks for others."""

_BATCH = 1000
_NUMBER = re.compile(r"[+-]?\d{1,19}")


def seen_of(stream: Stream, records: Sequence[Record], unreadable: Sequence[Unreadable]) -> Seen:
    """What a page shows of `stream`. A key that cannot be one of its table's counts as none."""
    keys = [one.key for one in records if one.stream == stream.name and one.data is not None]
    keys += [one.key for one in unreadable if one.stream == stream.name]
    if stream.key_type == "integer":
        found = [str(int(key)) for key in keys if _NUMBER.fullmatch(key)]
    else:
        found = [key for key in keys if key]
    return Seen(keys=found, keyless=len(keys) - len(found))


@dataclass(slots=True, kw_only=True)
class DeletionDetector:
    """Settles the absent rows of a scan. `changes`: the source tells changes, so that a listing may leave out its past.

    Such a source is asked for each absent record before it counts as gone; for others absence from the listing is the sign.
    """

    session: Session
    state: StreamState
    changes: bool
    limit: float
    actor: str
    run: int
    over: Callable[[], bool]
    count: Callable[[Mapping[str, int]], None]
    stopped: bool = False

    def settle(self, member: Landing) -> str | None:
        """Mark deleted what is gone of `member`; returns a note where something was left undone."""
        states, stream, began = StreamStates(self.session.store), member.stream, self.state.scan_began
        if began is None:
            return None
        absent = states.absent(self.state.stream, member.name, member.table, stream.key_column, began)
        doubt = self._doubt(member, absent) if absent.keys else None
        if doubt or not absent.keys:
            return doubt
        if self.changes:
            return self._ask(member, absent.keys)
        for first in range(0, len(absent.keys), _BATCH):
            if self._stops():
                break
            self._mark(member, absent.keys[first : first + _BATCH], began)
        return None

    def _doubt(self, member: Landing, absent: Absent) -> str | None:
        """Why nothing can be made of the absence, if so."""
        gone, table = len(absent.keys), member.table
        undone = f"{gone} of {absent.live} records of {table} were not shown by the source"
        if member.stream.key_type not in ("text", "integer"):
            return f"{undone}: nothing was marked deleted, since keys of type {member.stream.key_type} are not compared"
        others = [one.name for one in self.session.project.landings.values() if one.table == table]
        if len(others) > 1:
            return f"{undone}: nothing was marked deleted, since {', '.join(others)} land in the same table"
        keyless = StreamStates(self.session.store).keyless(self.state.stream, member.name)
        if keyless:
            return (
                f"{undone}, but {keyless} without a usable key were: nothing was marked deleted; "
                f"look at them: careloom held --stream {member.name}"
            )
        small = gone <= _FEW and gone < absent.live
        if not small and gone * 100 > absent.live * self.limit:
            return (
                f"{undone}, more than {self.limit:g} %: nothing was marked deleted; check the source, or allow it "
                f"for once: careloom land {member.name} --full --delete-limit 100"
            )
        return None

    def _ask(self, member: Landing, keys: Sequence[str]) -> str | None:
        source = self.session.stream_source(member.system)
        unanswered = 0
        for key in keys[:_ASKED]:
            if self._stops():
                return None
            try:
                found = source.fetch(member.stream.name, key)
            except Hold:
                unanswered += 1
                continue
            self._land(member.system, [record for record in found if record.stream == member.stream.name])
        left = len(keys[_ASKED:]) + unanswered
        if not left:
            return None
        return f"{left} records of {member.table} that the source did not list were not asked for; the next whole scan goes on"

    def _stops(self) -> bool:
        self.stopped = self.over()
        return self.stopped

    def _mark(self, member: Landing, keys: Sequence[str], began: datetime) -> None:
        """Absence from the listing is the sign. Counts as a record each, as if the source had said so."""
        with self.session.store.transaction() as connection:
            lock_links(connection, self.session, member)
            states = StreamStates(self.session.store)
            still = states.still_absent(connection, member.table, member.stream.key_column, keys, began)
            gone = mark_absent(connection, member.stream, still, actor=self.actor, run=self.run)
            marked = len(gone)
            if marked:
                # A mark changes no column: what fitted a row before still does.
                link_rows(connection, self.session, member, [one.record_id for one in gone], {})
                enqueue(connection, "publish", "outbox")
        self.count({"total": marked, "deleted": marked})

    def _land(self, system: str, records: Sequence[Record]) -> None:
        counts = land(self.session, system, records, actor=self.actor, run=self.run, read=True)
        if any(counts.get(change) for change in ("created", "updated", "deleted")):
            with self.session.store.transaction() as connection:
                enqueue(connection, "publish", "outbox")
        self.count(counts)
