"""The mirror: remote objects as last read, kept for matching."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import orjson
import pyarrow as pa
from psycopg import sql

from careloom.core.ports import RemoteRecord, ScanPage
from careloom.store.database import Store
from careloom.store.migrations import SCHEMA
from careloom.store.statements import statements


@dataclass(frozen=True, slots=True)
class Mirror:
    """The mirror of one object of one system."""

    store: Store
    system: str
    object_name: str

    def cursor(self, properties: Sequence[str]) -> str | None:
        """Where the next scan begins; None if nothing was read yet, or not all of `properties`."""
        with self.store.transaction() as connection:
            row = connection.execute(_SQL["state"], self._name()).fetchone()
        return row[0] if row and set(properties) <= set(row[1]) else None

    def properties(self) -> list[str]:
        """The properties that were read last time; another sync may need others than this one."""
        with self.store.transaction() as connection:
            row = connection.execute(_SQL["state"], self._name()).fetchone()
        return list(row[1]) if row else []

    def learn(self, properties: Sequence[str]) -> None:
        """These were made just now, so no record read before has a value of them: they count as read."""
        with self.store.transaction() as connection:
            connection.execute(_SQL["learn"], self._name() | {"properties": list(properties)})

    def take_in(self, pages: Iterable[ScanPage], properties: Sequence[str], *, full_scan: bool) -> int:
        """Write the pages of one scan, then its cursor; returns how many records were read.

        After a full scan (`full_scan`), records that it did not show are gone from the mirror. An interrupted scan leaves the old
        cursor, so the next one reads them again.
        """
        scan, count, cursor = self._highest_scan() + (1 if full_scan else 0), 0, None
        for page in pages:
            self.put(page.records, scan)
            count += len(page.records)
            cursor = page.cursor if page.complete else None
        if cursor is not None:
            self._finish(cursor, properties, scan, full_scan=full_scan)
        return count

    def put(self, records: Sequence[RemoteRecord], scan: int | None = None) -> None:
        """Write `records` as they are now, as far as they were read; their merged ids lead to them from here on."""
        if not records:
            return
        number = self._highest_scan() if scan is None else scan
        merges = [(old, record.id) for record in records for old in record.merged_ids if old != record.id]
        distinct = {record.id: record for record in records}
        with self.store.transaction() as connection:
            connection.execute(_SQL["put"], self._name() | {"scan": number} | _columns(list(distinct.values())))
            if merges:
                ids = dict(merges)
                connection.execute(
                    _SQL["put_merged"],
                    self._name() | {"scan": number, "ids": list(ids), "into": list(ids.values())},
                )

    def records(self, properties: Sequence[str]) -> pa.Table:
        """Every record that is not archived: id, and each property as text."""
        columns = sql.SQL(", ").join(
            [sql.SQL("id")]
            + [sql.SQL('"values"->>{} as {}').format(sql.Literal(name), sql.Identifier(name)) for name in properties]
        )
        statement = sql.SQL("select {} from {}.mirror where system = {} and object = {} and not archived").format(
            columns, sql.Identifier(SCHEMA), sql.Literal(self.system), sql.Literal(self.object_name)
        )
        return self.store.arrow(statement.as_string(None))

    def merged(self) -> pa.Table:
        """Former ids, each with the record that it means now: id, merged_into."""
        statement = sql.SQL(
            "select id, merged_into from {}.mirror where system = {} and object = {} and merged_into is not null"
        ).format(sql.Identifier(SCHEMA), sql.Literal(self.system), sql.Literal(self.object_name))
        return self.store.arrow(statement.as_string(None))

    def _name(self) -> dict[str, object]:
        return {"system": self.system, "object": self.object_name}

    def _highest_scan(self) -> int:
        """The highest of all scans, broken-off and running ones included.

        What a broken-off one wrote must not outlive the next whole one; what is written beside a running one must.
        """
        with self.store.transaction() as connection:
            row = connection.execute(_SQL["highest_scan"], self._name()).fetchone()
        return int(row[0]) if row else 0

    def _finish(self, cursor: str, properties: Sequence[str], scan: int, *, full_scan: bool) -> None:
        state = {"cursor": cursor, "properties": list(properties), "scan": scan}
        with self.store.transaction() as connection:
            if full_scan:
                connection.execute(_SQL["sweep"], self._name() | {"scan": scan})
            connection.execute(_SQL["save_state"], self._name() | state)


_SQL = statements("mirror")


def _columns(records: Sequence[RemoteRecord]) -> dict[str, object]:
    return {
        "ids": [record.id for record in records],
        "values": [orjson.dumps(dict(record.values)).replace(rb"\u0000", rb"\u2400").decode() for record in records],
        "updated": [record.updated_at for record in records],
        "archived": [record.archived for record in records],
    }
