"""Who owns records, and what the account says about itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from careloom.systems.hubspot.simulator.endpoints.request import Request
from careloom.systems.hubspot.simulator.portal.values import iso
from careloom.systems.hubspot.simulator.responses import Json, Response, invalid, not_found
from careloom.systems.hubspot.simulator.settings import MOST_CUSTOM_OBJECTS, MOST_OWNERS_PAGE

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


def owners(call: Request) -> Response:
    """The portal's three owners, or the one with this mail address, in pages; none of them is archived."""
    call.need("crm.objects.owners.read")
    wanted = (call.one("email") or "").lower()
    limit, after = call.whole("limit", 100, MOST_OWNERS_PAGE), call.one("after") or "0"
    if not after.isdigit():
        raise invalid("Invalid query parameter: after")
    rows = [] if call.flag("archived") else [_owner(row) for row in _OWNERS]
    rows = [row for row in rows if row["email"] == wanted or not wanted]
    start, end = int(after), int(after) + limit
    body: Json = {"results": rows[start:end]}
    if end < len(rows):
        body["paging"] = {"next": {"after": str(end), "link": f"{call.base_url}{call.path}?limit={limit}&after={end}"}}
    return Response(200, body)


def owner(call: Request) -> Response:
    """One owner."""
    call.need("crm.objects.owners.read")
    row = next((row for row in _OWNERS if row[0] == call.places[0]), None)
    if row is None or call.flag("archived"):
        raise not_found()
    return Response(200, _owner(row))


def details(call: Request) -> Response:
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
    return Response(200, body)


def custom_objects(call: Request) -> Response:
    """How many custom objects the account may define, and how many there are."""
    call.need("crm.schemas.custom.read")
    most = MOST_CUSTOM_OBJECTS if call.portal.settings.tier.enterprise else 0
    used = sum(1 for _ in call.portal.custom_kinds())
    return Response(200, {"limit": most, "usage": used, "percentage": 100 * used / most if most else 0.0})


def usage(call: Request) -> Response:
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
    return Response(200, {"results": [row]})


def token_info(call: Request) -> Response:
    """What a private app's token may do. A token without a list of scopes may do everything that there is."""
    name = str(call.body.get("tokenKey") or "")
    token = call.portal.settings.tokens.get(name) or call.token
    kinds = {"custom" if table.kind.custom else table.kind.name for table in call.portal.tables.values()}
    every = [f"crm.objects.{kind}.{act}" for kind in sorted(kinds | {"custom"}) for act in ("read", "write")]
    scopes = [*every, "tickets", "oauth"] if token.scopes is None else list(token.scopes)
    return Response(200, {"userId": 1000001, "hubId": call.portal.id, "appId": 2000001, "scopes": scopes})
