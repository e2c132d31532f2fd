"""The ledger moves only as a whole, only on acknowledgement, and keeps what people said."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from careloom.core.errors import Fix
from careloom.store.database import Store, open_store
from careloom.store.ledger import PLANNED, DeliveryNote, HeldRecord, Ledger, LinkedPair, Offer, SettledWrite
from careloom.store.statements import statements


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    store = open_store(database)
    yield store
    store.close()


@pytest.fixture
def ledger(store: Store) -> Ledger:
    return Ledger(store, "people")


def settled_write(key: str, remote_id: str, fingerprint: int = 1, base: str = "{}") -> SettledWrite:
    return SettledWrite(
        key=key, remote_id=remote_id, rule="created", grade="certain", fingerprint=fingerprint, base=base
    )


def held_record(key: str, kind: str = "match", code: str = "twin", **fields: object) -> HeldRecord:
    return HeldRecord(key=key, kind=kind, code=code, **fields)  # type: ignore[arg-type]


def held_keys(ledger: Ledger) -> set[str]:
    return {row["key"] for row in ledger.held().to_pylist()}


def rule(store: Store, key: str, verdict: str, *, remote_id: str | None = None, prop: str | None = None) -> None:
    values = {"sync": "people", "key": key, "verdict": verdict, "remote_id": remote_id, "property": prop}
    with store.transaction() as connection:
        connection.execute(statements("ledger")["record_decision"], values | {"who": "ops", "why": ""})


def test_what_was_settled_is_recalled(ledger: Ledger) -> None:
    ledger.settle(
        1, writes=[settled_write("K1", "R1", -(2**63), '{"a": "\U0001f600"}'), settled_write("K2", "R2", 2**63 - 1)]
    )
    assert {tuple(row.values()) for row in ledger.links().to_pylist()} == {
        ("K1", "R1", -(2**63)),
        ("K2", "R2", 2**63 - 1),
    }
    assert ledger.base_of(["K1", "K9"]) == [("K1", '{"a": "\U0001f600"}')]


def test_what_was_settled_again_stands_in_the_place_of_what_was_settled_before(ledger: Ledger) -> None:
    ledger.settle(1, writes=[settled_write("K1", "R1", 10, '{"a": "old"}'), settled_write("K2", "R2", 20)])
    ledger.settle(2, writes=[settled_write("K1", "R7", 11, '{"a": "new"}')])
    assert {tuple(row.values()) for row in ledger.links().to_pylist()} == {("K1", "R7", 11), ("K2", "R2", 20)}
    assert ledger.base_of(["K1"]) == [("K1", '{"a": "new"}')]


def test_syncs_do_not_see_each_other(store: Store, ledger: Ledger) -> None:
    second_ledger = Ledger(store, "it's another")
    ledger.settle(1, writes=[settled_write("K1", "R1")])
    second_ledger.settle(1, writes=[settled_write("K1", "R1")], holds=[held_record("K2")])
    assert ledger.held().num_rows == 0
    assert second_ledger.links().num_rows == 1


def test_two_rows_never_take_one_record_and_nothing_of_the_batch_stays(ledger: Ledger) -> None:
    ledger.settle(1, writes=[settled_write("K1", "R1")])
    note = DeliveryNote(
        batch=1, object="contacts", kind="create", keys=["K2"], verdicts=["ok"], remote_ids=["R1"], milliseconds=1
    )
    with pytest.raises(psycopg.errors.UniqueViolation):
        ledger.settle(
            2, writes=[settled_write("K3", "R3"), settled_write("K2", "R1")], holds=[held_record("K4")], notes=[note]
        )
    assert ledger.links().select(["key", "remote_id"]).to_pylist() == [{"key": "K1", "remote_id": "R1"}]
    assert held_keys(ledger) == set()


def test_settling_releases_a_hold_but_not_the_conflict_that_the_run_itself_found(ledger: Ledger) -> None:
    ledger.settle(1, holds=[held_record("K1"), held_record("K2", "conflict", "both-changed", property="a")])
    ledger.offer([Offer(key="K1", remote_id="R9", rule="REVIEW:T1", reason="twin", verdicts="{}")])
    ledger.settle(2, holds=[held_record("K3", "conflict", "both-changed", property="a")])
    ledger.settle(2, writes=[settled_write("K1", "R1"), settled_write("K2", "R2"), settled_write("K3", "R3")])
    assert held_keys(ledger) == {"K3"}
    ledger.settle(3, writes=[settled_write("K3", "R3")])
    assert held_keys(ledger) == set()


def test_a_hold_is_counted_and_renewed_and_a_plan_does_not_take_it(ledger: Ledger, store: Store) -> None:
    ledger.settle(4, holds=[held_record("K1", message="a\x00b")])
    ledger.settle(PLANNED, holds=[held_record("K1", code="sex-contradicted"), held_record("K2")])
    with store.transaction() as connection:
        rows = connection.execute("select key, code, run, attempts, message from held order by key").fetchall()
    assert rows == [("K1", "sex-contradicted", 4, 2, ""), ("K2", "twin", PLANNED, 1, "")]
    ledger.forget_planned_holds()
    assert held_keys(ledger) == {"K1"}


def test_holds_that_a_run_did_not_renew_are_dropped_except_refusals(ledger: Ledger) -> None:
    ledger.settle(
        1,
        holds=[
            held_record("K1"),
            held_record("K2", "source", "not-a-date"),
            held_record("K3", "remote", "INVALID"),
            held_record("K4"),
        ],
    )
    ledger.settle(2, holds=[held_record("K4")])
    ledger.forget_stale_holds(2, gone_keys=[])
    assert held_keys(ledger) == {"K3", "K4"}
    ledger.forget_stale_holds(2, gone_keys=["K3"])
    assert held_keys(ledger) == {"K4"}


def test_the_latest_word_counts(ledger: Ledger, store: Store) -> None:
    rule(store, "K1", "never", remote_id="R1")
    rule(store, "K1", "never", remote_id="R2")
    rule(store, "K1", "create")
    rule(store, "K1", "link", remote_id="R2")
    rule(store, "K2", "source", prop="a")
    rule(store, "K2", "destination", prop="a")
    rule(store, "K2", "source", prop="b")
    assert set(ledger.decisions()) == {
        ("K1", "never", "R1", None),
        ("K1", "link", "R2", None),
        ("K2", "destination", None, "a"),
        ("K2", "source", None, "b"),
    }
    ledger.settle(1, writes=[settled_write("K1", "R2"), settled_write("K2", "R3")])
    assert {verdict for _, verdict, _, _ in ledger.decisions()} == {"never", "link"}, (
        "a settled conflict's word is spent"
    )


def test_unlinking_forgets_everything_that_was_agreed(ledger: Ledger) -> None:
    ledger.settle(1, writes=[settled_write("K1", "R1")])
    ledger.settle_ties(1, "contacts", [LinkedPair(key="K1", to_key="P1", label="", from_id="R1", to_id="R5")], [])
    ledger.settle(2, unlinked_keys=["K1"])
    assert (ledger.links().num_rows, ledger.base_of(["K1"]), ledger.ties()) == (0, [], [])


def test_ties_are_replaced_and_removed(ledger: Ledger) -> None:
    first = LinkedPair(key="K1", to_key="P1", label="", from_id="R1", to_id="R5")
    owner_tie = LinkedPair(key="K1", to_key="P1", label="owner", from_id="R1", to_id="R5")
    ledger.settle_ties(1, "contacts", [first, owner_tie], [])
    ledger.settle_ties(
        2, "contacts", [LinkedPair(key="K1", to_key="P1", label="", from_id="R1", to_id="R6")], [owner_tie]
    )
    assert ledger.ties() == [("K1", "contacts", "P1", "", "R1", "R6")]


def test_a_watermark_holds_for_one_project_and_while_nothing_is_held(ledger: Ledger) -> None:
    assert ledger.watermark("digest") is None
    ledger.set_watermark("2026-01-01", "digest")
    assert ledger.watermark("digest") == "2026-01-01"
    assert ledger.watermark("other") is None
    ledger.settle(1, holds=[held_record("K1")])
    assert ledger.watermark("digest") is None
    ledger.settle(2, writes=[settled_write("K1", "R1")])
    assert ledger.watermark("digest") == "2026-01-01"
    ledger.set_watermark(None, "digest")
    assert ledger.watermark("digest") is None


def test_one_run_of_a_sync_at_a_time(ledger: Ledger, store: Store) -> None:
    with ledger.lock():
        with pytest.raises(Fix, match="being run by another process"), ledger.lock():
            pass
        with Ledger(store, "visits").lock():
            pass
    with ledger.lock():
        pass
