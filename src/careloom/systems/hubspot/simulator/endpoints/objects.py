"""One record at a time: list, create, read, change, archive, merge and delete for good."""

from __future__ import annotations

from careloom.systems.hubspot.simulator.endpoints import associations_v3
from careloom.systems.hubspot.simulator.endpoints.batches import find, properties_of
from careloom.systems.hubspot.simulator.endpoints.request import (
    Request,
    echo,
    histories,
    property_values,
    response_names,
)
from careloom.systems.hubspot.simulator.portal import record_writes
from careloom.systems.hubspot.simulator.portal.portal import Portal
from careloom.systems.hubspot.simulator.portal.record import Record
from careloom.systems.hubspot.simulator.portal.records import MERGED, Table, new_record, secondary_mails
from careloom.systems.hubspot.simulator.responses import Json, Response, invalid, not_found
from careloom.systems.hubspot.simulator.settings import (
    MOST_LIST_PAGE,
    MOST_LIST_PAGE_WITH_HISTORY,
    NOTHING_TO_CHANGE,
    PATCH_FOLLOWS_MERGE,
)


def get_page(request: Request) -> Response:
    """A page of records in order of id; `after` is the id of the first record of the next page."""
    table = request.table
    max_limit = MOST_LIST_PAGE_WITH_HISTORY if request.many("propertiesWithHistory") else MOST_LIST_PAGE
    limit, after = request.integer("limit", 10, max_limit), request.parameter("after") or "0"
    if not after.isdigit():
        raise invalid("Invalid query parameter: after")
    names = response_names(request, table.kind, request.many("properties"))
    if request.flag("archived"):
        archive = sorted(table.bin.values(), key=lambda record: record.number)
        pool = iter([record for record in archive if record.number >= int(after)])
    else:
        pool = table.after(int(after), limit + 1)
    page: list[Record] = []
    for record in pool:
        page.append(record)
        if len(page) > limit:
            break
    body: Json = {"results": [_body(request, table, record, names) for record in page[:limit]]}
    if len(page) > limit:
        body["paging"] = {"next": {"after": page[limit].id, "link": _link(request, page[limit].id)}}
    return Response(200, body)


def _link(request: Request, after: str) -> str:
    query = "&".join(f"{name}={value}" for name, values in request.query.items() for value in values if name != "after")
    return f"{request.base_url}{request.path}?{query + '&' if query else ''}after={after}"


def _body(request: Request, table: Table, record: Record, names: list[str]) -> Json:
    body = record.payload(property_values(record, names))
    if history_names := request.many("propertiesWithHistory"):
        body["propertiesWithHistory"] = histories(record, history_names)
    ties: Json = {}
    for object_type in request.many("associations"):
        kind = request.portal.table(object_type).kind
        if ties_to_kind := associations_v3.rows(request, (table.kind.id, kind.id), record.id):
            ties[kind.name] = {"results": ties_to_kind}
    if ties:
        body["associations"] = ties
    return body


def read(request: Request) -> Response:
    """One record, by id (a merged-away one too) or by a unique property."""
    table = request.table
    names = response_names(request, table.kind, request.many("properties"))
    record = record_of_path(request, in_archive=request.flag("archived"))
    return Response(200, _body(request, table, record, names))


def record_of_path(request: Request, *, in_archive: bool = False) -> Record:
    """The record that the path names; 404 if there is none."""
    table, value, key = request.table, request.places[1], request.parameter("idProperty")
    if key and key != "hs_object_id":
        record_writes.check_key(table, key, mail_allowed=True)
    else:
        key = None
    record = find(table, key, value, in_archive=in_archive)
    if record is None:
        raise not_found()
    return record


def create(request: Request) -> Response:
    """Create one record."""
    table, portal = request.table, request.portal
    ties = portal.associations.check_new(portal.current, table.kind, request.body.get("associations"))
    values = record_writes.new_values(portal, table, properties_of(request, table, request.body), {}, 0)
    record = record_writes.create(portal, table, values)
    portal.associations.associate_all(table.kind, record.id, ties)
    return Response(201, record.payload(record.values))


def change(request: Request) -> Response:
    """Change one record."""
    table = request.table
    record = record_of_path(request)
    if not PATCH_FOLLOWS_MERGE and not request.parameter("idProperty") and record.id != request.places[1]:
        raise not_found()
    changes = properties_of(request, table, request.body)
    if not changes:
        raise invalid(NOTHING_TO_CHANGE)
    record_writes.update(
        request.portal, table, record, record_writes.changed_values(request.portal, table, record, changes, {})
    )
    return Response(200, record.payload(echo(table.kind, record, changes)))


def archive(request: Request) -> Response:
    """Move one record to the bin; that it is not there is no error."""
    table = request.table
    record = table.records.get(request.places[1])
    if record is not None:
        request.portal.associations.forget(table.kind, record.id)
        table.archive(record, *request.portal.now())
    return Response(204)


def gdpr_delete(request: Request) -> Response:
    """Delete a contact for good, by id or by mail address; nothing finds it afterwards."""
    table, value = request.table, str(request.body.get("objectId"))
    record = find(table, request.body.get("idProperty"), value, in_archive=False)
    if record is not None:
        request.portal.associations.forget(table.kind, record.id)
        table.remove(record)
    else:
        table.bin.pop(value, None)
    return Response(204)


def merge(request: Request) -> Response:
    """Merge two records into a third, new one; both old ids mean it from then on."""
    table = request.table
    request.check_fields("primaryObjectId", "objectIdToMerge")
    primary = table.current(str(request.body.get("primaryObjectId")))
    secondary = table.current(str(request.body.get("objectIdToMerge")))
    if primary is None or secondary is None:
        raise not_found()
    if primary is secondary:
        raise invalid("Cannot merge a record with itself")
    record = merge_records(request.portal, table, primary, secondary)
    return Response(200, record.payload(record.values))


def merge_records(portal: Portal, table: Table, primary: Record, secondary: Record) -> Record:
    """Make one record of two. The primary one's values win; the other one's mail addresses become secondary."""
    now_ms, now = portal.now()
    values = {**{k: v for k, v in secondary.values.items() if v}, **{k: v for k, v in primary.values.items() if v}}
    mails = [*secondary_mails(primary), secondary.values.get("email", ""), *secondary_mails(secondary)]
    former = [
        former_id
        for merged_record in (primary, secondary)
        for former_id in (*merged_record.values.get(MERGED, "").split(";"), merged_record.id)
        if former_id
    ]
    for merged_record in (primary, secondary):
        table.remove(merged_record)
    number = primary.number if portal.settings.keep_primary_id else table.next_number
    record = new_record(table.kind, number, values, now_ms, now)
    record.created_ms = min(primary.created_ms, secondary.created_ms)
    record.created_at = min(primary.created_at, secondary.created_at)
    values[table.kind.created_property] = record.created_at
    values[MERGED] = ";".join(former)
    if table.kind.name == "contacts":
        values["hs_calculated_merged_vids"] = ";".join(f"{former_id}:{now_ms}" for former_id in former)
        values["hs_all_contact_vids"] = ";".join([*former, record.id])
        addresses = dict.fromkeys(mail for mail in mails if mail and mail != values.get("email"))
        values["hs_additional_emails"] = ";".join(addresses)
    table.insert(record)
    for merged_record in (primary, secondary):
        if merged_record.id != record.id:
            table.survivors[merged_record.id] = record.id
            portal.associations.move(table.kind, merged_record.id, record.id)
    record.updated_at = now
    return record
