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
from careloom.engine.sync import actions, merge, tables
from careloom.engine.sync.match_rows import Decision, load_decisions
from careloom.engine.workspace import open_workspace

VALUES = st.sampled_from([None, "a", "b", "c"])
OWNERS = st.sampled_from([None, "source", "destination"])
TYPES: Any = {"p": ("string", False), "q": ("string", False)}


@dataclass(frozen=True)
class Cell:
    """One field of one record: what the source says, what was agreed, what the other side holds, and what a person said."""

    desired: str | None
    base: str | None
    remote: str | None
    decision: str | None


CELLS = st.builds(Cell, VALUES, VALUES, VALUES, st.sampled_from([None, None, "source", "destination"]))
ROWS = st.lists(st.tuples(st.booleans(), CELLS, CELLS), min_size=1, max_size=8)


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_workspace(tmp_path_factory.mktemp("bench")) as workspace:
        tables.shape_tables(workspace, ["p", "q", "id"], [])
        yield workspace


def lay_out(db: duckdb.DuckDBPyConnection, rows: list[tuple[bool, Cell, Cell]], owners: Any) -> None:
    tables.empty(db, "desired_values", "changed_rows", "actions", "held")
    decisions: list[Decision] = []
    base_values, remote_values = [], {}
    for number, (is_linked, p, q) in enumerate(rows):
        key, remote = f"K{number}", f"R{number}"
        db.execute("insert into desired_values values (?, ?, ?, ?)", [key, p.desired, q.desired, key])
        db.execute(
            "insert into changed_rows values (?, ?, 1, 'changed', ?, 'key', 'certain', '')", [key, number, remote]
        )
        decisions += [(key, field.decision, None, prop) for prop, field in (("p", p), ("q", q)) if field.decision]
        if is_linked:
            base_values.append((key, json.dumps({"p": p.base, "q": q.base})))
        remote_values[remote] = {"p": p.remote or "", "q": q.remote}
    load_decisions(db, decisions)
    merge.load_base(db, base_values)
    merge.load_remote(db, remote_values)
    merge.merge(db, TYPES, owners)


def settle(cell: Cell, owner: str | None, *, is_linked: bool) -> tuple[str, str | None]:  # noqa: PLR0911 one line a rule
    """(what happens, what both sides hold afterwards or go on to dispute)."""
    source_value, remote_value = cell.desired, cell.remote
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
    if remote_value == base or cell.decision == "source":
        return write
    if cell.decision == "destination":
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
        for key, send, base, conflicts in db.execute("select key, send, base, conflicts from record_changes").fetchall()
    }
    assert len(merges) == len(rows)
    for number, (is_linked, p, q) in enumerate(rows):
        outcomes = {"p": settle(p, p_owner, is_linked=is_linked), "q": settle(q, q_owner, is_linked=is_linked)}
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
        send, base_text = db.execute("select send, base from record_changes where key = ?", key).fetchall()[0]
        body, base = json.loads(send), json.loads(base_text)
        remote_values = {"p": p.remote, "q": q.remote} | {prop: value or None for prop, value in body.items()}
        cells = [Cell(cell.desired, base[prop], remote_values[prop], None) for prop, cell in (("p", p), ("q", q))]
        after.append((True, cells[0], cells[1]))
    lay_out(db, after, owners)
    assert db.execute("select count(*) from record_changes where writes > 0").fetchall() == [(0,)]


def test_a_field_that_is_new_to_the_project_disputes_what_is_there_and_fills_what_is_not(
    db: duckdb.DuckDBPyConnection,
) -> None:
    rows = [(True, Cell("a", None, "c", None), Cell("a", None, None, None))]
    lay_out(db, rows, {})
    assert dict(db.execute("select property, state from field_state").fetchall()) == {"p": "conflict", "q": "fill"}


def test_equal_values_in_other_spellings_are_the_same(db: duckdb.DuckDBPyConnection) -> None:
    spellings: Any = {"p": ("number", False), "q": ("enumeration", True)}
    lay_out(db, [(True, Cell("5", "5", "5.0", None), Cell("a;b", "a;b", "b;a", None))], {})
    merge.merge(db, spellings, {"p": "source", "q": "source"})
    assert db.execute("select distinct state from field_state").fetchall() == [("same",)]


# ---------------------------------------------------------------- actions


def test_a_record_in_conflict_is_written_where_it_can_be_and_looked_at_again(db: duckdb.DuckDBPyConnection) -> None:
    lay_out(db, [(True, Cell("b", "a", "c", None), Cell("b", "a", "a", None))], {})
    actions.add_updates(db)
    action = next(actions.batches(db, "update", 10))[0]
    assert (action.send, action.has_conflict, action.fingerprint) == ({"q": "b"}, True, 0)
    assert json.loads(action.base) == {"p": "a", "q": "b"}
    assert db.execute("select key, kind, code, property from held").fetchall() == [
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
    tables.empty(db, "actions", "held")
    tables.empty(db, "desired_values", "changed_rows")
    db.execute("insert into desired_values values ('K', ?, ?, 'K')", [values["p"], values["q"]])
    db.execute("insert into changed_rows (key, fingerprint, intent) values ('K', 7, 'create')")
    shape = ObjectShape(
        name="thing", properties={}, required_properties=frozenset({"p", "id"}), requires_one_of=frozenset({"p", "q"})
    )
    actions.add_creates(db, ["p", "q", "id"], shape, "id")
    holds = db.execute("select code, property from held").fetchall()
    assert holds == ([("missing-required", lacks)] if lacks else [])
    assert [len(batch) for batch in actions.batches(db, "create", 10)] == ([] if lacks else [1])


def test_a_digest_moves_with_every_action_and_every_hold(db: duckdb.DuckDBPyConnection) -> None:
    tables.empty(db, "actions", "held")
    digests = {actions.action_digest(db)}
    for statement in (
        "insert into actions values ('K', 'update', 'R', 'key', 'certain', 1, '{}', '{}', null, '{}')",
        "update actions set remote_id = 'S'",
        'update actions set send = \'{"p":"a"}\'',
        "update actions set kind = 'archive'",
        "insert into held values ('L', 'match', 'unmatched', null, 1)",
        "update held set code = 'twin'",
        "update held set key = 'M'",
        "insert into held values ('row 1', 'source', 'null-key', null, 1)",
        "insert into held values ('row 2', 'source', 'null-key', null, 1)",
    ):
        db.execute(statement)
        digests.add(actions.action_digest(db))
    assert len(digests) == 10
    digest = actions.action_digest(db)
    db.execute("update held set key = 'row 7' where key = 'row 2'")
    assert actions.action_digest(db) == digest
