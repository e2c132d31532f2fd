"""The plan: what is written for each row, what stops and why, and the numbers that say so."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from careloom.core.errors import Fix
from careloom.core.phi import Phi
from careloom.engine.sync import actions, diff, match_rows, unique
from careloom.services.sync import summary as run_summary
from careloom.services.sync.associations import AssociationPlan, plan_associations
from careloom.services.sync.compare import SourceDiff
from careloom.services.sync.prepare import PreparedSync
from careloom.services.sync.read import SourceRead
from careloom.services.sync.summary import RunSummary
from careloom.store.ledger import Ledger
from careloom.store.runs import SavedPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Digests:
    """What a plan depends on: the project's files, the source's rows, the portal's definitions, and all that would be done."""

    project: str
    source: str
    portal: str
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What would be done, in numbers (`summary`) and as what it depends on; the records themselves are in `actions` and `held`."""

    source: SourceRead
    diff: SourceDiff
    associations: Sequence[AssociationPlan]
    summary: RunSummary
    digests: Digests


def make_plan(
    db: duckdb.DuckDBPyConnection, context: PreparedSync, source: SourceRead, source_diff: SourceDiff, *, full: bool
) -> Plan:
    """Fill `actions` and the rest of `held`, and count what they hold."""
    plan_writes(db, context)
    archive_note = archive_gone(db, context, source.count)
    associations = plan_associations(db, context, coming=True)
    counts = run_summary.planned_counts(db, source, source_diff)
    summary = RunSummary(
        sync=context.sync.name,
        environment=context.project.environment,
        counts=counts,
        balanced=run_summary.is_balanced(counts),
        reasons=run_summary.reasons(db),
        properties=run_summary.property_changes(db, context),
        rules=match_rows.match_rules(db),
        rerouted=unique.count_rerouted(db),
        associations=_association_counts(associations),
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
    return Plan(source=source, diff=source_diff, associations=associations, summary=summary, digests=digests)


def plan_writes(db: duckdb.DuckDBPyConnection, context: PreparedSync) -> None:
    """An action for each changed row that does not stop."""
    actions.add_updates(db)
    actions.add_creates(db, context.properties, context.shape, context.key_property)


def archive_gone(db: duckdb.DuckDBPyConnection, context: PreparedSync, read: int) -> str | None:
    """Archive what left the source, if the sync says so; returns why not where the share is beyond its limit."""
    gone_count = diff.count_gone(db)
    if context.sync.missing != "archive" or not gone_count:
        return None
    if diff.lacks_keys(db):
        return f"{gone_count} linked records seem to have left the source, but rows without a key came: nothing was archived"
    _spare_shared(db, context)
    linked_count = diff.count_links(db)
    if gone_count * 100 > linked_count * context.sync.archive_limit:
        return (
            f"{gone_count} of {linked_count} linked records left the source ({read} rows read), more than archive_limit "
            f"{context.sync.archive_limit:g} %: nothing was archived; check the source, or raise the limit for this run"
        )
    actions.add_archives(db)
    return None


def _spare_shared(db: duckdb.DuckDBPyConnection, context: PreparedSync) -> None:
    """A record that another sync of the same object links does not leave with this sync's row."""
    for sibling in context.project.syncs.values():
        if sibling.name != context.sync.name and (sibling.to.system, sibling.to.object) == (
            context.sync.to.system,
            context.sync.to.object,
        ):
            diff.spare_linked(db, Ledger(context.session.store, sibling.name).links())


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
    requirements = sorted(context.shape.required_properties), sorted(context.shape.requires_one_of)
    return hashlib.sha256(repr((definitions, requirements)).encode()).hexdigest()


def _association_counts(plans: Sequence[AssociationPlan]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for plan in plans:
        counts.update(
            {"made": len(plan.make), "removed": len(plan.remove), "same": plan.same_count, "waiting": plan.waiting}
        )
    return dict(counts)


def refuse_if_moved(saved_plan: SavedPlan, now: Digests) -> None:
    """Fix if anything that the saved plan depends on is not what it was."""
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
