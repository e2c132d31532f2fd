"""Scans and fetches: every record once, whatever changes meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from careloom.core.ports import RemoteRecord, Write
from careloom.systems.hubspot.simulator import RunningSimulator
from systems.hubspot.target.portals import VERSIONS, Portal, change, open_target, script_server

MINUTES = {"seconds": 600}


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with RunningSimulator("--seed", "6") as running:
        yield running


@pytest.fixture(params=VERSIONS)
def portal(simulator: RunningSimulator, request: pytest.FixtureRequest) -> Iterator[Portal]:
    portal = Portal(simulator, request.param)
    yield portal
    portal.target.close()


@pytest.fixture
def dated_portal(simulator: RunningSimulator) -> Iterator[Portal]:
    portal = Portal(simulator)
    yield portal
    portal.target.close()


def scan_records(
    portal: Portal, since: str | None, properties: Sequence[str] = ("firstname",)
) -> tuple[list[RemoteRecord], str]:
    pages = list(portal.target.scan("contacts", list(properties), since))
    assert [page.complete for page in pages] == [*[False] * (len(pages) - 1), True]
    return [record for page in pages for record in page.records], pages[-1].cursor


def advance(portal: Portal) -> None:
    portal.simulator.control("POST", "advance", MINUTES)


# ---------------------------------------------------------------- scanning


def test_a_whole_scan_gives_every_live_record_once(portal: Portal) -> None:
    ids = portal.people(250)
    portal.simulator.control("POST", "archive", {"object": "contacts", "id": ids[3]})
    records, _ = scan_records(portal, None)
    assert sorted(record.id for record in records) == sorted({*ids} - {ids[3]})
    assert {record.values["firstname"] for record in records} == {f"Name{n}" for n in range(250) if n != 3}


def test_a_later_scan_gives_what_was_made_changed_archived_or_merged_and_little_else(portal: Portal) -> None:
    ids = portal.people(300)
    advance(portal)
    _, cursor = scan_records(portal, None)
    advance(portal)
    (new,) = portal.people(1, first=700)
    portal.deliver("update", [change("k5", ids[5], firstname="Kim")])
    portal.simulator.control("POST", "archive", {"object": "contacts", "id": ids[7]})
    merge = portal.simulator.control("POST", "merge", {"object": "contacts", "primary": ids[10], "other": ids[11]})
    records, later = scan_records(portal, cursor)
    by_id = {record.id: record for record in records}
    assert {new, ids[5], ids[7], merge["id"]} <= set(by_id)
    assert by_id[ids[5]].values["firstname"] == "Kim"
    assert by_id[ids[7]].archived
    assert not by_id[new].archived
    assert {ids[10], ids[11]} - {merge["id"]} <= set(by_id[merge["id"]].merged_ids)
    assert later > cursor


def test_a_scan_of_nothing_new_asks_little_and_keeps_its_cursor(dated_portal: Portal) -> None:
    dated_portal.people(2500)
    advance(dated_portal)
    dated_portal.people(1, first=9000)
    advance(dated_portal)
    _, cursor = scan_records(dated_portal, None)
    former_calls = dated_portal.calls()
    records, again = scan_records(dated_portal, cursor)
    assert dated_portal.calls() - former_calls <= 3
    assert len(records) <= 1
    assert again == cursor


def test_records_that_search_does_not_show_yet_are_not_lost(dated_portal: Portal) -> None:
    dated_portal.people(3)
    advance(dated_portal)
    dated_portal.simulator.control("POST", "settings", {"search_lag": 5})
    _, cursor = scan_records(dated_portal, None)
    late = dated_portal.people(2, first=50)
    _, cursor = scan_records(dated_portal, cursor)
    dated_portal.simulator.control("POST", "advance", {"seconds": 30})
    records, _ = scan_records(dated_portal, cursor)
    assert set(late) <= {record.id for record in records}


def test_more_changes_than_a_search_can_show_are_all_given(dated_portal: Portal) -> None:
    for first in range(0, 11_000, 1000):
        dated_portal.simulator.control(
            "POST", "seed", {"object": "contacts", "records": [{"firstname": f"N{first + n}"} for n in range(1000)]}
        )
    every = {one.id for one in scan_records(dated_portal, None)[0]}
    assert len(every) == 11_000
    advance(dated_portal)
    _, cursor = scan_records(dated_portal, None)
    advance(dated_portal)
    moved = sorted(every, key=int)[:3000]
    for first in range(0, 3000, 100):
        chunk = moved[first : first + 100]
        dated_portal.deliver(
            "update", [Write(key=record_id, remote_id=record_id, values={"lastname": "L"}) for record_id in chunk]
        )
    former_calls = dated_portal.calls()
    records, _ = scan_records(dated_portal, cursor)
    assert set(moved) <= {record.id for record in records}
    assert dated_portal.calls() - former_calls < 110 + 30


def test_when_most_has_changed_everything_is_listed(dated_portal: Portal) -> None:
    dated_portal.people(3000)
    _, cursor = scan_records(dated_portal, None)
    former_requests = dated_portal.simulator.control("GET", "state")["requests"]
    records, _ = scan_records(dated_portal, cursor)
    after = dated_portal.simulator.control("GET", "state")["requests"]
    assert len(records) >= 3000
    assert sum(count - former_requests.get(name, 0) for name, count in after.items() if "search" in name) <= 3


def test_a_record_that_changes_while_pages_are_read_does_not_push_another_out(dated_portal: Portal) -> None:
    ids = dated_portal.people(600)
    advance(dated_portal)
    _, cursor = scan_records(dated_portal, None)
    advance(dated_portal)
    for first in range(0, 600, 100):
        chunk = ids[first : first + 100]
        dated_portal.deliver(
            "update", [Write(key=record_id, remote_id=record_id, values={"lastname": "L"}) for record_id in chunk]
        )
    seen: set[str] = set()
    for number, page in enumerate(dated_portal.target.scan("contacts", ["lastname"], cursor)):
        seen.update(record.id for record in page.records)
        if number == 0:  # what was read already moves to the end
            dated_portal.deliver(
                "update",
                [Write(key=record_id, remote_id=record_id, values={"lastname": "M"}) for record_id in ids[:100]],
            )
    assert seen == set(ids)


def test_many_properties_do_not_make_the_address_too_long(dated_portal: Portal) -> None:
    ids = dated_portal.people(120)
    many = ["firstname", *(f"property_with_a_long_name_{number:04}" for number in range(300))]
    records, _ = scan_records(dated_portal, None, many)
    assert {record.id: record.values["firstname"] for record in records} == {
        one: f"Name{n}" for n, one in enumerate(ids)
    }


# ---------------------------------------------------------------- fetching


def test_fetching_follows_merges_and_leaves_out_what_is_gone(portal: Portal) -> None:
    ids = portal.people(130)
    portal.simulator.control("POST", "archive", {"object": "contacts", "ids": ids[:2]})
    merge = portal.simulator.control("POST", "merge", {"object": "contacts", "primary": ids[5], "other": ids[6]})
    records = portal.target.fetch("contacts", [*ids, "987654321"], ["firstname", "nothing_like_it"])
    assert set(records) == set(ids[2:])
    assert records[ids[6]].id == merge["id"]
    assert records[ids[9]].values == {"firstname": "Name9", "nothing_like_it": None}


def test_a_batch_read_that_leaves_merged_ids_out_is_completed_by_single_reads() -> None:
    def answer(asked: tuple[str, str, Any]) -> Any:
        method, path, _ = asked
        if method == "GET" and path.startswith("/crm/objects/2026-03/contacts/11?"):
            return 200, {"id": "20", "properties": {"firstname": "A", "hs_merged_object_ids": "11"}}
        if method == "GET":
            return 404, {"status": "error", "category": "OBJECT_NOT_FOUND"}
        if "archived=true" in path:
            return 207, {"results": [{"id": "12", "archived": True, "properties": {}}]}
        return 207, {"results": [{"id": "10", "properties": {"firstname": "B"}}], "numErrors": 1, "errors": [{}]}

    with script_server(answer) as server:
        records = open_target(server.url).fetch("contacts", ["10", "11", "12", "13"], ["firstname"])
        assert [path.split("?")[0].rsplit("/", 1)[1] for method, path, _ in server.asked if method == "GET"] == [
            "11",
            "13",
        ]
    assert {asked: record.id for asked, record in records.items()} == {"10": "10", "11": "20"}


def test_a_batch_read_that_answers_with_the_survivor_needs_no_other_read() -> None:
    survivor = {"hs_merged_object_ids": "12", "hs_calculated_merged_vids": "11:1700000000000;12:1700000000001"}
    with script_server((200, {"results": [{"id": "20", "properties": survivor}]})) as server:
        records = open_target(server.url).fetch("contacts", ["11", "12", "20"], [])
        assert len(server.asked) == 1
    assert {asked: record.id for asked, record in records.items()} == {"11": "20", "12": "20", "20": "20"}
