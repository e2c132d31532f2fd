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
from careloom.core.errors import CareloomError, Fix, RemoteUnavailable, Stop, safe_text
from careloom.core.log import LOG
from careloom.core.phi import Phi
from careloom.engine.sync import actions, diff
from careloom.engine.workspace import load, open_workspace
from careloom.project.model import Sync
from careloom.services.session.attempts import Attempt, attempt
from careloom.services.session.progress import Watch
from careloom.services.session.sessions import Session
from careloom.services.sync import summary as reporting
from careloom.services.sync.associations import AssociationPlan, deliver_associations, plan_associations
from careloom.services.sync.deliver import Delivery, Tally
from careloom.services.sync.hold import write_review, write_stops
from careloom.services.sync.plan import SourceDiff, absent_properties, archive_gone, decide, diff_source, plan_changes
from careloom.services.sync.prepare import PreparedSync, prepare_sync
from careloom.services.sync.summary import RunSummary
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
    report: RunSummary
    digests: Digests
    weighed: SourceDiff
    ties: tuple[AssociationPlan, ...]


def plan_sync(
    session: Session, sync: Sync, watch: Watch, *, full: bool = False, reveal: bool = False, each: int = 3
) -> RunSummary:
    """What a run would do, in exact numbers. The other side is only read.

    What needs a person's decision is listed for `careloom review` at once, so that it can be made before the first apply.
    """
    with attempt(session, Kind.plan, sync.name) as entry:
        report = _planned(session, sync, watch, full=full, reveal=reveal, each=each)
        entry.counts, entry.balanced = report.counts, report.balanced
    return report


def _planned(session: Session, sync: Sync, watch: Watch, *, full: bool, reveal: bool, each: int) -> RunSummary:
    began, before = time.monotonic(), session.target(sync.to.system).requests()
    context = prepare_sync(session, sync)
    with open_workspace(session.work) as db:
        planned = _weigh(db, context, watch, full=full)
        write_review(db, context)
        shown = reporting.examples(db, each, reveal=reveal)
    number = context.runs.save_plan(
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
        requests=context.target.requests() - before,
        seconds=round(time.monotonic() - began, 3),
    )


def apply_sync(session: Session, sync: Sync, watch: Watch) -> RunSummary:
    """Carry out the last plan, and only that. Fix if there is none, or if the project or the portal moved since."""
    with attempt(session, Kind.apply, sync.name) as entry:
        session.require_own(sync.to.system)
        before = session.target(sync.to.system).requests()
        context = prepare_sync(session, sync)
        saved = context.runs.last_plan(sync.name)
        if saved is None or saved.applied_by is not None:
            raise Fix(f"sync {sync.name!r} has no plan that waits; make one with: careloom plan {sync.name}")
        return _run(entry, context, watch, before, full=bool(saved.report.get("full")), saved=saved)


def run_sync(session: Session, sync: Sync, watch: Watch, *, full: bool = False) -> RunSummary:
    """Plan and apply in one go, for schedulers. `full` looks at every linked record, and must find nothing."""
    with attempt(session, Kind.run, sync.name) as entry:
        session.require_own(sync.to.system)
        before = session.target(sync.to.system).requests()
        return _run(entry, prepare_sync(session, sync), watch, before, full=full, saved=None)


def _run(
    entry: Attempt, context: PreparedSync, watch: Watch, before: int, *, full: bool, saved: SavedPlan | None
) -> RunSummary:
    began = time.monotonic()
    with context.ledger.lock():
        run = entry.run = context.runs.start(context.sync.name)
        log = LOG.bind(sync=context.sync.name, run=run)
        log.info("run started", full=full)
        try:
            result = _carry_out(context, run, watch, full=full, saved=saved)
        except BaseException as error:
            with suppress(CareloomError):
                _finish_failed(context, run, error, time.monotonic() - began)
            log.error("run failed", error=type(error).__name__)  # noqa: TRY400 a traceback could quote a person
            raise
        result = replace(
            result, run=run, requests=context.target.requests() - before, seconds=round(time.monotonic() - began, 3)
        )
        context.runs.finish(
            run,
            state=result.state if result.balanced else "failed",
            counts=result.counts,
            requests=result.requests,
            seconds=result.seconds,
            is_balanced=result.balanced,
            error="; ".join(result.notes) or None,
        )
        entry.ended(result.state, result.counts, balanced=result.balanced)
        entry.error = "; ".join(result.notes)
        log.info("run ended", state=result.state, counts=dict(result.counts), requests=result.requests)
    if not result.balanced:
        raise Stop(f"run {run} of {context.sync.name!r} does not balance: {dict(result.counts)}; please report this")
    return result


def _finish_failed(context: PreparedSync, run: int, error: BaseException, seconds: float) -> None:
    message = safe_text(error)
    context.runs.finish(
        run,
        state="interrupted" if isinstance(error, KeyboardInterrupt) else "failed",
        counts=None,
        requests=context.target.requests(),
        seconds=round(seconds, 3),
        is_balanced=False,
        error=message,
    )


def _carry_out(context: PreparedSync, run: int, watch: Watch, *, full: bool, saved: SavedPlan | None) -> RunSummary:
    if context.lacking and saved is None:
        _declare(context, watch)
        context = replace(prepare_sync(context.session, context.sync), notes=context.notes)
    with open_workspace(context.session.work) as db:
        planned = _weigh(db, context, watch, full=full)
        if saved is not None:
            _refuse_if_moved(saved, planned.digests)
            _declare(context, watch)
            context = replace(context, lacking=(), lost=())
            context.runs.apply_plan(saved.id, run)
        counts = planned.report.counts
        context.runs.progress(run, {"read": counts["read"]}, context.target.requests(), f"planned {_said(counts)}")
        write_stops(db, context, run)
        tally = _deliver(db, context, run, watch, planned)
        context.runs.progress(run, tally.counts, context.target.requests(), f"delivered {_said(tally.counts)}")
        ties = deliver_associations(context, run, plan_associations(db, context, coming=False), watch)
        return _conclude(db, context, run, planned, tally, ties)


def _said(counts: Mapping[str, int]) -> str:
    return " ".join(f"{kind} {counts[kind]}" for kind in reporting.COUNTED if counts.get(kind)) or "nothing"


def _declare(context: PreparedSync, watch: Watch) -> None:
    if context.lacking:
        watch.progress.step(f"creating in {context.sync.to.system} what it lacks ({len(context.lacking)})")
        for line in context.target.declare(context.declaration):
            LOG.info("declared", sync=context.sync.name, what=line)
        context.mirror.learn(sorted(absent_properties(context)))
        if context.lost:
            context.ledger.forget_properties(context.lost)


def _weigh(db: duckdb.DuckDBPyConnection, context: PreparedSync, watch: Watch, *, full: bool) -> _Plan:
    weighed = diff_source(db, context, watch, full=full)
    plan_changes(db, context, watch)
    refused = archive_gone(db, context, weighed.read)
    ties = tuple(plan_associations(db, context, coming=True))
    counts = reporting.planned_counts(db, weighed)
    report = RunSummary(
        sync=context.sync.name,
        environment=context.project.environment,
        counts=counts,
        balanced=reporting.is_balanced(counts),
        reasons=reporting.reasons(db),
        properties=reporting.property_changes(db, context),
        rules=reporting.rules(db),
        rerouted=reporting.rerouted(db),
        associations=_tie_counts(ties),
        leaves=_leaves(context),
        lacking=context.lacking,
        full=full,
        notes=[*context.notes, *([refused] if refused else [])],
    )
    digests = Digests(
        project=context.project.digest,
        source=diff.source_digest(db),
        portal=_portal_digest(context),
        action=actions.action_digest(db),
    )
    return _Plan(report=report, digests=digests, weighed=weighed, ties=ties)


def _leaves(context: PreparedSync) -> dict[str, str]:
    """Every property that may leave, with its class of personal data; the source key tells who a person is."""
    fields = context.sync.fields.values()
    moved = {field.when_taken: field.phi for field in fields if field.when_taken}
    classes = {**moved, **{field.property: field.phi for field in fields}, context.key_property: Phi.IDENTITY}
    return {prop: classes[prop].name.lower() for prop in context.properties if prop in classes}


def _portal_digest(context: PreparedSync) -> str:
    """SHA-256 over what the definitions that the sync writes to admit; a new label moves nothing."""
    written = [
        (one.name, one.type, one.options, one.multiple, one.unique, one.read_only, one.max_length)
        for prop in sorted(context.properties)
        if (one := context.shape.properties.get(prop))
    ]
    demanded = sorted(context.shape.required), sorted(context.shape.requires_one_of)
    return hashlib.sha256(repr((written, demanded)).encode()).hexdigest()


def _tie_counts(ties: tuple[AssociationPlan, ...]) -> dict[str, int]:
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


def _deliver(db: duckdb.DuckDBPyConnection, context: PreparedSync, run: int, watch: Watch, planned: _Plan) -> Tally:
    tally = Tally(counts=Counter(same=planned.weighed.same, held=planned.report.counts["held"]))
    delivery = Delivery(context=context, run=run, watch=watch)
    delivery.deliver(db, tally)
    for _ in range(_ROUNDS):
        if not tally.taken or tally.halted:
            break
        _look_again(db, context, run, watch, tally)
        delivery.deliver(db, tally)
    tally.counts["later"] += len(tally.taken)
    return tally


def _look_again(db: duckdb.DuckDBPyConnection, context: PreparedSync, run: int, watch: Watch, tally: Tally) -> None:
    """Read the records that hold our values, and decide about the rows once more with them in view."""
    taken, tally.taken = tally.taken, []
    holders = sorted({holder for _, _, holder in taken})
    context.mirror.put(list(context.target.fetch(context.sync.to.object, holders, context.mirrored).values()))
    keys = [key for key, _, _ in taken]
    denied = [(key, prop) for key, prop, _ in taken if prop]
    load(db, "denied", {"key": [key for key, _ in denied], "property": [prop for _, prop in denied]})
    db.execute("insert into refused from denied")
    # What this run has linked meanwhile is another row's: it must not be taken for a stranger's.
    diff.recall_links(db, context.ledger.links())
    load(db, "again", {"key": keys})
    db.execute("create or replace table redo as select v.* from verdict v semi join again using (key)")
    db.execute("delete from pending")
    db.execute(
        "insert into pending select key, row, fp, class, remote_id, sent_fp, 'key', 'certain', '' from redo"
        " where class in ('new', 'changed')"
    )
    db.execute("delete from action")
    db.execute("delete from stop")
    decide(db, context, watch)
    write_stops(db, context, run)
    for kind, code, prop, records in db.execute(
        "select kind, code, property, count(*) from stop where kind <> 'conflict' group by all"
    ).fetchall():
        tally.counts["held"] += records
        tally.refused[kind, code, prop] += records


def _conclude(
    db: duckdb.DuckDBPyConnection, context: PreparedSync, run: int, planned: _Plan, tally: Tally, ties: Counter[str]
) -> RunSummary:
    counts = dict.fromkeys(reporting.COUNTED, 0) | dict(tally.counts) | {"read": planned.weighed.read}
    # A tie that waits for the other side's record is made when that comes, though its own row does not change.
    loose = ties["refused"] + ties["later"] + ties["waiting"] + ties["stopped"]
    complete = not tally.halted and counts["later"] == 0 and loose == 0 and tally.unarchived == 0
    if planned.weighed.since is None:
        context.ledger.forget_stale_holds(run, diff.outlived_refusals(db))
    context.ledger.set_watermark(planned.weighed.high if complete else None, context.project.digest)
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
        LOG.warning("left for later", sync=context.sync.name, records=counts["later"])
    return result


def trouble_exit(report: RunSummary) -> int:
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
