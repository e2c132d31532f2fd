"""Every write of a batch is accounted for, whatever the portal answers."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from careloom.core.errors import NotPermitted, RemoteUnavailable
from careloom.core.ports import Outcome, Write
from careloom.systems.hubspot.simulator import RunningSimulator
from systems.hubspot.target.portals import KEY, VERSIONS, Portal, change, person, verdicts


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with RunningSimulator("--seed", "5") as running:
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


# ---------------------------------------------------------------- creating


def test_a_hundred_records_are_created_by_one_request_and_matched_though_permuted(portal: Portal) -> None:
    portal.deliver("create", [person(500)])
    former_calls = portal.calls()
    outcomes = portal.deliver("create", [person(number) for number in range(100)])
    assert portal.calls() - former_calls == 1
    records = portal.records()
    assert all(outcome.verdict == "ok" and outcome.is_new for outcome in outcomes)
    assert [records[str(outcome.remote_id)][KEY] for outcome in outcomes] == [outcome.key for outcome in outcomes]


def test_creating_again_makes_no_second_record(portal: Portal) -> None:
    portal.people(20)
    outcomes = portal.deliver("create", [person(number) for number in range(20)])
    assert verdicts(outcomes) == {"ok"}
    assert not any(outcome.is_new for outcome in outcomes)
    assert len(portal.records()) == 20


@pytest.mark.parametrize("kind", ["cut_after_write", "cut_before_write"])
@pytest.mark.parametrize("times", [1, 3])
def test_a_create_whose_answer_is_cut_makes_each_record_once(portal: Portal, kind: str, times: int) -> None:
    portal.people(1, first=900)
    portal.faults({"kind": kind, "match": "batch/upsert", "times": times})
    outcomes = portal.deliver("create", [person(number) for number in range(50)])
    assert verdicts(outcomes) == {"ok"}
    keys = [record[KEY] for record in portal.records().values()]
    assert sorted(keys) == sorted({*(f"k{number}" for number in range(50)), "k900"})


def test_creates_by_mail_address_survive_cuts_without_taking_themselves_for_strangers(portal: Portal) -> None:
    portal.faults({"kind": "cut_after_write", "match": "batch/create", "times": 2})
    outcomes = portal.deliver("create", [person(number) for number in range(10)], key="email")
    assert verdicts(outcomes) == {"ok"}
    assert len(portal.records()) == 10


def test_a_record_that_the_search_does_not_show_yet_is_known_by_the_address_that_it_took(dated_portal: Portal) -> None:
    dated_portal.simulator.control("POST", "settings", {"search_lag": 60})
    dated_portal.faults({"kind": "cut_after_write", "match": "batch/create", "times": 1})
    writes = [
        Write(key=f"f{n}", values={"file_no": f"F{n}", "email": f"f{n}@clinic.example", "firstname": "Kim"})
        for n in range(3)
    ]
    outcomes = dated_portal.deliver("create", writes, key="file_no")
    assert verdicts(outcomes) == {"ok"}
    records = dated_portal.records()
    assert [records[str(outcome.remote_id)]["file_no"] for outcome in outcomes] == ["F0", "F1", "F2"]
    assert len(records) == 3


def test_a_cut_for_every_write_in_turn_still_ends_with_one_record_for_each(dated_portal: Portal) -> None:
    dated_portal.people(1, first=900)
    dated_portal.faults({"kind": "cut_after_write", "match": "batch/upsert", "every": 2})
    for first in range(0, 500, 100):
        outcomes = dated_portal.deliver("create", [person(number) for number in range(first, first + 100)])
        assert verdicts(outcomes) == {"ok"}
    assert len(dated_portal.records()) == 501


def test_a_gateway_error_after_the_write_is_looked_up_not_repeated(dated_portal: Portal) -> None:
    ids = dated_portal.people(3)
    former_requests = dated_portal.simulator.control("GET", "state")["requests"]
    dated_portal.faults({"kind": "cut_after_write", "match": "batch/update", "times": 1})
    outcomes = dated_portal.deliver("update", [change(f"k{n}", one, firstname="Kim") for n, one in enumerate(ids)])
    assert verdicts(outcomes) == {"ok"}
    after = dated_portal.simulator.control("GET", "state")["requests"]
    assert sum(count - former_requests.get(name, 0) for name, count in after.items() if "batch/update" in name) == 1


def test_a_mail_address_in_use_is_taken_and_names_its_holder(portal: Portal) -> None:
    (holder,) = portal.people(1)
    outcomes = portal.deliver("create", [person(7), person(8, email="p0@clinic.example"), person(9)])
    assert [outcome.verdict for outcome in outcomes] == ["ok", "taken", "ok"]
    assert (outcomes[1].remote_id, outcomes[1].property) == (holder, "email")
    assert portal.records()[holder][KEY] == "k0"


def test_a_secondary_mail_address_is_taken_too(portal: Portal) -> None:
    (holder,) = portal.people(1)
    edit = {"object": "contacts", "id": holder, "properties": {"hs_additional_emails": "second@clinic.example"}}
    portal.simulator.control("POST", "edit", edit)
    for key in (KEY, "email"):
        (outcome,) = portal.deliver("create", [person(8, email="second@clinic.example")], key=key)
        assert (outcome.verdict, outcome.remote_id, outcome.property) == ("taken", holder, "email")


def test_creating_by_mail_address_never_writes_to_a_record_that_was_there(portal: Portal) -> None:
    (holder,) = portal.people(1)
    (outcome,) = portal.deliver("create", [person(0, firstname="Else")], key="email")
    assert (outcome.verdict, outcome.remote_id) == ("taken", holder)
    assert portal.records()[holder]["firstname"] == "Name0"


def test_another_unique_property_in_use_is_taken(portal: Portal) -> None:
    ids = portal.people(2)
    portal.deliver("update", [change("k0", ids[0], member_no="M-1")])
    created, updated = (
        portal.deliver("create", [person(5, member_no="M-1")])[0],
        portal.deliver("update", [change("k1", ids[1], member_no="M-1")])[0],
    )
    for outcome in (created, updated):
        assert (outcome.verdict, outcome.remote_id, outcome.property) == ("taken", ids[0], "member_no")


def test_two_writes_with_one_key_do_not_spoil_the_batch(portal: Portal) -> None:
    outcomes = portal.deliver("create", [person(1), person(2), person(1, firstname="Later")])
    assert verdicts(outcomes) == {"ok"}
    assert len(portal.records()) == 2
    assert portal.records()[str(outcomes[0].remote_id)]["firstname"] == "Later"


def test_a_create_without_its_key_is_held(dated_portal: Portal) -> None:
    outcomes = dated_portal.deliver("create", [person(1), Write(key="k2", values={"firstname": "Kim"})])
    assert [outcome.verdict for outcome in outcomes] == ["ok", "held"]
    assert outcomes[1].code == "KEY_MISSING"


def test_a_key_that_the_portal_does_not_keep_unique_is_looked_up_first(portal: Portal) -> None:
    writes = [Write(key=f"f{n}", values={"file_no": f"F{n}", "firstname": "Kim"}) for n in range(5)]
    first = portal.deliver("create", writes, key="file_no")
    second = portal.deliver("create", writes, key="file_no")
    assert verdicts(first) == verdicts(second) == {"ok"}
    assert [outcome.remote_id for outcome in first] == [outcome.remote_id for outcome in second]
    assert [outcome.is_new for outcome in second] == [False] * 5
    portal.faults({"kind": "cut_after_write", "match": "batch/create", "times": 1})
    third = portal.deliver("create", [Write(key="f9", values={"file_no": "F9", "firstname": "Kim"})], key="file_no")
    assert verdicts(third) == {"ok"}
    assert len(portal.records()) == 6


def test_a_key_held_by_two_records_is_held_for_a_person(dated_portal: Portal) -> None:
    dated_portal.people(2, file_no="F1")
    (outcome,) = dated_portal.deliver(
        "create", [Write(key="f1", values={"file_no": "F1", "firstname": "A"})], key="file_no"
    )
    assert (outcome.verdict, outcome.code) == ("held", "KEY_TWICE")
    assert len(dated_portal.records()) == 2


# ---------------------------------------------------------------- changing


def test_changes_land_on_their_own_records(portal: Portal) -> None:
    ids = portal.people(100)
    outcomes = portal.deliver("update", [change(f"k{n}", one, firstname=f"New{n}") for n, one in enumerate(ids)])
    assert verdicts(outcomes) == {"ok"}
    records = portal.records()
    assert [records[record_id]["firstname"] for record_id in ids] == [f"New{number}" for number in range(100)]


def test_an_empty_value_clears(portal: Portal) -> None:
    (person,) = portal.people(1)
    portal.deliver("update", [change("k0", person, firstname="")])
    assert not portal.records()[person].get("firstname")


def test_a_change_to_a_merged_record_lands_on_its_survivor(portal: Portal) -> None:
    ids = portal.people(3)
    merge = portal.simulator.control("POST", "merge", {"object": "contacts", "primary": ids[0], "other": ids[1]})
    outcomes = portal.deliver("update", [change(f"k{n}", one, lastname=f"L{n}") for n, one in enumerate(ids[1:], 1)])
    assert verdicts(outcomes) == {"ok"}
    assert outcomes[0].remote_id == merge["id"] != ids[1]
    assert portal.records()[merge["id"]]["lastname"] == "L1"


def test_a_change_to_an_archived_or_unknown_record_is_missing(portal: Portal) -> None:
    ids = portal.people(4)
    portal.simulator.control("POST", "archive", {"object": "contacts", "ids": ids[:2]})
    writes = [change(f"k{n}", one, lastname="L") for n, one in enumerate([*ids, "987654321"])]
    assert [outcome.verdict for outcome in portal.deliver("update", writes)] == [
        "missing",
        "missing",
        "ok",
        "ok",
        "missing",
    ]


@pytest.mark.parametrize("kind", ["cut_after_write", "cut_before_write"])
def test_a_change_whose_answer_is_cut_is_made(portal: Portal, kind: str) -> None:
    ids = portal.people(30)
    portal.faults({"kind": kind, "match": "batch/update", "times": 2})
    outcomes = portal.deliver("update", [change(f"k{n}", one, lastname=f"L{n}") for n, one in enumerate(ids)])
    assert verdicts(outcomes) == {"ok"}
    assert [portal.records()[record_id]["lastname"] for record_id in ids] == [f"L{number}" for number in range(30)]


def test_one_record_changed_twice_in_a_batch_ends_as_the_later_change_says(portal: Portal) -> None:
    (person,) = portal.people(1)
    outcomes = portal.deliver("update", [change("a", person, lastname="First"), change("b", person, lastname="Second")])
    assert verdicts(outcomes) == {"ok"}
    assert portal.records()[person]["lastname"] == "Second"


def test_a_lifecycle_stage_goes_back_although_the_portal_ignores_that(portal: Portal) -> None:
    ids = portal.people(3, lifecyclestage="customer")
    outcomes = portal.deliver("update", [change(f"k{n}", one, lifecyclestage="lead") for n, one in enumerate(ids)])
    assert verdicts(outcomes) == {"ok"}
    assert {portal.records()[record_id]["lifecyclestage"] for record_id in ids} == {"lead"}


# ---------------------------------------------------------------- archiving


def test_archived_records_go_and_others_stay(portal: Portal) -> None:
    ids = portal.people(5)
    outcomes = portal.deliver("archive", [Write(key=record_id, remote_id=record_id) for record_id in ids[:3]])
    assert verdicts(outcomes) == {"ok"}
    assert set(portal.records()) == set(ids[3:])


def test_an_archive_whose_answer_is_cut_is_done_once(portal: Portal) -> None:
    ids = portal.people(5)
    portal.faults({"kind": "cut_after_write", "match": "batch/archive", "times": 1})
    assert verdicts(portal.deliver("archive", [Write(key=record_id, remote_id=record_id) for record_id in ids])) == {
        "ok"
    }
    assert not portal.records()


def test_the_survivor_of_a_merge_is_not_archived_for_the_record_it_swallowed(portal: Portal) -> None:
    ids = portal.people(2)
    merge = portal.simulator.control("POST", "merge", {"object": "contacts", "primary": ids[0], "other": ids[1]})
    outcomes = portal.deliver("archive", [Write(key="k1", remote_id=ids[1]), Write(key="k9", remote_id="987654321")])
    assert [(outcome.verdict, outcome.code) for outcome in outcomes] == [("missing", "MERGED"), ("missing", "GONE")]
    assert list(portal.records()) == [merge["id"]]


# ---------------------------------------------------------------- outages


def test_many_threads_under_many_faults_neither_lose_nor_double_a_record(dated_portal: Portal) -> None:
    dated_portal.people(1, first=99_000)
    dated_portal.faults(
        {"kind": "cut_after_write", "match": "batch/upsert", "every": 5},
        {"kind": "cut_before_write", "match": "batch/", "every": 7},
        {"kind": "status", "status": 429, "match": "batch/", "every": 6},
        {"kind": "status", "status": 423, "match": "batch/", "every": 11},
        {"kind": "status", "status": 502, "match": "batch/", "every": 13},
    )
    batches = [[person(number) for number in range(first, first + 50)] for first in range(0, 2000, 50)]

    def offered(writes: list[Write]) -> list[Outcome]:
        # With a third of all requests failing, a batch may use up its attempts: its records are for later then.
        try:
            return list(dated_portal.deliver("create", writes))
        except RemoteUnavailable:
            return [Outcome(key=write.key, verdict="later") for write in writes]

    with ThreadPoolExecutor(8) as threads:
        first = [one for batch in threads.map(offered, batches) for one in batch]
    dated_portal.faults()
    assert verdicts(first) <= {"ok", "later"}
    assert sum(outcome.verdict == "ok" for outcome in first) > 1000
    again = [one for writes in batches for one in dated_portal.deliver("create", writes)]
    assert verdicts(again) == {"ok"}
    assert len({outcome.remote_id for outcome in again}) == 2000
    assert len(dated_portal.records()) == 2001


@pytest.mark.parametrize("status", [423, 429, 503])
def test_a_batch_is_carried_through_a_short_outage(portal: Portal, status: int) -> None:
    ids = portal.people(2)
    portal.faults({"kind": "status", "status": status, "times": 3, "match": "/batch/"})
    outcomes = portal.deliver("update", [change(record_id, record_id, lastname="L") for record_id in ids])
    assert verdicts(outcomes) == {"ok"}


def test_an_outage_before_anything_was_done_is_the_callers_to_know(dated_portal: Portal) -> None:
    ids = dated_portal.people(2)
    dated_portal.faults({"kind": "status", "status": 503})
    with pytest.raises(RemoteUnavailable):
        dated_portal.deliver("update", [change(record_id, record_id, lastname="L") for record_id in ids])


def test_an_outage_in_the_middle_leaves_the_rest_for_later_and_forgets_nothing(dated_portal: Portal) -> None:
    ids = dated_portal.people(3)
    dated_portal.faults(
        {"kind": "status", "status": 503, "match": "batch/update", "nth": 2},
        *[{"kind": "status", "status": 503, "match": "batch/update", "nth": nth} for nth in range(3, 20)],
    )
    writes = [change("a", ids[0], lastname="A"), change("b", ids[1], lastname="B"), change("c", ids[0], lastname="C")]
    outcomes = dated_portal.deliver("update", writes)
    assert [outcome.verdict for outcome in outcomes] == ["ok", "ok", "later"]
    assert dated_portal.records()[ids[0]]["lastname"] == "A"


def test_a_token_without_the_scope_stops_the_batch_and_names_it(dated_portal: Portal) -> None:
    ids = dated_portal.people(1)
    scopes = ["crm.objects.contacts.read", "crm.schemas.contacts.read"]
    dated_portal.simulator.control("POST", "settings", {"tokens": {"pat-test": {"scopes": scopes}}})
    try:
        with pytest.raises(NotPermitted, match=r"crm\.objects\.contacts\.write"):
            dated_portal.deliver("update", [change("k0", ids[0], lastname="L")])
    finally:
        dated_portal.simulator.control("POST", "settings", {"tokens": {}})
