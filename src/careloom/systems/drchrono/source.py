"""Reading the streams: whole, or what changed since a time; and single records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import quote

from careloom.core.errors import Fix, Hold, NotPermitted, UsageFault
from careloom.core.ports import Finding
from careloom.core.rooms import RoomContext
from careloom.core.streams import Page, Record, Stream
from careloom.systems.drchrono.bulk import Got, bulk_pages, entries
from careloom.systems.drchrono.checkpoints import Position, position_of
from careloom.systems.drchrono.client import Client, is_absent, not_an_answer
from careloom.systems.drchrono.options import Options
from careloom.systems.drchrono.records import (
    day_of,
    deleted_line_item,
    deletion,
    key_of,
    note_with,
    records_of,
)
from careloom.systems.drchrono.streams import RANKS, STREAMS
from careloom.vendor_kit import status
from careloom.vendor_kit.records import read_items, refuse_nul

_VERBOSE = frozenset({"patients", "appointments", "clinical_notes"})
_WINDOWED = frozenset({"appointments", "clinical_notes", "line_items"})
"""Lists that DrChrono gives only since a time."""
_DELETIONS = "line_item_deletions"
_HOUR = timedelta(hours=1)
_MOST = "250"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One part of a scan: one listing. `days`: the window that it covers, where the listing is of one."""

    resource: str
    query: Mapping[str, str] = field(default_factory=dict)
    bulk: bool = False
    days: str = ""


class DrChronoSource:
    """A practice, to land streams from; implements `core.streams.StreamSource`."""

    def __init__(self, options: Options, context: RoomContext, *, client: Client | None = None) -> None:
        self._options = options
        self._zone = context.timezone
        self._clock = context.clock
        self._client = client or Client(options, context)
        self._calendar_days = ""
        self._calendar: Mapping[str, str] = {}

    def scan(self, stream: str, since: datetime | None, checkpoint: str = "") -> Iterator[Page]:
        """Pages of records; a whole scan of appointments, notes and line items begins at the options' floor.

        Insurance is read out of patients: both scans ask for the same, this one's pages hold insurance only.
        """
        declaration = _declared(stream)
        source = declaration.out_of or stream
        last_day = self._clock().astimezone(self._zone).date() + timedelta(days=self._options.ahead_days)
        position = position_of(checkpoint, last_day)
        legs = self._legs(source, since, date.fromisoformat(position.until))
        while position.leg < len(legs):
            leg, number = legs[position.leg], position.leg
            for answer, observed_at in self._timed(leg, position):
                position = answer.position
                page = self._page(source, leg, answer, observed_at)
                yield page if source == stream else _only(stream, page)
            if position.leg == number:
                position = Position(until=position.until, leg=number + 1)

    def fetch(self, stream: str, key: str) -> Sequence[Record]:
        """The record as it is now, with a patient's insurance; data None if it is gone. Hold if the key is refused."""
        declaration = _declared(stream)
        if declaration.out_of:
            records = self.fetch(declaration.out_of, key.partition(":")[0])
            return [record for record in records if record.stream == stream and record.key == key]
        observed_at = self._clock()
        query = {"verbose": "true"} if stream in _VERBOSE else {}
        answer = self._client.get(f"/api/{stream}/{quote(key, safe='')}", query)
        if is_absent(answer):
            inner = [deletion("insurance", f"{key}:{rank}", observed_at, root=key) for rank in RANKS]
            return [deletion(stream, key, observed_at), *(inner if stream == "patients" else ())]
        if answer.status == status.BAD_REQUEST and isinstance(answer.content, dict):
            raise Hold("refused", f"DrChrono gives no record of {stream} for this key ({answer.status})")
        if answer.status != status.OK or not _is_record(stream, key, answer.body):
            raise not_an_answer(f"a record of {stream}")
        if answer.escapes:
            refuse_nul(answer.body)
        if stream != "clinical_notes":
            return records_of(stream, answer.body, observed_at, self._zone)
        note = note_with({"appointment": key, **answer.body}, self._appointment(key))
        return records_of(stream, note, observed_at, self._zone)

    def check(self, streams: Sequence[str]) -> Sequence[Finding]:
        """One record of each resource is asked for, at most; a scope that is lacking is the fault of its streams alone."""
        self._client.connected()
        resources = dict.fromkeys(_declared(stream).out_of or stream for stream in streams)
        return [self._checked(resource) for resource in resources]

    def _checked(self, resource: str) -> Finding:
        query = {"page_size": "1"}
        if resource in _WINDOWED:
            query["since"] = self._local(self._clock())
        try:
            answer = self._client.get(f"/api/{resource}", query)
        except NotPermitted as error:
            return Finding(level="fault", what=f"stream {resource}", detail=str(error))
        if answer.status != status.OK or entries(answer.body) is None:
            return Finding(
                level="fault",
                what=f"stream {resource}",
                detail=f"what answers is no list of {resource} ({answer.status})",
                fix="check base_url and version",
            )
        return Finding(level="ok", what=f"stream {resource}", detail="can be read")

    def close(self) -> None:
        """Give back connections."""
        self._client.close()

    # ------------------------------------------------------------ what is asked for

    def _legs(self, stream: str, since: datetime | None, until: date) -> list[Leg]:
        if since is not None and STREAMS[stream].changes:
            return self._changes(stream, {"since": self._local(since)})
        return self._whole(stream, until)

    def _changes(self, stream: str, since: Mapping[str, str]) -> list[Leg]:
        if stream == "appointments":
            return [self._listing(stream, {**since, "show_archived": "true"})]
        if stream == "line_items":
            return [self._listing(stream, since), self._listing(_DELETIONS, since)]
        return [self._listing(stream, since)]

    def _whole(self, stream: str, until: date) -> list[Leg]:
        bulk = self._options.bulk and stream in self._options.bulk_streams
        floor = {"since": self._options.floor.isoformat()}
        if stream == "clinical_notes" or (stream == "appointments" and not bulk):
            return [
                replace(self._listing(stream, {"date_range": days}, bulk=bulk), days=days)
                for days in windows(self._options.floor, until, self._options.window_days)
            ]
        return [self._listing(stream, floor if stream in {"appointments", "line_items"} else {}, bulk=bulk)]

    def _listing(self, resource: str, query: Mapping[str, str], *, bulk: bool = False) -> Leg:
        pages = self._options.pages
        size = {
            "patients": pages.patients,
            "appointments": pages.appointments,
            "clinical_notes": pages.clinical_notes,
        }.get(resource, pages.default)
        parameters = {**query, "page_size": str(pages.bulk if bulk else size)}
        if resource in _VERBOSE:
            parameters["verbose"] = "true"
        if bulk and resource in {"patients", "line_items"}:
            parameters["order_by"] = "id"
        return Leg(resource=resource, query=parameters, bulk=bulk)

    def _local(self, since: datetime) -> str:
        """`since` as the practice's clock shows it, earlier by the overlap, and by the hour that a clock set back repeats."""
        time = since - timedelta(seconds=self._options.overlap_seconds)
        local, hour_later = time.astimezone(self._zone), (time + _HOUR).astimezone(self._zone)
        set_back = (hour_later.utcoffset() or timedelta()) < (local.utcoffset() or timedelta())
        naive = local.replace(tzinfo=None) - (_HOUR if set_back else timedelta())
        return naive.strftime("%Y-%m-%dT%H:%M:%S")

    # ------------------------------------------------------------ asking

    def _timed(self, leg: Leg, position: Position) -> Iterator[tuple[Got, datetime]]:
        """Each part of a leg, with a time that was not later than its reading."""
        if leg.bulk:
            pages = bulk_pages(self._client, self._options, f"/api/{leg.resource}_list", leg.query, position)
        else:
            pages = self._pages(leg, position)
        while True:
            request_time = self._clock()
            answer = next(pages, None)
            if answer is None:
                return
            yield answer, answer.asked_at or request_time

    def _pages(self, leg: Leg, position: Position) -> Iterator[Got]:
        path = f"/api/{leg.resource}"
        following = position.next
        while True:
            answer = self._client.get(following) if following else self._client.get(path, leg.query)
            if answer.status != status.OK and position.next and following == position.next:
                # A page of an earlier run that is not known any more: the listing begins anew.
                position, following = Position(until=position.until, leg=position.leg), ""
                continue
            items = entries(answer.body)
            if answer.status != status.OK and isinstance(answer.content, dict):
                raise Fix(f"DrChrono refuses to list {leg.resource} ({answer.status}): check version and floor")
            # Without its end being said, a list is not known to be whole, and what it lacks would look deleted.
            link = answer.body.get("next", False)
            if items is None or not (link is None or isinstance(link, str)):
                raise not_an_answer(f"a list of {leg.resource}")
            last_link, following = following, self._client.own_path(link) if link else ""
            if following and following == last_link:
                raise not_an_answer(f"a list of {leg.resource}")
            after = Position(until=position.until, leg=position.leg + (not following), next=following)
            yield Got(items=items, position=after, escapes=answer.escapes)
            if not following:
                return

    # ------------------------------------------------------------ what came

    def _page(self, stream: str, leg: Leg, answer: Got, observed_at: datetime) -> Page:
        days = self._days_of(leg, answer) if leg.resource == "clinical_notes" else {}

        def read(item: Mapping[str, Any]) -> Sequence[Record]:
            if answer.escapes:
                refuse_nul(item)
            if leg.resource == _DELETIONS:
                return [deleted_line_item(item, observed_at, self._zone)]
            if leg.resource == "clinical_notes":
                key = key_of(stream, item)
                day = days.get(key)
                item = note_with(item, self._appointment(key) if day is None else None, day)
            return records_of(stream, item, observed_at, self._zone)

        records, unreadable = read_items(stream, answer.items, read, keys=("id", "appointment"))
        return Page(records=records, checkpoint=answer.position.text(), total=answer.total, unreadable=unreadable)

    def _days_of(self, leg: Leg, answer: Got) -> Mapping[str, str]:
        """The days of a window's appointments by their keys: a note does not tell its own, and asking singly costs a call."""
        if not leg.days or not answer.items:
            return {}
        if self._calendar_days != leg.days:
            query = {"date_range": leg.days, "page_size": _MOST, "show_archived": "true"}
            found: dict[str, str] = {}
            for page in self._pages(Leg(resource="appointments", query=query), Position(until="")):
                for item in page.items:
                    day = day_of(item) if isinstance(item, dict) else None
                    if day is not None:
                        found[str(item.get("id"))] = day
            self._calendar_days, self._calendar = leg.days, found
        return self._calendar

    def _appointment(self, key: str) -> Mapping[str, Any] | None:
        answer = self._client.get(f"/api/appointments/{quote(key, safe='')}", {"verbose": "true"})
        if is_absent(answer):
            return None
        if answer.status != status.OK or not _is_record("appointments", key, answer.body):
            raise not_an_answer("the appointment of a clinical note")
        appointment: Mapping[str, Any] = answer.body
        return appointment


def windows(first: date, last: date, days: int) -> list[str]:
    """Ranges `yyyy-mm-dd/yyyy-mm-dd` of at most `days` days that cover first to last without overlap."""
    ranges: list[str] = []
    while first <= last:
        end = min(last, first + timedelta(days=days - 1))
        ranges.append(f"{first.isoformat()}/{end.isoformat()}")
        first = end + timedelta(days=1)
    return ranges


def _declared(stream: str) -> Stream:
    if stream not in STREAMS:
        raise UsageFault(f"DrChrono has no stream {stream!r}; there are: {', '.join(STREAMS)}")
    return STREAMS[stream]


def _only(stream: str, page: Page) -> Page:
    own_records = [record for record in page.records if record.stream == stream]
    return replace(page, records=own_records, unreadable=(), total=None)


def _is_record(stream: str, key: str, body: Any) -> bool:
    """Whether the body is the record that was asked for, and not another, or a message."""
    if not isinstance(body, dict):
        return False
    name = STREAMS[stream].key
    if stream == "clinical_notes" and name not in body:
        # Some answers leave the appointment out, which the address names; they say whose note it is.
        return "patient" in body
    return str(body.get(name)) == key
