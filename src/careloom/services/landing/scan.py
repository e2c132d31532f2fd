"""Reading streams by asking: what changed, or all of it; page by page, and on from where an earlier scan was stopped.

A page is landed first and its checkpoint written after, so that a scan that dies at any point repeats a page and skips none.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from typing import Any

from careloom.core.attempts import Kind
from careloom.core.errors import CareloomError, Later, UsageFault, safe_text
from careloom.core.log import LOG
from careloom.core.streams import DELETE_LIMIT, Page, Stream
from careloom.project.model import Landing
from careloom.services.landing.deletions import DeletionDetector, seen_of
from careloom.services.landing.link import link_again, linked_to
from careloom.services.landing.prefetch import prefetch_pages
from careloom.services.landing.write import land
from careloom.services.session.attempts import Attempt, attempt
from careloom.services.session.progress import Watch
from careloom.services.session.sessions import Session
from careloom.store.landing_runs import ENDS, LandingRuns, is_balanced
from careloom.store.landing_tables import ensure_table
from careloom.store.locks import advisory_lock
from careloom.store.queue import enqueue
from careloom.store.stream_state import ScanKind, StreamState, StreamStates

_RESUMABLE = timedelta(days=7)
"""An unfinished scan older than this begins anew: what its first pages showed says little about today."""

_NOTED_EVERY = 2.0
"""Seconds between two notes of how far a scan got."""

_STOPPED, _LATER, _HELD = 130, Later.exit_code, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class LandingReport:
    """What one landing did. `counts`: total = created + updated + unchanged + deleted + held.

    `status`: completed, interrupted (goes on from its checkpoint when it is asked for again) or failed. `exit_code` is what
    the outcome calls for; `after`: seconds to wait, where the source said so. `notes` say what was not done, and why.
    """

    stream: str
    status: str
    counts: Mapping[str, int]
    repaired: int
    balanced: bool
    seconds: float
    run: int
    kind: str = ""
    resumed: bool = False
    notes: Sequence[str] = ()
    exit_code: int = 0
    after: float | None = None

    def as_json(self) -> dict[str, Any]:
        """The report as plain data."""
        return asdict(self)


@dataclass(slots=True, kw_only=True)
class _Scan:
    """One scan under way. `root` is what the source is asked for; `members` are the landings that its pages fill."""

    session: Session
    watch: Watch
    asked: str
    system: str
    root: Stream
    members: Sequence[Landing]
    limit: float
    deadline: float | None
    state: StreamState = field(default_factory=lambda: StreamState(stream=""))
    kind: ScanKind = "incremental"
    run: int = 0
    resumed: bool = False
    counts: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(("total", *ENDS), 0)))
    notes: list[str] = field(default_factory=list)
    noted: float = 0.0
    complete: bool = False

    @property
    def name(self) -> str:
        """The landing that stands for all members."""
        return self.members[0].name

    @property
    def whole(self) -> bool:
        """Everything is read, so that absence says something."""
        return self.kind != "incremental"

    @property
    def over(self) -> bool:
        """Whether to stop at this edge of a page."""
        return self.watch.stop.is_set() or (self.deadline is not None and time.monotonic() >= self.deadline)

    def take(self, counts: Mapping[str, int]) -> None:
        """Add what a page did, and now and then say so."""
        self.counts.update(counts)
        if time.monotonic() - self.noted >= _NOTED_EVERY:
            self.noted = time.monotonic()
            LandingRuns(self.session.store).note(self.run, self.counts)


def scan(
    session: Session,
    name: str,
    watch: Watch,
    *,
    full: bool = False,
    afresh: bool = False,
    time_limit: float | None = None,
    limit: float = DELETE_LIMIT,
) -> LandingReport:
    """Land what changed in the stream called `name` since it was last read; all of it if it never was, or with `full`.

    A scan that was interrupted goes on first, unless `afresh`. `limit`: how many percent of a table's rows a whole scan may
    mark deleted. Later if the stream is being scanned already.
    """
    with attempt(session, Kind.land, name) as entry:
        one = _prepared(session, name, watch, time_limit, limit)
        return _noted(entry, _scan(one, full=full, afresh=afresh, kind="full_sync"))


def reconcile(
    session: Session, name: str, watch: Watch, *, time_limit: float | None = None, limit: float = DELETE_LIMIT
) -> LandingReport:
    """Compare all of the stream called `name` with the store, and repair: where events do their work, `repaired` is 0."""
    with attempt(session, Kind.reconcile, name) as entry:
        one = _prepared(session, name, watch, time_limit, limit)
        return _noted(entry, _scan(one, full=True, afresh=False, kind="reconcile"))


def _noted(entry: Attempt, report: LandingReport) -> LandingReport:
    """The report, told in its attempt."""
    entry.ended(report.status, report.counts, balanced=report.balanced)
    entry.run, entry.error = report.run, "; ".join(report.notes)
    return report


# ---------------------------------------------------------------- what is scanned


def _prepared(session: Session, name: str, watch: Watch, time_limit: float | None, limit: float) -> _Scan:
    landing = landing_named(session, name)
    root = _root(session, landing)
    members = [
        one
        for one in session.project.landings.values()
        if one.system == landing.system and _root(session, one).name == root.name
    ]
    members.sort(key=lambda one: (one.stream.name != root.name, one.name))
    return _Scan(
        session=session,
        watch=watch,
        asked=name,
        system=landing.system,
        root=root,
        members=members,
        limit=limit,
        deadline=None if time_limit is None else time.monotonic() + time_limit,
    )


def landing_named(session: Session, name: str) -> Landing:
    """The landing called `name`. UsageFault if the project has none."""
    if name not in session.project.landings:
        known = ", ".join(session.project.landings) or "none"
        raise UsageFault(f"there is no stream {name!r} in this project; there are: {known}")
    return session.project.landings[name]


def scannable(session: Session) -> list[str]:
    """The landings to scan so that every stream that can be asked for is read once."""
    found: dict[tuple[str, str], str] = {}
    for one in session.project.landings.values():
        if session.tells_when_asked(one.system):
            found.setdefault((one.system, _root(session, one).name), one.name)
    return list(found.values())


def _root(session: Session, landing: Landing) -> Stream:
    """The stream whose pages hold the records of `landing`: its own, or the one that it is `out_of`."""
    declared = {
        one.stream.name: one.stream for one in session.project.landings.values() if one.system == landing.system
    }
    offered = {**session.streams(landing.system), **declared}
    stream = landing.stream
    while stream.out_of and stream.out_of in offered:
        stream = offered[stream.out_of]
    return stream


# ---------------------------------------------------------------- one scan, from its lock to its report


def _scan(one: _Scan, *, full: bool, afresh: bool, kind: ScanKind) -> LandingReport:
    began = time.monotonic()
    with _under_lock(one):
        _begin(one, full=full, afresh=afresh, kind=kind)
        log = LandingRuns(one.session.store)
        one.run = log.start(one.system, one.kind, ", ".join(sorted({member.table for member in one.members})))
        told = LOG.bind(stream=one.name, run=one.run)
        told.info("a scan started", kind=one.kind, resumed=one.resumed)
        try:
            trouble = _read_all(one)
        except BaseException as error:
            with suppress(CareloomError):
                status = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
                log.finish(one.run, status=status, counts=one.counts, error=safe_text(error), details=_details(one))
            told.error("a scan failed", error=type(error).__name__)
            raise
        report = replace(_report(one, trouble), seconds=round(time.monotonic() - began, 3))
        log.finish(
            one.run,
            status=report.status,
            counts=report.counts,
            error="; ".join(report.notes) or None,
            repairs=report.repaired,
            details=_details(one),
        )
        told.info("a scan ended", status=report.status, counts=dict(report.counts), repaired=report.repaired)
    return report


@contextmanager
def _under_lock(one: _Scan) -> Iterator[None]:
    with advisory_lock(one.session.store, "scan", one.name) as ours:
        if not ours:
            raise Later(f"stream {one.name!r} is being scanned already; try again when that is over", after=60.0)
        yield


def _begin(one: _Scan, *, full: bool, afresh: bool, kind: ScanKind) -> None:
    """Go on with what was left unfinished, or begin: with what changed, where the system tells and we were there before."""
    states = StreamStates(one.session.store)
    state = states.read(one.name)
    wanted: ScanKind = kind if full or not one.root.changes or state.changed_until is None else "incremental"
    if state.checkpoint and state.scan_kind and state.scan_began and not afresh:
        young = one.session.clock() - state.scan_began < _RESUMABLE
        if young and (state.scan_kind != "incremental" or wanted == "incremental"):
            one.state, one.kind, one.resumed = state, state.scan_kind, True
            return
    one.state, one.kind = states.begin(one.name, wanted), wanted


def _read_all(one: _Scan) -> Later | None:
    """Land every page, then what is absent; returns what made it stop before the end, if the source did."""
    for member in one.members:
        ensure_table(one.session.store, member.stream)
    try:
        if not _land_pages(one):
            return None
        if one.whole and not _settle_absences(one):
            return None
        if one.kind == "reconcile" and not _repair_links(one):
            return None
    except Later as later:
        return later
    states, began = StreamStates(one.session.store), one.state.scan_began or one.session.clock()
    if is_balanced(one.counts):
        states.complete(one.name, [member.name for member in one.members], began, full_scan=one.whole)
        one.complete = True
    else:
        # Nobody knows what became of the records between: all of them are read again.
        states.begin(one.name, one.kind)
    return None


def _land_pages(one: _Scan) -> bool:
    """Whether the last page was reached. The next one is read while one is landed."""
    since = None
    if not one.whole and one.state.changed_until is not None:
        since = one.state.changed_until - max(member.look_back for member in one.members)
    one.watch.progress.step(f"landing {one.name} from {one.system}")
    source = one.session.stream_source(one.system).scan(one.root.name, since, one.state.checkpoint)
    with prefetch_pages(source, lambda: one.over) as pages:
        for page in pages:
            _land_page(one, page)
            one.watch.progress.advance(one.counts["total"], page.total)
            if one.over:
                return False
    return not one.over


def _land_page(one: _Scan, page: Page) -> None:
    """The rows first, the checkpoint after."""
    ours = {member.stream.name for member in one.members}
    records = [record for record in page.records if record.stream in ours]
    unreadable = [record for record in page.unreadable if record.stream in ours]
    counts: Mapping[str, int] = {}
    if records or unreadable:
        counts = land(
            one.session, one.members[0].system, records, unreadable, actor=_actor(one), run=one.run, read=True
        )
    seen = {member.name: seen_of(member.stream, records, unreadable) for member in one.members} if one.whole else None
    with one.session.store.transaction() as connection:
        StreamStates(one.session.store).advance(connection, one.name, page.checkpoint, seen)
        if any(counts.get(change) for change in ("created", "updated", "deleted")):
            enqueue(connection, "publish", "outbox")
    one.take(counts)


def _settle_absences(one: _Scan) -> bool:
    """Mark as deleted what a whole scan did not show; False if it was stopped on the way."""
    absences = DeletionDetector(
        session=one.session,
        state=one.state,
        changes=one.root.changes,
        limit=one.limit,
        actor=_actor(one),
        run=one.run,
        over=lambda: one.over,
        count=one.take,
    )
    for member in one.members:
        one.watch.progress.step(f"looking for what is gone from {member.table}")
        note = absences.settle(member)
        if note:
            one.notes.append(note)
        if absences.stopped:
            return False
    return True


def _repair_links(one: _Scan) -> bool:
    """Derive the links of what was read, and of what links to it; False if it was stopped on the way.

    A row whose link was not right counts as a record that was updated.
    """
    linking = [other for member in one.members for other in (member, *linked_to(one.session, member))]
    for landing in {other.name: other for other in linking}.values():
        one.watch.progress.step(f"comparing the links of {landing.table}")
        ensure_table(one.session.store, landing.stream)
        for repaired in link_again(one.session, landing, actor=_actor(one), run=one.run):
            if repaired:
                one.take({"total": repaired, "updated": repaired})
            if one.over:
                return False
    with one.session.store.transaction() as connection:
        enqueue(connection, "publish", "outbox")
    return True


# ---------------------------------------------------------------- what is said of it


def _report(one: _Scan, trouble: Later | None) -> LandingReport:
    balanced = is_balanced(one.counts)
    status = "failed" if not balanced else "completed" if one.complete else "interrupted"
    notes = list(one.notes)
    if trouble is not None:
        notes.append(f"{trouble}; what was landed stays, and the next scan goes on from there")
    if not balanced:
        notes.append(f"the counts do not balance: {dict(one.counts)}; please report this")
    changed = sum(one.counts[change] for change in ("created", "updated", "deleted"))
    return LandingReport(
        stream=one.name,
        status=status,
        counts=dict(one.counts),
        repaired=changed if one.kind == "reconcile" else 0,
        balanced=balanced,
        seconds=0.0,
        run=one.run,
        kind=one.kind,
        resumed=one.resumed,
        notes=notes,
        exit_code=_exit_code(one, trouble, status),
        after=trouble.after if trouble is not None else None,
    )


def _exit_code(one: _Scan, trouble: Later | None, status: str) -> int:
    if status == "failed":
        return 1
    if trouble is not None:
        return _LATER
    if status == "interrupted":
        return _STOPPED if one.watch.stop.is_set() else _LATER
    return _HELD if one.counts["held"] or one.notes else 0


def _details(one: _Scan) -> dict[str, Any]:
    asked = {"asked": one.asked} if one.asked != one.name else {}
    return {"stream": one.name, "resumed": one.resumed, **asked}


def _actor(one: _Scan) -> str:
    return f"{one.kind}:{one.system}"
