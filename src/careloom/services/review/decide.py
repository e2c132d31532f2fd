"""What waits for a person: listing it, deciding it, and explaining what was decided before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from careloom.core.errors import UsageFault
from careloom.core.phi import MASK
from careloom.identity.comparisons import evidence_in_words
from careloom.project.model import Sync
from careloom.services.session.sessions import Session
from careloom.services.sync.summary import reason_text
from careloom.store import review as records
from careloom.store.audit import append_audit
from careloom.store.database import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A record on the other side that a held row might be. `values` is empty unless revealed."""

    remote_id: str
    rule: str
    reason: str
    evidence: Sequence[str]
    values: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldItem:
    """A record that was stopped. `message` is the other side's own reason, masked unless revealed.

    `source` are the row's own values as the sync would write them, empty unless revealed.
    """

    sync: str
    key: str
    kind: str
    code: str
    property: str | None
    text: str
    message: str
    first_seen: Any
    last_seen: Any
    attempts: int
    source: Mapping[str, str | None] = field(default_factory=dict)
    candidates: Sequence[Candidate] = ()


def list_held(
    store: Store,
    *,
    sync: str | None = None,
    key: str | None = None,
    kinds: Sequence[str] | None = None,
    code: str | None = None,
    limit: int | None = 50,
    reveal: bool = False,
) -> list[HeldItem]:
    """Held records, with the candidates of those that wait for a match; all of them where `limit` is None."""
    rows = records.held_records(store, sync=sync, key=key, kinds=kinds, code=code, limit=limit)
    return [_item(store, row, reveal=reveal) for row in rows]


def count_held(store: Store, sync: str | None = None) -> Sequence[Mapping[str, Any]]:
    """Held records by cause, most frequent first: sync, kind, code, property, records, first_seen, last_seen, text."""
    return [dict(row) | {"text": reason_text(row["code"])} for row in records.held_causes(store, sync)]


def retry(store: Store, *, sync: str | None, key: str | None, code: str | None) -> int:
    """Offer refused records again at the next run; returns how many."""
    return records.offer_again(store, sync=sync, key=key, code=code)


def decide(
    session: Session, sync: Sync, key: str, verdict: str, *, remote_id: str | None, prop: str | None, why: str
) -> None:
    """Write down what a person decided about one held record, and in the audit that they did.

    UsageFault if the record is not held, or the verdict does not fit why it is.
    """
    items = list_held(session.store, sync=sync.name, key=key, limit=1)
    if not items:
        raise UsageFault(f"no held record {key!r} in sync {sync.name!r}; list them with: careloom review {sync.name}")
    _check_verdict(items[0], verdict, remote_id)
    properties: list[str | None] = (
        [prop] if prop else _conflicting(items[0]) if verdict in ("source", "destination") else [None]
    )
    decision = records.Decision(
        sync=sync.name,
        key=key,
        verdict=verdict,
        remote_id=remote_id,
        properties=properties,
        actor=session.settings.actor,
        why=why,
    )
    with session.store.transaction() as connection:
        records.record_decision(connection, decision, refusal=items[0].code if items[0].kind == "remote" else None)
        append_audit(
            session.store,
            connection,
            moment=session.clock(),
            actor=session.settings.witness,
            action=f"decide {verdict}",
            subject=f"{sync.name}/{key}" + (f" → {remote_id}" if remote_id else ""),
        )


def link_lone(session: Session, sync: Sync, code: str, why: str) -> tuple[int, int]:
    """Link every record held for `code` that has exactly one candidate that nothing contradicts.

    Returns how many were linked so, and how many are left. For reasons such as a missing birth date, once a person has
    looked at a sample and found it right.
    """
    items = list_held(session.store, sync=sync.name, kinds=("match",), code=code, limit=_ALL)
    lone = 0
    for item in items:
        open_ones = [candidate for candidate in item.candidates if not candidate.rule.startswith(("BLOCK", "ASK"))]
        if len(open_ones) == 1:
            decide(session, sync, item.key, "link", remote_id=open_ones[0].remote_id, prop=None, why=why)
            lone += 1
    return lone, len(items) - lone


_ALL = 1_000_000
_DELIVERIES = 20
"""How many of a record's deliveries are explained."""

_FITTING: Mapping[str, Sequence[str]] = {
    "match": ("link", "create", "never"),
    "conflict": ("source", "destination"),
}


def _check_verdict(item: HeldItem, verdict: str, remote_id: str | None) -> None:
    fitting = _FITTING.get(item.kind, ())
    if item.code in ("missing-remote", "not-our-record"):
        fitting = ("create",)
    if verdict not in fitting:
        advice = (
            f"it can be settled with: {', '.join(fitting)}"
            if fitting
            else "mend the row at its source, or: careloom retry"
        )
        raise UsageFault(f"record {item.key!r} is held as {item.code!r}; {advice}")
    remote_ids = {candidate.remote_id for candidate in item.candidates}
    if verdict in ("link", "never") and remote_id not in remote_ids:
        raise UsageFault(
            f"{remote_id!r} is no candidate of {item.key!r}; its candidates are: {', '.join(sorted(remote_ids)) or 'none'}"
        )


def _conflicting(item: HeldItem) -> list[str | None]:
    return [part.strip() for part in (item.property or "").split(",") if part.strip()] or [None]


def explain(session: Session, syncs: Sequence[Sync], key: str, *, reveal: bool) -> list[dict[str, Any]]:
    """For each of `syncs` that knows `key`: why the record is linked, what was agreed and where each value comes from.

    UsageFault if no sync does.
    """
    explanations = [explanation for sync in syncs if (explanation := _explain(session.store, sync, key, reveal=reveal))]
    if not explanations:
        if not syncs:
            tables = ", ".join(session.project.landings) or "TABLE"
            raise UsageFault(
                f"this project has no syncs; who changed a landed record says: careloom history TABLE {key} (of: {tables})"
            )
        keys = ", ".join(f"{sync.source.key} in {sync.name}" for sync in syncs)
        raise UsageFault(f"nothing is known of key {key!r}; keys are the values of {keys}")
    return explanations


def _explain(store: Store, sync: Sync, key: str, *, reveal: bool) -> dict[str, Any] | None:
    link = records.link_of(store, sync.name, key)
    items = list_held(store, sync=sync.name, key=key, reveal=reveal)
    decisions = records.decisions_on(store, sync.name, key)
    if not (link or items or decisions):
        return None
    values = records.base_of(store, sync.name, key)
    return {
        "sync": sync.name,
        "key": key,
        "link": link,
        "held": items,
        "values": [_value(sync, prop, values[prop], reveal=reveal) for prop in _in_order(sync, values)],
        "rulings": decisions,
        "deliveries": records.deliveries_of(store, sync.name, key, _DELIVERIES),
    }


def _in_order(sync: Sync, values: Mapping[str, str | None]) -> list[str]:
    """The properties in the order of the sync's file, the others after them."""
    return [*(prop for prop in sync.fields if prop in values), *sorted(set(values) - set(sync.fields))]


def _value(sync: Sync, prop: str, value: str | None, *, reveal: bool) -> dict[str, Any]:
    field_ = sync.fields.get(prop)
    fallbacks = [sibling.property for sibling in sync.fields.values() if sibling.when_taken == prop]
    if field_:
        source = field_.source
    elif prop == sync.to.key:
        source = sync.source.key
    else:
        source = f"{fallbacks[0]}, since another record holds it" if fallbacks else ""
    text = value if reveal else None if value is None else MASK
    return {"property": prop, "value": text, "from": source, "owner": (field_.owner if field_ else None) or "merge"}


def _item(store: Store, row: Mapping[str, Any], *, reveal: bool) -> HeldItem:
    offers = records.candidates_of(store, row["sync"], row["key"]) if row["kind"] == "match" else []
    return HeldItem(
        **{
            name: row[name]
            for name in ("sync", "key", "kind", "code", "property", "first_seen", "last_seen", "attempts")
        },
        text=reason_text(row["code"]),
        message=row["message"] if reveal or not row["message"] else MASK,
        candidates=[
            Candidate(
                remote_id=offer["remote_id"],
                rule=offer["rule"],
                reason=offer["reason"],
                evidence=evidence_in_words(offer["verdicts"]),
            )
            for offer in offers
        ],
    )
