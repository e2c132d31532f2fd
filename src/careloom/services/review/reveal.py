"""Held records with the values of both sides, for the person who must decide. The caller writes the audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from careloom.engine.sync import rows
from careloom.engine.workspace import open_workspace
from careloom.project.model import Sync
from careloom.services.review.decide import HeldItem
from careloom.services.session.sessions import Session
from careloom.services.sync.prepare import prepare_sync
from careloom.store.review import mirrored_values


def with_values(session: Session, items: Sequence[HeldItem]) -> list[HeldItem]:
    """`items`, each with its source row's values and its candidates', for the properties that say who a person is."""
    results: list[HeldItem] = []
    for sync in session.project.syncs.values():
        sync_items = [item for item in items if item.sync == sync.name]
        if sync_items:
            source_values = _source_values(session, sync, [item.key for item in sync_items])
            results += [_fill(session, sync, item, source_values.get(item.key, {})) for item in sync_items]
    return results


def _fill(session: Session, sync: Sync, item: HeldItem, source_values: Mapping[str, str | None]) -> HeldItem:
    ids = [candidate.remote_id for candidate in item.candidates]
    remote_values = mirrored_values(session.store, sync.to.system, sync.to.object, ids)
    return replace(
        item,
        source=source_values,
        candidates=[
            replace(
                candidate,
                values={prop: remote_values.get(candidate.remote_id, {}).get(prop) for prop in _telling(sync)},
            )
            for candidate in item.candidates
        ],
    )


def _telling(sync: Sync) -> list[str]:
    return [prop for prop, field in sync.fields.items() if field.role and field.role != "none"]


def _source_values(session: Session, sync: Sync, keys: Sequence[str]) -> dict[str, dict[str, str | None]]:
    """What the source holds of `keys` now, read again: held rows are kept as reasons, not as people."""
    context = prepare_sync(session, sync)
    with open_workspace(session.work) as db:
        rows.load_source(db, context.source.read(sync.source.query), context.columns)
        return rows.source_values(
            db, context.fields, sync.source.key, context.zone, keys=keys, properties=_telling(sync)
        )
