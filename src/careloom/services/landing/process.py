"""Stored events, read and landed: in order, in batches, and again from the start of a batch after a crash.

A batch is read, what it only hints at is fetched, all of it is landed in one go, and then its rows are done. Landing the same
again changes nothing, so whatever happens in between, the batch is simply taken again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event, Lock

from careloom.core.errors import Fix, Hold, Later
from careloom.core.log import LOG
from careloom.core.streams import Record, StreamSource, Unreadable
from careloom.core.webhooks import Reading, StoredEvent, ThinEvent
from careloom.services.landing.trust import as_first_told, is_shown, to_ask_again
from careloom.services.landing.write import land
from careloom.services.session.sessions import Session
from careloom.store.inbox_queue import NOT_YET, Backoff, claim_events, events_done, events_wait, hold_event
from careloom.store.landing_runs import LandingRuns
from careloom.store.locks import advisory_lock
from careloom.store.queue import enqueue

BACKOFF = Backoff(first=2.0, maximum=900.0)
ATTEMPTS = 5
"""How often an event may fail by a fault that is ours before it is held."""
ASKS = 4
"""So often a system is asked again that does not show yet what it has told; its answers may be seconds old."""
_SOON = Backoff(first=4.0, maximum=60.0)
NOT_SHOWN = "not-shown"
"""Why an event is held whose new record the system did not show in all that time."""
FETCHERS = 4
GIVE_UP = 3
"""So many fetches in a row that were told to wait, and the rest of the batch waits too, unasked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventOutcome:
    """Why an event is not over.

    `kind`: hold, wait (for as long as it takes), failed (held after some attempts), or again (what was shown is landed, and the
    system is asked once more).
    """

    kind: str
    code: str
    message: str = ""
    after: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _StatedRecord:
    """What an event comes to: records that it carried, records that were fetched because of it, and what cannot be read."""

    event_records: Sequence[Record] = ()
    fetched_records: Sequence[Record] = ()
    unreadable: Sequence[Unreadable] = ()


@dataclass(slots=True, kw_only=True)
class _EventBatch:
    """The events of one claim and what became of them; an event without a verdict is landed."""

    session: Session
    source: str
    events: Sequence[StoredEvent]
    verdicts: dict[int, EventOutcome] = field(default_factory=dict)
    records: dict[int, _StatedRecord] = field(default_factory=dict)

    @property
    def open(self) -> list[int]:
        """The events that nothing speaks against landing so far."""
        return [event.id for event in self.events if self._kind(event) in (None, "again")]

    @property
    def done(self) -> list[int]:
        """The events that nothing speaks against at all."""
        return [event.id for event in self.events if self._kind(event) is None]

    def _kind(self, event: StoredEvent) -> str | None:
        verdict = self.verdicts.get(event.id)
        return verdict.kind if verdict else None


def process_inbox(session: Session, source: str, *, stop: Event) -> Counter[str]:
    """Land what the new events of `source` say, until none is due or `stop` is set (looked at between batches).

    Returns `events` = `done` + `held` + `waiting`. Nothing is done where another worker is at the same source.
    """
    totals: Counter[str] = Counter(events=0, done=0, held=0, waiting=0)
    with advisory_lock(session.store, "inbox", source) as has_lock:
        while has_lock and not stop.is_set():
            with session.store.transaction() as connection:
                events = claim_events(connection, source)
            if not events:
                break
            batch = _EventBatch(session=session, source=source, events=events)
            _read(batch)
            _land(batch)
            totals.update(_settle(batch))
    return totals


# ---------------------------------------------------------------- reading


def _read(batch: _EventBatch) -> None:
    """Ask the source's room what each event says, and fetch what it only hints at."""
    reader = batch.session.event_reader(batch.source)
    readings: dict[int, Reading] = {}
    for event in batch.events:
        try:
            readings[event.id] = reader.read(event)
        except Exception as error:  # noqa: BLE001 whatever one event does, the others continue
            batch.verdicts[event.id] = _verdict(error)
    readings.update(as_first_told(batch.session, batch.source, batch.events, readings))
    readings.update(_trusted(batch, readings))
    answers = _fetch(batch, {thin_event: None for reading in readings.values() for thin_event in reading.thin_events})
    last_places = _last_places(batch, readings, answers)
    for event in batch.events:
        if event.id in readings:
            _judge(batch, event, readings[event.id], answers, last_places)


def _trusted(batch: _EventBatch, readings: Mapping[int, Reading]) -> Mapping[int, Reading]:
    """The readings in which a record stands that need not be the latest, with a thin event in the place of what they tell."""
    if not batch.session.tells_when_asked(batch.source):
        return {}
    return to_ask_again(batch.session, batch.source, readings)


def _last_places(
    batch: _EventBatch, readings: Mapping[int, Reading], answers: Mapping[ThinEvent, Sequence[Record] | EventOutcome]
) -> Mapping[ThinEvent, int]:
    """For each thin event the last event whose word the answer keeps: what was told before that is settled with it."""
    last: dict[ThinEvent, int] = {}
    for place, event in enumerate(batch.events):
        for thin_event in readings[event.id].thin_events if event.id in readings else ():
            answer = answers[thin_event]
            if not isinstance(answer, EventOutcome) and is_shown(batch.session, batch.source, thin_event, answer):
                last[thin_event] = place
    return last


def _judge(
    batch: _EventBatch,
    event: StoredEvent,
    reading: Reading,
    answers: Mapping[ThinEvent, Sequence[Record] | EventOutcome],
    last_places: Mapping[ThinEvent, int],
) -> None:
    """What becomes of one event, as far as its reading and what was fetched for it say."""
    place = batch.events.index(event)
    records: list[Record] = []
    for thin_event in reading.thin_events:
        answer = answers[thin_event]
        if isinstance(answer, EventOutcome):
            batch.verdicts[event.id] = answer
            continue
        is_current = last_places.get(thin_event, -1) >= place or not answer
        absent = any(
            record.stream == thin_event.stream and record.key == thin_event.key and record.data is None
            for record in answer
        )
        if not is_current and event.asked < ASKS:
            batch.verdicts[event.id] = EventOutcome(kind="again", code=NOT_YET)
        elif not is_current and absent and thin_event.is_new:
            message = f"the record of {thin_event.stream} that the event says was made is not shown"
            batch.verdicts[event.id] = EventOutcome(kind="hold", code=NOT_SHOWN, message=message)
        # Absence is believed when it is what was told, or has been the answer for long enough.
        if is_current or not absent or (event.asked >= ASKS and not thin_event.is_new):
            records += answer
    batch.records[event.id] = _StatedRecord(
        event_records=reading.records, fetched_records=records, unreadable=reading.unreadable
    )


def _fetch(batch: _EventBatch, thin_events: Iterable[ThinEvent]) -> Mapping[ThinEvent, Sequence[Record] | EventOutcome]:
    """The records of each thin event, each fetched once, however many events hint at it; thin events of streams that no landing takes are empty."""
    streams = _landed_streams(batch)
    fetchable = [thin_event for thin_event in thin_events if thin_event.stream in streams]
    empty: dict[ThinEvent, Sequence[Record] | EventOutcome] = {
        thin_event: () for thin_event in thin_events if thin_event.stream not in streams
    }
    if not fetchable:
        return empty
    fetcher = _Fetcher(source=batch.session.stream_source(batch.source))
    with ThreadPoolExecutor(min(FETCHERS, len(fetchable))) as pool:
        return empty | dict(zip(fetchable, pool.map(fetcher.fetch, fetchable), strict=True))


@dataclass(slots=True, kw_only=True)
class _Fetcher:
    """Fetches from a system for as long as it answers."""

    source: StreamSource
    refusals: int = 0
    last: EventOutcome | None = None
    _lock: Lock = field(default_factory=Lock)

    def fetch(self, thin_event: ThinEvent) -> Sequence[Record] | EventOutcome:
        with self._lock:
            if self.last is not None and self.refusals >= GIVE_UP:
                return self.last
        try:
            records = self.source.fetch(thin_event.stream, thin_event.key)
        except Exception as error:  # noqa: BLE001 one record's fault is not the others'
            verdict = _verdict(error)
            with self._lock:
                self.refusals, self.last = (self.refusals + 1, verdict) if verdict.kind == "wait" else (0, None)
            return verdict
        with self._lock:
            self.refusals, self.last = 0, None
        return records


def _landed_streams(batch: _EventBatch) -> set[str]:
    """The source's streams that the project lands, and those whose records they come out of."""
    landed_streams = [
        landing.stream for landing in batch.session.project.landings.values() if landing.system == batch.source
    ]
    return {stream.name for stream in landed_streams} | {stream.out_of for stream in landed_streams if stream.out_of}


# ---------------------------------------------------------------- landing


def _land(batch: _EventBatch) -> None:
    """Land all together; if that fails by a fault of ours, each alone, so that one event cannot stop the others."""
    together = batch.open
    try:
        _land_these(batch, together)
    except (Later, Fix) as error:
        batch.verdicts.update(dict.fromkeys(together, _verdict(error)))
    except Exception as error:  # noqa: BLE001 likewise
        if len(together) == 1:
            batch.verdicts[together[0]] = _verdict(error)
            return
        for id_ in together:
            try:
                _land_these(batch, [id_])
            except Exception as alone_error:  # noqa: BLE001 likewise
                batch.verdicts[id_] = _verdict(alone_error)


def _land_these(batch: _EventBatch, ids: Sequence[int]) -> None:
    event_records = [record for id_ in ids for record in batch.records[id_].event_records]
    fetched_records = [record for id_ in ids for record in batch.records[id_].fetched_records]
    unreadable = [item for id_ in ids for item in batch.records[id_].unreadable]
    if not event_records and not fetched_records and not unreadable:
        return
    log = LandingRuns(batch.session.store)
    tables = _tables(
        batch, {item.stream for item in (*event_records, *fetched_records)} | {item.stream for item in unreadable}
    )
    run = log.start(batch.source, "webhook", ", ".join(tables))
    try:
        actor = f"webhook:{batch.source}"
        counts = land(batch.session, batch.source, event_records, unreadable, actor=actor, run=run)
        counts.update(land(batch.session, batch.source, fetched_records, actor=actor, run=run, read=True))
    except Exception as error:
        log.finish(run, status="failed", counts={}, error=type(error).__name__, repairs=0, details={"events": len(ids)})
        raise
    log.finish(run, status="completed", counts=counts, error=None, repairs=0, details={"events": len(ids)})


def _tables(batch: _EventBatch, streams: set[str]) -> list[str]:
    landings = batch.session.project.landings.values()
    return sorted(
        {landing.table for landing in landings if landing.system == batch.source and landing.stream.name in streams}
    )


# ---------------------------------------------------------------- settling


def _settle(batch: _EventBatch) -> Counter[str]:
    """Say in one transaction what became of each event, and enqueue the publishing of the changes."""
    done_ids = batch.done
    holds = {id_: verdict for id_, verdict in batch.verdicts.items() if verdict.kind == "hold"}
    with batch.session.store.transaction() as connection:
        events_done(connection, done_ids)
        for id_, verdict in holds.items():
            hold_event(connection, id_, verdict.code, verdict.message)
        given_up = 0
        for (kind, code, message), after in _waiting(batch.verdicts).items():
            limit = {"limit": ATTEMPTS} if kind == "failed" else {}
            backoff = _SOON if kind == "again" else BACKOFF
            given_up += events_wait(connection, after, code=code, message=message, backoff=backoff, **limit)
        enqueue(connection, "publish", "outbox")
    _tell(batch)
    held_count = len(holds) + given_up
    return Counter(
        events=len(batch.events),
        done=len(done_ids),
        held=held_count,
        waiting=len(batch.events) - len(done_ids) - held_count,
    )


def _waiting(verdicts: Mapping[int, EventOutcome]) -> dict[tuple[str, str, str], dict[int, float]]:
    """The events that wait, by what they wait for, with the seconds that were asked of them."""
    groups: dict[tuple[str, str, str], dict[int, float]] = {}
    for id_, verdict in verdicts.items():
        if verdict.kind != "hold":
            groups.setdefault((verdict.kind, verdict.code, verdict.message), {})[id_] = verdict.after
    return groups


def _verdict(error: Exception) -> EventOutcome:
    """What an error means for one event. Only our own errors' words are kept: others may quote what they failed on."""
    name = type(error).__name__
    by_kind: tuple[tuple[type[Exception], Callable[[], EventOutcome]], ...] = (
        (Hold, lambda: EventOutcome(kind="hold", code=getattr(error, "code", name), message=str(error))),
        (
            Later,
            lambda: EventOutcome(kind="wait", code="later", message=name, after=getattr(error, "after", None) or 0.0),
        ),
        (Fix, lambda: EventOutcome(kind="wait", code="fix", message=str(error))),
    )
    for kind, outcome in by_kind:
        if isinstance(error, kind):
            return outcome()
    return EventOutcome(kind="failed", code="failed", message=name)


def _tell(batch: _EventBatch) -> None:
    """A line in the log for each reason, not for each event."""
    reasons = Counter(
        (verdict.kind, verdict.code, verdict.message) for verdict in batch.verdicts.values() if verdict.kind != "again"
    )
    for (kind, code, message), count in reasons.items():
        LOG.warning(
            "event.not_landed",
            message="events were not landed",
            source=batch.source,
            outcome=kind,
            code=code,
            reason=message,
            events=count,
        )
