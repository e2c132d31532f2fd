"""The plan as a table: one line for each record that must be written, linked, held or archived."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import duckdb
import orjson

from careloom.core.schema import ObjectShape
from careloom.engine.sql_text import name, text

# action(key, kind, remote_id, rule, grade, fp, send, agreed, conflicts, seen)  kind: create, update, settle, archive
# stop(key, kind, code, property, fp)                                    what is held, and why


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


def begin_actions(db: duckdb.DuckDBPyConnection) -> None:
    """Make the empty `action` and `stop`."""
    db.execute(
        "create table action (key varchar, kind varchar, remote_id varchar, rule varchar, grade varchar, fp bigint,"
        " send varchar, agreed varchar, conflicts varchar[], seen varchar)"
    )
    db.execute("create table stop (key varchar, kind varchar, code varchar, property varchar, fp bigint)")


def stop_faulty(db: duckdb.DuckDBPyConnection) -> None:
    """Hold the rows that `verdict` found faulty, one line a row; rows without a key of their own get one."""
    db.execute(
        """
        insert into stop
        select case when code = 'null-key' then 'row ' || row when code = 'duplicate-key' then key || ' (row ' || row || ')'
                    else replace(key, chr(0), '␀') end,
            'source', code, property, fp
        from verdict where class = 'held'
        """
    )


def add_creates(
    db: duckdb.DuckDBPyConnection, properties: Sequence[str], shape: ObjectShape, key_property: str
) -> None:
    """A create for each row of `ours` whose pending line says so; held where the destination requires what is missing."""
    lacking = _lacking(properties, shape, key_property)
    db.execute(
        f"create or replace temp table fresh as select o.*, {lacking} as lacks from ours o join pending p using (key) where p.decision = 'create'"
    )
    db.execute(
        "insert into stop select key, 'source', 'missing-required', lacks, fp from fresh where lacks is not null"
    )
    pairs = ", ".join(f"{text(prop)}: {name(prop)}" for prop in properties)
    db.execute(
        f"insert into action select key, 'create', null, 'created', 'certain', fp, j, j, null, '{{}}'"
        f" from (select key, fp, cast(to_json({{{pairs}}}) as varchar) as j from fresh where lacks is null)"
    )


def _lacking(properties: Sequence[str], shape: ObjectShape, key_property: str) -> str:
    mapped_properties = set(properties)
    required_properties = [prop for prop in sorted(shape.required) if prop != key_property]
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
    """An update (or, with nothing to write, a settling) for each row of `merged`.

    A record in conflict gets a fingerprint that no row has, so that the next run looks at it again, also if the source
    goes back to what it said before: its other fields were written meanwhile.
    """
    db.execute(
        """
        insert into action
        select m.key, case when m.written > 0 then 'update' else 'settle' end, p.remote_id, p.rule, p.grade,
            case when len(m.conflicts) > 0 then 0 else p.fp end, m.send, m.agreed, m.conflicts, m.seen
        from merged m join pending p using (key)
        """
    )
    db.execute(
        "insert into stop select key, 'conflict', 'both-changed', array_to_string(conflicts, ', '), fp"
        " from action where len(conflicts) > 0 and key in (select key from merged)"
    )


def add_archives(db: duckdb.DuckDBPyConnection) -> None:
    """An archive for each line of `gone`."""
    db.execute(
        "insert into action select key, 'archive', remote_id, 'gone', 'certain', 0, '{}', '{}', null, '{}' from gone"
    )


def batches(db: duckdb.DuckDBPyConnection, kind: str, size: int) -> Iterator[list[Action]]:
    """The actions of one kind, `size` at a time, in the order of their keys."""
    cursor = db.cursor()
    rows = cursor.execute(
        "select key, kind, remote_id, rule, grade, fp, send, agreed, coalesce(len(conflicts), 0) > 0, seen from action where kind = ? order by length(key), key",
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
        " select concat_ws('|', 'do', key, kind, remote_id, fp, send) as line from action"
        " union all select concat_ws('|', 'hold', key, kind, code, property) from stop"
        " where code not in ('null-key', 'duplicate-key')"
        " union all select concat_ws('|', 'nameless', code, count(*)) from stop"
        " where code in ('null-key', 'duplicate-key') group by code)"
    ).fetchall()[0]
    return f"{rows}:{digest}"
