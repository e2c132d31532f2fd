"""The search endpoint: filters, order, pages, and the lag of new records.

Paging through everything that changed must not cost more the further it gets. Conditions on the property by which the
answer is sorted become places in that order; what the other conditions leave is kept until a record changes.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from careloom.systems.hubspot.simulator.endpoints.request import Request, property_values, response_names
from careloom.systems.hubspot.simulator.portal.filters import (
    AssociationLookup,
    Filter,
    Groups,
    comparable_value,
    compile_groups,
    matching,
    parse,
)
from careloom.systems.hubspot.simulator.portal.record import Record
from careloom.systems.hubspot.simulator.portal.records import Table
from careloom.systems.hubspot.simulator.portal.sorted_index import Entry
from careloom.systems.hubspot.simulator.responses import Json, Response, invalid
from careloom.systems.hubspot.simulator.settings import (
    BAD_SEARCH,
    BEYOND_SEARCH_END,
    MOST_QUERY_CHARACTERS,
    MOST_SEARCH_PAGE,
    MOST_SEARCH_RESULTS,
)

_RANGES = frozenset({"GT", "GTE", "LT", "LTE", "BETWEEN", "EQ"})
_MOST_SAVED = 8


@dataclass(slots=True, kw_only=True)
class SavedSearch:
    """What a set of conditions left of an order, until the table is not what it was."""

    version: int
    entries: list[Entry]


def search(request: Request) -> Response:
    """Answer POST .../search."""
    table, body = request.table, request.body
    if len(request.raw) > MOST_QUERY_CHARACTERS:
        raise invalid(BAD_SEARCH)
    limit, after = _page(body)
    _check_sensitivity(table, body)
    names = response_names(request, table.kind, body.get("properties") or [])
    groups = parse(table, body)
    sort_name, descending = _sort(table, body)
    result = _direct_hits(request, table, groups, sort_name, str(body.get("query") or ""))
    if result is None:
        result = _sorted_hits(request, table, groups, (sort_name, descending), str(body.get("query") or ""))
    entries, low, high = result
    page, total = _slice(entries, (low, high), (after, limit), descending=descending)
    answer: Json = {
        "total": total,
        "results": [entry[2].payload(property_values(entry[2], names)) for entry in page],
    }
    if after + limit < total:
        answer["paging"] = {"next": {"after": str(after + limit), "link": f"{request.base_url}{request.path}"}}
    return Response(200, answer)


def _page(body: Json) -> tuple[int, int]:
    limit, after = body.get("limit", 10), str(body.get("after") or "0")
    if not isinstance(limit, int) or not 0 < limit <= MOST_SEARCH_PAGE or not after.isdigit():
        raise invalid(BAD_SEARCH)
    if int(after) + limit > MOST_SEARCH_RESULTS:
        raise invalid(BEYOND_SEARCH_END)
    return limit, int(after)


def _sort(table: Table, body: Json) -> tuple[str, bool]:
    sorts = body.get("sorts") or []
    if len(sorts) > 1:
        raise invalid(BAD_SEARCH)
    if not sorts:
        return table.kind.created_property, False
    first = sorts[0]
    if isinstance(first, str):
        name, descending = first.removeprefix("-"), first.startswith("-")
    else:
        name, descending = str(first.get("propertyName")), first.get("direction") == "DESCENDING"
    if name not in table.kind.properties:
        raise invalid(BAD_SEARCH)
    return name, descending


def _check_sensitivity(table: Table, body: Json) -> None:
    """Highly sensitive properties cannot be searched."""
    filters = [filter_ for group in body.get("filterGroups") or () for filter_ in group.get("filters") or ()]
    for filter_ in filters:
        definition = table.kind.properties.get(str(filter_.get("propertyName")))
        if definition is not None and definition.sensitivity == "highly_sensitive":
            raise invalid(BAD_SEARCH)


# ---------------------------------------------------------------- which records

Hits = tuple[Sequence[Entry], int, int]


def _visible_from(request: Request) -> float:
    return request.portal.now_ms() - request.portal.settings.search_lag * 1000


def _direct_hits(request: Request, table: Table, groups: Groups, sort_name: str, query: str) -> Hits | None:
    """The answer where an id or a unique value names the records; None where none does."""
    matches: dict[str, Record] = {}
    for group in groups:
        records = next(
            (records_ for filter_ in group if (records_ := _records_by_value(table, filter_)) is not None), None
        )
        if records is None:
            return None
        matches.update((record.id, record) for record in records)
    if not groups:
        return None
    records_ = _filter_records(request, table, groups, query, matches.values())
    order = table.order(sort_name)
    entries = sorted(
        (order.keys[record.number], record.number, record) for record in records_ if record.number in order.keys
    )
    entries += [(None, record.number, record) for record in records_ if record.number not in order.keys]
    return entries, 0, len(entries)


def _records_by_value(table: Table, filter_: Filter) -> list[Record] | None:
    if filter_.operator not in {"EQ", "IN"}:
        return None
    values = [filter_.value] if filter_.operator == "EQ" else filter_.values
    if filter_.name == "hs_object_id":
        return [record for value in values if (record := table.records.get(value)) is not None]
    holders = table.unique.get(filter_.name)
    if holders is None:
        return None
    if filter_.name != "email" and not table.fold_unique:
        return None
    ids = [holders.get(table.fold(filter_.name, value)) for value in values]
    return [table.records[record_id] for record_id in ids if record_id is not None]


def _filter_records(
    request: Request, table: Table, groups: Groups, query: str, records: Iterable[Record]
) -> list[Record]:
    passes = compile_groups(AssociationLookup(request.portal.associations, request.portal.kind), table, groups)
    contains = matching(table, query) if query else None
    horizon = _visible_from(request)
    return [
        record
        for record in records
        if record.seen_ms <= horizon and (passes is None or passes(record)) and (contains is None or contains(record))
    ]


def _sorted_hits(request: Request, table: Table, groups: Groups, sort: tuple[str, bool], query: str) -> Hits:
    """The answer as a stretch of the order in which it is sorted."""
    sort_name = sort[0]
    ranges, conditions = _split(groups, sort_name)
    entries: list[Entry] = table.order(sort_name).entries
    all_seen = table.newest_seen_ms <= _visible_from(request)
    if not (all_seen and not conditions and not query and len(entries) == len(table.records)):
        entries = _matching_entries(request, table, (*sort, conditions, query), entries, all_seen=all_seen)
    low, high = 0, len(entries)
    for range_ in ranges:
        first, end = _stretch(table, entries, range_)
        low, high = max(low, first), min(high, end)
    return entries, low, max(low, high)


def _split(groups: Groups, sort_name: str) -> tuple[list[Filter], Groups]:
    """The ranges of the sorting property, where they hold for the whole search, and all other conditions."""
    if len(groups) != 1:
        return [], groups
    ranges = [filter_ for filter_ in groups[0] if filter_.name == sort_name and filter_.operator in _RANGES]
    conditions = tuple(filter_ for filter_ in groups[0] if filter_ not in ranges)
    return ranges, (conditions,) if conditions else ()


def _matching_entries(
    request: Request, table: Table, search_key: tuple[str, bool, Groups, str], entries: list[Entry], *, all_seen: bool
) -> list[Entry]:
    search_: SavedSearch | None = table.searches.get(search_key)
    if search_ is not None and search_.version == table.version and all_seen:
        return search_.entries
    sort_name, descending, conditions, query = search_key
    records = {record.number for record in _filter_records(request, table, conditions, query, table.records.values())}
    remaining = [entry for entry in entries if entry[1] in records]
    if len(remaining) < len(records):
        keys = table.order(sort_name).keys
        valueless = [
            record for record in table.records.values() if record.number in records and record.number not in keys
        ]
        edge = _Edge(last=not descending)
        missing: list[Entry] = [(edge, record.number, record) for record in valueless]
        remaining = missing + remaining if descending else remaining + missing
    uses_associations = any(filter_.name.startswith("associations.") for group in conditions for filter_ in group)
    if all_seen and not uses_associations:
        table.searches.pop(search_key, None)
        table.searches[search_key] = SavedSearch(version=table.version, entries=remaining)
        if len(table.searches) > _MOST_SAVED:
            table.searches.pop(next(iter(table.searches)))
    return remaining


class _Edge:
    """The key of records without a value: they come last, whichever way the answer is sorted."""

    def __init__(self, *, last: bool) -> None:
        self.last = last

    def __lt__(self, _value: object) -> bool:
        return not self.last

    def __gt__(self, _value: object) -> bool:
        return self.last


def _stretch(table: Table, entries: Sequence[Entry], filter_: Filter) -> tuple[int, int]:
    low = comparable_value(table, filter_.name, filter_.value)
    # A record is never compared: (key,) stands before every entry of that key, (key, infinity) after.
    start, after = bisect_left(entries, (low,)), bisect_right(entries, (low, float("inf")))
    # Where the records that lack a value end, or begin: a question answered 0, then 1, along the entries.
    first = bisect_left(entries, 1, key=lambda entry: int(not _lacking(entry, last=False)))
    end = bisect_left(entries, 1, lo=first, key=lambda entry: int(_lacking(entry, last=True)))
    return {
        "GT": (after, end),
        "GTE": (start, end),
        "LT": (first, start),
        "LTE": (first, after),
        "EQ": (start, after),
        "BETWEEN": (
            start,
            bisect_right(entries, (comparable_value(table, filter_.name, filter_.high or filter_.value), float("inf"))),
        ),
    }[filter_.operator]


def _lacking(entry: Entry, *, last: bool) -> bool:
    return isinstance(entry[0], _Edge) and entry[0].last is last


def _slice(
    entries: Sequence[Entry], stretch: tuple[int, int], page: tuple[int, int], *, descending: bool
) -> tuple[Sequence[Entry], int]:
    (low, high), (after, limit) = stretch, page
    if descending:
        end = max(low, high - after)
        return entries[max(low, end - limit) : end][::-1], high - low
    return entries[low + after : min(high, low + after + limit)], high - low


__all__: list[Any] = ["search"]
