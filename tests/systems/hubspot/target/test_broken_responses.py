"""Answers that are not what the API gives: over every read and write, nothing is lost, doubled, or taken for empty."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pytest

from careloom.core.errors import Later, RemoteUnavailable
from careloom.core.ports import Association, AssociationBatch, Batch, Outcome, Write
from careloom.core.schema import NewObject, ObjectDeclaration, Property
from careloom.systems.hubspot.client import bodies
from careloom.systems.hubspot.simulator import RunningSimulator
from careloom.systems.hubspot.target.target import HubSpotTarget
from careloom.vendor_kit.call import Call
from systems.hubspot.target.mangler import PAGES, RECORDS, SPOILS, Mangler, Spoil, mangling
from systems.hubspot.target.portals import KEY, Portal, change, open_target, person, script_server

PEOPLE = 230
VISIT = ObjectDeclaration(
    name="visit",
    properties=(Property(name="visit_no", type="string", unique=True, label="Visit", group="Careloom"),),
    create=NewObject(
        label="Visit", plural_label="Visits", primary_property="visit_no", required_properties=("visit_no",)
    ),
)


@dataclass
class Bench:
    """A portal with people, and what each case needs of them."""

    portal: Portal
    mangler: Mangler
    ids: list[str]
    merged: str
    binned: list[str]
    firm: str
    turn: int = 0

    def target(self) -> HubSpotTarget:
        return open_target(self.mangler.url, waits=self.portal.waits)

    def fresh(self) -> int:
        """A number that no person has yet."""
        self.turn += 1
        return 10_000 + self.turn


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with RunningSimulator("--seed", "11") as simulator, mangling(simulator.url) as mangler:
        portal = Portal(simulator)
        portal.target.declare(VISIT)
        ids: list[str] = []
        for first in range(0, PEOPLE, 100):
            ids += portal.people(min(100, PEOPLE - first), first)
        extra = portal.people(3, 9_000)
        simulator.control("POST", "merge", {"object": "contacts", "primary": ids[0], "other": extra[0]})
        simulator.control("POST", "archive", {"object": "contacts", "ids": extra[1:]})
        firms = portal.deliver("create", [Write(key="f", values={"name": "Clinic"})], key="name", object_="companies")
        live = list(portal.records())
        yield Bench(portal, mangler, live, extra[0], extra[1:], str(firms[0].remote_id))
        portal.target.close()


# ---------------------------------------------------------------- the reads


def _whole_scan(target: HubSpotTarget, bench: Bench) -> object:
    return sorted(record.id for page in target.scan("contacts", ["firstname"], None) for record in page.records)


def _scan_changes(target: HubSpotTarget, bench: Bench) -> object:
    pages = list(target.scan("contacts", ["firstname"], "2020-01-01T00:00:00.000Z"))
    return sorted({(record.id, record.archived) for page in pages for record in page.records})


def _by_id(target: HubSpotTarget, bench: Bench) -> object:
    return sorted((asked, one.id) for asked, one in target.fetch("contacts", [*bench.ids, bench.merged], [KEY]).items())


def _shape(target: HubSpotTarget, bench: Bench) -> object:
    shape = target.shape("contacts")
    return shape and sorted(shape.properties)


def _custom_shape(target: HubSpotTarget, bench: Bench) -> object:
    shape = target.shape("visit")
    return shape and (sorted(shape.properties), sorted(shape.required_properties))


def _owners(target: HubSpotTarget, bench: Bench) -> object:
    return [owner.id for owner in target.owners()]


def _pipelines(target: HubSpotTarget, bench: Bench) -> object:
    return [(pipeline.id, [stage.id for stage in pipeline.stages]) for pipeline in target.pipelines("deals")]


def _labels(target: HubSpotTarget, bench: Bench) -> object:
    ties = [Association(from_id=bench.ids[0], to_id=bench.firm)]
    batch = AssociationBatch(from_object="contacts", to_object="companies", remove=False, ties=ties)
    return [(outcome.verdict, outcome.code) for outcome in target.associate(batch)]


READS: Mapping[str, tuple[str, str, Callable[[HubSpotTarget, Bench], object], Mapping[str, Spoil]]] = {
    "all records": ("GET", "/objects/2026-03/contacts?limit=100&archived=false", _whole_scan, SPOILS | RECORDS | PAGES),
    "changed records": ("POST", "/search", _scan_changes, SPOILS | RECORDS | PAGES),
    "the bin": ("GET", "/objects/2026-03/contacts?limit=100&archived=true", _scan_changes, SPOILS | RECORDS | PAGES),
    "records by id": ("POST", "/batch/read", _by_id, SPOILS | RECORDS),
    "one record": ("GET", "/objects/2026-03/contacts/", _by_id, SPOILS),
    "properties": ("GET", "/properties/2026-03/contacts", _shape, SPOILS),
    "object definitions": ("GET", "/schemas", _custom_shape, SPOILS),
    "owners": ("GET", "/owners", _owners, SPOILS | PAGES),
    "pipelines": ("GET", "/pipelines", _pipelines, SPOILS),
    "association labels": ("GET", "/labels", _labels, SPOILS),
}


FEW = ("an HTML page", "an empty object", "no results", "302", "an HTML 404", "another server's 404", "an HTML 403")
"""Those that are tried as the only answer that ever comes: each costs all attempts."""


@pytest.mark.parametrize(
    ("what", "only"),
    [*((what, only) for what in READS for only in (1, 0)), ("all records", 2), ("all records", 3), ("properties", 2)],
)
def test_no_read_takes_a_broken_answer_for_what_is_there(bench: Bench, what: str, only: int) -> None:
    method, match, read, spoils = READS[what]
    truth = read(bench.portal.target, bench)
    assert truth
    target = bench.target()
    for name in spoils if only else FEW:
        if not only or name in PAGES:  # the labels and the circuit of a target outlive a case
            target.close()
            target = bench.target()
        bench.mangler.arm(method, match, spoils[name], only=only)
        try:
            answer = read(target, bench)
        except Later as error:
            answer = error
        finally:
            bench.mangler.disarm()
        if isinstance(answer, Later):
            assert bench.mangler.spoilt, f"{what}, {name}: {answer}"
            assert not only or name in PAGES, f"{what}: {name} was not asked again"
            continue
        assert answer == truth, f"{what}: {name} was believed"
        assert only or not bench.mangler.spoilt, f"{what}: {name} at every request"
    target.close()


# ---------------------------------------------------------------- the writes


def _deliver(target: HubSpotTarget, kind: str, writes: list[Write], key: str = KEY) -> list[Outcome]:
    return list(target.deliver(Batch(object="contacts", kind=kind, key_property=key, writes=writes)))  # type: ignore[arg-type]


def _records_with(bench: Bench, name: str, value: str) -> list[str]:
    return [one for one, held in bench.portal.records().items() if held.get(name) == value]


def _made_by_key(target: HubSpotTarget, bench: Bench) -> tuple[list[Outcome], Callable[[bool], bool]]:
    people = [person(bench.fresh()) for _ in range(2)]
    outcomes = _deliver(target, "create", people)
    return (
        outcomes,
        lambda done: (
            all(len(_records_with(bench, KEY, person.key)) == 1 if done else True for person in people)
            and all(len(_records_with(bench, KEY, person.key)) < 2 for person in people)
        ),
    )


def _made_by_mail(target: HubSpotTarget, bench: Bench) -> tuple[list[Outcome], Callable[[bool], bool]]:
    mail = f"p{bench.fresh()}@clinic.example"
    outcomes = _deliver(target, "create", [Write(key=mail, values={"email": mail, "firstname": "Ada"})], "email")
    return (
        outcomes,
        lambda done: (
            len(_records_with(bench, "email", mail)) == 1 if done else len(_records_with(bench, "email", mail)) < 2
        ),
    )


def _made_by_plain_key(target: HubSpotTarget, bench: Bench) -> tuple[list[Outcome], Callable[[bool], bool]]:
    number = f"F{bench.fresh()}"
    outcomes = _deliver(target, "create", [Write(key=number, values={"file_no": number, "firstname": "Bo"})], "file_no")
    return (
        outcomes,
        lambda done: (
            len(_records_with(bench, "file_no", number)) == 1
            if done
            else len(_records_with(bench, "file_no", number)) < 2
        ),
    )


def _update(target: HubSpotTarget, bench: Bench) -> tuple[list[Outcome], Callable[[bool], bool]]:
    name = f"Name{bench.fresh()}"
    ids = bench.ids[:2]
    outcomes = _deliver(target, "update", [change(record_id, record_id, firstname=name) for record_id in ids])
    return outcomes, lambda done: not done or len(_records_with(bench, "firstname", name)) == 2


def _archive(target: HubSpotTarget, bench: Bench) -> tuple[list[Outcome], Callable[[bool], bool]]:
    (person,) = bench.portal.people(1, bench.fresh())
    outcomes = _deliver(target, "archive", [change("x", person)])
    return outcomes, lambda done: not done or person not in bench.portal.records()


WRITES: Mapping[str, tuple[str, Callable[[HubSpotTarget, Bench], tuple[list[Outcome], Callable[[bool], bool]]]]] = {
    "a create by key": ("/contacts/batch/upsert", _made_by_key),
    "a create by mail": ("/contacts/batch/create", _made_by_mail),
    "a create by a key that is not unique": ("/contacts/batch/create", _made_by_plain_key),
    "an update": ("/contacts/batch/update", _update),
    "an archive": ("/contacts/batch/archive", _archive),
}


@pytest.mark.parametrize("what", WRITES)
@pytest.mark.parametrize("applied", [True, False], ids=["done", "not done"])
@pytest.mark.parametrize("only", [1, 0], ids=["once", "always"])
def test_no_write_is_lost_or_doubled_by_a_broken_answer(bench: Bench, what: str, applied: bool, only: int) -> None:
    match, write = WRITES[what]
    spoils = SPOILS if what == "an archive" else SPOILS | RECORDS
    target = bench.target()
    for name in spoils if only else FEW:
        bench.mangler.arm("POST", match, spoils[name], only=only, applied=applied)
        outcomes, as_said = write(target, bench)
        bench.mangler.disarm()
        assert bench.mangler.spoilt, f"{what}: {name} never came"
        verdicts = {outcome.verdict for outcome in outcomes}
        landed = applied or bool(only)
        assert verdicts == ({"ok"} if landed else {"later"}), f"{what}: {name} gave {verdicts}"
        assert as_said(landed), f"{what}: {name} was told and not true"
    target.close()


@pytest.mark.parametrize(
    ("method", "match"),
    [("GET", "/groups"), ("POST", "/groups"), ("POST", "/properties/2026-03/contacts/batch/create")],
)
def test_what_is_declared_is_there_once_whatever_is_answered(bench: Bench, method: str, match: str) -> None:
    target = bench.target()
    for number, (name, spoil) in enumerate(SPOILS.items()):
        property_ = Property(
            name=f"made_{number}_{len(match)}_{method.lower()}", type="string", group=f"G{method}{len(match)}{number}"
        )
        bench.mangler.arm(method, match, spoil, only=1)
        target.declare(ObjectDeclaration(name="contacts", properties=(property_,)))
        bench.mangler.disarm()
        contacts = bench.portal.simulator.control("GET", "state")["properties"]["contacts"]
        assert contacts.count(property_.name) == 1, f"{name} to {method} {match}"
    target.close()


def _is_tied(bench: Bench) -> bool:
    values = {"inputs": [{"id": bench.ids[3]}]}
    path = "/crm/associations/2026-03/contacts/companies/batch/read"
    call = Call(method="POST", path=path, body=values, gives=bodies.associated)
    return bool(bench.portal.target._client.expect(call)["results"])


@pytest.mark.parametrize("remove", [False, True], ids=["made", "removed"])
def test_an_association_is_as_it_was_told_whatever_is_answered(bench: Bench, remove: bool) -> None:
    match = "/batch/archive" if remove else "/batch/create"
    target = bench.target()
    for name, spoil in SPOILS.items():
        if remove and name == "no results":  # what is left is how the dated versions answer a removal
            continue
        for applied in (True, False):
            ties = [Association(from_id=bench.ids[3], to_id=bench.firm)]
            batch = AssociationBatch(from_object="contacts", to_object="companies", remove=remove, ties=ties)
            bench.portal.target.associate(
                AssociationBatch(from_object="contacts", to_object="companies", remove=not remove, ties=ties)
            )
            bench.mangler.arm("POST", match, spoil, only=1, applied=applied)
            verdicts = [outcome.verdict for outcome in target.associate(batch)]
            bench.mangler.disarm()
            assert verdicts == ["ok"], name
            assert _is_tied(bench) is not remove, name
    target.close()


# ---------------------------------------------------------------- servers that are not HubSpot


@pytest.mark.parametrize(
    "answer",
    [
        (200, "<html>welcome</html>"),
        (200, {}),
        (200, {"results": []}),
        (404, "<html>not found</html>"),
        (404, {"detail": "Not Found"}),
        (302, "", {"location": "https://login.example/"}),
        (401, "<html>log in</html>"),
        (403, {"error": "forbidden"}),
    ],
)
def test_a_server_that_is_not_hubspot_is_told_by_its_address(answer: tuple[int, object]) -> None:
    with script_server(answer) as server:
        target = open_target(server.url)
        with pytest.raises(RemoteUnavailable, match=r"does not answer as HubSpot does.*base_url") as wrong:
            target.shape("contacts")
        assert server.url in str(wrong.value)
        assert any(finding.level == "fault" for finding in target.check(["contacts"]))
        target.close()


def test_a_list_that_ends_long_before_the_count_is_not_believed(bench: Bench) -> None:
    nothing: Spoil = lambda _status, _body: (200, {}, b'{"results":[]}')  # noqa: E731 - as short as the others
    truth = _whole_scan(bench.portal.target, bench)
    for only in (1, 2):
        bench.mangler.arm("GET", "/objects/2026-03/contacts?limit=100&archived=false", nothing, only=only)
        target = bench.target()
        if only == 1:
            with pytest.raises(RemoteUnavailable, match="lists 0 records"):
                _whole_scan(target, bench)
        else:  # the page before said that a record follows, so it was asked for again
            assert _whole_scan(target, bench) == truth
        target.close()
        bench.mangler.disarm()
