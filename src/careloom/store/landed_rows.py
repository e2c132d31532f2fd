"""The landing tables: made and widened from streams, and written in bulk by one statement for a batch.

What decides a write, in this order: an older version never overwrites a newer one (of one version the later read wins), unless
it was just read from the source, which says what is true now; a record that says what is stored already writes nothing; a record
that lacks what a fuller form of it had (a list without its details) takes none of that away. Deletions are marks, also of records
that never came, so that the order in which versions and deletions arrive decides nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, Literal, LiteralString

import orjson
import psycopg
from psycopg import sql

from careloom.core.streams import SKEW, ColumnType, Stream
from careloom.store.statements import statements

SCHEMA = "clinical"
_TYPES: Mapping[ColumnType, LiteralString] = {
    "text": "text",
    "integer": "bigint",
    "numeric": "numeric",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamptz",
    "jsonb": "jsonb",
}

Operation = Literal["INSERT", "UPDATE", "DELETE", "SAME", "STALE", "DIFFERS", "ABSENT"]
LAG = 60.0
"""Seconds by which an answer of a source may be behind what it has told already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LandedRow:
    """A record as its table takes it. `values` are JSON's: numbers and times as text where they must stay exact.

    `version` and `observed_at` order the forms of one record. `is_deleted`: `values` are empty and `raw` is {}. `root`: the key of
    the record that holds this one; `root_times`: when the forms of that record were observed that are landed together with this.
    """

    key: str
    values: Mapping[str, Any] = field(repr=False)
    raw: Mapping[str, Any] = field(repr=False)
    fingerprint: str
    version: datetime
    observed_at: datetime
    is_deleted: bool = False
    root: str = ""
    root_times: Sequence[datetime] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """What became of one row. `record_id` is "" where no row is.

    SAME: nothing to write. STALE: a newer form is there. DIFFERS: read from the source only now, by its version older than what
    is stored, which was written so lately that the answer may be behind it. ABSENT: said to be gone, and never was there.
    """

    operation: Operation
    key: str
    record_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredForm:
    """What a row says by its fingerprint, and as of when."""

    fingerprint: str
    version: datetime
    observed_at: datetime


def table_of(stream: Stream) -> sql.Identifier:
    """The stream's landing table, with its schema."""
    return sql.Identifier(SCHEMA, stream.table or stream.name)


def pg_type(column_type: ColumnType) -> LiteralString:
    """PostgreSQL's name of a column type."""
    return _TYPES[column_type]


def land_batch(
    connection: psycopg.Connection,
    stream: Stream,
    rows: Sequence[LandedRow],
    *,
    actor: str,
    run: int | None,
    read: bool = False,
    root: Stream | None = None,
) -> Sequence[Landed]:
    """Write `rows` in the caller's transaction, with their change log and what is to be told; one Landed for each row.

    Rows of one key are written one after the other, oldest first, so that each of them stands in the change log. `read`: they
    were read from the source at their `observed_at`, by the database's clock. `root`: the stream of the records that hold them,
    where it is landed too and its records of this lot were landed before: its rows then tell what is overtaken.
    """
    set_actor(connection, actor, run)
    results: dict[int, Landed] = {}
    for numbers in _rounds(rows):
        text = orjson.dumps([_as_json(number, rows[number]) for number in numbers]).decode()
        values = {"rows": text, "table": stream.table or stream.name, "read": read, "lag": LAG, "skew": SKEW}
        result_rows = connection.execute(_write(stream, root), values).fetchall()
        results |= {
            number: Landed(operation=operation, key=key, record_id=id_ or "")
            for number, operation, key, id_ in result_rows
        }
    return [results[number] for number in range(len(rows))]


def _rounds(rows: Sequence[LandedRow]) -> list[list[int]]:
    """The rows by their numbers; each key is in a round once, its oldest form in the first."""
    order = sorted(range(len(rows)), key=lambda number: (rows[number].version, rows[number].observed_at, number))
    rounds: list[list[int]] = []
    counts: Counter[str] = Counter()
    for number in order:
        turn = counts[rows[number].key]
        counts[rows[number].key] += 1
        if turn == len(rounds):
            rounds.append([])
        rounds[turn].append(number)
    return [sorted(numbers) for numbers in rounds]


def tied_keys(connection: psycopg.Connection, stream: Stream, rows: Sequence[LandedRow]) -> set[str]:
    """Keys of those rows whose version is the stored one while they say something else: no one can say which came last."""
    records = [{"_key": row.key, "_version": row.version, "_raw": row.raw} for row in rows]
    statement = sql.SQL(_SQL["ties"]).format(
        table=table_of(stream),
        key=sql.Identifier(stream.key_column),
        key_type=sql.SQL(pg_type(stream.key_type)),
        raw=sql.Identifier(stream.raw),
    )
    return {key for (key,) in connection.execute(statement, {"rows": orjson.dumps(records).decode()}).fetchall()}


def stored_forms(connection: psycopg.Connection, stream: Stream, keys: Sequence[str]) -> dict[str, StoredForm]:
    """The forms of the live rows among `keys`; what says the same needs neither reading nor writing."""
    statement = sql.SQL(_SQL["stored_forms"]).format(
        table=table_of(stream), key=sql.Identifier(stream.key_column), key_type=sql.SQL(pg_type(stream.key_type))
    )
    rows = connection.execute(statement, {"keys": list(keys)}).fetchall()
    return {
        key: StoredForm(fingerprint=fingerprint, version=version, observed_at=observed_at)
        for key, fingerprint, version, observed_at in rows
    }


def mark_absent(
    connection: psycopg.Connection, stream: Stream, keys: Sequence[str], *, actor: str, run: int | None
) -> Sequence[Landed]:
    """Mark as deleted what a whole scan did not find. Their versions stay: a record of the same version takes it back."""
    set_actor(connection, actor, run)
    values = {"keys": list(keys), "table": stream.table or stream.name, "vendor_key": stream.key_column}
    statement = sql.SQL(_SQL["mark_absent"]).format(table=table_of(stream), key=sql.Identifier(stream.key_column))
    return [
        Landed(operation="DELETE", key=key, record_id=id_)
        for key, id_ in connection.execute(statement, values).fetchall()
    ]


def set_actor(connection: psycopg.Connection, actor: str, run: int | None) -> None:
    """Say, for the rest of the transaction, who changes landed rows, and in which run."""
    connection.execute(_SQL["set_actor"], {"actor": actor, "run": "" if run is None else str(run)})


def _as_json(number: int, row: LandedRow) -> dict[str, Any]:
    return {
        **row.values,
        "_number": number,
        "_key": row.key,
        "_raw": row.raw,
        "_fingerprint": row.fingerprint,
        "_version": row.version,
        "_observed_at": row.observed_at,
        "_deleted": row.is_deleted,
        "_root": row.root,
        "_beside": row.root_times,
    }


@cache
def _write(stream: Stream, root: Stream | None) -> sql.Composed:
    key, raw = sql.Identifier(stream.key_column), sql.Identifier(stream.raw)
    names = [sql.Identifier(column.name) for column in stream.columns]
    types = [sql.SQL(pg_type(column.type)) for column in stream.columns]
    assignments = [
        sql.SQL("{name} = case when excluded.{raw} ?| {heads} then excluded.{name} else t.{name} end").format(
            name=sql.Identifier(column.name), raw=raw, heads=sql.Literal(_heads(column.paths))
        )
        for column in stream.columns
    ]
    return sql.SQL(_SQL["land"]).format(
        table=table_of(stream),
        key=key,
        vendor_key=sql.Literal(stream.key_column),
        key_type=sql.SQL(pg_type(stream.key_type)),
        raw=raw,
        names=_listed([sql.SQL("{},").format(name) for name in names]),
        staged=_listed([sql.SQL("c.{},").format(name) for name in names]),
        typed=_listed([sql.SQL("{} {},").format(name, kind) for name, kind in zip(names, types, strict=True)]),
        kept=_listed([sql.SQL("{},").format(assignment) for assignment in assignments]),
        **_inside(root),
    )


def _inside(root: Stream | None) -> dict[str, sql.Composable]:
    """The parts of the statement that look at the row of the record that holds the one landed."""
    if root is None:
        return {"root": sql.SQL(""), "overtaken": sql.SQL("null::text"), "stated": sql.SQL("false")}
    join = sql.SQL(_SQL["root"]).format(
        root=table_of(root), key=sql.Identifier(root.key_column), key_type=sql.SQL(pg_type(root.key_type))
    )
    return {"root": join, "overtaken": sql.SQL(_SQL["overtaken"]), "stated": sql.SQL(_SQL["stated"])}


def _listed(parts: Sequence[sql.Composable]) -> sql.Composed:
    return sql.SQL(" ").join(parts)


def _heads(paths: Sequence[str]) -> list[str]:
    return sorted({path.split(".", 1)[0] for path in paths})


_SQL = statements("landed_rows")
