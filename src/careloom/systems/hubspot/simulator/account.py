"""Who owns records, which pipelines there are, and what the account says about itself."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from careloom.systems.hubspot.simulator.answers import Answer, Json, invalid, not_found
from careloom.systems.hubspot.simulator.calls import Call
from careloom.systems.hubspot.simulator.catalogue import Pipeline, Stage
from careloom.systems.hubspot.simulator.values import iso

_SINCE = "2024-01-02T15:04:05.678Z"
_OWNERS = (("71000001", "Avery", "Winslow"), ("71000002", "Noor", "Haddad"), ("71000003", "Imre", "Castell"))


def _owner(row: tuple[str, str, str]) -> Json:
    id_, first, last = row
    return {
        "id": id_,
        "email": f"{first}.{last}@clinic.example".lower(),
        "type": "PERSON",
        "firstName": first,
        "lastName": last,
        "userId": int(id_) - 70_000_000,
        "userIdIncludingInactive": int(id_) - 70_000_000,
        "createdAt": _SINCE,
        "updatedAt": _SINCE,
        "archived": False,
    }


def owners(call: Call) -> Answer:
    """The portal's three owners, or the one with this mail address."""
    call.need("crm.objects.owners.read")
    wanted = call.one("email")
    found = [_owner(row) for row in _OWNERS]
    return Answer(200, {"results": [one for one in found if not wanted or one["email"] == wanted.lower()]})


def owner(call: Call) -> Answer:
    """One owner."""
    call.need("crm.objects.owners.read")
    row = next((row for row in _OWNERS if row[0] == call.places[0]), None)
    if row is None:
        raise not_found()
    return Answer(200, _owner(row))


def _pipeline(one: Pipeline, order: int) -> Json:
    return {
        "label": one.label,
        "displayOrder": order,
        "id": one.id,
        "stages": [_stage(stage, index) for index, stage in enumerate(one.stages)],
        "createdAt": _SINCE,
        "updatedAt": _SINCE,
        "archived": False,
    }


def _stage(one: Stage, order: int) -> Json:
    return {
        "label": one.label,
        "displayOrder": order,
        "metadata": one.metadata,
        "id": one.id,
        "createdAt": _SINCE,
        "updatedAt": _SINCE,
        "archived": False,
        "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
    }


def pipelines(call: Call) -> Answer:
    """The pipelines of an object."""
    found = [_pipeline(one, index) for index, one in enumerate(call.table.kind.pipelines)]
    return Answer(200, {"results": found})


def _named(call: Call) -> Pipeline:
    found = next((one for one in call.table.kind.pipelines if one.id == call.places[1]), None)
    if found is None:
        raise not_found()
    return found


def pipeline(call: Call) -> Answer:
    """One pipeline."""
    found = _named(call)
    return Answer(200, _pipeline(found, call.table.kind.pipelines.index(found)))


def stages(call: Call) -> Answer:
    """The stages of one pipeline."""
    return Answer(200, {"results": [_stage(one, index) for index, one in enumerate(_named(call).stages)]})


def create_pipeline(call: Call) -> Answer:
    """Create a pipeline with its stages."""
    kind, given = call.table.kind, call.body
    if not kind.stage_property:
        raise invalid(f"{kind.plural} have no pipelines")
    made = Pipeline(
        id=str(given.get("pipelineId") or uuid.UUID(int=call.portal.dice.getrandbits(128))),
        label=str(given.get("label")),
        stages=[
            Stage(
                id=str(one.get("stageId") or call.portal.dice.randrange(10**8, 10**9)),
                label=str(one.get("label")),
                metadata=dict(one.get("metadata") or {}),
            )
            for one in given.get("stages") or ()
        ],
    )
    kind.pipelines.append(made)
    return Answer(201, _pipeline(made, len(kind.pipelines) - 1))


def details(call: Call) -> Answer:
    """What the account is."""
    zone = call.portal.settings.time_zone
    offset = datetime.fromtimestamp(call.portal.now_ms() / 1000, ZoneInfo(zone)).utcoffset() or timedelta()
    hours, minutes = divmod(abs(int(offset.total_seconds())) // 60, 60)
    sign = "-" if offset < timedelta() else "+"
    body = {
        "portalId": call.portal.id,
        "accountType": "STANDARD",
        "timeZone": zone,
        "companyCurrency": "USD",
        "additionalCurrencies": [],
        "utcOffset": f"{sign}{hours:02d}:{minutes:02d}",
        "utcOffsetMilliseconds": int(offset.total_seconds() * 1000),
        "uiDomain": "app.hubspot.com",
        "dataHostingLocation": "na1",
    }
    return Answer(200, body)


def usage(call: Call) -> Answer:
    """How much of the day's requests are used."""
    limits = call.portal.limits
    now = call.portal.now_ms()
    row = {
        "name": "private-apps-api-calls-daily",
        "usageLimit": call.portal.settings.tier.in_a_day,
        "currentUsage": limits.today(call.portal.settings, now),
        "collectedAt": iso(now),
        "fetchStatus": "SUCCESS",
        "resetsAt": iso(limits.resets_ms),
    }
    return Answer(200, {"results": [row]})


def token_info(call: Call) -> Answer:
    """What a private app's token may do. A token without a list of scopes may do everything that there is."""
    name = str(call.body.get("tokenKey") or "")
    token = call.portal.settings.tokens.get(name) or call.token
    kinds = {"custom" if table.kind.custom else table.kind.name for table in call.portal.tables.values()}
    every = [f"crm.objects.{kind}.{act}" for kind in sorted(kinds | {"custom"}) for act in ("read", "write")]
    scopes = [*every, "tickets", "oauth"] if token.scopes is None else list(token.scopes)
    return Answer(200, {"userId": 1000001, "hubId": call.portal.id, "appId": 2000001, "scopes": scopes})
