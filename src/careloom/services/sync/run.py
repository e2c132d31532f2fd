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
    source_diff: SourceDiff
    ties: tuple[AssociationPlan, ...]


def plan_sync(
    session: Session, sync: Sync, watch: Watch, *, full: bool = False, reveal: bool = False, example_count: int = 3
) -> RunSummary:
    """What a run would do, in exact numbers. The other side is only read.

    What needs a person's decision is listed for `careloom review` at once, so that it can be made before the first apply.
    """
    with attempt(session, Kind.plan, sync.name) as entry:
        report = _plan_only(session, sync, watch, full=full, reveal=reveal, example_count=example_count)
        entry.counts, entry.is_balanced = report.counts, report.balanced
    return report


def _plan_only(
    session: Session, sync: Sync, watch: Watch, *, full: bool, reveal: bool, example_count: int
) -> RunSummary:
    began, requests_before = time.monotonic(), session.target(sync.to.system).requests()
    context = prepare_sync(session, sync)
    with open_workspace(session.work) as db:
        plan = _make_plan(db, context, watch, full=full)
        write_review(db, context)
        examples = reporting.examples(db, example_count, reveal=reveal)
    number = context.runs.save_plan(
        sync.name,
        project=plan.digests.project,
        source=plan.digests.source,
        portal=plan.digests.portal,
        action=plan.digests.action,
        report=replace(plan.report, examples=()).as_json(),
    )
    return replace(
        plan.report,
        plan=number,
        examples=examples,
        requests=context.target.requests() - requests_before,
        seconds=round(time.monotonic() - began, 3),
    )


def apply_sync(session: Session, sync: Sync, watch: Watch) -> RunSummary:
    """Carry out the last plan, and only that. Fix if there is none, or if the project or the portal moved since."""
    with attempt(session, Kind.apply, sync.name) as entry:
        session.require_own(sync.to.system)
        requests_before = session.target(sync.to.system).requests()
        context = prepare_sync(session, sync)
        saved_plan = context.runs.last_plan(sync.name)
        if saved_plan is None or saved_plan.applied_by is not None:
            raise Fix(f"sync {sync.name!r} has no plan that waits; make one with: careloom plan {sync.name}")
        return _run(
            entry, context, watch, requests_before, full=bool(saved_plan.report.get("full")), saved_plan=saved_plan
        )


def run_sync(session: Session, sync: Sync, watch: Watch, *, full: bool = False) -> RunSummary:
    """Plan and apply in one go, for schedulers. `full` looks at every linked record, and must find nothing."""
    with attempt(session, Kind.run, sync.name) as entry:
        session.require_own(sync.to.system)
        requests_before = session.target(sync.to.system).requests()
        return _run(entry, prepare_sync(session, sync), watch, requests_before, full=full, saved_plan=None)


def _run(
    entry: Attempt,
    context: PreparedSync,
    watch: Watch,
    requests_before: int,
    *,
    full: bool,
    saved_plan: SavedPlan | None,
) -> RunSummary:
    began = time.monotonic()
    with context.ledger.lock():
        run = entry.run = context.runs.start(context.sync.name)
        log = LOG.bind(sync=context.sync.name, run=run)
        log.info("run started", full=full)
        try:
            result = _carry_out(context, run, watch, full=full, saved_plan=saved_plan)
        except BaseException as error:
            with suppress(CareloomError):
                _finish_failed(context, run, error, time.monotonic() - began)
            log.error("run failed", error=type(error).__name__)  # noqa: TRY400 a traceback could quote a person
            raise
        result = replace(
            result,
            run=run,
            requests=context.target.requests() - requests_before,
            seconds=round(time.monotonic() - began, 3),
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
        entry.ended(result.state, result.counts, is_balanced=result.balanced)
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


def _carry_out(
    context: PreparedSync, run: int, watch: Watch, *, full: bool, saved_plan: SavedPlan | None
) -> RunSummary:
    if context.lacking and saved_plan is None:
        _declare(context, watch)
        context = replace(prepare_sync(context.session, context.sync), notes=context.notes)
    with open_workspace(context.session.work) as db:
        plan = _make_plan(db, context, watch, full=full)
        if saved_plan is not None:
            _refuse_if_moved(saved_plan, plan.digests)
            _declare(context, watch)
            context = replace(context, lacking=(), lost_properties=())
            context.runs.apply_plan(saved_plan.id, run)
        counts = plan.report.counts
        context.runs.progress(run, {"read": counts["read"]}, context.target.requests(), f"planned {_said(counts)}")
        write_stops(db, context, run)
        tally = _deliver(db, context, run, watch, plan)
        context.runs.progress(run, tally.counts, context.target.requests(), f"delivered {_said(tally.counts)}")
        ties = deliver_associations(context, run, plan_associations(db, context, coming=False), watch)
        return _conclude(db, context, run, plan, tally, ties)


def _said(counts: Mapping[str, int]) -> str:
    return " ".join(f"{kind} {counts[kind]}" for kind in reporting.COUNTED if counts.get(kind)) or "nothing"


def _declare(context: PreparedSync, watch: Watch) -> None:
    if context.lacking:
        watch.progress.step(f"creating in {context.sync.to.system} what it lacks ({len(context.lacking)})")
        for line in context.target.declare(context.declaration):
            LOG.info("declared", sync=context.sync.name, what=line)
        context.mirror.learn(sorted(absent_properties(context)))
        if context.lost_properties:
            context.ledger.forget_properties(context.lost_properties)


def _make_plan(db: duckdb.DuckDBPyConnection, context: PreparedSync, watch: Watch, *, full: bool) -> _Plan:
    source_diff = diff_source(db, context, watch, full=full)
    plan_changes(db, context, watch)
    archive_note = archive_gone(db, context, source_diff.read)
    ties = tuple(plan_associations(db, context, coming=True))
    counts = reporting.planned_counts(db, source_diff)
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
        notes=[*context.notes, *([archive_note] if archive_note else [])],
    )
    digests = Digests(
        project=context.project.digest,
        source=diff.source_digest(db),
        portal=_portal_digest(context),
        action=actions.action_digest(db),
    )
    return _Plan(report=report, digests=digests, source_diff=source_diff, ties=ties)


def _leaves(context: PreparedSync) -> dict[str, str]:
    """Every property that may leave, with its class of personal data; the source key tells who a person is."""
    fields = context.sync.fields.values()
    fallbacks = {field.when_taken: field.phi for field in fields if field.when_taken}
    classes = {**fallbacks, **{field.property: field.phi for field in fields}, context.key_property: Phi.IDENTITY}
    return {prop: classes[prop].name.lower() for prop in context.properties if prop in classes}


def _portal_digest(context: PreparedSync) -> str:
    """SHA-256 over what the definitions that the sync writes to admit; a new label moves nothing."""
    definitions = [
        (
            definition.name,
            definition.type,
            definition.options,
            definition.multiple,
            definition.unique,
            definition.read_only,
            definition.max_length,
        )
        for prop in sorted(context.properties)
        if (definition := context.shape.properties.get(prop))
    ]
    requirements = sorted(context.shape.required), sorted(context.shape.requires_one_of)
    return hashlib.sha256(repr((definitions, requirements)).encode()).hexdigest()


def _tie_counts(ties: tuple[AssociationPlan, ...]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for plan in ties:
        counts.update(
            {"made": len(plan.make), "removed": len(plan.remove), "same": plan.same_count, "waiting": plan.waiting}
        )
    return dict(counts)


def _refuse_if_moved(saved_plan: SavedPlan, now: Digests) -> None:
    changes = [
        part
        for part, saved_digest, digest in (
            ("the project's files", saved_plan.project_digest, now.project),
            ("the source's rows", saved_plan.source_digest, now.source),
            ("the portal's definitions", saved_plan.portal_digest, now.portal),
            ("what would be done (the portal's records, or a decision)", saved_plan.action_digest, now.action),
        )
        if saved_digest != digest
    ]
    if changes:
        raise Fix(
            f"plan {saved_plan.id} is out of date, since these moved: {', '.join(changes)}; nothing was written; plan again"
        )


def _deliver(db: duckdb.DuckDBPyConnection, context: PreparedSync, run: int, watch: Watch, plan: _Plan) -> Tally:
    tally = Tally(counts=Counter(same=plan.source_diff.same_count, held=plan.report.counts["held"]))
    delivery = Delivery(context=context, run=run, watch=watch)
    delivery.deliver(db, tally)
    for _ in range(_ROUNDS):
        if not tally.duplicates or tally.halted:
            break
        _look_again(db, context, run, watch, tally)
        delivery.deliver(db, tally)
    tally.counts["later"] += len(tally.duplicates)
    return tally


def _look_again(db: duckdb.DuckDBPyConnection, context: PreparedSync, run: int, watch: Watch, tally: Tally) -> None:
    """Read the records that hold our values, and decide about the rows once more with them in view."""
    duplicates, tally.duplicates = tally.duplicates, []
    holders = sorted({holder for _, _, holder in duplicates})
    context.mirror.put(list(context.target.fetch(context.sync.to.object, holders, context.mirrored).values()))
    keys = [key for key, _, _ in duplicates]
    pairs = [(key, prop) for key, prop, _ in duplicates if prop]
    load(db, "denied", {"key": [key for key, _ in pairs], "property": [prop for _, prop in pairs]})
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
        tally.refusals[kind, code, prop] += records


def _conclude(
    db: duckdb.DuckDBPyConnection, context: PreparedSync, run: int, plan: _Plan, tally: Tally, ties: Counter[str]
) -> RunSummary:
    counts = dict.fromkeys(reporting.COUNTED, 0) | dict(tally.counts) | {"read": plan.source_diff.read}
    # A tie that waits for the other side's record is made when that comes, though its own row does not change.
    loose = ties["refused"] + ties["later"] + ties["waiting"] + ties["stopped"]
    complete = not tally.halted and counts["later"] == 0 and loose == 0 and tally.unarchived_count == 0
    if plan.source_diff.since is None:
        context.ledger.forget_stale_holds(run, diff.outlived_refusals(db))
    context.ledger.set_watermark(plan.source_diff.high if complete else None, context.project.digest)
    notes = list(plan.report.notes)
    if tally.trouble:
        notes.append(str(tally.trouble))
    if tally.unarchived_count:
        notes.append(f"records not archived: {tally.unarchived_count}; the next run offers them again")
    if ties["refused"] or ties["later"]:
        notes.append(f"associations not made: {ties['refused'] + ties['later']}; the next run offers them again")
    is_interrupted = tally.is_interrupted or ties["stopped"]
    state = "interrupted" if is_interrupted else "failed" if tally.trouble else "done"
    result = replace(
        plan.report,
        state=state,
        counts=counts,
        balanced=reporting.is_balanced(counts),
        associations=dict(ties),
        unarchived=tally.unarchived_count,
        notes=notes,
        reasons=[*plan.report.reasons, *reporting.refusals(tally.refusals)],
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
    remaining = report.counts.get("later") or report.associations.get("later") or report.unarchived
    if report.state == "failed" or remaining:
        return 6
    holds = report.counts.get("held") or report.counts.get("conflict") or report.associations.get("refused")
    return 4 if holds else 0
