"""The mirror shows what the other side holds, whatever was merged, archived or broken off between two readings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from careloom.core.ports import RemoteRecord, ScanPage
from careloom.store.database import Store, open_store
from careloom.store.mirror import Mirror


@pytest.fixture
def mirror(database: str) -> Iterator[Mirror]:
    store: Store = open_store(database)
    yield Mirror(store, "crm", "contacts")
    store.close()


def record(id_: str, name: str | None = "x", *, archived: bool = False, merged: Sequence[str] = ()) -> RemoteRecord:
    return RemoteRecord(
        id=id_, values={"name": name}, updated_at="2026-01-01T00:00:00Z", archived=archived, merged_ids=tuple(merged)
    )


def pages(*batches: Sequence[RemoteRecord], cursor: str = "c1", broken: bool = False) -> Iterator[ScanPage]:
    for number, batch in enumerate(batches, 1):
        yield ScanPage(records=batch, cursor=cursor, complete=number == len(batches) and not broken)
    if broken:
        raise ConnectionError


def names_by_id(mirror: Mirror, *properties: str) -> dict[str, Any]:
    return {row["id"]: row["name"] for row in mirror.records(properties or ["name"]).to_pylist()}


def test_a_scan_is_kept_with_its_cursor_and_its_properties(mirror: Mirror) -> None:
    assert mirror.cursor(["name"]) is None
    assert mirror.take_in(pages([record("1"), record("2")], [record("3", None)]), ["name"], full_scan=True) == 3
    assert names_by_id(mirror) == {"1": "x", "2": "x", "3": None}
    assert mirror.cursor(["name"]) == "c1"
    assert mirror.cursor(["name", "phone"]) is None, "a property that was not read asks for a new reading"
    assert mirror.properties() == ["name"]


def test_what_a_whole_scan_does_not_show_is_gone_and_what_a_partial_one_does_not_show_stays(mirror: Mirror) -> None:
    mirror.take_in(pages([record("1"), record("2")]), ["name"], full_scan=True)
    mirror.take_in(pages([record("2", "new")], cursor="c2"), ["name"], full_scan=False)
    assert names_by_id(mirror) == {"1": "x", "2": "new"}
    mirror.take_in(pages([record("2")]), ["name"], full_scan=True)
    assert names_by_id(mirror) == {"2": "x"}


def test_archived_and_merged_records_are_nobody(mirror: Mirror) -> None:
    mirror.take_in(pages([record("1"), record("2"), record("3")]), ["name"], full_scan=True)
    mirror.take_in(
        pages([record("1", archived=True), record("9", merged=["2", "3", "9"])], cursor="c2"), ["name"], full_scan=False
    )
    assert names_by_id(mirror) == {"9": "x"}
    assert {tuple(row.values()) for row in mirror.merged().to_pylist()} == {("2", "9"), ("3", "9")}
    mirror.put([record("1")])
    assert names_by_id(mirror) == {"1": "x", "9": "x"}, "it was restored"


def test_a_scan_that_broke_off_is_read_again_and_leaves_nobody_behind(mirror: Mirror) -> None:
    mirror.take_in(pages([record("1")]), ["name"], full_scan=True)
    with pytest.raises(ConnectionError):
        mirror.take_in(pages([record("1"), record("7")], cursor="c9", broken=True), ["name"], full_scan=True)
    assert mirror.cursor(["name"]) == "c1"
    mirror.take_in(pages([record("1")], cursor="c2"), ["name"], full_scan=True)
    assert names_by_id(mirror) == {"1": "x"}, "7 was archived between the two scans"


def test_a_scan_that_ends_before_its_last_page_does_not_move_the_cursor(mirror: Mirror) -> None:
    mirror.take_in(pages([record("1"), record("2")]), ["name"], full_scan=True)
    part = ScanPage(records=[record("1", "new")], cursor="c9", complete=False)
    mirror.take_in([part], ["name"], full_scan=True)
    assert mirror.cursor(["name"]) == "c1"
    assert names_by_id(mirror) == {"1": "new", "2": "x"}, "2 was not looked for"


def test_what_a_scan_did_not_ask_for_stays_known(mirror: Mirror) -> None:
    mirror.take_in(pages([record("1", "Ana")]), ["name"], full_scan=True)
    phone = RemoteRecord(id="1", values={"phone": "+12125550111"}, updated_at="2026-01-02T00:00:00Z")
    mirror.put([phone])
    assert mirror.records(["name", "phone"]).to_pylist() == [{"id": "1", "name": "Ana", "phone": "+12125550111"}]


def test_what_was_put_between_two_scans_does_not_outlive_the_next_whole_one(mirror: Mirror) -> None:
    mirror.take_in(pages([record("1")]), ["name"], full_scan=True)
    mirror.put([record("2")])
    assert names_by_id(mirror) == {"1": "x", "2": "x"}
    mirror.take_in(pages([record("1")]), ["name"], full_scan=True)
    assert names_by_id(mirror) == {"1": "x"}


def test_a_property_that_was_just_made_counts_as_read(mirror: Mirror) -> None:
    mirror.learn(["phone"])
    assert mirror.properties() == []
    mirror.take_in(pages([record("1")]), ["name"], full_scan=True)
    mirror.learn(["phone", "name"])
    assert mirror.cursor(["phone", "name"]) == "c1"


def test_objects_and_systems_do_not_see_each_other(mirror: Mirror) -> None:
    mirror.take_in(pages([record("1")]), ["name"], full_scan=True)
    assert names_by_id(Mirror(mirror.store, "crm", "companies")) == {}
    assert names_by_id(Mirror(mirror.store, "other", "contacts")) == {}


def test_any_text_is_kept(mirror: Mirror) -> None:
    odd = 'it\'s "odd" \\u0041 \U0001f600 \n'
    mirror.put([record("1", odd), record("2", "a\x00b")])
    assert names_by_id(mirror) == {"1": odd, "2": "a\N{SYMBOL FOR NULL}b"}
