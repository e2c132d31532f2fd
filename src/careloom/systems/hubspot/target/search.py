"""The search endpoint: strict in rate, late by seconds for new records, and blind past ten thousand results.

It is used to see what changed and, where a key is not unique in the portal, to see whether a record is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from careloom.core.ports import RemoteRecord
from careloom.systems.hubspot.client import bodies
from careloom.systems.hubspot.client.http import Client, refused
from careloom.systems.hubspot.client.paths import Paths
from careloom.systems.hubspot.target.objects import CONTACTS
from careloom.systems.hubspot.target.records import asked, folded, record_of
from careloom.vendor_kit.call import Call

PAGE = 200
MOST_RESULTS = 10_000
# New records were measured to be missing for up to 5 s; HubSpot itself says "a few moments".
SEARCH_LAG = 10.0
# A request may hold 3,000 characters, and 100 values in one IN.
_MOST_VALUES = 100
_MOST_CHARACTERS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One page of a search: how many match in all, the records, and where the next page starts ("" at the end).

    `last` is the modified date of the last record, as the search sorts by it ("" on an empty page).
    """

    total: int
    records: Sequence[RemoteRecord]
    after: str
    last: str = ""


def modified_property(object_type: str) -> str:
    """The property that holds when a record was last changed."""
    return "lastmodifieddate" if object_type in (CONTACTS, "0-1") else "hs_lastmodifieddate"


class Searcher:
    """Searches one portal."""

    def __init__(self, client: Client, paths: Paths) -> None:
        self._client = client
        self._paths = paths

    def changed(self, object_type: str, since: str, properties: Sequence[str], after: str = "") -> Found:
        """Live records changed at or after `since` (ISO text), oldest change first, 200 a page."""
        name = modified_property(object_type)
        moment_filter = {"propertyName": name, "operator": "GTE", "value": str(milliseconds(since))}
        body: dict[str, object] = {
            "filterGroups": [{"filters": [moment_filter]}],
            "sorts": [{"propertyName": name, "direction": "ASCENDING"}],
            "properties": [*asked(properties), name],
            "limit": PAGE,
        }
        if after:
            body["after"] = after
        return self._page(object_type, body, properties)

    def newest(self, object_type: str) -> Found:
        """The record changed last, and how many records there are."""
        name = modified_property(object_type)
        sorts = [{"propertyName": name, "direction": "DESCENDING"}]
        body: dict[str, object] = {"filterGroups": [], "sorts": sorts, "properties": [name], "limit": 1}
        return self._page(object_type, body, (name,))

    def by_value(
        self, object_type: str, name: str, values: Sequence[str], properties: Sequence[str]
    ) -> dict[str, list[RemoteRecord]]:
        """Live records by the folded value of a property that need not be unique; up to 200 for each hundred values."""
        records: dict[str, list[RemoteRecord]] = {}
        names = list(dict.fromkeys((*properties, name)))
        for chunk in _short(sorted({folded(value) for value in values if value.strip()})):
            among = {"propertyName": name, "operator": "IN", "values": chunk}
            body: dict[str, object] = {
                "filterGroups": [{"filters": [among]}],
                "properties": asked(names),
                "limit": PAGE,
            }
            for record in self._page(object_type, body, names).records:
                records.setdefault(folded(record.values.get(name) or ""), []).append(record)
        return records

    def _page(self, object_type: str, body: Mapping[str, object], properties: Sequence[str]) -> Found:
        path = f"{self._paths.objects(object_type)}/search"
        call = Call(
            method="POST",
            repeatable=True,
            path=path,
            body=body,
            limit="search",
            gives=bodies.search_page(str(body.get("after") or "")),
        )
        answer = self._client.send(call)
        if not answer.ok:
            raise refused(call, answer, quote=False)
        return _found(answer.body, properties, modified_property(object_type))


def _found(body: Mapping[str, Any], properties: Sequence[str], modified_name: str) -> Found:
    following = (body.get("paging") or {}).get("next") or {}
    results = body.get("results") or [{}]
    last = (results[-1].get("properties") or {}).get(modified_name) or results[-1].get("updatedAt") or ""
    return Found(
        total=int(body.get("total") or 0),
        records=[record_of(result, properties) for result in body.get("results") or ()],
        after=str(following.get("after") or ""),
        last=str(last),
    )


def _short(values: Sequence[str]) -> Iterator[list[str]]:
    """Values in lists that fit into one request."""
    chunk: list[str] = []
    size = 0
    for value in values:
        if chunk and (len(chunk) == _MOST_VALUES or size + len(value) > _MOST_CHARACTERS):
            yield chunk
            chunk, size = [], 0
        chunk.append(value)
        size += len(value) + 3
    if chunk:
        yield chunk


def milliseconds(moment: str) -> int:
    """Milliseconds since 1970 of an ISO text, as the search compares datetimes."""
    time = datetime.fromisoformat(moment)
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    return round(time.timestamp() * 1000)
