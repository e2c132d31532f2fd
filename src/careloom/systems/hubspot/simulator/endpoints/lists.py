"""The lists API: create, find, rename and delete lists of records, and change and read who is in them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from careloom.systems.hubspot.simulator.endpoints.request import Request
from careloom.systems.hubspot.simulator.portal import list_members
from careloom.systems.hubspot.simulator.portal.list_members import add_member, choose, compile_branch, members
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


def create(request: Request) -> Response:
    """Create a list; one with filters has its members at once."""
    request.need("crm.lists.write")
    request.check_fields("name", "objectTypeId", "processingType")
    portal, body = request.portal, request.body
    table, name, processing = portal.table(str(body["objectTypeId"])), str(body["name"]), body["processingType"]
    branch = body.get("filterBranch")
    if processing not in PROCESSING_TYPES or (processing == DYNAMIC and branch is None):
        raise invalid(BAD_PROCESSING_TYPE)
    if processing == MANUAL:
        branch = None
    _check_name(request, table.kind.id, name)
    if branch is not None:
        compile_branch(portal, table, branch)
    now = portal.now()[1]
    segment = Segment(
        id=str(portal.segments.next_number),
        name=name,
        object_type=table.kind.id,
        processing=processing,
        branch=branch,
        created_at=now,
        updated_at=now,
        filters_updated_at=now,
    )
    return Response(200, {"list": payload(request, list_members.add(portal, segment), filters=True)})


def _check_name(request: Request, object_type: str, name: str) -> None:
    if request.portal.segments.find(object_type, name) is not None:
        raise invalid(DUPLICATE_LIST_NAME.format(name=name), subCategory="ILS.DUPLICATE_LIST_NAMES")


def payload(request: Request, segment: Segment, *, filters: bool, size: bool = True) -> Json:
    """A list as the API answers it; its filters only where they are asked for."""
    body: Json = {
        "listId": segment.id,
        "listVersion": segment.version,
        "name": segment.name,
        "objectTypeId": segment.object_type,
        "processingType": segment.processing,
        "processingStatus": "COMPLETE",
        "createdAt": segment.created_at,
        "createdById": _USER,
        "updatedAt": segment.updated_at,
        "updatedById": _USER,
        "filtersUpdatedAt": segment.filters_updated_at,
    }
    if size:
        body["size"] = len(members(request.portal, segment))
    if segment.deleted_at:
        body["deletedAt"] = segment.deleted_at
    if filters and segment.branch is not None:
        body["filterBranch"] = segment.branch
    return body


def _segment(request: Request, scope: str, place: int = 0) -> Segment:
    request.need(f"crm.lists.{scope}")
    segment = request.portal.segments.by_id.get(request.places[place])
    if segment is None or segment.deleted_at:
        raise not_found(LIST_NOT_FOUND.format(id=request.places[place]))
    return segment


def read(request: Request) -> Response:
    """One list."""
    return Response(200, {"list": payload(request, _segment(request, "read"), filters=request.flag("includeFilters"))})


def read_by_name(request: Request) -> Response:
    """The list of an object that has this name."""
    request.need("crm.lists.read")
    segment = request.portal.segments.find(request.table.kind.id, request.places[1])
    if segment is None:
        raise not_found(LIST_NOT_FOUND.format(id=request.places[1]))
    return Response(200, {"list": payload(request, segment, filters=request.flag("includeFilters"))})


def read_many(request: Request) -> Response:
    """The lists of these ids; those that are not there are passed over."""
    request.need("crm.lists.read")
    ids, filters = set(request.many("listIds")), request.flag("includeFilters")
    segments = [segment for segment in request.portal.segments.live() if segment.id in ids]
    return Response(200, {"lists": [payload(request, segment, filters=filters) for segment in segments]})


def search(request: Request) -> Response:
    """Lists by a part of their name, by id or by processing type, in pages."""
    request.need("crm.lists.read")
    body = request.body
    offset, count = int(body.get("offset") or 0), int(body.get("count") or 20)
    if not 0 < count <= MOST_LISTS_FOUND:
        raise invalid(f"count must be between 1 and {MOST_LISTS_FOUND}")
    ids, types = set(map(str, body.get("listIds") or ())), set(body.get("processingTypes") or ())
    query = str(body.get("query") or "").casefold()
    segments = [
        segment
        for segment in request.portal.segments.live()
        if (not ids or segment.id in ids)
        and (not types or segment.processing in types)
        and query in segment.name.casefold()
    ]
    page = segments[offset : offset + count]
    has_more = offset + len(page) < len(segments)
    results = [_with_size(request, segment) for segment in page]
    return Response(200, {"lists": results, "hasMore": has_more, "offset": offset + len(page), "total": len(segments)})


def _with_size(request: Request, segment: Segment) -> Json:
    extra = {"hs_list_size": str(len(members(request.portal, segment))), "hs_list_reference_count": "0"}
    return payload(request, segment, filters=False, size=False) | {"additionalProperties": extra}


def rename(request: Request) -> Response:
    """Give a list another name."""
    segment, name = _segment(request, "write"), request.parameter("listName") or ""
    if not name:
        raise invalid("listName is required")
    if name.casefold() != segment.name.casefold():
        _check_name(request, segment.object_type, name)
    segment.name, segment.updated_at = name, request.portal.now()[1]
    return Response(200, {"updatedList": payload(request, segment, filters=request.flag("includeFilters"))})


def change_filters(request: Request) -> Response:
    """Give a dynamic list other filters."""
    segment = _segment(request, "write")
    request.check_fields("filterBranch")
    if segment.processing != DYNAMIC:
        raise invalid(BAD_PROCESSING_TYPE)
    compile_branch(request.portal, request.portal.tables[segment.object_type], request.body["filterBranch"])
    segment.branch, segment.version = request.body["filterBranch"], segment.version + 1
    segment.updated_at = segment.filters_updated_at = request.portal.now()[1]
    choose(request.portal, segment)
    return Response(200, {"updatedList": payload(request, segment, filters=True)})


def delete(request: Request) -> Response:
    """Delete a list; its records stay."""
    _segment(request, "write").deleted_at = request.portal.now()[1]
    return Response(204)


def restore(request: Request) -> Response:
    """Take a deleted list back."""
    request.need("crm.lists.write")
    segment = request.portal.segments.by_id.get(request.places[0])
    if segment is None:
        raise not_found(LIST_NOT_FOUND.format(id=request.places[0]))
    _check_name(request, segment.object_type, segment.name)
    segment.deleted_at = ""
    return Response(204)


# ---------------------------------------------------------------- members


def _page(request: Request, rows: list[Json]) -> Response:
    limit = request.integer("limit", 100, MOST_MEMBERS_PAGE)
    after = request.parameter("after") or "0"
    if not after.isdigit():
        raise invalid("Invalid query parameter: after")
    start = int(after)
    body: Json = {"results": rows[start : start + limit], "total": len(rows)}
    if start + limit < len(rows):
        end = str(start + limit)
        body["paging"] = {"next": {"after": end, "link": f"{request.base_url}{request.path}?limit={limit}&after={end}"}}
    return Response(200, body)


def _rows(request: Request, segment: Segment) -> list[Json]:
    rows = members(request.portal, segment).items()
    return [{"recordId": record_id, "membershipTimestamp": last} for record_id, (_first, last) in rows]


def memberships(request: Request) -> Response:
    """Who is in a list, in order of record id."""
    return _page(request, sorted(_rows(request, _segment(request, "read")), key=lambda row: int(row["recordId"])))


def join_order(request: Request) -> Response:
    """Who is in a list, in the order in which they joined."""
    return _page(request, _rows(request, _segment(request, "read")))


def _editable_segment(request: Request) -> Segment:
    segment = _segment(request, "write")
    if segment.processing == DYNAMIC:
        raise invalid(LIST_CHOOSES_ITSELF.format(id=segment.id))
    return segment


def _ids(request: Request) -> list[str]:
    ids: Any = orjson.loads(request.raw) if request.raw[:1] == b"[" else None
    if not isinstance(ids, list):
        raise invalid("Invalid input JSON on line 1, column 1: Cannot deserialize value of type `java.util.ArrayList`")
    return [str(record_id) for record_id in ids]


def _change_members(request: Request, add: Iterable[str], remove: Iterable[str]) -> Response:
    segment = _editable_segment(request)
    table = request.portal.tables[segment.object_type]
    add, remove = list(dict.fromkeys(add)), list(dict.fromkeys(remove))
    if len(add) + len(remove) > MOST_MEMBERS_CHANGED:
        raise invalid(f"At most {MOST_MEMBERS_CHANGED} records can be added to or removed from a list at once")
    current = members(request.portal, segment)
    missing = [record_id for record_id in (*add, *remove) if table.current(record_id) is None]
    added_ids = [record_id for record_id in add if record_id not in missing and record_id not in current]
    removed_ids = [record_id for record_id in remove if record_id in current]
    for record_id in added_ids:
        add_member(request.portal, segment, record_id)
    for record_id in removed_ids:
        del segment.members[record_id]
    if added_ids or removed_ids:
        segment.updated_at = request.portal.now()[1]
    return Response(200, {"recordsIdsAdded": added_ids, "recordIdsRemoved": removed_ids, "recordIdsMissing": missing})


def add(request: Request) -> Response:
    """Put records into a list; those that are in it, or nowhere, are passed over."""
    return _change_members(request, _ids(request), ())


def remove(request: Request) -> Response:
    """Take records out of a list."""
    return _change_members(request, (), _ids(request))


def add_and_remove(request: Request) -> Response:
    """Put records into a list and take others out."""
    request.check_fields("recordIdsToAdd", "recordIdsToRemove")
    return _change_members(
        request, map(str, request.body["recordIdsToAdd"]), map(str, request.body["recordIdsToRemove"])
    )


def add_from(request: Request) -> Response:
    """Put all records of one list into another of the same object."""
    segment, source = _editable_segment(request), _segment(request, "read", 1)
    if source.object_type != segment.object_type:
        raise invalid(f"List {source.id} holds another object than list {segment.id}")
    for record_id in members(request.portal, source):
        if record_id not in segment.members:
            add_member(request.portal, segment, record_id)
    return Response(204)


def clear(request: Request) -> Response:
    """Take all records out of a list."""
    _editable_segment(request).members.clear()
    return Response(204)


def _of_record(request: Request, object_type: str, record_id: str) -> list[Json]:
    rows = []
    for segment in request.portal.segments.live():
        memberships = members(request.portal, segment) if segment.object_type == object_type else {}
        if record_id in memberships:
            first, last = memberships[record_id]
            times = {"firstAddedTimestamp": first, "lastAddedTimestamp": last}
            rows.append({"listId": segment.id, "listVersion": segment.version, **times})
    return rows


def of_record(request: Request) -> Response:
    """The lists that a record is in."""
    request.need("crm.lists.read")
    record = request.table.current(request.places[1])
    rows = _of_record(request, request.table.kind.id, record.id) if record is not None else []
    return Response(200, {"results": rows, "total": len(rows)})


def of_records(request: Request) -> Response:
    """The lists that each of some records is in; only the dated versions have this."""
    request.need("crm.lists.read")
    if not request.version.startswith("20"):
        raise RefusalError(404, "OBJECT_NOT_FOUND", "resource not found")
    results = []
    for entry in request.inputs():
        object_type = request.portal.table(str(entry.get("objectTypeId"))).kind.id
        record_id = str(entry.get("recordId"))
        rows = _of_record(request, object_type, record_id)
        results.append({"objectTypeId": object_type, "recordId": record_id, "recordListMemberships": rows})
    now = request.portal.now()[1]
    return Response(200, {"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now})
