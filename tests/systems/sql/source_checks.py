"""What the tests of every kind of source check alike."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from careloom.core.ports import Query, Since, Source


def rows(source: Source, since: Since | None = None, **query: str) -> list[dict[str, object]]:
    """Every row read, after checking that what was read is what was described."""
    asked = Query(**query)
    batches = list(source.read(asked, since))
    columns = source.columns(asked)
    if batches:
        table = pa.Table.from_batches(batches)
        with duckdb.connect() as connection:
            connection.register("read", table)
            found = {row[0]: row[1] for row in connection.execute("describe read").fetchall()}
        assert list(found.items()) == list(columns.items())
    return [row for batch in batches for row in batch.to_pylist()]
