"""Declared associations: the ties that should be, against those that were made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import duckdb

from careloom.core.errors import Fix, Later
from careloom.core.ports import Association as WireTie
from careloom.core.ports import AssociationBatch, associating
from careloom.engine.sync.associations import DesiredPairs, desired_pairs, planned_links
from careloom.project.model import AssociationSpec
from careloom.services.session.progress import Watch
from careloom.services.sync.prepare import PreparedSync
from careloom.store.ledger import Ledger, LinkedPair

UNBORN = ""
"""Stands for the id of a record that this very run creates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssociationPlan:
    """The ties of one association to make and to remove; `waiting` ones lack a record on one side, or their row a key."""

    association: AssociationSpec
    make: Sequence[LinkedPair]
    remove: Sequence[LinkedPair]
    same_count: int
    waiting: int


def plan_associations(db: duckdb.DuckDBPyConnection, context: PreparedSync, *, coming: bool) -> list[AssociationPlan]:
    """Compare what the source wants with what was made.

    A tie is removed only if its row was read, is sound and no longer wants it: not because the row is held, was not read
    by an incremental run, or left the source. `coming`: rows that are to be created count as if they had a record.
    """
    if not context.sync.associations:
        return []
    links = _links(context.ledger)
    if coming:
        links = planned_links(db, UNBORN) | links
    ties = context.ledger.ties()
    pair_sets = [desired_pairs(db, association.expression) for association in context.sync.associations]
    return [
        _plan(
            context,
            association,
            links,
            ties,
            pair_set,
            _sibling_pairs(context.sync.associations, pair_sets, association),
        )
        for association, pair_set in zip(context.sync.associations, pair_sets, strict=True)
    ]


def _sibling_pairs(
    associations: Sequence[AssociationSpec], pair_sets: Sequence[DesiredPairs], association: AssociationSpec
) -> set[tuple[str, str]]:
    """The pairs that other associations to the same object and of the same label want: they are not ours to remove."""
    return {
        pair
        for sibling, pair_set in zip(associations, pair_sets, strict=True)
        if sibling is not association
        and (sibling.to_object, sibling.label) == (association.to_object, association.label)
        for pair in pair_set.pairs
    }


def _plan(
    context: PreparedSync,
    association: AssociationSpec,
    links: dict[str, str],
    ties: Sequence[tuple[str, str, str, str, str, str]],
    pair_set: DesiredPairs,
    sibling_pairs: set[tuple[str, str]],
) -> AssociationPlan:
    via_links = _links(Ledger(context.session.store, association.via))
    label = association.label or ""
    have = {
        (key, to_key): LinkedPair(key=key, to_key=to_key, label=label, from_id=from_id, to_id=to_id)
        for key, to_object, to_key, tie_label, from_id, to_id in ties
        if to_object == association.to_object and tie_label == label
    }
    desired_ties = {
        (key, to_key): LinkedPair(key=key, to_key=to_key, label=label, from_id=links[key], to_id=via_links[to_key])
        for key, to_key in pair_set.pairs
        if key in links and to_key in via_links
    }
    make = [tie for pair, tie in desired_ties.items() if have.get(pair) != tie]
    kept_pairs = pair_set.pairs | sibling_pairs
    remove = [tie for pair, tie in have.items() if pair not in kept_pairs and pair[0] in pair_set.sound]
    waiting = len(pair_set.pairs) - len(desired_ties) + pair_set.unsure
    return AssociationPlan(
        association=association, make=make, remove=remove, same_count=len(desired_ties) - len(make), waiting=waiting
    )


def deliver_associations(
    context: PreparedSync, run: int, plans: Sequence[AssociationPlan], watch: Watch
) -> Counter[str]:
    """Make and remove ties; returns how many were made, removed, the same, waiting and refused."""
    counts: Counter[str] = Counter()
    for plan in plans:
        counts.update({"same": plan.same_count, "waiting": plan.waiting})
        for remove, ties in ((True, plan.remove), (False, plan.make)):
            for batch in _chunks(ties, context.target.batch_size):
                if watch.stop.is_set():
                    counts["stopped"] = 1
                    return counts
                counts.update(_deliver(context, run, plan.association, batch, remove=remove))
    return counts


def _deliver(
    context: PreparedSync, run: int, association: AssociationSpec, ties: Sequence[LinkedPair], *, remove: bool
) -> Counter[str]:
    wire = [WireTie(from_id=tie.from_id, to_id=tie.to_id, type=association.label) for tie in ties]
    batch = AssociationBatch(
        from_object=context.sync.to.object, to_object=association.to_object, remove=remove, ties=wire
    )
    ties_of = associating(context.target, context.sync.to.system)
    try:
        outcomes = {outcome.key: outcome.verdict for outcome in ties_of.associate(batch)}
    except (Fix, Later):
        return Counter({"later": len(ties)})
    acknowledged_ties = [tie for tie in ties if outcomes.get(f"{tie.from_id}/{tie.to_id}") == "ok"]
    context.ledger.settle_ties(
        run, association.to_object, [] if remove else acknowledged_ties, acknowledged_ties if remove else []
    )
    return Counter(
        {"removed" if remove else "made": len(acknowledged_ties), "refused": len(ties) - len(acknowledged_ties)}
    )


def _links(ledger: Ledger) -> dict[str, str]:
    return {str(row["key"]): str(row["remote_id"]) for row in ledger.links().to_pylist()}


def _chunks(ties: Sequence[LinkedPair], size: int) -> Iterator[list[LinkedPair]]:
    iterator = iter(ties)
    while chunk := list(islice(iterator, size)):
        yield chunk
