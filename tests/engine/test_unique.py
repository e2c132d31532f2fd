"""Values that one record may hold: exactly one row keeps each, and always the same one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from careloom.core.schema import ObjectShape, Property
from careloom.engine.sync import merge, tables, unique
from careloom.engine.sync.encode import EncodedField
from careloom.engine.workspace import open_workspace

FIELD = EncodedField(
    property="email", expression="email", type="string", unique=True, lowercase=True, when_taken="shared"
)
SHAPE = ObjectShape(
    name="contacts",
    properties={"email": Property(name="email", type="string", unique=True, aliases=("more",))},
)


@dataclass(frozen=True)
class Wish:
    """A row's mail, the record that it is, and the mail that was moved aside before."""

    mail: str | None
    linked: bool
    moved: str | None = None
    refused: bool = False


WISHES = st.lists(
    st.builds(
        Wish,
        st.sampled_from([None, "a@x", "b@x", "c@x"]),
        st.booleans(),
        st.sampled_from([None, None, "a@x"]),
        st.booleans(),
    ),
    min_size=1,
    max_size=8,
)
HOLDERS = st.dictionaries(st.sampled_from(["a@x", "b@x"]), st.integers(0, 9), max_size=2)


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_workspace(tmp_path_factory.mktemp("bench")) as workspace:
        tables.shape_tables(workspace, ["email", "shared"], ["email", "more"])
        yield workspace


def outcome(
    db: duckdb.DuckDBPyConnection, wishes: Sequence[tuple[int, Wish]], holders: dict[str, int], *, alias: bool = False
) -> dict[str, tuple[str | None, str | None]]:
    """Each row's mail and shared mail. Record R3 is row K3's; `holders` says which record has which mail now."""
    tables.empty(db, "desired_values", "changed_rows", "denied_values", "mirror")
    base_values = []
    for number, wish in wishes:
        key = f"K{number}"
        db.execute("insert into desired_values values (?, ?, null)", [key, wish.mail])
        remote_id = f"R{number}" if wish.linked else None
        db.execute("insert into changed_rows (key, remote_id) values (?, ?)", [key, remote_id])
        if wish.refused:
            unique.deny(db, [(key, "email")])
        if wish.linked and wish.moved:
            base_values.append((key, json.dumps({"email": None, "shared": wish.moved})))
    merge.load_base(db, base_values)
    for mail, record in holders.items():
        values = [f"R{record}", None, f"other@x;{mail.upper()}"] if alias else [f"R{record}", mail.upper(), None]
        db.execute("insert into mirror values (?, ?, ?)", values)
    unique.reroute_taken(db, [FIELD], SHAPE, "clinic_id", has_mirror=True)
    return {
        key: (email, shared_email) for key, email, shared_email in db.execute("select * from desired_values").fetchall()
    }


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wishes=WISHES, holders=HOLDERS, data=st.data(), alias=st.booleans())
def test_one_row_keeps_each_value_the_others_move_it_and_the_order_decides_nothing(
    db: duckdb.DuckDBPyConnection, wishes: list[Wish], holders: dict[str, int], data: st.DataObject, *, alias: bool
) -> None:
    rows = list(enumerate(wishes))
    outcomes = outcome(db, rows, holders, alias=alias)
    assert outcome(db, data.draw(st.permutations(rows)), holders, alias=alias) == outcomes
    counts = Counter(email for email, _ in outcomes.values() if email)
    assert max(counts.values(), default=0) <= 1
    for number, wish in rows:
        email, shared_email = outcomes[f"K{number}"]
        assert {email, shared_email} - {None} == {wish.mail} - {None}, "a value is moved, never lost or made"
        holder = holders.get(wish.mail or "")
        is_holder = wish.linked and holder == number
        if email:
            assert holder is None or is_holder
            assert not wish.refused
        if is_holder and not wish.refused and wish.moved != wish.mail:
            assert email == wish.mail, "who has it keeps it"
    for mail in {wish.mail for wish in wishes if wish.mail} - holders.keys():
        free = [
            wish
            for wish in wishes
            if wish.mail == mail and not wish.refused and not (wish.linked and wish.moved == mail)
        ]
        everyone = [wish for wish in wishes if wish.mail == mail]
        assert counts[mail] == 1 or len(free) < len(everyone), "a value that nobody disputes is kept by one"


@pytest.mark.parametrize("alias", [False, True])
def test_who_has_a_value_keeps_it_though_an_older_row_with_a_record_asks_for_it(
    db: duckdb.DuckDBPyConnection, *, alias: bool
) -> None:
    wishes = [(1, Wish("a@x", linked=True)), (5, Wish("a@x", linked=True))]
    assert outcome(db, wishes, {"a@x": 5}, alias=alias) == {"K1": (None, "a@x"), "K5": ("a@x", None)}


def test_only_a_value_that_is_new_to_a_linked_row_is_a_reason_to_look(db: duckdb.DuckDBPyConnection) -> None:
    tables.empty(db, "changed_rows")
    db.execute("insert into changed_rows (key, remote_id) values ('K', 'R')")
    for mail, base, anew in (
        ("a@x", {"email": "a@x", "shared": None}, False),
        ("a@x", {"email": None, "shared": "a@x"}, False),
        ("b@x", {"email": "a@x", "shared": None}, True),
        (None, {"email": "a@x", "shared": None}, False),
    ):
        tables.empty(db, "desired_values")
        db.execute("insert into desired_values (key, email) values ('K', ?)", [mail])
        merge.load_base(db, [("K", json.dumps(base))])
        assert unique.has_new_claims(db, [FIELD]) is anew
