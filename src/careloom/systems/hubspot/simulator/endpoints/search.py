"""The search endpoint: filters, order, pages, and the lag of new records.

Paging through everything that changed must not cost more the further it gets. Conditions on the property by which the
answer is sorted become places in that order; what the other conditions leave is kept until a record changes.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from careloom.systems.hubspot.simulator.endpoints.request import Request, shown, shown_names
from careloom.systems.hubspot.simulator.portal.filters import (
    Associated,
    Filter,
    Groups,
    bound,
    compiled,
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
_KEPT = 8


@dataclass(slots=True, kw_only=True)
class Kept:
    """What a set of conditions left of an order, until the table is not what it was."""

    version: int
    entries: list[Entry]


def search(call: Request) -> Response:
    """Answer POST .../search."""
    table, body = call.table, call.body
    if len(call.raw) > MOST_QUERY_CHARACTERS:
        raise invalid(BAD_SEARCH)
    limit, after = _page(body)
    _check_sensitivity(table, body)
    names = shown_names(call, table.kind, body.get("properties") or [])
    groups = parse(table, body)
    sort_name, descending = _sort(table, body)
    found = _addressed(call, table, groups, sort_name, str(body.get("query") or ""))
    if found is None:
        found = _ordered(call, table, groups, (sort_name, descending), str(body.get("query") or ""))
    entries, low, high = found
    page, total = _slice(entries, (low, high), (after, limit), descending=descending)
    answer: Json = {
        "total": total,
        "results": [entry[2].payload(shown(entry[2], names)) for entry in page],
    }
    if after + limit < total:
        answer["paging"] = {"next": {"after": str(after + limit), "link": f"{call.base_url}{call.path}"}}
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
        return table.kind.created, False
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
    filtered = [one for group in body.get("filterGroups") or () for one in group.get("filters") or ()]
    for one in filtered:
        definition = table.kind.properties.get(str(one.get("propertyName")))
        if definition is not None and definition.sensitivity == "highly_sensitive":
            raise invalid(BAD_SEARCH)


# ---------------------------------------------------------------- which records

Found = tuple[Sequence[Entry], int, int]


def _visible_from(call: Request) -> float:
    return call.portal.now_ms() - call.portal.settings.search_lag * 1000


def _addressed(call: Request, table: Table, groups: Groups, sort_name: str, query: str) -> Found | None:
    """The answer where an id or a unique value names the records; None where none does."""
    named: dict[str, Record] = {}
    for group in groups:
        records = next((each for one in group if (each := _named(table, one)) is not None), None)
        if records is None:
            return None
        named.update((record.id, record) for record in records)
    if not groups:
        return None
    kept = _narrowed(call, table, groups, query, named.values())
    order = table.order(sort_name)
    entries = sorted(
        (order.keys[record.number], record.number, record) for record in kept if record.number in order.keys
    )
    entries += [(None, record.number, record) for record in kept if record.number not in order.keys]
    return entries, 0, len(entries)


def _named(table: Table, one: Filter) -> list[Record] | None:
    if one.operator not in {"EQ", "IN"}:
        return None
    values = [one.value] if one.operator == "EQ" else one.values
    if one.name == "hs_object_id":
        return [record for value in values if (record := table.records.get(value)) is not None]
    holders = table.unique.get(one.name)
    if holders is None:
        return None
    if one.name != "email" and not table.fold_unique:
        return None
    ids = [holders.get(table.folded(one.name, value)) for value in values]
    return [table.records[each] for each in ids if each is not None]


def _narrowed(call: Request, table: Table, groups: Groups, query: str, records: Iterable[Record]) -> list[Record]:
    asked = compiled(Associated(call.portal.ties, call.portal.kind), table, groups)
    wanted = matching(table, query) if query else None
    horizon = _visible_from(call)
    return [
        record
        for record in records
        if record.seen_ms <= horizon and (asked is None or asked(record)) and (wanted is None or wanted(record))
    ]


def _ordered(call: Request, table: Table, groups: Groups, sort: tuple[str, bool], query: str) -> Found:
    """The answer as a stretch of the order in which it is sorted."""
    sort_name = sort[0]
    ranges, rest = _split(groups, sort_name)
    entries: list[Entry] = table.order(sort_name).entries
    all_seen = table.newest_seen_ms <= _visible_from(call)
    if not (all_seen and not rest and not query and len(entries) == len(table.records)):
        entries = _left(call, table, (*sort, rest, query), entries, all_seen=all_seen)
    low, high = 0, len(entries)
    for one in ranges:
        first, end = _stretch(table, entries, one)
        low, high = max(low, first), min(high, end)
    return entries, low, max(low, high)


def _split(groups: Groups, sort_name: str) -> tuple[list[Filter], Groups]:
    """The ranges of the sorting property, where they hold for the whole search, and all other conditions."""
    if len(groups) != 1:
        return [], groups
    ranges = [one for one in groups[0] if one.name == sort_name and one.operator in _RANGES]
    rest = tuple(one for one in groups[0] if one not in ranges)
    return ranges, (rest,) if rest else ()


def _left(
    call: Request, table: Table, what: tuple[str, bool, Groups, str], entries: list[Entry], *, all_seen: bool
) -> list[Entry]:
    kept: Kept | None = table.kept.get(what)
    if kept is not None and kept.version == table.version and all_seen:
        return kept.entries
    sort_name, descending, rest, query = what
    records = {record.number for record in _narrowed(call, table, rest, query, table.records.values())}
    left = [entry for entry in entries if entry[1] in records]
    if len(left) < len(records):
        keys = table.order(sort_name).keys
        without = [one for one in table.records.values() if one.number in records and one.number not in keys]
        edge = _Edge(last=not descending)
        missing: list[Entry] = [(edge, one.number, one) for one in without]
        left = missing + left if descending else left + missing
    tied = any(one.name.startswith("associations.") for group in rest for one in group)
    if all_seen and not tied:
        table.kept.pop(what, None)
        table.kept[what] = Kept(version=table.version, entries=left)
        if len(table.kept) > _KEPT:
            table.kept.pop(next(iter(table.kept)))
    return left


class _Edge:
    """The key of records without a value: they come last, whichever way the answer is sorted."""

    def __init__(self, *, last: bool) -> None:
        self.last = last

    def __lt__(self, _other: object) -> bool:
        return not self.last

    def __gt__(self, _other: object) -> bool:
        return self.last


def _stretch(table: Table, entries: Sequence[Entry], one: Filter) -> tuple[int, int]:
    low = bound(table, one.name, one.value)
    # A record is never compared: (key,) stands before every entry of that key, (key, infinity) after.
    before, behind = bisect_left(entries, (low,)), bisect_right(entries, (low, float("inf")))
    # Where the records that lack a value end, or begin: a question answered 0, then 1, along the entries.
    first = bisect_left(entries, 1, key=lambda entry: int(not _lacking(entry, last=False)))
    end = bisect_left(entries, 1, lo=first, key=lambda entry: int(_lacking(entry, last=True)))
    return {
        "GT": (behind, end),
        "GTE": (before, end),
        "LT": (first, before),
        "LTE": (first, behind),
        "EQ": (before, behind),
        "BETWEEN": (before, bisect_right(entries, (bound(table, one.name, one.high or one.value), float("inf")))),
    }[one.operator]


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
