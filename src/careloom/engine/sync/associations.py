"""Associations: the pairs of records that the source says belong together."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredPairs:
    """The pairs of keys that the rows read want; the keys of `sound` rows; how many rows are `unsure`: no key computes."""

    pairs: set[tuple[str, str]]
    sound: set[str]
    unsure: int


def desired_pairs(db: duckdb.DuckDBPyConnection, expression: str) -> DesiredPairs:
    """The pairs of each row that is not held with the key that `expression`, SQL over the source's columns, gives."""
    rows = db.execute(
        f"""
        select row_class.key, computed.result is null,
            case when not blank(computed.result.v) then trim(cast(computed.result.v as varchar)) end
        from row_class
        join (select _row, try({{'v': {expression}}}) as result from source) as computed on computed._row = row_class.row
        where row_class.class <> 'held'
        """
    ).fetchall()
    return DesiredPairs(
        pairs={(key, to_key) for key, _, to_key in rows if to_key is not None},
        sound={key for key, is_unsure, _ in rows if not is_unsure},
        unsure=sum(is_unsure for _, is_unsure, _ in rows),
    )


def planned_links(db: duckdb.DuckDBPyConnection, unborn_id: str) -> dict[str, str]:
    """The record of each row that the plan writes, by key; `unborn_id` of one that is yet to be created."""
    return dict(
        db.execute("select key, coalesce(remote_id, ?) from actions where kind <> 'archive'", [unborn_id]).fetchall()
    )
