"""The three-way merge, field by field, against a second reading of its rules in Python."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from careloom.core.schema import ObjectShape
from careloom.engine.sync import actions, merge
from careloom.engine.workspace import open_workspace

VALUES = st.sampled_from([None, "a", "b", "c"])
OWNERS = st.sampled_from([None, "source", "destination"])
TYPES: Any = {"p": ("string", False), "q": ("string", False)}


@dataclass(frozen=True)
class Cell:
    """One field of one record: what is ours, what was agreed, what is theirs, and what a person said."""

    ours: str | None
    base: str | None
    theirs: str | None
    ruling: str | None


CELLS = st.builds(Cell, VALUES, VALUES, VALUES, st.sampled_from([None, None, "source", "destination"]))
ROWS = st.lists(st.tuples(st.booleans(), CELLS, CELLS), min_size=1, max_size=8)


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_workspace(tmp_path_factory.mktemp("bench")) as workspace:
        yield workspace


def lay_out(db: duckdb.DuckDBPyConnection, rows: list[tuple[bool, Cell, Cell]], owners: Any) -> None:
    db.execute("create or replace table ours (key varchar, row bigint, fp bigint, p varchar, q varchar)")
    db.execute(
        "create or replace table pending (key varchar, remote_id varchar, fp bigint, sent_fp bigint, rule varchar, grade varchar)"
    )
    db.execute("create or replace table ruled (key varchar, remote_id varchar, verdict varchar, property varchar)")
    base_values, remote_values = [], {}
    for number, (is_linked, p, q) in enumerate(rows):
        key, remote = f"K{number}", f"R{number}"
        db.execute("insert into ours values (?, ?, ?, ?, ?)", [key, number, 1, p.ours, q.ours])
        db.execute("insert into pending values (?, ?, 1, 2, 'key', 'certain')", [key, remote])
        for prop, cell in (("p", p), ("q", q)):
            if cell.ruling:
                db.execute("insert into ruled values (?, null, ?, ?)", [key, cell.ruling, prop])
        if is_linked:
            base_values.append((key, json.dumps({"p": p.base, "q": q.base})))
        remote_values[remote] = {"p": p.theirs or "", "q": q.theirs}
    merge.load_base(db, base_values)
    merge.load_remote(db, remote_values)
    merge.merge(db, TYPES, owners)


def settled(cell: Cell, owner: str | None, *, is_linked: bool) -> tuple[str, str | None]:  # noqa: PLR0911 one line a rule
    """(what happens, what both sides hold afterwards or go on to dispute)."""
    source_value, remote_value = cell.ours, cell.theirs
    base = cell.base if is_linked else None
    write = ("write", source_value)
    if source_value == remote_value:
        return "leave", source_value
    if owner == "destination":
        return write if remote_value is None and source_value != base else ("leave", source_value)
    if owner == "source":
        return write
    if not is_linked:
        return write if source_value is not None else ("leave", source_value)
    if source_value == base:
        return "leave", source_value
    if remote_value == base or cell.ruling == "source":
        return write
    if cell.ruling == "destination":
        return "leave", source_value
    return "conflict", base


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(rows=ROWS, p_owner=OWNERS, q_owner=OWNERS)
def test_every_field_goes_the_way_that_its_rules_say(
    db: duckdb.DuckDBPyConnection, rows: list[tuple[bool, Cell, Cell]], p_owner: Any, q_owner: Any
) -> None:
    lay_out(db, rows, {"p": p_owner, "q": q_owner})
    merges = {
        key: (json.loads(send), json.loads(base), set(conflicts or ()))
        for key, send, base, conflicts in db.execute("select key, send, agreed, conflicts from merged").fetchall()
    }
    assert len(merges) == len(rows)
    for number, (is_linked, p, q) in enumerate(rows):
        outcomes = {"p": settled(p, p_owner, is_linked=is_linked), "q": settled(q, q_owner, is_linked=is_linked)}
        send, base, conflicts = merges[f"K{number}"]
        assert send == {prop: value or "" for prop, (outcome, value) in outcomes.items() if outcome == "write"}
        assert base == {prop: value for prop, (_, value) in outcomes.items()}
        assert conflicts == {prop for prop, (outcome, _) in outcomes.items() if outcome == "conflict"}


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(rows=ROWS, p_owner=OWNERS, q_owner=OWNERS)
def test_what_was_written_needs_no_second_writing(
    db: duckdb.DuckDBPyConnection, rows: list[tuple[bool, Cell, Cell]], p_owner: Any, q_owner: Any
) -> None:
    owners = {"p": p_owner, "q": q_owner}
    lay_out(db, rows, owners)
    after = []
    for number, (_, p, q) in enumerate(rows):
        key = [f"K{number}"]
        send, agreed = db.execute("select send, agreed from merged where key = ?", key).fetchall()[0]
        sent, base = json.loads(send), json.loads(agreed)
        remote_values = {"p": p.theirs, "q": q.theirs} | {prop: value or None for prop, value in sent.items()}
        cells = [Cell(cell.ours, base[prop], remote_values[prop], None) for prop, cell in (("p", p), ("q", q))]
        after.append((True, cells[0], cells[1]))
    lay_out(db, after, owners)
    assert db.execute("select count(*) from merged where written > 0").fetchall() == [(0,)]


def test_a_field_that_is_new_to_the_project_disputes_what_is_there_and_fills_what_is_not(
    db: duckdb.DuckDBPyConnection,
) -> None:
    rows = [(True, Cell("a", None, "c", None), Cell("a", None, None, None))]
    lay_out(db, rows, {})
    assert dict(db.execute("select property, state from cell").fetchall()) == {"p": "conflict", "q": "fill"}


def test_equal_values_in_other_spellings_are_the_same(db: duckdb.DuckDBPyConnection) -> None:
    spellings: Any = {"p": ("number", False), "q": ("enumeration", True)}
    lay_out(db, [(True, Cell("5", "5", "5.0", None), Cell("a;b", "a;b", "b;a", None))], {})
    merge.merge(db, spellings, {"p": "source", "q": "source"})
    assert db.execute("select distinct state from cell").fetchall() == [("same",)]


# ---------------------------------------------------------------- actions


def test_a_record_in_conflict_is_written_where_it_can_be_and_looked_at_again(db: duckdb.DuckDBPyConnection) -> None:
    lay_out(db, [(True, Cell("b", "a", "c", None), Cell("b", "a", "a", None))], {})
    db.execute("drop table if exists action; drop table if exists stop")
    actions.begin_actions(db)
    actions.add_updates(db)
    action = next(actions.batches(db, "update", 10))[0]
    assert (action.send, action.has_conflict, action.fingerprint) == ({"q": "b"}, True, 0)
    assert json.loads(action.base) == {"p": "a", "q": "b"}
    assert db.execute("select key, kind, code, property from stop").fetchall() == [
        ("K0", "conflict", "both-changed", "p")
    ]


@pytest.mark.parametrize(
    ("values", "lacks"),
    [
        ({"p": "x", "q": None}, None),
        ({"p": None, "q": "x"}, "p"),
        ({"p": None, "q": None}, "p"),
    ],
)
def test_a_creation_without_what_the_portal_requires_is_held(
    db: duckdb.DuckDBPyConnection, values: dict[str, str | None], lacks: str | None
) -> None:
    db.execute("drop table if exists action; drop table if exists stop")
    actions.begin_actions(db)
    db.execute("create or replace table ours (key varchar, row bigint, fp bigint, p varchar, q varchar, id varchar)")
    db.execute("insert into ours values ('K', 1, 7, ?, ?, 'K')", [values["p"], values["q"]])
    db.execute("create or replace table pending as select 'K' as key, 'create' as decision")
    shape = ObjectShape(
        name="thing", properties={}, required=frozenset({"p", "id"}), requires_one_of=frozenset({"p", "q"})
    )
    actions.add_creates(db, ["p", "q", "id"], shape, "id")
    holds = db.execute("select code, property from stop").fetchall()
    assert holds == ([("missing-required", lacks)] if lacks else [])
    assert [len(batch) for batch in actions.batches(db, "create", 10)] == ([] if lacks else [1])


def test_a_digest_moves_with_every_action_and_every_hold(db: duckdb.DuckDBPyConnection) -> None:
    db.execute("drop table if exists action; drop table if exists stop")
    actions.begin_actions(db)
    digests = {actions.action_digest(db)}
    for statement in (
        "insert into action values ('K', 'update', 'R', 'key', 'certain', 1, '{}', '{}', null, '{}')",
        "update action set remote_id = 'S'",
        'update action set send = \'{"p":"a"}\'',
        "update action set kind = 'archive'",
        "insert into stop values ('L', 'match', 'unmatched', null, 1)",
        "update stop set code = 'twin'",
        "update stop set key = 'M'",
        "insert into stop values ('row 1', 'source', 'null-key', null, 1)",
        "insert into stop values ('row 2', 'source', 'null-key', null, 1)",
    ):
        db.execute(statement)
        digests.add(actions.action_digest(db))
    assert len(digests) == 10
    digest = actions.action_digest(db)
    db.execute("update stop set key = 'row 7' where key = 'row 2'")
    assert actions.action_digest(db) == digest
