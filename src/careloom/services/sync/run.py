"""Plan, apply and run one sync: the use-cases that the rest of the house is for.

read → project → compare → match → merge → plan → deliver → settle: docs/explanation/how-a-sync-works.md walks through them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import duckdb

from careloom.core.attempts import Kind
from careloom.core.errors import Fix
from careloom.engine.workspace import open_workspace
from careloom.project.model import Sync
from careloom.services.session.attempts import attempt
from careloom.services.session.progress import Watch
from careloom.services.session.sessions import Session
from careloom.services.sync import summary as run_summary
from careloom.services.sync.associations import deliver_associations, plan_associations
from careloom.services.sync.compare import compare_rows
from careloom.services.sync.declare import declare_missing
from careloom.services.sync.deliver import Delivery
from careloom.services.sync.hold import list_for_review, write_holds
from careloom.services.sync.match import match_changed
from careloom.services.sync.merge import merge_fields
from careloom.services.sync.plan import Plan, make_plan, refuse_if_moved
from careloom.services.sync.prepare import PreparedSync, prepare_again, prepare_sync
from careloom.services.sync.read import project_rows, read_source
from careloom.services.sync.recheck import recheck_duplicates
from careloom.services.sync.record import Meter, recorded_run
from careloom.services.sync.settle import Tally, settle_run
from careloom.services.sync.summary import RunSummary

_ROUNDS = 3
"""How often records whose unique value proved taken are looked at again; then they wait for a person."""


def run_sync(session: Session, sync: Sync, watch: Watch, *, full: bool = False) -> RunSummary:
    """Plan and apply in one go, for schedulers. `full` looks at every linked record, and must find nothing."""
    with attempt(session, Kind.run, sync.name) as entry:
        session.require_own(sync.to.system)
        meter = Meter.of(session.target(sync.to.system))
        context = prepare_sync(session, sync)
        with recorded_run(context, entry, meter, full=full) as run:
            if context.lacking:
                context = prepare_again(declare_missing(context, watch))
            with open_workspace(session.work) as db:
                plan = plan_rows(db, context, watch, full=full)
                run.summary = carry_out(db, context, run.number, watch, plan)
        return run.summary


def plan_sync(
    session: Session, sync: Sync, watch: Watch, *, full: bool = False, reveal: bool = False, example_count: int = 3
) -> RunSummary:
    """What a run would do, in exact numbers. The other side is only read.

    What needs a person's decision is listed for `careloom review` at once, so that it can be made before the first apply.
    """
    with attempt(session, Kind.plan, sync.name) as entry:
        meter = Meter.of(session.target(sync.to.system))
        context = prepare_sync(session, sync)
        with open_workspace(session.work) as db:
            plan = plan_rows(db, context, watch, full=full)
            list_for_review(db, context)
            examples = run_summary.examples(db, example_count, reveal=reveal)
        number = context.runs.save_plan(
            sync.name,
            project=plan.digests.project,
            source=plan.digests.source,
            portal=plan.digests.portal,
            action=plan.digests.action,
            report=plan.summary.as_json(),
        )
        summary = meter.measured(replace(plan.summary, plan=number, examples=examples))
        entry.counts, entry.is_balanced = summary.counts, summary.balanced
    return summary


def apply_sync(session: Session, sync: Sync, watch: Watch) -> RunSummary:
    """Carry out the last plan, and only that. Fix if there is none, or if the project or the portal moved since."""
    with attempt(session, Kind.apply, sync.name) as entry:
        session.require_own(sync.to.system)
        meter = Meter.of(session.target(sync.to.system))
        context = prepare_sync(session, sync)
        saved_plan = context.runs.last_plan(sync.name)
        if saved_plan is None or saved_plan.applied_by is not None:
            raise Fix(f"sync {sync.name!r} has no plan that waits; make one with: careloom plan {sync.name}")
        full = bool(saved_plan.report.get("full"))
        with recorded_run(context, entry, meter, full=full) as run, open_workspace(session.work) as db:
            plan = plan_rows(db, context, watch, full=full)
            refuse_if_moved(saved_plan, plan.digests)
            context = declare_missing(context, watch)
            context.runs.apply_plan(saved_plan.id, run.number)
            run.summary = carry_out(db, context, run.number, watch, plan)
        return run.summary


def plan_rows(db: duckdb.DuckDBPyConnection, context: PreparedSync, watch: Watch, *, full: bool) -> Plan:
    """What a plan and a run do alike: it writes to nothing but the mirror."""
    # What the other side lost is filled again in every linked record.
    looks_at_all = full or bool(context.lost_properties)
    source = read_source(db, context, watch, full=looks_at_all)
    project_rows(db, context)
    source_diff = compare_rows(db, context, watch, full=looks_at_all, is_whole=source.is_whole)
    has_mirror = match_changed(db, context, watch)
    merge_fields(db, context, watch, has_mirror=has_mirror)
    return make_plan(db, context, source, source_diff, full=full)


def carry_out(db: duckdb.DuckDBPyConnection, context: PreparedSync, run: int, watch: Watch, plan: Plan) -> RunSummary:
    """Hold what stops, send the rest, and settle what was acknowledged."""
    counts = plan.summary.counts
    context.runs.progress(run, {"read": counts["read"]}, context.target.requests(), f"planned {_in_words(counts)}")
    write_holds(db, context, run)
    tally = _deliver(db, context, run, watch, plan)
    context.runs.progress(run, tally.counts, context.target.requests(), f"delivered {_in_words(tally.counts)}")
    associations = deliver_associations(context, run, plan_associations(db, context, coming=False), watch)
    return settle_run(db, context, run, plan, tally, associations)


def _deliver(db: duckdb.DuckDBPyConnection, context: PreparedSync, run: int, watch: Watch, plan: Plan) -> Tally:
    """Send all actions; rows whose unique value proved to be another record's are planned again and sent once more."""
    tally = Tally(counts=Counter(same=plan.diff.same_count, held=plan.summary.counts["held"]))
    delivery = Delivery(context=context, run=run, watch=watch)
    delivery.deliver(db, tally)
    for _ in range(_ROUNDS):
        if not tally.duplicates or tally.halted:
            break
        recheck_duplicates(db, context, run, watch, tally)
        delivery.deliver(db, tally)
    tally.counts["later"] += len(tally.duplicates)
    return tally


def _in_words(counts: Mapping[str, int]) -> str:
    return " ".join(f"{kind} {counts[kind]}" for kind in run_summary.COUNTED if counts.get(kind)) or "nothing"


def trouble_exit(summary: RunSummary) -> int:
    """The exit code that a finished run's summary calls for: 0 done, 4 held, 6 left for later, or what stopped it says."""
    if summary.state == "interrupted":
        return 130
    if summary.exit_code:
        return summary.exit_code
    remaining = summary.counts.get("later") or summary.associations.get("later") or summary.unarchived
    if summary.state == "failed" or remaining:
        return 6
    holds = summary.counts.get("held") or summary.counts.get("conflict") or summary.associations.get("refused")
    return 4 if holds else 0
