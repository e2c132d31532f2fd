"""Listings: filters, pages behind a cursor, and the asynchronous lists."""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import urlencode

from careloom.systems.drchrono.simulator.clinic import CHANGED, Clinic, Record
from careloom.systems.drchrono.simulator.payloads import api_record

Plain = tuple[int, Any]
Query = Mapping[str, str]
_DEFAULT_SIZE, _MOST, _MOST_DAYS, _MOST_IN_LIST = 100, 250, 190, 1000
_MOST_VERBOSE = {"patients": 50, "appointments": 25, "clinical_notes": 20}
_EQUAL = {
    "patient",
    "doctor",
    "office",
    "status",
    "chart_id",
    "email",
    "gender",
    "appointment",
    "service_date",
    "posted_date",
}
LISTS = {f"{table}_list": table for table in ("patients", "appointments", "clinical_notes", "line_items")}


def listing(clinic: Clinic, table: str, query: Query, base_url: str) -> Plain:
    """A page of a table."""
    if table == "appointments" and not {"since", "date", "date_range"} & query.keys():
        return 400, {"detail": "One of since, date or date_range is required."}
    fits = filter_of(table, query)
    if isinstance(fits, str):
        return 400, {"date_range": [fits]}
    size = _size(query, _MOST_VERBOSE.get(table, _MOST) if query.get("verbose") == "true" else _MOST)
    place = _place(query.get("cursor", ""))
    results: list[Record] = []
    last, has_more = None, False
    rows = clinic.tables[table]
    for entry in rows.after(place):
        record = rows.visible[entry[1]]
        if not fits(record):
            continue
        if len(results) == size:
            has_more = True
            break
        results.append(api_record(clinic, table, record, verbose=query.get("verbose") == "true"))
        last = entry
    return 200, envelope(clinic, results, base_url, f"/api/{table}", query, last if has_more else None)


def envelope(clinic: Clinic, results: Any, base_url: str, path: str, query: Query, last: Any) -> dict[str, Any]:
    """The envelope of a page, with the address of the next one."""
    following = None
    if last is not None:
        cursor = base64.urlsafe_b64encode(json.dumps(last).encode()).decode()
        following = f"{base_url}{path}?{urlencode({**query, 'cursor': cursor})}"
    return {"previous": None, clinic.settings.envelope: results, "next": following}


def _place(cursor: str) -> tuple[Any, str] | None:
    if not cursor:
        return None
    sort_key, key = json.loads(base64.urlsafe_b64decode(cursor))
    return sort_key, key


def _size(query: Query, maximum: int, default: int = _DEFAULT_SIZE) -> int:
    text = query.get("page_size", "")
    return min(maximum, max(1, int(text) if text.isdecimal() else default))


def filter_of(table: str, query: Query) -> Callable[[Record], bool] | str:
    """Which records a query asks for; the complaint about it where it cannot be answered."""
    since = query.get("since", "")
    day = _day_column(table)
    first, _, last = query.get("date_range", "").partition("/")
    if first:
        try:
            days = (date.fromisoformat(last) - date.fromisoformat(first)).days
        except ValueError:
            return "Enter a range of dates: yyyy-mm-dd/yyyy-mm-dd."
        if not 0 <= days <= _MOST_DAYS:
            return f"A range may be {_MOST_DAYS} days long."
    date_ = query.get("date", "")
    equal = {name: value for name, value in query.items() if name in _EQUAL}
    show_archived = query.get("show_archived") == "true"

    def fits(record: Record) -> bool:
        if record.get("deleted_flag") and not show_archived:
            return False
        if since and record[CHANGED] < since:
            return False
        if (first and not first <= day(record) <= last) or (date_ and day(record) != date_):
            return False
        return all(str(record.get(name)) == value for name, value in equal.items())

    return fits


def _day_column(table: str) -> Callable[[Record], str]:
    if table == "clinical_notes":
        return lambda record: str(record["_day"])
    column = "scheduled_time" if table == "appointments" else "service_date"
    return lambda record: str(record.get(column, ""))[:10]


@dataclass(slots=True)
class Jobs:
    """The asynchronous lists that were asked for: uuid → (asked at, table, query, polls so far)."""

    requests: dict[str, list[Any]] = field(default_factory=dict)
    _matching: dict[Any, list[str]] = field(default_factory=dict)

    def ask(self, resource: str, query: Query) -> Plain:
        """Begin to make a page."""
        fits = filter_of(LISTS[resource], query)
        if isinstance(fits, str):
            return 400, {"date_range": [fits]}
        name = str(uuid.uuid4())
        self.requests[name] = [time.monotonic(), resource, dict(query), 0]
        return 201, {"status": "In progress", "uuid": name, "description": f"/api/{resource}?uuid={name}"}

    def answer(self, clinic: Clinic, resource: str, query: Query) -> Plain:
        """The page, if it is made."""
        job = self.requests.get(query.get("uuid", ""))
        if job is None or job[1] != resource or time.monotonic() - job[0] > clinic.settings.list_life_seconds:
            return 404, {"detail": "Not found."}
        job[3] += 1
        if job[3] <= clinic.settings.list_polls:
            return 200, {"status": "In progress", "uuid": query["uuid"]}
        return 200, {"status": "Complete", "uuid": query["uuid"], **self._page(clinic, LISTS[resource], job[2])}

    def _page(self, clinic: Clinic, table: str, query: Query) -> dict[str, Any]:
        keys = self._keys(clinic, table, query)
        size = _size(query, _MOST_IN_LIST)
        page = int(query.get("page", "1"))
        rows = clinic.tables[table].visible
        verbose = query.get("verbose") == "true"
        records = [
            api_record(clinic, table, rows[key], verbose=verbose) for key in keys[(page - 1) * size : page * size]
        ]
        pages = max(1, -(-len(keys) // size))
        return {"pagination": {"count": len(keys), "pages": pages, "page": page}, clinic.settings.envelope: records}

    def _keys(self, clinic: Clinic, table: str, query: Query) -> list[str]:
        """The keys that fit, remembered until something changes: every page asks for them again."""
        filters = frozenset((name, value) for name, value in query.items() if name not in {"page", "page_size"})
        name = (clinic.version, table, filters)
        if name not in self._matching:
            fits = filter_of(table, query)
            rows = clinic.tables[table]
            self._matching = {
                name: [] if isinstance(fits, str) else [key for _, key in rows.order() if fits(rows.visible[key])]
            }
        return self._matching[name]
