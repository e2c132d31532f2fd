"""HubSpot's room keeps what every room promises."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Mapping

import pytest

from careloom.core.schema import ObjectDeclaration, Property
from careloom.systems.hubspot.room import ROOM
from careloom.systems.hubspot.simulator import RunningSimulator
from careloom.vendor_kit.testing.case import context_of
from careloom.vendor_kit.testing.gateway import Gateway, GatewayRequest, Reply
from careloom.vendor_kit.testing.writable import (
    AssociatingContract,
    DeclaringContract,
    WritableCase,
    WritableContract,
)

KEY = "careloom_id"
THROTTLED = Reply(
    429, {"status": "error", "message": "You have reached your secondly limit.", "category": "RATE_LIMITS"}
)
DECLARATION = ObjectDeclaration(
    name="contacts",
    properties=(
        Property(name=KEY, type="string", unique=True, label="Key", group="Careloom"),
        Property(name="plan", type="enumeration", options=("gold", "silver"), label="Plan", group="Careloom"),
    ),
)
_WRITES = ("/batch/create", "/batch/upsert", "/batch/update", "/batch/archive", "/properties")


@pytest.fixture(scope="module")
def portal() -> Iterator[RunningSimulator]:
    with RunningSimulator("--seed", "5") as running:
        yield running


def case_of(portal: RunningSimulator, gateway: Gateway, *, declares: bool) -> WritableCase:
    waits: list[float] = []

    def opened(token: str = "pat-token"):
        options = ROOM.options.model_validate({"base_url": gateway.url, "token": token})
        return ROOM.target(options, context_of(waits))

    def emptied() -> None:
        portal.control("POST", "reset", {})
        portal.control("POST", "settings", {"search_lag": 0, "tier": "unlimited"})
        if declares:
            opened().declare(DECLARATION)

    def values_of(number: int) -> Mapping[str, str]:
        return {KEY: f"k{number}", "email": f"abernathy{number}@clinic.example", "firstname": f"Jordan{number}"}

    def records() -> Mapping[str, Mapping[str, str]]:
        return {entry["id"]: entry["properties"] for entry in portal.control("GET", "records/contacts")["results"]}

    def is_write(request: GatewayRequest) -> bool:
        path = request.path.partition("?")[0]
        return request.method != "GET" and (path.endswith(_WRITES) or "/associations/" in path)

    return WritableCase(
        gateway=gateway,
        opened=opened,
        wrong=lambda: opened("pat-expired"),
        emptied=emptied,
        object="contacts",
        key_property=KEY,
        property="firstname",
        values_of=values_of,
        refused={"plan": "copper"},
        records=records,
        is_write=is_write,
        limited=THROTTLED,
        private_texts=["pat-token", "abernathy", "Jordan"],
        waits=waits,
        ties=lambda: ties_in(portal),
        declaration=DECLARATION,
    )


def ties_in(portal: RunningSimulator) -> list[tuple[str, str]]:
    """The associations between contacts; each is seen from both sides."""
    pairs: set[tuple[str, ...]] = set()
    for entry in portal.control("GET", "records/contacts")["results"]:
        url = f"{portal.url}/crm/objects/2026-03/contacts/{entry['id']}/associations/contacts"
        request = urllib.request.Request(url, headers={"Authorization": "Bearer pat-other"})
        with urllib.request.urlopen(request) as answer:
            ties = json.loads(answer.read())["results"]
        pairs |= {tuple(sorted((str(entry["id"]), str(tie["toObjectId"])))) for tie in ties}
    return sorted(pairs)


class TestTarget(WritableContract):
    kind = "hubspot"

    @pytest.fixture(scope="class")
    @classmethod
    def case(cls, portal: RunningSimulator) -> Iterator[WritableCase]:
        with Gateway(portal.url) as gateway:
            yield case_of(portal, gateway, declares=True)


class TestAssociations(AssociatingContract):
    kind = "hubspot"

    @pytest.fixture(scope="class")
    @classmethod
    def case(cls, portal: RunningSimulator) -> Iterator[WritableCase]:
        with Gateway(portal.url) as gateway:
            yield case_of(portal, gateway, declares=True)


class TestDeclarations(DeclaringContract):
    kind = "hubspot"

    @pytest.fixture(scope="class")
    @classmethod
    def case(cls, portal: RunningSimulator) -> Iterator[WritableCase]:
        with Gateway(portal.url) as gateway:
            yield case_of(portal, gateway, declares=False)
