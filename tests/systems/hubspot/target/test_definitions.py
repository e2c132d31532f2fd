"""Shapes, declarations, ties, the check-up and the options, against the simulated portal."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import ValidationError

from careloom.core.errors import Fix, UsageFault
from careloom.core.ports import Association, AssociationBatch, Write
from careloom.core.schema import NewObject, ObjectDeclaration, Property
from careloom.systems.hubspot.client import bodies
from careloom.systems.hubspot.options import Options
from careloom.systems.hubspot.room import ROOM
from careloom.systems.hubspot.simulator import RunningSimulator
from careloom.systems.hubspot.target.records import same
from careloom.vendor_kit.call import Call
from systems.hubspot.target.portals import KEY, VERSIONS, Portal, open_target, person, script_server, verdicts

VISIT = ObjectDeclaration(
    name="visit",
    properties=(
        Property(name="visit_no", type="string", unique=True, label="Visit number", group="Visits"),
        Property(name="reasons", type="enumeration", options=("pain", "fever"), multiple=True, group="Visits"),
        Property(name="billed", type="bool"),
        Property(name="seen_on", type="date"),
        Property(name="seen_at", type="datetime"),
        Property(name="amount", type="number"),
        Property(name="diagnosis", type="string", sensitivity="sensitive"),
    ),
    create=NewObject(
        label="Visit",
        plural_label="Visits",
        primary_property="visit_no",
        required_properties=("visit_no",),
        associated_objects=("contacts",),
    ),
)


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


# ---------------------------------------------------------------- shapes and declarations


def test_the_shape_tells_what_a_property_admits(portal: Portal) -> None:
    shape = portal.target.shape("contacts")
    assert shape is not None
    assert shape.requires_one_of == {"email", "firstname", "lastname"}
    mail = shape.properties["email"]
    assert (mail.unique, mail.aliases, mail.max_length) == (True, ("hs_additional_emails",), 65_536)
    assert shape.properties[KEY].unique
    assert shape.properties[KEY].key
    assert shape.properties["plan"].options == ("gold", "silver")
    assert shape.properties["hs_object_id"].read_only
    assert not shape.properties["firstname"].read_only


def test_there_is_no_shape_of_an_object_that_is_not_there(portal: Portal) -> None:
    assert portal.target.shape("unicorns") is None


def test_a_custom_object_is_declared_once_and_found_by_each_of_its_names(portal: Portal) -> None:
    lines = portal.target.declare(VISIT)
    assert lines[0] == "created object visit"
    assert "created property visit.diagnosis (string, sensitive)" in lines
    assert portal.target.declare(VISIT) == []
    shape = portal.target.shape("visit")
    assert shape is not None
    assert shape.required_properties == {"visit_no"}
    names = {one.name: one for one in VISIT.properties}
    for name, property_ in names.items():
        prop = shape.properties[name]
        assert (prop.type, prop.unique, prop.options, prop.multiple, prop.sensitivity) == (
            property_.type,
            property_.unique,
            property_.options,
            property_.multiple,
            property_.sensitivity,
        )
    (outcome,) = portal.deliver("create", [Write(key="v1", values={"visit_no": "v1"})], key="visit_no", object_="visit")
    for name in (
        "p_visit",
        next(iter(portal.target._objects._custom)).id,
        next(iter(portal.target._objects._custom)).full_name,
    ):
        assert set(portal.target.fetch(name, [str(outcome.remote_id)], ["visit_no"])) == {outcome.remote_id}


def test_a_declaration_that_another_worker_made_meanwhile_is_no_fault(dated_portal: Portal) -> None:
    other = open_target(dated_portal.simulator.url)
    declaration = ObjectDeclaration(name="contacts", properties=(Property(name="pet", type="string", group="Pets"),))
    read = dated_portal.target._shapes.read
    shapes = iter([read("contacts")])
    other.declare(declaration)
    dated_portal.target._shapes.read = lambda name: next(shapes, None) or read(name)  # type: ignore[method-assign]
    assert dated_portal.target.declare(declaration) == []


def test_a_property_that_the_portal_refuses_is_named(dated_portal: Portal) -> None:
    declaration = ObjectDeclaration(
        name="contacts", properties=(Property(name="fine", type="string"), Property(name="Not Fine", type="string"))
    )
    with pytest.raises(Fix, match="Not Fine"):
        dated_portal.target.declare(declaration)
    shape = dated_portal.target.shape("contacts")
    assert shape is not None
    assert "fine" in shape.properties


def test_an_object_that_nobody_defines_is_a_fault(dated_portal: Portal) -> None:
    with pytest.raises(UsageFault, match="unicorns"):
        dated_portal.target.declare(ObjectDeclaration(name="unicorns", properties=()))


# ---------------------------------------------------------------- ties


def test_ties_are_made_with_and_without_labels_and_removed(portal: Portal) -> None:
    people = portal.people(120)
    firms = portal.deliver(
        "create",
        [Write(key="f", values={"name": "Clinic", "domain": "clinic.example"})],
        key="name",
        object_="companies",
    )
    firm = str(firms[0].remote_id)

    def tie(*ties: Association, remove: bool = False) -> list[str]:
        batch = AssociationBatch(from_object="contacts", to_object="companies", remove=remove, ties=ties)
        outcomes = portal.target.associate(batch)
        assert [outcome.key for outcome in outcomes] == [f"{tie.from_id}/{tie.to_id}" for tie in ties]
        return [outcome.verdict for outcome in outcomes]

    def tied(person_id: str) -> set[str | None]:
        call = "/crm/v4/associations/contacts/companies/batch/read"
        values = {"inputs": [{"id": person_id}]}
        body = portal.target._client.expect(Call(method="POST", path=call, body=values, gives=bodies.associated))
        return {spec["label"] for result in body["results"] for to in result["to"] for spec in to["associationTypes"]}

    assert set(tie(*(Association(from_id=person, to_id=firm) for person in people))) == {"ok"}
    assert tied(people[119]) == {None}
    assert tie(
        Association(from_id=people[0], to_id=firm, type="Primary"),
        Association(from_id=people[1], to_id=firm, type="Boss"),
    ) == ["ok", "held"]
    assert tied(people[0]) == {None, "Primary"}
    assert tie(Association(from_id=people[0], to_id=firm, type="Primary"), remove=True) == ["ok"]
    assert tied(people[0]) == {None}
    assert tie(*(Association(from_id=person, to_id=firm) for person in people[:2]), remove=True) == ["ok", "ok"]
    assert tied(people[0]) == tied(people[1]) == set()
    assert tie(Association(from_id="987654321", to_id=firm), Association(from_id=people[2], to_id=firm)) == [
        "missing",
        "ok",
    ]


def test_ties_survive_a_cut(portal: Portal) -> None:
    people = portal.people(2)
    portal.faults({"kind": "cut_after_write", "match": "associations", "times": 2})
    ties = [Association(from_id=people[0], to_id=people[1])]
    batch = AssociationBatch(from_object="contacts", to_object="contacts", remove=False, ties=ties)
    assert verdicts(portal.target.associate(batch)) == {"ok"}


def test_ties_that_a_2xx_does_not_confirm_are_not_believed() -> None:
    labels = (200, {"results": [{"category": "HUBSPOT_DEFINED", "typeId": 279, "label": None}]})
    with script_server(labels, (201, {"status": "COMPLETE", "results": []})) as server:
        ties = [Association(from_id="1", to_id="2")]
        batch = AssociationBatch(from_object="contacts", to_object="companies", remove=False, ties=ties)
        (outcome,) = open_target(server.url).associate(batch)
    assert (outcome.verdict, outcome.code) == ("later", "NOT_WRITTEN")


# ---------------------------------------------------------------- the rest


def test_the_check_up_tells_account_limits_use_and_custom_objects(portal: Portal) -> None:
    portal.simulator.control("POST", "settings", {"tier": "pro"})
    found = {finding.what: (finding.level, finding.detail) for finding in portal.target.check(["contacts"])}
    assert "portal 4242424" in found["HubSpot account"][1]
    assert found["HubSpot rate limit"] == ("ok", "190 requests in 10 seconds")
    assert "of 625000 requests used today" in found["HubSpot daily use"][1]
    assert found["HubSpot custom objects"][0] in ("ok", "warn")
    assert ("HubSpot API version" in found) == (portal.target._paths.version == "v3")


def test_the_check_up_of_a_wrong_token_is_one_fault_with_its_cure(dated_portal: Portal) -> None:
    dated_portal.simulator.control("POST", "settings", {"tokens": {"pat-test": {"scopes": None, "expired": True}}})
    try:
        (finding,) = dated_portal.target.check(["contacts"])
    finally:
        dated_portal.simulator.control("POST", "settings", {"tokens": {}})
    assert finding.level == "fault"
    assert finding.fix


def test_the_check_up_tells_which_scopes_the_token_lacks_and_writes_nothing(dated_portal: Portal) -> None:
    scopes = ["crm.objects.contacts.read", "crm.objects.deals.read", "crm.objects.deals.write.v2"]
    dated_portal.simulator.control("POST", "settings", {"tokens": {"pat-test": {"scopes": scopes}}})
    before = dated_portal.simulator.control("GET", "state")["write_calls"]
    try:
        findings = dated_portal.target.check(["contacts", "deals", "tickets", "meetings", "roi_records"])
        after = dated_portal.simulator.control("GET", "state")["write_calls"]
    finally:
        dated_portal.simulator.control("POST", "settings", {"tokens": {}})
    lacking = {finding.detail: finding.fix for finding in findings if finding.what == "HubSpot scopes"}
    assert lacking == {
        "the token may not write contacts": "add to the app: crm.objects.contacts.write",
        "the token may not use tickets": "add to the app: tickets",
        "the token may not write meetings": "add to the app: crm.objects.contacts.write",
        "the token may not read and write roi_records": "add to the app: crm.objects.custom.read, crm.objects.custom.write",
    }
    assert after == before


def test_a_token_whose_scopes_cannot_be_asked_is_a_warning() -> None:
    account, page, nothing = (200, {"portalId": 1}), (200, {"results": []}), (200, {"limit": 10})
    with script_server(account, page, page, nothing, (404, {"message": "no such path"})) as server:
        findings = [
            finding for finding in open_target(server.url).check(["contacts"]) if finding.what == "HubSpot scopes"
        ]
    assert [(finding.level, "could not be asked" in finding.detail) for finding in findings] == [("warn", True)]


def test_owners_and_pipelines_are_read(portal: Portal) -> None:
    assert all(owner.id and "@" in owner.email for owner in portal.target.owners())
    (pipeline, *_) = portal.target.pipelines("deals")
    assert pipeline.stages
    assert all(stage.id and stage.label for stage in pipeline.stages)


def test_options_refuse_what_they_do_not_know() -> None:
    for wrong in (
        {"tokn": "x"},
        {"token": ""},
        {"token": "x", "version": "v5"},
        {"token": "x", "limits": {"hourly": 1}},
    ):
        with pytest.raises(ValidationError):
            Options.model_validate(wrong)
    schema = ROOM.options.model_json_schema()
    assert all("description" in prop for prop in schema["properties"].values())
    assert schema["required"] == ["token"]


@pytest.mark.parametrize(
    ("sent", "held", "equal"),
    [
        ("", None, True),
        ("Ann@Clinic.example ", "ann@clinic.example", True),
        ("7.50", "7.5", True),
        ("2026-03-01T10:00:00Z", "2026-03-01T10:00:00.000Z", True),
        ("a;b", "b;a", True),
        ("a;b", "a", False),
        ("2026-03-01", "2026-03-02", False),
        ("Ann", "Anna", False),
        ("x", None, False),
        ("0", "", False),
    ],
)
def test_what_the_portal_rewrites_counts_as_equal_and_nothing_else(sent: str, held: str | None, equal: bool) -> None:
    assert same(sent, held) is equal


def test_the_room_makes_a_target_with_what_it_is_given(dated_portal: Portal) -> None:
    assert ROOM.kind == "hubspot"
    assert ROOM.target is not None
    assert dated_portal.target.batch_size == 100
    assert dated_portal.target.concurrency == 8
    assert person(1).values[KEY] == "k1"
