"""What a person must know about the portal before the first run, and the lists that a project refers to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from careloom.core.errors import CareloomError, Later
from careloom.core.ports import Finding
from careloom.systems.hubspot.client import bodies
from careloom.systems.hubspot.client.http import Client
from careloom.systems.hubspot.client.paths import NUMBERED, Paths
from careloom.vendor_kit.call import Answer, Call

_OWNERS_PAGE = 500
# Errors and bursts need room: below this share of the day's requests, a large run may not finish.
_LITTLE_LEFT = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A user of the portal who may own records; `id` is what an owner property holds."""

    id: str
    email: str
    first_name: str
    last_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage of a pipeline."""

    id: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """A pipeline; its stages in their order."""

    id: str
    label: str
    stages: tuple[Stage, ...]


def read_owners(client: Client, paths: Paths) -> list[Owner]:
    """All active owners."""
    owners: list[Owner] = []
    query = {"limit": str(_OWNERS_PAGE), "archived": "false"}
    pages = bodies.Pages(bodies.identified)
    while True:
        body = client.expect(Call(method="GET", path=paths.owners(), query=query, gives=pages.check))
        owners += [_owner(result) for result in body["results"]]
        if not pages.turn(body):
            return owners
        query = query | {"after": pages.after}


def _owner(result: dict[str, Any]) -> Owner:
    return Owner(
        id=str(result["id"]),
        email=str(result.get("email") or ""),
        first_name=str(result.get("firstName") or ""),
        last_name=str(result.get("lastName") or ""),
    )


def read_pipelines(client: Client, paths: Paths, object_type: str) -> list[Pipeline]:
    """The pipelines of an object, by its name on the wire."""
    body = client.expect(Call(method="GET", path=paths.pipelines(object_type), gives=bodies.listing(bodies.pipeline)))
    return [
        Pipeline(
            id=str(result["id"]),
            label=str(result.get("label") or ""),
            stages=tuple(
                Stage(id=str(stage["id"]), label=str(stage.get("label") or ""))
                for stage in sorted(result.get("stages") or (), key=lambda stage: int(stage.get("displayOrder") or 0))
            ),
        )
        for result in body.get("results") or ()
    ]


# ---------------------------------------------------------------- the check-up


def findings(client: Client, paths: Paths) -> Iterator[Finding]:
    """The check-up, worst things first; it stops at what makes the rest pointless."""
    call = Call(method="GET", path=paths.account(), gives=bodies.one(bodies.account))
    try:
        answer = client.send(call)
    except Later as error:
        yield Finding(level="fault", what="HubSpot answers", detail=str(error), fix="Try again; check base_url.")
        return
    except CareloomError as error:
        yield Finding(level="fault", what="HubSpot token", detail=str(error), fix="Put a valid token into the secret.")
        return
    yield _account(answer)
    yield from _version(paths)
    yield from _reading(client, paths)
    yield from _custom_objects(client, paths)


def _account(answer: Answer) -> Finding:
    if not answer.ok:
        detail = f"account details are not available ({answer.status})"
        return Finding(level="warn", what="HubSpot account", detail=detail)
    kind, zone = answer.text("accountType") or "unknown type", answer.text("timeZone") or "unknown"
    detail = f"portal {answer.body.get('portalId')}, {kind}, time zone {zone}"
    return Finding(level="ok", what="HubSpot account", detail=detail)


def _version(paths: Paths) -> Iterator[Finding]:
    if paths.version == NUMBERED:
        yield Finding(
            level="warn",
            what="HubSpot API version",
            detail="v3 is unsupported after September 2027, its associations (v4) after March 2027",
            fix="Set `version` to a dated version such as 2026-03.",
        )


def _reading(client: Client, paths: Paths) -> Iterator[Finding]:
    """Whether contacts can be read, and what the headers of that answer say of the limits."""
    call = Call(
        method="GET",
        path=paths.objects("contacts"),
        query={"limit": "1"},
        gives=bodies.listing(bodies.record),
    )
    try:
        answer = client.send(call)
    except CareloomError as error:
        yield Finding(level="fault", what="HubSpot contacts", detail=str(error), fix="Add the scope to the token.")
        return
    limit_text = answer.headers.get("x-hubspot-ratelimit-max")
    rate = f"{limit_text} requests in 10 seconds" if limit_text else "the portal states no ten-second limit"
    yield Finding(level="ok", what="HubSpot rate limit", detail=rate)
    daily = answer.headers.get("x-hubspot-ratelimit-daily", "")
    remaining = answer.headers.get("x-hubspot-ratelimit-daily-remaining", "")
    if daily.isdecimal() and remaining.isdecimal():
        little = int(remaining) < int(daily) * _LITTLE_LEFT
        yield Finding(
            level="warn" if little else "ok",
            what="HubSpot daily use",
            detail=f"{int(daily) - int(remaining)} of {daily} requests used today",
            fix="Large runs may have to wait for midnight in the portal's time zone." if little else "",
        )


def _custom_objects(client: Client, paths: Paths) -> Iterator[Finding]:
    try:
        listing = client.send(
            Call(
                method="GET",
                path=paths.schemas(),
                query={"archived": "false"},
                gives=bodies.listing(bodies.schema),
            )
        )
        limit = client.send(Call(method="GET", path=paths.custom_object_limit(), gives=bodies.anything))
    except CareloomError as error:
        yield Finding(
            level="warn",
            what="HubSpot custom objects",
            detail=str(error),
            fix="Custom objects need an Enterprise subscription and the scope crm.schemas.custom.read.",
        )
        return
    count = len(listing.body.get("results") or ())
    allowance = limit.body.get("limit") if limit.ok else None
    detail = f"{count} defined" + (f", {allowance} allowed" if allowance is not None else "")
    yield Finding(level="ok", what="HubSpot custom objects", detail=detail)
