"""The plan as a table: one line for each record that must be written, linked, held or archived."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import duckdb
import orjson

from careloom.core.schema import ObjectShape
from careloom.engine.sql_text import name, text
from careloom.engine.sync.tables import empty


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One record's way. `send` are the values to write; `base` (JSON) is what both sides hold once it is acknowledged.

    `seen`: what some of the values replace, as it was read.
    """

    key: str
    kind: str
    remote_id: str | None
    rule: str
    grade: str
    fingerprint: int
    send: dict[str, str]
    base: str
    has_conflict: bool
    seen: dict[str, str]


def discard(db: duckdb.DuckDBPyConnection) -> None:
    """Empty `actions`: they were carried out, and rows are looked at again."""
    empty(db, "actions")


def add_creates(
    db: duckdb.DuckDBPyConnection, properties: Sequence[str], shape: ObjectShape, key_property: str
) -> None:
    """A create for each changed row that is meant to be one; held where the destination requires what is missing."""
    pairs = ", ".join(f"{text(prop)}: {name(prop)}" for prop in properties)
    db.execute(
        f"""
        create or replace temp view creates as
        select changed_rows.key, changed_rows.fingerprint,
            {_lacking(properties, shape, key_property)} as lacks, cast(to_json({{{pairs}}}) as varchar) as send
        from desired_values join changed_rows using (key) where changed_rows.intent = 'create'
        """
    )
    db.execute(
        "insert into held select key, 'source', 'missing-required', lacks, fingerprint from creates where lacks is not null"
    )
    db.execute(
        "insert into actions select key, 'create', null, 'created', 'certain', fingerprint, send, send, null, '{}'"
        " from creates where lacks is null"
    )
    db.execute("drop view creates")


def _lacking(properties: Sequence[str], shape: ObjectShape, key_property: str) -> str:
    mapped_properties = set(properties)
    required_properties = [prop for prop in sorted(shape.required_properties) if prop != key_property]
    arms = [
        f"when {name(prop)} is null then {text(prop)}" if prop in mapped_properties else f"when true then {text(prop)}"
        for prop in required_properties
    ]
    alternatives = [prop for prop in sorted(shape.requires_one_of) if prop in mapped_properties]
    if shape.requires_one_of:
        empty = " and ".join(f"{name(prop)} is null" for prop in alternatives) or "true"
        arms.append(f"when {empty} then {text(' or '.join(sorted(shape.requires_one_of)))}")
    return f"case {' '.join(arms)} end" if arms else "cast(null as varchar)"


def add_updates(db: duckdb.DuckDBPyConnection) -> None:
    """An update (or, with nothing to write, a settling) for each line of `record_changes`.

    A record in conflict gets a fingerprint that no row has, so that the next run looks at it again, also if the source
    goes back to what it said before: its other fields were written meanwhile.
    """
    db.execute(
        """
        insert into actions
        select record_changes.key, case when record_changes.writes > 0 then 'update' else 'settle' end,
            changed_rows.remote_id, changed_rows.rule, changed_rows.grade,
            case when len(record_changes.conflicts) > 0 then 0 else changed_rows.fingerprint end,
            record_changes.send, record_changes.base, record_changes.conflicts, record_changes.seen
        from record_changes join changed_rows using (key)
        """
    )
    db.execute(
        "insert into held select key, 'conflict', 'both-changed', array_to_string(conflicts, ', '), fingerprint"
        " from actions where len(conflicts) > 0 and key in (select key from record_changes)"
    )


def add_archives(db: duckdb.DuckDBPyConnection) -> None:
    """An archive for each line of `gone_links`."""
    db.execute(
        "insert into actions select key, 'archive', remote_id, 'gone', 'certain', 0, '{}', '{}', null, '{}' from gone_links"
    )


def batches(db: duckdb.DuckDBPyConnection, kind: str, size: int) -> Iterator[list[Action]]:
    """The actions of one kind, `size` at a time, in the order of their keys."""
    cursor = db.cursor()
    rows = cursor.execute(
        "select key, kind, remote_id, rule, grade, fingerprint, send, base, coalesce(len(conflicts), 0) > 0, seen"
        " from actions where kind = ? order by length(key), key",
        [kind],
    )
    while chunk := rows.fetchmany(size):
        yield [_action(row) for row in chunk]


def _action(row: tuple[str, str, str | None, str, str, int, str, str, bool, str]) -> Action:
    values = orjson.loads(row[6])
    return Action(
        key=row[0],
        kind=row[1],
        remote_id=row[2],
        rule=row[3],
        grade=row[4],
        fingerprint=row[5],
        send={prop: value for prop, value in values.items() if value is not None},
        base=row[7],
        has_conflict=row[8],
        seen=orjson.loads(row[9]),
    )


def action_digest(db: duckdb.DuckDBPyConnection) -> str:
    """One number for all that would be done: it moves when any action or hold does.

    Rows without a key of their own count, and no more: the number by which they are called changes with the rows' order.
    """
    rows, digest = db.execute(
        "select count(*), coalesce(bit_xor(md5_number(line)), 0) from ("
        " select concat_ws('|', 'do', key, kind, remote_id, fingerprint, send) as line from actions"
        " union all select concat_ws('|', 'hold', key, kind, code, property) from held"
        " where code not in ('null-key', 'duplicate-key')"
        " union all select concat_ws('|', 'nameless', code, count(*)) from held"
        " where code in ('null-key', 'duplicate-key') group by code)"
    ).fetchall()[0]
    return f"{rows}:{digest}"


def count_actions(db: duckdb.DuckDBPyConnection) -> list[tuple[str, bool, int]]:
    """(kind, whether both sides changed a field, records)."""
    return db.execute("select kind, coalesce(len(conflicts), 0) > 0, count(*) from actions group by all").fetchall()


def count_writes(db: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """How many records are to be written, by kind."""
    return dict(db.execute("select kind, count(*) from actions where kind <> 'settle' group by 1").fetchall())


def count_filled(db: duckdb.DuckDBPyConnection, properties: Sequence[str]) -> dict[str, int]:
    """How many new records have a value of each of `properties`."""
    counts = ", ".join(f"count(filled[{place}])" for place in range(1, len(properties) + 1))
    paths = ", ".join(text(f'$."{prop}"') for prop in properties)
    # One call for all paths: each call reads the JSON again.
    numbers = db.execute(
        f"select {counts} from (select json_extract_string(send, [{paths}]) as filled from actions where kind = 'create')"
    ).fetchall()[0]
    return dict(zip(properties, numbers, strict=True))


def sample_writes(db: duckdb.DuckDBPyConnection, per_kind: int) -> list[tuple[str, str, str, dict[str, str]]]:
    """(kind, key, rule, values) of a few records of each kind."""
    rows = db.execute(
        "select kind, key, rule, send from actions where kind in ('create', 'update')"
        " qualify row_number() over (partition by kind order by length(key), key) <= ? order by kind, length(key), key",
        [per_kind],
    ).fetchall()
    return [
        (kind, key, rule, {prop: value for prop, value in orjson.loads(send).items() if value is not None})
        for kind, key, rule, send in rows
    ]
