"""Plan, apply and run one sync: the use-case that the rest of the house is for."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

import duckdb

from careloom.core.attempts import Kind
from careloom.core.errors import CareloomError, Fix, RemoteUnavailable, Stop
from careloom.core.log import LOG
from careloom.core.phi import Phi
from careloom.engine.sync import actions, diff
from careloom.engine.workspace import load, workbench
from careloom.project.model import Sync
from careloom.services.session.attempts import Attempt, attempt
from careloom.services.session.progress import Watch
from careloom.services.session.session import Opened
from careloom.services.sync import summary as reporting
from careloom.services.sync.associations import TiePlan, deliver_ties, plan_ties
from careloom.services.sync.deliver import Delivery, Tally
from careloom.services.sync.hold import write_review, write_stops
from careloom.services.sync.plan import Weighed, absent_properties, archive_gone, decide, weigh_changes, weigh_source
from careloom.services.sync.prepare import Loom, make_ready
from careloom.services.sync.summary import Report
from careloom.store.runs import SavedPlan

_ROUNDS = 3
"""How often records whose unique value proved taken are looked at again; then they wait for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Digests:
    """What a plan depends on: the project's files, the portal's definitions, and all that would be done."""

    project: str
    source: str
    portal: str
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    report: Report
    digests: Digests
    weighed: Weighed
    ties: tuple[TiePlan, ...]


def plan_sync(
    opened: Opened, sync: Sync, watch: Watch, *, full: bool = False, reveal: bool = False, each: int = 3
) -> Report:
    """What a run would do, in exact numbers. The other side is only read.

    What needs a person's decision is listed for `careloom review` at once, so that it can be made before the first apply.
    """
    with attempt(opened, Kind.plan, sync.name) as entry:
        report = _planned(opened, sync, watch, full=full, reveal=reveal, each=each)
        entry.counts, entry.balanced = report.counts, report.balanced
    return report


def _planned(opened: Opened, sync: Sync, watch: Watch, *, full: bool, reveal: bool, each: int) -> Report:
    began, before = time.monotonic(), opened.target(sync.to.system).requests()
    loom = make_ready(opened, sync)
    with workbench(opened.work) as db:
        planned = _weigh(db, loom, watch, full=full)
        write_review(db, loom)
        shown = reporting.examples(db, each, reveal=reveal)
    number = loom.runs.save_plan(
        sync.name,
        project=planned.digests.project,
        source=planned.digests.source,
        portal=planned.digests.portal,
        action=planned.digests.action,
        report=replace(planned.report, examples=()).as_json(),
    )
    return replace(
        planned.report,
        plan=number,
        examples=shown,
        requests=loom.target.requests() - before,
        seconds=round(time.monotonic() - began, 3),
    )


def apply_sync(opened: Opened, sync: Sync, watch: Watch) -> Report:
    """Carry out the last plan, and only that. Fix if there is none, or if the project or the portal moved since."""
    with attempt(opened, Kind.apply, sync.name) as entry:
        opened.require_own(sync.to.system)
        before = opened.target(sync.to.system).requests()
        loom = make_ready(opened, sync)
        saved = loom.runs.last_plan(sync.name)
        if saved is None or saved.applied_by is not None:
            raise Fix(f"sync {sync.name!r} has no plan that waits; make one with: careloom plan {sync.name}")
        return _run(entry, loom, watch, before, full=bool(saved.report.get("full")), saved=saved)


def run_sync(opened: Opened, sync: Sync, watch: Watch, *, full: bool = False) -> Report:
    """Plan and apply in one go, for schedulers. `full` looks at every linked record, and must find nothing."""
    with attempt(opened, Kind.run, sync.name) as entry:
        opened.require_own(sync.to.system)
        before = opened.target(sync.to.system).requests()
        return _run(entry, make_ready(opened, sync), watch, before, full=full, saved=None)


def _run(entry: Attempt, loom: Loom, watch: Watch, before: int, *, full: bool, saved: SavedPlan | None) -> Report:
    began = time.monotonic()
    with loom.ledger.lock():
        run = entry.run = loom.runs.start(loom.sync.name)
        log = LOG.bind(sync=loom.sync.name, run=run)
        log.info("run started", full=full)
        try:
            result = _carry_out(loom, run, watch, full=full, saved=saved)
        except BaseException as error:
            with suppress(CareloomError):
                _finish_failed(loom, run, error, time.monotonic() - began)
            log.error("run failed", error=type(error).__name__)  # noqa: TRY400 a traceback could quote a person
            raise
        result = replace(
            result, run=run, requests=loom.target.requests() - before, seconds=round(time.monotonic() - began, 3)
        )
        loom.runs.finish(
            run,
            state=result.state if result.balanced else "failed",
            counts=result.counts,
            requests=result.requests,
            seconds=result.seconds,
            balanced=result.balanced,
            error="; ".join(result.notes) or None,
        )
        entry.ended(result.state, result.counts, balanced=result.balanced)
        entry.error = "; ".join(result.notes)
        log.info("run ended", state=result.state, counts=dict(result.counts), requests=result.requests)
    if not result.balanced:
        raise Stop(f"run {run} of {loom.sync.name!r} does not balance: {dict(result.counts)}; please report this")
    return result


def _finish_failed(loom: Loom, run: int, error: BaseException, seconds: float) -> None:
    message = str(error) if isinstance(error, CareloomError) else f"{type(error).__name__} (see the log)"
    loom.runs.finish(
        run,
        state="interrupted" if isinstance(error, KeyboardInterrupt) else "failed",
        counts=None,
        requests=loom.target.requests(),
        seconds=round(seconds, 3),
        balanced=False,
        error=message,
    )


def _carry_out(loom: Loom, run: int, watch: Watch, *, full: bool, saved: SavedPlan | None) -> Report:
    if loom.lacking and saved is None:
        _declare(loom, watch)
        loom = replace(make_ready(loom.opened, loom.sync), notes=loom.notes)
    with workbench(loom.opened.work) as db:
        planned = _weigh(db, loom, watch, full=full)
        if saved is not None:
            _refuse_if_moved(saved, planned.digests)
            _declare(loom, watch)
            loom = replace(loom, lacking=(), lost=())
            loom.runs.apply_plan(saved.id, run)
        counts = planned.report.counts
        loom.runs.progress(run, {"read": counts["read"]}, loom.target.requests(), f"planned {_said(counts)}")
        write_stops(db, loom, run)
        tally = _deliver(db, loom, run, watch, planned)
        loom.runs.progress(run, tally.counts, loom.target.requests(), f"delivered {_said(tally.counts)}")
        ties = deliver_ties(loom, run, plan_ties(db, loom, coming=False), watch)
        return _conclude(db, loom, run, planned, tally, ties)


def _said(counts: Mapping[str, int]) -> str:
    return " ".join(f"{kind} {counts[kind]}" for kind in reporting.COUNTED if counts.get(kind)) or "nothing"


def _declare(loom: Loom, watch: Watch) -> None:
    if loom.lacking:
        watch.progress.step(f"creating in {loom.sync.to.system} what it lacks ({len(loom.lacking)})")
        for line in loom.target.declare(loom.declaration):
            LOG.info("declared", sync=loom.sync.name, what=line)
        loom.mirror.learn(sorted(absent_properties(loom)))
        if loom.lost:
            loom.ledger.forget_properties(loom.lost)


def _weigh(db: duckdb.DuckDBPyConnection, loom: Loom, watch: Watch, *, full: bool) -> _Plan:
    weighed = weigh_source(db, loom, watch, full=full)
    weigh_changes(db, loom, watch)
    refused = archive_gone(db, loom, weighed.read)
    ties = tuple(plan_ties(db, loom, coming=True))
    counts = reporting.planned_counts(db, weighed)
    report = Report(
        sync=loom.sync.name,
        environment=loom.project.environment,
        counts=counts,
        balanced=reporting.is_balanced(counts),
        reasons=reporting.reasons(db),
        properties=reporting.property_changes(db, loom),
        rules=reporting.rules(db),
        rerouted=reporting.rerouted(db),
        associations=_tie_counts(ties),
        leaves=_leaves(loom),
        lacking=loom.lacking,
        full=full,
        notes=[*loom.notes, *([refused] if refused else [])],
    )
    digests = Digests(
        project=loom.project.digest,
        source=diff.source_digest(db),
        portal=_portal_digest(loom),
        action=actions.action_digest(db),
    )
    return _Plan(report=report, digests=digests, weighed=weighed, ties=ties)


def _leaves(loom: Loom) -> dict[str, str]:
    """Every property that may leave, with its class of personal data; the source key tells who a person is."""
    fields = loom.sync.fields.values()
    moved = {field.when_taken: field.phi for field in fields if field.when_taken}
    classes = {**moved, **{field.property: field.phi for field in fields}, loom.key_property: Phi.IDENTITY}
    return {prop: classes[prop].name.lower() for prop in loom.properties if prop in classes}


def _portal_digest(loom: Loom) -> str:
    """SHA-256 over what the definitions that the sync writes to admit; a new label moves nothing."""
    written = [
        (one.name, one.type, one.options, one.multiple, one.unique, one.read_only, one.max_length)
        for prop in sorted(loom.properties)
        if (one := loom.shape.properties.get(prop))
    ]
    demanded = sorted(loom.shape.required), sorted(loom.shape.requires_one_of)
    return hashlib.sha256(repr((written, demanded)).encode()).hexdigest()


def _tie_counts(ties: tuple[TiePlan, ...]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for plan in ties:
        counts.update({"made": len(plan.make), "removed": len(plan.remove), "same": plan.same, "waiting": plan.waiting})
    return dict(counts)


def _refuse_if_moved(saved: SavedPlan, now: Digests) -> None:
    moved = [
        what
        for what, then, here in (
            ("the project's files", saved.project_digest, now.project),
            ("the source's rows", saved.source_digest, now.source),
            ("the portal's definitions", saved.portal_digest, now.portal),
            ("what would be done (the portal's records, or a decision)", saved.action_digest, now.action),
        )
        if then != here
    ]
    if moved:
        raise Fix(
            f"plan {saved.id} is out of date, since these moved: {', '.join(moved)}; nothing was written; plan again"
        )


def _deliver(db: duckdb.DuckDBPyConnection, loom: Loom, run: int, watch: Watch, planned: _Plan) -> Tally:
    tally = Tally(counts=Counter(same=planned.weighed.same, held=planned.report.counts["held"]))
    delivery = Delivery(loom=loom, run=run, watch=watch)
    delivery.deliver(db, tally)
    for _ in range(_ROUNDS):
        if not tally.taken or tally.halted:
            break
        _look_again(db, loom, run, watch, tally)
        delivery.deliver(db, tally)
    tally.counts["later"] += len(tally.taken)
    return tally


def _look_again(db: duckdb.DuckDBPyConnection, loom: Loom, run: int, watch: Watch, tally: Tally) -> None:
    """Read the records that hold our values, and decide about the rows once more with them in view."""
    taken, tally.taken = tally.taken, []
    holders = sorted({holder for _, _, holder in taken})
    loom.mirror.put(list(loom.target.fetch(loom.sync.to.object, holders, loom.mirrored).values()))
    keys = [key for key, _, _ in taken]
    denied = [(key, prop) for key, prop, _ in taken if prop]
    load(db, "denied", {"key": [key for key, _ in denied], "property": [prop for _, prop in denied]})
    db.execute("insert into refused from denied")
    # What this run has linked meanwhile is another row's: it must not be taken for a stranger's.
    diff.recall_links(db, loom.ledger.links())
    load(db, "again", {"key": keys})
    db.execute("create or replace table redo as select v.* from verdict v semi join again using (key)")
    db.execute("delete from pending")
    db.execute(
        "insert into pending select key, row, fp, class, remote_id, sent_fp, 'key', 'certain', '' from redo"
        " where class in ('new', 'changed')"
    )
    db.execute("delete from action")
    db.execute("delete from stop")
    decide(db, loom, watch)
    write_stops(db, loom, run)
    for kind, code, prop, records in db.execute(
        "select kind, code, property, count(*) from stop where kind <> 'conflict' group by all"
    ).fetchall():
        tally.counts["held"] += records
        tally.refused[kind, code, prop] += records


def _conclude(
    db: duckdb.DuckDBPyConnection, loom: Loom, run: int, planned: _Plan, tally: Tally, ties: Counter[str]
) -> Report:
    counts = dict.fromkeys(reporting.COUNTED, 0) | dict(tally.counts) | {"read": planned.weighed.read}
    # A tie that waits for the other side's record is made when that comes, though its own row does not change.
    loose = ties["refused"] + ties["later"] + ties["waiting"] + ties["stopped"]
    complete = not tally.halted and counts["later"] == 0 and loose == 0 and tally.unarchived == 0
    if planned.weighed.since is None:
        loom.ledger.forget_stale_holds(run, diff.outlived_refusals(db))
    loom.ledger.set_watermark(planned.weighed.high if complete else None, loom.project.digest)
    notes = list(planned.report.notes)
    if tally.trouble:
        notes.append(str(tally.trouble))
    if tally.unarchived:
        notes.append(f"records not archived: {tally.unarchived}; the next run offers them again")
    if ties["refused"] or ties["later"]:
        notes.append(f"associations not made: {ties['refused'] + ties['later']}; the next run offers them again")
    stopped = tally.interrupted or ties["stopped"]
    state = "interrupted" if stopped else "failed" if tally.trouble else "done"
    result = replace(
        planned.report,
        state=state,
        counts=counts,
        balanced=reporting.is_balanced(counts),
        associations=dict(ties),
        unarchived=tally.unarchived,
        notes=notes,
        reasons=[*planned.report.reasons, *reporting.refusals(tally.refused)],
        exit_code=tally.trouble.exit_code if tally.trouble else 0,
    )
    if tally.trouble and not isinstance(tally.trouble, (Fix, RemoteUnavailable)):
        LOG.warning("left for later", sync=loom.sync.name, records=counts["later"])
    return result


def trouble_exit(report: Report) -> int:
    """The exit code that a finished run's report calls for: 0 done, 4 held, 6 left for later, or what stopped it says."""
    if report.state == "interrupted":
        return 130
    if report.exit_code:
        return report.exit_code
    left = report.counts.get("later") or report.associations.get("later") or report.unarchived
    if report.state == "failed" or left:
        return 6
    stopped = report.counts.get("held") or report.counts.get("conflict") or report.associations.get("refused")
    return 4 if stopped else 0
