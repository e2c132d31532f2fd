"""The ledger: links, base values, held records and decisions. It moves only on acknowledgement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
import pyarrow as pa
from psycopg import sql

from careloom.core.errors import Fix
from careloom.store.database import Store
from careloom.store.locks import advisory_lock
from careloom.store.migrations import SCHEMA
from careloom.store.statements import statements

PLANNED = 0
"""The number of no run: records that only a plan has held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledWrite:
    """An acknowledged write: what is true on both sides from now on. `base` is a JSON object of property values."""

    key: str
    remote_id: str
    rule: str
    grade: str
    fingerprint: int
    base: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRecord:
    """A record that stops here, with its reason. `message` may quote the record; it is shown only on request."""

    key: str
    kind: str
    code: str
    fingerprint: int | None = None
    property: str | None = None
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A remote record that a held source row might be. `verdicts` is a JSON object of field verdicts."""

    key: str
    remote_id: str
    rule: str
    reason: str
    verdicts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryNote:
    """One batch that went out, and what became of each of its records."""

    batch: int
    object: str
    kind: str
    keys: Sequence[str]
    verdicts: Sequence[str]
    remote_ids: Sequence[str]
    milliseconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedPair:
    """A declared association and the records that it holds together."""

    key: str
    to_key: str
    label: str
    from_id: str
    to_id: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """The ledger of one sync."""

    store: Store
    sync: str

    def links(self) -> pa.Table:
        """Every link: key, remote_id, fingerprint."""
        return self._table("select key, remote_id, fingerprint from {}.link where sync = {}")

    def linked_by_rule(self) -> list[dict[str, str]]:
        """Every link with the rule that made it: key, remote_id, rule."""
        return self._table("select key, remote_id, rule from {}.link where sync = {}").to_pylist()

    def held(self) -> pa.Table:
        """Every held record: key, kind, code, property, fingerprint."""
        return self._table("select key, kind, code, property, fingerprint from {}.held where sync = {}")

    def base_of(self, keys: Sequence[str]) -> list[tuple[str, str]]:
        """What both sides last agreed on for `keys`, as (key, JSON object); keys without any are absent."""
        with self.store.transaction() as connection:
            rows = connection.execute(_SQL["base_of"], {"sync": self.sync, "keys": list(keys)}).fetchall()
        return [(row[0], row[1]) for row in rows]

    def decisions(self) -> list[tuple[str, str, str | None, str | None]]:
        """What people decided and no run has used: (key, verdict, remote_id, property), the latest of each."""
        with self.store.transaction() as connection:
            rows = connection.execute(_SQL["open_decisions"], {"sync": self.sync}).fetchall()
        return [(row[0], row[1], row[2], row[3]) for row in rows]

    def settle(
        self,
        run: int,
        *,
        writes: Sequence[SettledWrite] = (),
        holds: Sequence[HeldRecord] = (),
        unlinked_keys: Sequence[str] = (),
        notes: Sequence[DeliveryNote] = (),
    ) -> None:
        """Write down, in one transaction, what was acknowledged and what stopped."""
        with self.store.transaction() as connection:
            if writes:
                self._settle(connection, run, writes)
            if holds:
                self._hold(connection, run, holds)
            if unlinked_keys:
                connection.execute(_SQL["unlink"], {"sync": self.sync, "keys": list(unlinked_keys)})
            for note in notes:
                connection.execute(_SQL["log_delivery"], _note_values(run, note))

    def offer(self, candidates: Sequence[Offer]) -> None:
        """Keep the candidates of held rows, for the people who will decide."""
        with self.store.transaction() as connection:
            keys = sorted({offer.key for offer in candidates})
            connection.execute("delete from candidate where sync = %s and key = any(%s)", (self.sync, keys))
            connection.execute(
                _SQL["offer_candidates"],
                {
                    "sync": self.sync,
                    "keys": [offer.key for offer in candidates],
                    "remote_ids": [offer.remote_id for offer in candidates],
                    "rules": [offer.rule for offer in candidates],
                    "reasons": [offer.reason for offer in candidates],
                    "verdicts": [offer.verdicts for offer in candidates],
                },
            )

    def forget_stale_holds(self, run: int, gone_keys: Sequence[str]) -> None:
        """Drop the holds that run `run` did not renew, and those of rows that left the source."""
        with self.store.transaction() as connection:
            connection.execute(_SQL["forget_held_not_seen"], {"sync": self.sync, "run": run})
            connection.execute(_SQL["forget_held_gone"], {"sync": self.sync, "keys": list(gone_keys)})

    def forget_planned_holds(self) -> None:
        """Drop what a plan listed for review and no run has confirmed."""
        with self.store.transaction() as connection:
            connection.execute(_SQL["forget_planned"], {"sync": self.sync, "planned": PLANNED})

    def ties(self) -> list[tuple[str, str, str, str, str, str]]:
        """Every tie: (key, to_object, to_key, label, from_id, to_id)."""
        with self.store.transaction() as connection:
            rows = connection.execute(_SQL["ties_of"], {"sync": self.sync}).fetchall()
        return [(row[0], row[1], row[2], row[3], row[4], row[5]) for row in rows]

    def has_links(self) -> bool:
        """Whether any record was ever linked by this sync."""
        with self.store.transaction() as connection:
            return connection.execute(_SQL["has_links"], {"sync": self.sync}).fetchone() is not None

    def forget_properties(self, properties: Sequence[str]) -> None:
        """Nothing is agreed about these any more, and every record is looked at again: the other side lost them."""
        values = {"sync": self.sync, "properties": list(properties)}
        with self.store.transaction() as connection:
            for name in ("forget_base_properties", "forget_fingerprints", "clear_watermark"):
                connection.execute(_SQL[name], values)

    def settle_ties(
        self, run: int, to_object: str, additions: Sequence[LinkedPair], removals: Sequence[LinkedPair]
    ) -> None:
        """Write down ties that the other side acknowledged."""
        with self.store.transaction() as connection:
            for name, ties in (("settle_ties", additions), ("remove_ties", removals)):
                if ties:
                    connection.execute(_SQL[name], _tie_values(self.sync, run, to_object, ties))

    def watermark(self, project_digest: str) -> str | None:
        """The cursor value up to which all is settled; None if anything is held, or the project changed."""
        with self.store.transaction() as connection:
            row = connection.execute(_SQL["watermark"], {"sync": self.sync, "digest": project_digest}).fetchone()
        return row[0] if row else None

    def set_watermark(self, value: str | None, project_digest: str) -> None:
        """All up to `value` is settled; None: begin from the start next time."""
        statement = "clear_watermark" if value is None else "set_watermark"
        with self.store.transaction() as connection:
            connection.execute(_SQL[statement], {"sync": self.sync, "value": value, "digest": project_digest})

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Only one run of a sync at a time, on any machine. Fix if another holds it."""
        with advisory_lock(self.store, "sync", self.sync) as has_lock:
            if not has_lock:
                raise Fix(f"sync {self.sync!r} is being run by another process; wait for it, or see: careloom runs")
            yield

    def _table(self, statement: str) -> pa.Table:
        text = sql.SQL(statement).format(sql.Identifier(SCHEMA), sql.Literal(self.sync)).as_string(None)
        return self.store.arrow(text)

    def _settle(self, connection: psycopg.Connection, run: int, writes: Sequence[SettledWrite]) -> None:
        keys = [record.key for record in writes]
        connection.execute(
            _SQL["settle_links"],
            {
                "sync": self.sync,
                "run": run,
                "keys": keys,
                "remote_ids": [record.remote_id for record in writes],
                "rules": [record.rule for record in writes],
                "grades": [record.grade for record in writes],
                "fingerprints": [record.fingerprint for record in writes],
            },
        )
        connection.execute(
            _SQL["settle_base"],
            {"sync": self.sync, "keys": keys, "values": [record.base for record in writes]},
        )
        connection.execute(_SQL["release"], {"sync": self.sync, "run": run, "keys": keys})
        connection.execute(_SQL["consume_decisions"], {"sync": self.sync, "run": run, "keys": keys})

    def _hold(self, connection: psycopg.Connection, run: int, holds: Sequence[HeldRecord]) -> None:
        connection.execute(
            _SQL["hold"],
            {
                "sync": self.sync,
                "run": run,
                "keys": [record.key for record in holds],
                "kinds": [record.kind for record in holds],
                "codes": [record.code for record in holds],
                "properties": [record.property for record in holds],
                "messages": [_storable(record.message) for record in holds],
                "fingerprints": [record.fingerprint for record in holds],
            },
        )


_SQL = statements("ledger")


def _storable(text: str) -> str:
    # PostgreSQL's text admits every character but NUL.
    return text.replace("\x00", "\N{SYMBOL FOR NULL}")


def _note_values(run: int, note: DeliveryNote) -> dict[str, object]:
    return {
        "run": run,
        "batch": note.batch,
        "object": note.object,
        "kind": note.kind,
        "keys": list(note.keys),
        "verdicts": list(note.verdicts),
        "remote_ids": list(note.remote_ids),
        "milliseconds": note.milliseconds,
    }


def _tie_values(sync: str, run: int, to_object: str, ties: Sequence[LinkedPair]) -> dict[str, object]:
    return {
        "sync": sync,
        "run": run,
        "to_object": to_object,
        "keys": [tie.key for tie in ties],
        "to_keys": [tie.to_key for tie in ties],
        "labels": [tie.label for tie in ties],
        "from_ids": [tie.from_id for tie in ties],
        "to_ids": [tie.to_id for tie in ties],
    }
