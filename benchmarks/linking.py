"""Writes the ledger of a project as its first load would leave it: `python -m benchmarks.linking FOLDER`.

A first load of a million people takes minutes and gigabytes of a simulated portal; what a run over unchanged rows reads are the links.
The engine itself computes keys and fingerprints; only the records' ids are invented.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from careloom.engine.sync import rows
from careloom.engine.workspace import workbench
from careloom.services.session.logs import set_up_logs
from careloom.services.session.session import opened
from careloom.services.session.settings import read_settings
from careloom.services.sync.prepare import make_ready

_COPY = "copy link (sync, key, remote_id, rule, grade, fingerprint, linked_run, settled_run) from stdin"


def main() -> None:
    """Link every row of the project's only sync."""
    folder = Path(sys.argv[1])
    settings = read_settings(dict(os.environ))
    set_up_logs(settings)
    with opened(folder, settings) as ready:
        (sync,) = ready.project.syncs.values()
        loom = make_ready(ready, sync)
        # The project adds one property of its own; a first load would have made it.
        loom.target.declare(loom.declaration)
        with workbench(ready.work) as db, ready.store.transaction() as connection:
            rows.take_in(db, loom.source.read(sync.source.query, None), loom.columns)
            rows.want(db, loom.fields, sync.source.key, loom.zone)
            wanted = db.execute("select key, fp from wanted")
            with connection.cursor().copy(_COPY) as copy:
                while chunk := wanted.fetchmany(10_000):
                    for key, fingerprint in chunk:
                        copy.write_row((sync.name, key, f"r{key}", "created", "certain", fingerprint, 1, 1))
        with ready.store.transaction() as connection:
            connection.execute("analyze link")


if __name__ == "__main__":
    main()
