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
from careloom.services.session.streams import root_stream
from careloom.store.landing_runs import ENDS, LandingRuns, is_balanced
from careloom.store.landing_tables import ensure_table
from careloom.store.locks import advisory_lock
from careloom.store.queue import enqueue
from careloom.store.stream_state import ScanKind, StreamState, StreamStates

_RESUMABLE = timedelta(days=7)
"""An unfinished scan older than this begins again from the first page: what its first pages showed says little about today."""

_NOTED_EVERY = 2.0
"""Seconds between two notes of how far a scan got."""

_STOPPED, _LATER, _HELD = 130, Later.exit_code, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class LandingReport:
    """What one landing did. `counts`: total = created + updated + unchanged + deleted + held.

    `status`: completed, interrupted (continues from its checkpoint when it is asked for again) or failed. `exit_code` is what
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
    requested_name: str
    system: str
    root: Stream
    members: Sequence[Landing]
    limit: float
    deadline: float | None
    state: StreamState = field(default_factory=lambda: StreamState(stream=""))
    kind: ScanKind = "incremental"
    run: int = 0
    is_resumed: bool = False
    counts: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(("total", *ENDS), 0)))
    notes: list[str] = field(default_factory=list)
    note_time: float = 0.0
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
    def should_stop(self) -> bool:
        """Whether to stop at this edge of a page."""
        return self.watch.stop.is_set() or (self.deadline is not None and time.monotonic() >= self.deadline)

    def take(self, counts: Mapping[str, int]) -> None:
        """Add what a page did, and now and then say so."""
        self.counts.update(counts)
        if time.monotonic() - self.note_time >= _NOTED_EVERY:
            self.note_time = time.monotonic()
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

    A scan that was interrupted is continued first, unless `afresh`. `limit`: how many percent of a table's rows a whole scan may
    mark deleted. Later if the stream is being scanned already.
    """
    with attempt(session, Kind.land, name) as entry:
        scan = _prepare(session, name, watch, time_limit, limit)
        return _note(entry, _scan(scan, full=full, afresh=afresh, kind="full_sync"))


def reconcile(
    session: Session, name: str, watch: Watch, *, time_limit: float | None = None, limit: float = DELETE_LIMIT
) -> LandingReport:
    """Compare all of the stream called `name` with the store, and repair: where events do their work, `repaired` is 0."""
    with attempt(session, Kind.reconcile, name) as entry:
        scan = _prepare(session, name, watch, time_limit, limit)
        return _note(entry, _scan(scan, full=True, afresh=False, kind="reconcile"))


def _note(entry: Attempt, report: LandingReport) -> LandingReport:
    """The report, written into its attempt."""
    entry.ended(report.status, report.counts, is_balanced=report.balanced)
    entry.run, entry.error = report.run, "; ".join(report.notes)
    return report


# ---------------------------------------------------------------- what is scanned


def _prepare(session: Session, name: str, watch: Watch, time_limit: float | None, limit: float) -> _Scan:
    landing = landing_named(session, name)
    root = root_stream(session, landing)
    members = [
        member
        for member in session.project.landings.values()
        if member.system == landing.system and root_stream(session, member).name == root.name
    ]
    members.sort(key=lambda member: (member.stream.name != root.name, member.name))
    return _Scan(
        session=session,
        watch=watch,
        requested_name=name,
        system=landing.system,
        root=root,
        members=members,
        limit=limit,
        deadline=None if time_limit is None else time.monotonic() + time_limit,
    )


def landing_named(session: Session, name: str) -> Landing:
    """The landing called `name`. UsageFault if the project has none."""
    if name not in session.project.landings:
        names = ", ".join(session.project.landings) or "none"
        raise UsageFault(f"there is no stream {name!r} in this project; there are: {names}")
    return session.project.landings[name]


# ---------------------------------------------------------------- one scan, from its lock to its report


def _scan(scan: _Scan, *, full: bool, afresh: bool, kind: ScanKind) -> LandingReport:
    began = time.monotonic()
    with _under_lock(scan):
        _begin(scan, full=full, afresh=afresh, kind=kind)
        runs = LandingRuns(scan.session.store)
        scan.run = runs.start(scan.system, scan.kind, ", ".join(sorted({member.table for member in scan.members})))
        log = LOG.bind(stream=scan.name, run=scan.run)
        log.info("scan.started", message="a scan started", kind=scan.kind, resumed=scan.is_resumed)
        try:
            trouble = _read_all(scan)
        except BaseException as error:
            with suppress(CareloomError):
                status = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
                runs.finish(scan.run, status=status, counts=scan.counts, error=safe_text(error), details=_details(scan))
            log.error("scan.failed", message="a scan failed", error=type(error).__name__)  # noqa: TRY400 a traceback could quote a person
            raise
        report = replace(_report(scan, trouble), seconds=round(time.monotonic() - began, 3))
        runs.finish(
            scan.run,
            status=report.status,
            counts=report.counts,
            error="; ".join(report.notes) or None,
            repairs=report.repaired,
            details=_details(scan),
        )
        log = log.bind(status=report.status, counts=dict(report.counts), repaired=report.repaired)
        log.info("scan.ended", message="a scan ended")
    return report


@contextmanager
def _under_lock(scan: _Scan) -> Iterator[None]:
    with advisory_lock(scan.session.store, "scan", scan.name) as has_lock:
        if not has_lock:
            raise Later(f"stream {scan.name!r} is being scanned already; try again when that is over", after=60.0)
        yield


def _begin(scan: _Scan, *, full: bool, afresh: bool, kind: ScanKind) -> None:
    """Continue what was left unfinished, or begin: with what changed, where the system tells and we were there before."""
    states = StreamStates(scan.session.store)
    state = states.read(scan.name)
    next_kind: ScanKind = kind if full or not scan.root.changes or state.changed_until is None else "incremental"
    if state.checkpoint and state.scan_kind and state.scan_began and not afresh:
        young = scan.session.clock() - state.scan_began < _RESUMABLE
        if young and (state.scan_kind != "incremental" or next_kind == "incremental"):
            scan.state, scan.kind, scan.is_resumed = state, state.scan_kind, True
            return
    scan.state, scan.kind = states.begin(scan.name, next_kind), next_kind


def _read_all(scan: _Scan) -> Later | None:
    """Land every page, then what is absent; returns what made it stop before the end, if the source did."""
    for member in scan.members:
        ensure_table(scan.session.store, member.stream)
    try:
        if not _land_pages(scan):
            return None
        if scan.whole and not _detect_deletions(scan):
            return None
        if scan.kind == "reconcile" and not _repair_links(scan):
            return None
    except Later as error:
        return error
    states, began = StreamStates(scan.session.store), scan.state.scan_began or scan.session.clock()
    if is_balanced(scan.counts):
        states.complete(scan.name, [member.name for member in scan.members], began, full_scan=scan.whole)
        scan.complete = True
    else:
        # No one knows what became of the records between: all of them are read again.
        states.begin(scan.name, scan.kind)
    return None


def _land_pages(scan: _Scan) -> bool:
    """Whether the last page was reached. The next one is read while one is landed."""
    since = None
    if not scan.whole and scan.state.changed_until is not None:
        since = scan.state.changed_until - max(member.look_back for member in scan.members)
    scan.watch.progress.step(f"landing {scan.name} from {scan.system}")
    source = scan.session.stream_source(scan.system).scan(scan.root.name, since, scan.state.checkpoint)
    with prefetch_pages(source, lambda: scan.should_stop) as pages:
        for page in pages:
            _land_page(scan, page)
            scan.watch.progress.advance(scan.counts["total"], page.total)
            if scan.should_stop:
                return False
    return not scan.should_stop


def _land_page(scan: _Scan, page: Page) -> None:
    """The rows first, the checkpoint after."""
    streams = {member.stream.name for member in scan.members}
    records = [record for record in page.records if record.stream in streams]
    unreadable = [record for record in page.unreadable if record.stream in streams]
    counts: Mapping[str, int] = {}
    if records or unreadable:
        counts = land(
            scan.session, scan.members[0].system, records, unreadable, actor=_actor(scan), run=scan.run, read=True
        )
    page_keys = (
        {member.name: seen_of(member.stream, records, unreadable) for member in scan.members} if scan.whole else None
    )
    with scan.session.store.transaction() as connection:
        StreamStates(scan.session.store).advance(connection, scan.name, page.checkpoint, page_keys)
        if any(counts.get(change) for change in ("created", "updated", "deleted")):
            enqueue(connection, "publish", "outbox")
    scan.take(counts)


def _detect_deletions(scan: _Scan) -> bool:
    """Mark as deleted what a whole scan did not show; False if it was stopped on the way."""
    detector = DeletionDetector(
        session=scan.session,
        state=scan.state,
        changes=scan.root.changes,
        limit=scan.limit,
        actor=_actor(scan),
        run=scan.run,
        should_stop=lambda: scan.should_stop,
        count=scan.take,
    )
    for member in scan.members:
        scan.watch.progress.step(f"looking for what is gone from {member.table}")
        note = detector.settle(member)
        if note:
            scan.notes.append(note)
        if detector.has_stopped:
            return False
    return True


def _repair_links(scan: _Scan) -> bool:
    """Derive the links of what was read, and of what links to it; False if it was stopped on the way.

    A row whose link was not right counts as a record that was updated.
    """
    landings = [landing for member in scan.members for landing in (member, *linked_to(scan.session, member))]
    for landing in {landing.name: landing for landing in landings}.values():
        scan.watch.progress.step(f"comparing the links of {landing.table}")
        ensure_table(scan.session.store, landing.stream)
        for repairs in link_again(scan.session, landing, actor=_actor(scan), run=scan.run):
            if repairs:
                scan.take({"total": repairs, "updated": repairs})
            if scan.should_stop:
                return False
    with scan.session.store.transaction() as connection:
        enqueue(connection, "publish", "outbox")
    return True


# ---------------------------------------------------------------- the report


def _report(scan: _Scan, trouble: Later | None) -> LandingReport:
    balances = is_balanced(scan.counts)
    status = "failed" if not balances else "completed" if scan.complete else "interrupted"
    notes = list(scan.notes)
    if trouble is not None:
        notes.append(f"{trouble}; what was landed stays, and the next scan continues from there")
    if not balances:
        notes.append(f"the counts do not balance: {dict(scan.counts)}; please report this")
    changes = sum(scan.counts[change] for change in ("created", "updated", "deleted"))
    return LandingReport(
        stream=scan.name,
        status=status,
        counts=dict(scan.counts),
        repaired=changes if scan.kind == "reconcile" else 0,
        balanced=balances,
        seconds=0.0,
        run=scan.run,
        kind=scan.kind,
        resumed=scan.is_resumed,
        notes=notes,
        exit_code=_exit_code(scan, trouble, status),
        after=trouble.after if trouble is not None else None,
    )


def _exit_code(scan: _Scan, trouble: Later | None, status: str) -> int:
    if status == "failed":
        return 1
    if trouble is not None:
        return _LATER
    if status == "interrupted":
        return _STOPPED if scan.watch.stop.is_set() else _LATER
    return _HELD if scan.counts["held"] or scan.notes else 0


def _details(scan: _Scan) -> dict[str, Any]:
    request = {"asked": scan.requested_name} if scan.requested_name != scan.name else {}
    return {"stream": scan.name, "resumed": scan.is_resumed, **request}


def _actor(scan: _Scan) -> str:
    return f"{scan.kind}:{scan.system}"
