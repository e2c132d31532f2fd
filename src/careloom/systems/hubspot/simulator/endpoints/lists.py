"""The lists API: create, find, rename and delete lists of records, and change and read who is in them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from careloom.systems.hubspot.simulator.endpoints.request import Request
from careloom.systems.hubspot.simulator.portal import list_members
from careloom.systems.hubspot.simulator.portal.list_members import choose, compiled, joined, members
from careloom.systems.hubspot.simulator.portal.segments import DYNAMIC, MANUAL, PROCESSING_TYPES, Segment
from careloom.systems.hubspot.simulator.responses import Json, RefusalError, Response, invalid, not_found
from careloom.systems.hubspot.simulator.settings import (
    BAD_PROCESSING_TYPE,
    DUPLICATE_LIST_NAME,
    LIST_CHOOSES_ITSELF,
    LIST_NOT_FOUND,
    MOST_LISTS_FOUND,
    MOST_MEMBERS_CHANGED,
    MOST_MEMBERS_PAGE,
)

_USER = "1000001"


def create(call: Request) -> Response:
    """Create a list; one with filters has its members at once."""
    call.need("crm.lists.write")
    call.check_fields("name", "objectTypeId", "processingType")
    portal, given = call.portal, call.body
    table, name, processing = portal.table(str(given["objectTypeId"])), str(given["name"]), given["processingType"]
    branch = given.get("filterBranch")
    if processing not in PROCESSING_TYPES or (processing == DYNAMIC and branch is None):
        raise invalid(BAD_PROCESSING_TYPE)
    if processing == MANUAL:
        branch = None
    _check_name(call, table.kind.id, name)
    if branch is not None:
        compiled(portal, table, branch)
    now = portal.now()[1]
    segment = Segment(
        id=str(portal.segments.next_number),
        name=name,
        object_type=table.kind.id,
        processing=processing,
        branch=branch,
        created=now,
        updated=now,
        filters_updated=now,
    )
    return Response(200, {"list": payload(call, list_members.add(portal, segment), filters=True)})


def _check_name(call: Request, object_type: str, name: str) -> None:
    if call.portal.segments.named(object_type, name) is not None:
        raise invalid(DUPLICATE_LIST_NAME.format(name=name), subCategory="ILS.DUPLICATE_LIST_NAMES")


def payload(call: Request, segment: Segment, *, filters: bool, size: bool = True) -> Json:
    """A list as the API answers it; its filters only where they are asked for."""
    body: Json = {
        "listId": segment.id,
        "listVersion": segment.version,
        "name": segment.name,
        "objectTypeId": segment.object_type,
        "processingType": segment.processing,
        "processingStatus": "COMPLETE",
        "createdAt": segment.created,
        "createdById": _USER,
        "updatedAt": segment.updated,
        "updatedById": _USER,
        "filtersUpdatedAt": segment.filters_updated,
    }
    if size:
        body["size"] = len(members(call.portal, segment))
    if segment.deleted:
        body["deletedAt"] = segment.deleted
    if filters and segment.branch is not None:
        body["filterBranch"] = segment.branch
    return body


def _segment(call: Request, scope: str, place: int = 0) -> Segment:
    call.need(f"crm.lists.{scope}")
    segment = call.portal.segments.kept.get(call.places[place])
    if segment is None or segment.deleted:
        raise not_found(LIST_NOT_FOUND.format(id=call.places[place]))
    return segment


def read(call: Request) -> Response:
    """One list."""
    return Response(200, {"list": payload(call, _segment(call, "read"), filters=call.flag("includeFilters"))})


def read_named(call: Request) -> Response:
    """The list of an object that has this name."""
    call.need("crm.lists.read")
    segment = call.portal.segments.named(call.table.kind.id, call.places[1])
    if segment is None:
        raise not_found(LIST_NOT_FOUND.format(id=call.places[1]))
    return Response(200, {"list": payload(call, segment, filters=call.flag("includeFilters"))})


def read_many(call: Request) -> Response:
    """The lists of these ids; those that are not there are passed over."""
    call.need("crm.lists.read")
    wanted, filters = set(call.many("listIds")), call.flag("includeFilters")
    kept = [segment for segment in call.portal.segments.live() if segment.id in wanted]
    return Response(200, {"lists": [payload(call, segment, filters=filters) for segment in kept]})


def search(call: Request) -> Response:
    """Lists by a part of their name, by id or by processing type, in pages."""
    call.need("crm.lists.read")
    given = call.body
    offset, count = int(given.get("offset") or 0), int(given.get("count") or 20)
    if not 0 < count <= MOST_LISTS_FOUND:
        raise invalid(f"count must be between 1 and {MOST_LISTS_FOUND}")
    ids, types = set(map(str, given.get("listIds") or ())), set(given.get("processingTypes") or ())
    query = str(given.get("query") or "").casefold()
    kept = [
        segment
        for segment in call.portal.segments.live()
        if (not ids or segment.id in ids)
        and (not types or segment.processing in types)
        and query in segment.name.casefold()
    ]
    page = kept[offset : offset + count]
    more = offset + len(page) < len(kept)
    results = [_with_size(call, segment) for segment in page]
    return Response(200, {"lists": results, "hasMore": more, "offset": offset + len(page), "total": len(kept)})


def _with_size(call: Request, segment: Segment) -> Json:
    more = {"hs_list_size": str(len(members(call.portal, segment))), "hs_list_reference_count": "0"}
    return payload(call, segment, filters=False, size=False) | {"additionalProperties": more}


def rename(call: Request) -> Response:
    """Give a list another name."""
    segment, name = _segment(call, "write"), call.one("listName") or ""
    if not name:
        raise invalid("listName is required")
    if name.casefold() != segment.name.casefold():
        _check_name(call, segment.object_type, name)
    segment.name, segment.updated = name, call.portal.now()[1]
    return Response(200, {"updatedList": payload(call, segment, filters=call.flag("includeFilters"))})


def change_filters(call: Request) -> Response:
    """Give a dynamic list other filters."""
    segment = _segment(call, "write")
    call.check_fields("filterBranch")
    if segment.processing != DYNAMIC:
        raise invalid(BAD_PROCESSING_TYPE)
    compiled(call.portal, call.portal.tables[segment.object_type], call.body["filterBranch"])
    segment.branch, segment.version = call.body["filterBranch"], segment.version + 1
    segment.updated = segment.filters_updated = call.portal.now()[1]
    choose(call.portal, segment)
    return Response(200, {"updatedList": payload(call, segment, filters=True)})


def delete(call: Request) -> Response:
    """Delete a list; its records stay."""
    _segment(call, "write").deleted = call.portal.now()[1]
    return Response(204)


def restore(call: Request) -> Response:
    """Take a deleted list back."""
    call.need("crm.lists.write")
    segment = call.portal.segments.kept.get(call.places[0])
    if segment is None:
        raise not_found(LIST_NOT_FOUND.format(id=call.places[0]))
    _check_name(call, segment.object_type, segment.name)
    segment.deleted = ""
    return Response(204)


# ---------------------------------------------------------------- members


def _page(call: Request, rows: list[Json]) -> Response:
    limit = call.whole("limit", 100, MOST_MEMBERS_PAGE)
    after = call.one("after") or "0"
    if not after.isdigit():
        raise invalid("Invalid query parameter: after")
    start = int(after)
    body: Json = {"results": rows[start : start + limit], "total": len(rows)}
    if start + limit < len(rows):
        end = str(start + limit)
        body["paging"] = {"next": {"after": end, "link": f"{call.base_url}{call.path}?limit={limit}&after={end}"}}
    return Response(200, body)


def _rows(call: Request, segment: Segment) -> list[Json]:
    kept = members(call.portal, segment).items()
    return [{"recordId": record_id, "membershipTimestamp": last} for record_id, (_first, last) in kept]


def memberships(call: Request) -> Response:
    """Who is in a list, in order of record id."""
    return _page(call, sorted(_rows(call, _segment(call, "read")), key=lambda row: int(row["recordId"])))


def join_order(call: Request) -> Response:
    """Who is in a list, in the order in which they joined."""
    return _page(call, _rows(call, _segment(call, "read")))


def _changed_by_hand(call: Request) -> Segment:
    segment = _segment(call, "write")
    if segment.processing == DYNAMIC:
        raise invalid(LIST_CHOOSES_ITSELF.format(id=segment.id))
    return segment


def _ids(call: Request) -> list[str]:
    parsed: Any = orjson.loads(call.raw) if call.raw[:1] == b"[" else None
    if not isinstance(parsed, list):
        raise invalid("Invalid input JSON on line 1, column 1: Cannot deserialize value of type `java.util.ArrayList`")
    return [str(one) for one in parsed]


def _changed(call: Request, add: Iterable[str], remove: Iterable[str]) -> Response:
    segment = _changed_by_hand(call)
    table = call.portal.tables[segment.object_type]
    add, remove = list(dict.fromkeys(add)), list(dict.fromkeys(remove))
    if len(add) + len(remove) > MOST_MEMBERS_CHANGED:
        raise invalid(f"At most {MOST_MEMBERS_CHANGED} records can be added to or removed from a list at once")
    held = members(call.portal, segment)
    missing = [one for one in (*add, *remove) if table.current(one) is None]
    added = [one for one in add if one not in missing and one not in held]
    removed = [one for one in remove if one in held]
    for one in added:
        joined(call.portal, segment, one)
    for one in removed:
        del segment.members[one]
    if added or removed:
        segment.updated = call.portal.now()[1]
    return Response(200, {"recordsIdsAdded": added, "recordIdsRemoved": removed, "recordIdsMissing": missing})


def add(call: Request) -> Response:
    """Put records into a list; those that are in it, or nowhere, are passed over."""
    return _changed(call, _ids(call), ())


def remove(call: Request) -> Response:
    """Take records out of a list."""
    return _changed(call, (), _ids(call))


def add_and_remove(call: Request) -> Response:
    """Put records into a list and take others out."""
    call.check_fields("recordIdsToAdd", "recordIdsToRemove")
    return _changed(call, map(str, call.body["recordIdsToAdd"]), map(str, call.body["recordIdsToRemove"]))


def add_from(call: Request) -> Response:
    """Put all records of one list into another of the same object."""
    segment, source = _changed_by_hand(call), _segment(call, "read", 1)
    if source.object_type != segment.object_type:
        raise invalid(f"List {source.id} holds another object than list {segment.id}")
    for one in members(call.portal, source):
        if one not in segment.members:
            joined(call.portal, segment, one)
    return Response(204)


def clear(call: Request) -> Response:
    """Take all records out of a list."""
    _changed_by_hand(call).members.clear()
    return Response(204)


def _of_record(call: Request, object_type: str, record_id: str) -> list[Json]:
    rows = []
    for segment in call.portal.segments.live():
        held = members(call.portal, segment) if segment.object_type == object_type else {}
        if record_id in held:
            first, last = held[record_id]
            times = {"firstAddedTimestamp": first, "lastAddedTimestamp": last}
            rows.append({"listId": segment.id, "listVersion": segment.version, **times})
    return rows


def of_record(call: Request) -> Response:
    """The lists that a record is in."""
    call.need("crm.lists.read")
    record = call.table.current(call.places[1])
    rows = _of_record(call, call.table.kind.id, record.id) if record is not None else []
    return Response(200, {"results": rows, "total": len(rows)})


def of_records(call: Request) -> Response:
    """The lists that each of some records is in; only the dated versions have this."""
    call.need("crm.lists.read")
    if not call.version.startswith("20"):
        raise RefusalError(404, "OBJECT_NOT_FOUND", "resource not found")
    results = []
    for given in call.inputs():
        object_type = call.portal.table(str(given.get("objectTypeId"))).kind.id
        record_id = str(given.get("recordId"))
        rows = _of_record(call, object_type, record_id)
        results.append({"objectTypeId": object_type, "recordId": record_id, "recordListMemberships": rows})
    now = call.portal.now()[1]
    return Response(200, {"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now})
