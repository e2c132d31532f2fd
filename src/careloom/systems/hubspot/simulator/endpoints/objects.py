"""One record at a time: list, create, read, change, archive, merge and delete for good."""

from __future__ import annotations

from careloom.systems.hubspot.simulator.endpoints import associations_v3
from careloom.systems.hubspot.simulator.endpoints.batches import find, properties_of
from careloom.systems.hubspot.simulator.endpoints.request import Request, echo, histories, shown, shown_names
from careloom.systems.hubspot.simulator.portal import record_writes
from careloom.systems.hubspot.simulator.portal.portal import Portal
from careloom.systems.hubspot.simulator.portal.record import Record
from careloom.systems.hubspot.simulator.portal.records import MERGED, Table, secondary_mails, stamped
from careloom.systems.hubspot.simulator.responses import Json, Response, invalid, not_found
from careloom.systems.hubspot.simulator.settings import (
    MOST_LIST_PAGE,
    MOST_LIST_PAGE_WITH_HISTORY,
    NOTHING_TO_CHANGE,
    PATCH_FOLLOWS_MERGE,
)


def listed(call: Request) -> Response:
    """A page of records in order of id; `after` is the id of the first record of the next page."""
    table = call.table
    most = MOST_LIST_PAGE_WITH_HISTORY if call.many("propertiesWithHistory") else MOST_LIST_PAGE
    limit, after = call.whole("limit", 10, most), call.one("after") or "0"
    if not after.isdigit():
        raise invalid("Invalid query parameter: after")
    names = shown_names(call, table.kind, call.many("properties"))
    if call.flag("archived"):
        binned = sorted(table.bin.values(), key=lambda one: one.number)
        pool = iter([one for one in binned if one.number >= int(after)])
    else:
        pool = table.after(int(after), limit + 1)
    page: list[Record] = []
    for record in pool:
        page.append(record)
        if len(page) > limit:
            break
    body: Json = {"results": [_with(call, table, record, names) for record in page[:limit]]}
    if len(page) > limit:
        body["paging"] = {"next": {"after": page[limit].id, "link": _link(call, page[limit].id)}}
    return Response(200, body)


def _link(call: Request, after: str) -> str:
    kept = "&".join(f"{name}={value}" for name, values in call.query.items() for value in values if name != "after")
    return f"{call.base_url}{call.path}?{kept + '&' if kept else ''}after={after}"


def _with(call: Request, table: Table, record: Record, names: list[str]) -> Json:
    body = record.payload(shown(record, names))
    if wanted := call.many("propertiesWithHistory"):
        body["propertiesWithHistory"] = histories(record, wanted)
    ties: Json = {}
    for asked in call.many("associations"):
        other = call.portal.table(asked).kind
        if found := associations_v3.rows(call, (table.kind.id, other.id), record.id):
            ties[other.name] = {"results": found}
    if ties:
        body["associations"] = ties
    return body


def read(call: Request) -> Response:
    """One record, by id (a merged-away one too) or by a unique property."""
    table = call.table
    names = shown_names(call, table.kind, call.many("properties"))
    record = addressed(call, archived=call.flag("archived"))
    return Response(200, _with(call, table, record, names))


def addressed(call: Request, *, archived: bool = False) -> Record:
    """The record that the path names; 404 if there is none."""
    table, value, key = call.table, call.places[1], call.one("idProperty")
    if key and key != "hs_object_id":
        record_writes.check_key(table, key, mail_allowed=True)
    else:
        key = None
    record = find(table, key, value, archived=archived)
    if record is None:
        raise not_found()
    return record


def create(call: Request) -> Response:
    """Create one record."""
    table, portal = call.table, call.portal
    ties = portal.ties.checked(portal.current, table.kind, call.body.get("associations"))
    values = record_writes.new_values(portal, table, properties_of(call, table, call.body), {}, 0)
    record = record_writes.create(portal, table, values)
    portal.ties.tie_all(table.kind, record.id, ties)
    return Response(201, record.payload(record.values))


def change(call: Request) -> Response:
    """Change one record."""
    table = call.table
    record = addressed(call)
    if not PATCH_FOLLOWS_MERGE and not call.one("idProperty") and record.id != call.places[1]:
        raise not_found()
    given = properties_of(call, table, call.body)
    if not given:
        raise invalid(NOTHING_TO_CHANGE)
    record_writes.update(
        call.portal, table, record, record_writes.changed_values(call.portal, table, record, given, {})
    )
    return Response(200, record.payload(echo(table.kind, record, given)))


def archive(call: Request) -> Response:
    """Move one record to the bin; that it is not there is no error."""
    table = call.table
    record = table.records.get(call.places[1])
    if record is not None:
        call.portal.ties.forget(table.kind, record.id)
        table.archive(record, *call.portal.now())
    return Response(204)


def gdpr_delete(call: Request) -> Response:
    """Delete a contact for good, by id or by mail address; nothing finds it afterwards."""
    table, value = call.table, str(call.body.get("objectId"))
    record = find(table, call.body.get("idProperty"), value, archived=False)
    if record is not None:
        call.portal.ties.forget(table.kind, record.id)
        table.remove(record)
    else:
        table.bin.pop(value, None)
    return Response(204)


def merge(call: Request) -> Response:
    """Merge two records into a third, new one; both old ids mean it from then on."""
    table = call.table
    call.check_fields("primaryObjectId", "objectIdToMerge")
    primary = table.current(str(call.body.get("primaryObjectId")))
    other = table.current(str(call.body.get("objectIdToMerge")))
    if primary is None or other is None:
        raise not_found()
    if primary is other:
        raise invalid("Cannot merge a record with itself")
    record = merged(call.portal, table, primary, other)
    return Response(200, record.payload(record.values))


def merged(portal: Portal, table: Table, primary: Record, other: Record) -> Record:
    """Make one record of two. The primary one's values win; the other one's mail addresses become secondary."""
    now_ms, now = portal.now()
    values = {**{k: v for k, v in other.values.items() if v}, **{k: v for k, v in primary.values.items() if v}}
    mails = [*secondary_mails(primary), other.values.get("email", ""), *secondary_mails(other)]
    former = [each for one in (primary, other) for each in (*one.values.get(MERGED, "").split(";"), one.id) if each]
    for one in (primary, other):
        table.remove(one)
    number = primary.number if portal.settings.keep_primary_id else table.next_number
    record = stamped(table.kind, number, values, now_ms, now)
    record.created_ms = min(primary.created_ms, other.created_ms)
    record.created = min(primary.created, other.created)
    values[table.kind.created] = record.created
    values[MERGED] = ";".join(former)
    if table.kind.name == "contacts":
        values["hs_calculated_merged_vids"] = ";".join(f"{each}:{now_ms}" for each in former)
        values["hs_all_contact_vids"] = ";".join([*former, record.id])
        kept = dict.fromkeys(one for one in mails if one and one != values.get("email"))
        values["hs_additional_emails"] = ";".join(kept)
    table.insert(record)
    for one in (primary, other):
        if one.id != record.id:
            table.survivors[one.id] = record.id
            portal.ties.move(table.kind, one.id, record.id)
    record.updated = now
    return record
