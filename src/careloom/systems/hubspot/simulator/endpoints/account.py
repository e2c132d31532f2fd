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


def owners(request: Request) -> Response:
    """The portal's three owners, or the one with this mail address, in pages; none of them is archived."""
    request.need("crm.objects.owners.read")
    email = (request.parameter("email") or "").lower()
    limit, after = request.integer("limit", 100, MOST_OWNERS_PAGE), request.parameter("after") or "0"
    if not after.isdigit():
        raise invalid("Invalid query parameter: after")
    rows = [] if request.flag("archived") else [_owner(row) for row in _OWNERS]
    rows = [row for row in rows if row["email"] == email or not email]
    start, end = int(after), int(after) + limit
    body: Json = {"results": rows[start:end]}
    if end < len(rows):
        body["paging"] = {
            "next": {"after": str(end), "link": f"{request.base_url}{request.path}?limit={limit}&after={end}"}
        }
    return Response(200, body)


def owner(request: Request) -> Response:
    """One owner."""
    request.need("crm.objects.owners.read")
    row = next((row for row in _OWNERS if row[0] == request.places[0]), None)
    if row is None or request.flag("archived"):
        raise not_found()
    return Response(200, _owner(row))


def details(request: Request) -> Response:
    """What the account is."""
    zone = request.portal.settings.time_zone
    offset = datetime.fromtimestamp(request.portal.now_ms() / 1000, ZoneInfo(zone)).utcoffset() or timedelta()
    hours, minutes = divmod(abs(int(offset.total_seconds())) // 60, 60)
    sign = "-" if offset < timedelta() else "+"
    body = {
        "portalId": request.portal.id,
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


def custom_objects(request: Request) -> Response:
    """How many custom objects the account may define, and how many there are."""
    request.need("crm.schemas.custom.read")
    limit = MOST_CUSTOM_OBJECTS if request.portal.settings.tier.enterprise else 0
    count = sum(1 for _ in request.portal.custom_kinds())
    return Response(200, {"limit": limit, "usage": count, "percentage": 100 * count / limit if limit else 0.0})


def usage(request: Request) -> Response:
    """How much of the day's requests are used."""
    limits = request.portal.limits
    now = request.portal.now_ms()
    row = {
        "name": "private-apps-api-calls-daily",
        "usageLimit": request.portal.settings.tier.in_a_day,
        "currentUsage": limits.today(request.portal.settings, now),
        "collectedAt": iso(now),
        "fetchStatus": "SUCCESS",
        "resetsAt": iso(limits.resets_ms),
    }
    return Response(200, {"results": [row]})


def token_info(request: Request) -> Response:
    """What a private app's token may do. A token without a list of scopes may do everything that there is."""
    name = str(request.body.get("tokenKey") or "")
    token = request.portal.settings.tokens.get(name) or request.token
    kinds = {"custom" if table.kind.custom else table.kind.name for table in request.portal.tables.values()}
    every = [f"crm.objects.{kind}.{act}" for kind in sorted(kinds | {"custom"}) for act in ("read", "write")]
    scopes = [*every, "tickets", "oauth"] if token.scopes is None else list(token.scopes)
    return Response(200, {"userId": 1000001, "hubId": request.portal.id, "appId": 2000001, "scopes": scopes})
