"""Rows that have a record: whether it is still theirs, and theirs alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb

from careloom.core.ports import RemoteRecord
from careloom.engine.sync.holds import hold_rows
from careloom.engine.sync.tables import fill
from careloom.engine.workspace import incoming, text_columns

Link = tuple[str, str]
"""A source key, and the id of its record."""


def linked_rows(db: duckdb.DuckDBPyConnection) -> list[Link]:
    """The changed rows that have a record, in the order of their keys."""
    return db.execute("select key, remote_id from changed_rows where remote_id is not null order by key").fetchall()


def check_links(
    db: duckdb.DuckDBPyConnection, links: Sequence[Link], records: Mapping[str, RemoteRecord], key_property: str
) -> None:
    """Follow merges; hold what is gone, what is no longer ours, and what a merge would make one record of two rows.

    `records` are the linked ones as they are now, by the ids that were asked for.
    """
    current = {key: records[remote_id] for key, remote_id in links if remote_id in records}
    _follow_merges(db, links, current)
    _hold_shared(db, current)
    hold_rows(db, [key for key, _ in links if key not in current or current[key].archived], "remote", "missing-remote")
    # A record that carries another key, or no key, is not ours: another portal behind the same ledger, say.
    strangers = [
        key
        for key, remote_id in links
        if key in current and not current[key].archived and _is_strange(current[key], remote_id, key, key_property)
    ]
    hold_rows(db, strangers, "remote", "not-our-record")


def _follow_merges(db: duckdb.DuckDBPyConnection, links: Sequence[Link], current: Mapping[str, RemoteRecord]) -> None:
    moves = [(current[key].id, key) for key, remote_id in links if key in current and current[key].id != remote_id]
    if moves:
        with incoming(db, text_columns({"id": [move[0] for move in moves], "key": [move[1] for move in moves]})):
            db.execute(
                "update changed_rows set remote_id = incoming.id from incoming where incoming.key = changed_rows.key"
            )


def _is_strange(record: RemoteRecord, remote_id: str, key: str, key_property: str) -> bool:
    remote_key = (record.values.get(key_property) or "").strip()
    is_merged = record.id != remote_id
    return remote_key.casefold() != key.casefold() if remote_key else not is_merged


def _hold_shared(db: duckdb.DuckDBPyConnection, current: Mapping[str, RemoteRecord]) -> None:
    """Hold each row whose record stands for another row too: by its own id, or by one of those merged into it.

    The other row may be unchanged and its link still name a former id, so links are held against all of them.
    """
    ids = [(key, remote_id) for key, record in current.items() for remote_id in {record.id, *record.merged_ids}]
    fill(db, "record_ids", text_columns({"key": [row[0] for row in ids], "remote_id": [row[1] for row in ids]}))
    shared_rows = db.execute(
        "select distinct record_ids.key from record_ids"
        " join links on links.remote_id = record_ids.remote_id and links.key <> record_ids.key"
    ).fetchall()
    hold_rows(db, [row[0] for row in shared_rows], "match", "two-rows-one-record")
