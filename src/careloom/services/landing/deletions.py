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
    """What a page shows of `stream`. A key that its table could not hold does not count."""
    keys = [record.key for record in records if record.stream == stream.name and record.data is not None]
    keys += [record.key for record in unreadable if record.stream == stream.name]
    if stream.key_type == "integer":
        usable_keys = [str(int(key)) for key in keys if _NUMBER.fullmatch(key)]
    else:
        usable_keys = [key for key in keys if key]
    return Seen(keys=usable_keys, keyless=len(keys) - len(usable_keys))


@dataclass(slots=True, kw_only=True)
class DeletionDetector:
    """Marks the absent rows of a scan as deleted. `changes`: the source lists changes, so that a listing may leave out its past.

    Such a source is asked for each absent record before it counts as gone; for others absence from the listing is the sign.
    """

    session: Session
    state: StreamState
    changes: bool
    limit: float
    actor: str
    run: int
    should_stop: Callable[[], bool]
    count: Callable[[Mapping[str, int]], None]
    has_stopped: bool = False

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
        absent_count, table = len(absent.keys), member.table
        undone = f"{absent_count} of {absent.live} records of {table} were not shown by the source"
        if member.stream.key_type not in ("text", "integer"):
            return f"{undone}: nothing was marked deleted, since keys of type {member.stream.key_type} are not compared"
        names = [landing.name for landing in self.session.project.landings.values() if landing.table == table]
        if len(names) > 1:
            return f"{undone}: nothing was marked deleted, since {', '.join(names)} land in the same table"
        keyless = StreamStates(self.session.store).keyless(self.state.stream, member.name)
        if keyless:
            return (
                f"{undone}, but {keyless} without a usable key were: nothing was marked deleted; "
                f"look at them: careloom held --stream {member.name}"
            )
        small = absent_count <= _FEW and absent_count < absent.live
        if not small and absent_count * 100 > absent.live * self.limit:
            return (
                f"{undone}, more than {self.limit:g} %: nothing was marked deleted; check the source, or allow it "
                f"for once: careloom land {member.name} --full --delete-limit 100"
            )
        return None

    def _ask(self, member: Landing, keys: Sequence[str]) -> str | None:
        source = self.session.stream_source(member.system)
        failures = 0
        for key in keys[:_ASKED]:
            if self._stops():
                return None
            try:
                records = source.fetch(member.stream.name, key)
            except Hold:
                failures += 1
                continue
            self._land(member.system, [record for record in records if record.stream == member.stream.name])
        remaining = len(keys[_ASKED:]) + failures
        if not remaining:
            return None
        return f"{remaining} records of {member.table} that the source did not list were not asked for; the next whole scan continues"

    def _stops(self) -> bool:
        self.has_stopped = self.should_stop()
        return self.has_stopped

    def _mark(self, member: Landing, keys: Sequence[str], began: datetime) -> None:
        """Absence from the listing is the sign. Counts as a record each, as if the source had said so."""
        with self.session.store.transaction() as connection:
            lock_links(connection, self.session, member)
            states = StreamStates(self.session.store)
            absent_keys = states.still_absent(connection, member.table, member.stream.key_column, keys, began)
            deletions = mark_absent(connection, member.stream, absent_keys, actor=self.actor, run=self.run)
            count = len(deletions)
            if count:
                # A mark changes no column: what fitted a row before still does.
                link_rows(connection, self.session, member, [deletion.record_id for deletion in deletions], {})
                enqueue(connection, "publish", "outbox")
        self.count({"total": count, "deleted": count})

    def _land(self, system: str, records: Sequence[Record]) -> None:
        counts = land(self.session, system, records, actor=self.actor, run=self.run, read=True)
        if any(counts.get(change) for change in ("created", "updated", "deleted")):
            with self.session.store.transaction() as connection:
                enqueue(connection, "publish", "outbox")
        self.count(counts)
