"""dlt with a custom destination that posts to HubSpot's batch upsert: `python -m benchmarks.dlt_peer URL WAREHOUSE FILES`.

The destination is what dlt's documentation shows, a function over batches, with dlt's own retrying client. FILES 1 is how
dlt comes: one file of rows, sent one batch after the other; more files are sent side by side.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import dlt
import duckdb
from dlt.common.schema.typing import TTableSchema
from dlt.sources.helpers.requests import Client

from benchmarks.people import COLUMNS

BATCH = 100


def rows(warehouse: str) -> Iterator[list[dict[str, Any]]]:
    """The people, a few thousand at a time."""
    with duckdb.connect(warehouse, read_only=True) as db:
        cursor = db.execute("select * from people")
        while chunk := cursor.fetchmany(5000):
            yield [dict(zip(COLUMNS, row, strict=True)) for row in chunk]


def main() -> None:
    """Run the pipeline once."""
    url, warehouse, files = sys.argv[1], sys.argv[2], int(sys.argv[3])
    client = Client(request_timeout=60)
    address = f"{url}/crm/v3/objects/contacts/batch/upsert"
    headers = {"Authorization": "Bearer bench"}

    @dlt.destination(batch_size=BATCH, name="hubspot", naming_convention="direct")
    def hubspot(items: list[dict[str, Any]], table: TTableSchema) -> None:  # noqa: ARG001 dlt's own signature
        inputs = [{"id": item["patient_id"], "idProperty": "patient_id", "properties": item} for item in items]
        client.post(address, json={"inputs": inputs}, headers=headers)

    if files > 1:
        with duckdb.connect(warehouse, read_only=True) as db:
            total = db.execute("select count(*) from people").fetchall()[0][0]
        os.environ["NORMALIZE__DATA_WRITER__FILE_MAX_ITEMS"] = str(-(-total // files))
        os.environ["LOAD__WORKERS"] = str(files)
    pipeline = dlt.pipeline("people", destination=hubspot, progress=None)
    # Without the hint dlt reads moments out of text, and a moment is no JSON.
    texts = {column: {"data_type": "text"} for column in COLUMNS}
    pipeline.run(dlt.resource(rows(warehouse), name="people", columns=texts))


if __name__ == "__main__":
    main()
