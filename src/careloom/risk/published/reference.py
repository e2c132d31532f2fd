"""A model's categories, hierarchies and coefficients as three plain tables to join with: of all of them, for one year."""

from __future__ import annotations

from decimal import Decimal

import duckdb
import pyarrow as pa

from careloom.risk.published.lookup_tables import lookups

WORTH = pa.decimal128(9, 3)


def show_reference(db: duckdb.DuckDBPyConnection, model: str, year: int, mode: str = "cms") -> None:
    """Register `categories` (hcc, label, is_chronic), `hierarchies` (hcc, child_hcc) and `worths` (segment, hcc, coefficient)."""
    edition = lookups(model, year, mode)
    read = edition.read
    db.register(
        "categories",
        pa.table(
            {
                "hcc": pa.array(list(read.categories), pa.string()),
                "label": pa.array([read.labels.get(hcc) for hcc in read.categories], pa.string()),
                "is_chronic": pa.array([hcc in read.chronic for hcc in read.categories], pa.bool_()),
            }
        ),
    )
    pairs = [(parent, child) for parent, children in read.hierarchy.items() for child in children]
    db.register(
        "hierarchies",
        pa.table(
            {
                "hcc": pa.array([parent for parent, _ in pairs], pa.string()),
                "child_hcc": pa.array([child for _, child in pairs], pa.string()),
            }
        ),
    )
    names = {
        (segment.rstrip("_"), hcc): f"{segment}{read.model.prefix}{hcc}".lower()
        for segment in edition.segments
        for hcc in read.categories
    }
    worths = {key: read.coefficients[name] for key, name in names.items() if name in read.coefficients}
    db.register(
        "worths",
        pa.table(
            {
                "segment": pa.array([segment for segment, _ in worths], pa.string()),
                "hcc": pa.array([hcc for _, hcc in worths], pa.string()),
                "coefficient": pa.array([Decimal(value).scaleb(-3) for value in worths.values()], WORTH),
            }
        ),
    )
