"""Reads a whole object, or what changed in it.

A cursor is a moment of the server's own clock, as its records show it; the machine's clock is never asked. A scan since
a cursor goes back a little further, because search shows new records late, and reads the bin, because search never
shows what was archived. Merges show in the survivor, which a merge changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from careloom.core.errors import RemoteUnavailable
from careloom.core.ports import RemoteRecord, ScanPage
from careloom.systems.hubspot.client import bodies
from careloom.systems.hubspot.client.http import Client, refused
from careloom.systems.hubspot.client.paths import Paths
from careloom.systems.hubspot.target.records import Reader, asked, record_of
from careloom.systems.hubspot.target.search import MOST_RESULTS, Found, Searcher, milliseconds
from careloom.vendor_kit.call import Call

LIST_PAGE = 100
# Search lags by seconds; a minute costs a few records given twice.
LOOK_BACK = timedelta(seconds=60)
_FIRST = "1970-01-01T00:00:00.000Z"
# Property names travel in the URL when a list is read; more than this, and they travel in the body of a batch read.
_MOST_URL = 6_000
# Below this many changes, whether listing everything would be cheaper is not asked.
_FEW = 2_000
# A listing may fall short of the search's count by one record in so many, or by so many: staff archive while it is read.
_SLACK = 50
_FEW_GONE = 2


class TooManyAlikeError(Exception):
    """More records carry one moment than a search can page through: only a listing shows them all."""


class Scan:
    """One scan of one object."""

    def __init__(self, client: Client, paths: Paths, object_type: str, properties: Sequence[str]) -> None:
        self._client = client
        self._path = paths.objects(object_type)
        self._type = object_type
        self._properties = tuple(properties)
        self._long = len(",".join(properties)) > _MOST_URL
        self._searcher = Searcher(client, paths)
        self._reader = Reader(client, paths)

    def pages(self, since: str | None) -> Iterator[ScanPage]:
        """The pages of a scan; only the last one moves the cursor."""
        if not since:
            yield from self._everything()
            return
        start = _shifted(since)
        first = self._searcher.changed(self._type, start, self._properties)
        if first.total > _FEW and first.total * 2 > self._searcher.newest(self._type).total:
            yield from self._everything()
            return
        cursor = since
        try:
            for page in self._changed(start):
                cursor = max(cursor, page.last, key=milliseconds)
                yield ScanPage(records=page.records, cursor=since, complete=False)
        except TooManyAlikeError:
            yield from self._everything()
            return
        for records in self._archived(milliseconds(start)):
            yield ScanPage(records=records, cursor=since, complete=False)
        yield ScanPage(records=(), cursor=cursor, complete=True)

    # ------------------------------------------------------------ everything

    def _everything(self) -> Iterator[ScanPage]:
        # What changes while the pages are read is newer than this.
        newest = self._searcher.newest(self._type)
        cursor, oldest, count = newest.last, "", 0
        late_records: list[RemoteRecord] | None = None
        for records in self._listed():
            count += len(records)
            if not cursor:  # search does not show records that are some seconds old; none changes before it was made
                moments = [item.updated_at for item in records if item.updated_at]
                oldest = min((item for item in (oldest, *moments) if item), key=milliseconds, default="")
            if late_records is not None:
                yield ScanPage(records=late_records, cursor="", complete=False)
            late_records = records
        self._demand_all(count, newest.total)
        yield ScanPage(records=late_records or (), cursor=cursor or oldest or _FIRST, complete=True)

    def _demand_all(self, list_count: int, search_count: int) -> None:
        """RemoteUnavailable if the listing ended long before what the search counts, before and after it: a lost page.

        Absence is what a person would be created for a second time, so it is not believed on one answer's word.
        """
        if _lacks(list_count, search_count) and _lacks(list_count, again := self._searcher.newest(self._type).total):
            raise RemoteUnavailable(
                f"HubSpot lists {list_count} records of {self._type} and counts {again}: a part of the list is missing; "
                "nothing was concluded from it: run again"
            )

    def _listed(self) -> Iterator[list[RemoteRecord]]:
        for results in self._list(in_archive=False):
            records = [record_of(result, self._properties) for result in results]
            yield self._completed(records) if self._long else records

    def _list(self, *, in_archive: bool) -> Iterator[list[dict[str, Any]]]:
        names = "" if self._long else ",".join(asked(self._properties))
        query = {"limit": str(LIST_PAGE), "archived": str(in_archive).lower(), "properties": names}
        pages = bodies.Pages(bodies.record)
        while True:
            call = Call(method="GET", path=self._path, query=query, gives=pages.check)
            answer = self._client.send(call)
            if answer.ok and pages.after and not answer.body["results"]:
                # The page before said that this one begins with a record: only a second look makes its absence believed.
                answer = self._client.send(call)
            if not answer.ok:
                raise refused(call, answer, quote=False)
            yield answer.body["results"]
            if not pages.turn(answer.body):
                return
            query = query | {"after": pages.after}

    def _completed(self, records: Sequence[RemoteRecord]) -> list[RemoteRecord]:
        """The same records with their properties; those that went away meanwhile are left out."""
        return list(self._reader.by_id(self._type, [record.id for record in records], self._properties).values())

    # ------------------------------------------------------------ changes

    def _changed(self, start: str) -> Iterator[Found]:
        """Live records changed at or after `start`, each once.

        Each page starts at the moment where the last one ended. Counting on by offset would skip a record whenever one
        that was read already changes again and moves to the end.
        """
        last_versions: set[tuple[str, str]] = set()
        after = ""
        while True:
            page = self._searcher.changed(self._type, start, self._properties, after)
            fresh = [record for record in page.records if (record.id, record.updated_at) not in last_versions]
            if fresh:
                yield replace(page, records=fresh)
            if not page.after:
                return
            if milliseconds(page.last) > milliseconds(start):
                start, after = page.last, ""
                last_versions = {(record.id, record.updated_at) for record in page.records}
            elif int(page.after) >= MOST_RESULTS:
                raise TooManyAlikeError
            else:
                after = page.after
                last_versions.update((record.id, record.updated_at) for record in fresh)

    def _archived(self, since: int) -> Iterator[list[RemoteRecord]]:
        """Records put into the bin since then. The bin has no order and no filter: all of it is paged through."""
        for results in self._list(in_archive=True):
            late = [
                result
                for result in results
                if "archivedAt" not in result or milliseconds(result["archivedAt"]) >= since
            ]
            if late:
                yield [replace(record_of(result, self._properties), archived=True) for result in late]


def _lacks(list_count: int, search_count: int) -> bool:
    """Whether a listing is short of a count, beyond what is archived while it is read."""
    return list_count + search_count // _SLACK < search_count and (
        list_count == 0 or list_count + _FEW_GONE < search_count
    )


def _shifted(cursor: str) -> str:
    """A cursor, less the look-back, in the form in which the server writes its moments."""
    moment = datetime.fromisoformat(cursor) - LOOK_BACK
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
