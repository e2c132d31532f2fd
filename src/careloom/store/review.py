"""What waits for a person, with its candidates, and what people decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row

from careloom.store.database import Store
from careloom.store.statements import statements

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a person said of one held record: `verdict` is link, never, create, source or destination.

    `remote_id` is the record of a link or a never, `properties` what a conflict is about: one None where it is about none.
    """

    sync: str
    key: str
    verdict: str
    remote_id: str | None
    properties: Sequence[str | None]
    actor: str
    why: str


def held_records(
    store: Store,
    *,
    sync: str | None,
    key: str | None,
    kinds: Sequence[str] | None,
    code: str | None,
    limit: int | None,
) -> list[Row]:
    """Held records: sync, key, kind, code, property, message, first_seen, last_seen, attempts."""
    filters = {"sync": sync, "key": key, "kinds": list(kinds) if kinds else None, "code": code, "limit": limit}
    return _rows(store, "list_held", filters)


def held_causes(store: Store, sync: str | None) -> list[Row]:
    """Held records by cause, most frequent first: sync, kind, code, property, records, first_seen, last_seen."""
    return _rows(store, "count_held", {"sync": sync})


def offer_again(store: Store, *, sync: str | None, key: str | None, code: str | None) -> int:
    """Let the next run offer refused records again; returns how many."""
    return len(_rows(store, "retry", {"sync": sync, "key": key, "code": code}))


def candidates_of(store: Store, sync: str, key: str) -> list[Row]:
    """The candidates of a held row: remote_id, rule, reason, verdicts."""
    return _rows(store, "candidates_of", {"sync": sync, "key": key})


def link_of(store: Store, sync: str, key: str) -> Row | None:
    """The link of a key: remote_id, rule, grade, and the runs and times that made and settled it."""
    rows = _rows(store, "link_of", {"sync": sync, "key": key})
    return rows[0] if rows else None


def base_of(store: Store, sync: str, key: str) -> Mapping[str, str | None]:
    """What both sides last agreed on, property by property; empty where they never did."""
    rows = _rows(store, "base_of", {"sync": sync, "key": key})
    values: Mapping[str, str | None] = rows[0]["values"] if rows else {}
    return values


def decisions_on(store: Store, sync: str, key: str) -> list[Row]:
    """What people decided about a key, oldest first: verdict, remote_id, property, who, why, at, spent_run."""
    return _rows(store, "decisions_on", {"sync": sync, "key": key})


def deliveries_of(store: Store, sync: str, key: str, limit: int) -> list[Row]:
    """The last deliveries that a key was part of: run, batch, at, object, kind, verdict, remote_id."""
    return _rows(store, "deliveries_of", {"sync": sync, "key": key, "limit": limit})


def mirrored_values(store: Store, system: str, object_name: str, ids: Sequence[str]) -> dict[str, Mapping[str, str]]:
    """What the mirror holds of records, by their ids."""
    rows = _rows(store, "mirror_record", {"system": system, "object": object_name, "ids": list(ids)})
    return {row["id"]: row["values"] for row in rows}


def record_decision(connection: psycopg.Connection, decision: Decision, *, refusal: str | None) -> None:
    """Write down a decision for the next run. `refusal`: the reason of a refused record, which is then offered again."""
    subject = {"sync": decision.sync, "key": decision.key}
    if decision.verdict in ("link", "create"):
        # A row that is linked already begins again: its record is gone, or has come to stand for another row too.
        connection.execute(_LEDGER["unlink"], {"sync": decision.sync, "keys": [decision.key]})
    if refusal is not None:
        connection.execute(_REVIEW["retry"], subject | {"code": refusal})
    words = {"verdict": decision.verdict, "remote_id": decision.remote_id, "who": decision.actor, "why": decision.why}
    for name in decision.properties:
        connection.execute(_LEDGER["record_decision"], subject | words | {"property": name})


_LEDGER, _REVIEW = statements("ledger"), statements("review")


def _rows(store: Store, name: str, values: Mapping[str, object]) -> list[Row]:
    with store.transaction() as connection, connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_REVIEW[name], values).fetchall()
