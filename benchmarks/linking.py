"""Writes the ledger of a project as its first load would leave it: `python -m benchmarks.linking FOLDER`.

A first load of a million people takes minutes and gigabytes of a simulated portal; what a run over unchanged rows reads are the links.
The engine itself computes keys and fingerprints; only the records' ids are invented.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from careloom.engine.sync import rows
from careloom.engine.workspace import open_workspace
from careloom.services.session.logs import set_up_logs
from careloom.services.session.sessions import open_session
from careloom.services.session.settings import read_settings
from careloom.services.sync.prepare import prepare_sync

_COPY = "copy link (sync, key, remote_id, rule, grade, fingerprint, linked_run, settled_run) from stdin"


def main() -> None:
    """Link every row of the project's only sync."""
    folder = Path(sys.argv[1])
    settings = read_settings(dict(os.environ))
    set_up_logs(settings)
    with open_session(folder, settings) as session:
        (sync,) = session.project.syncs.values()
        context = prepare_sync(session, sync)
        # The project adds one property of its own; a first load would have made it.
        context.target.declare(context.declaration)
        with open_workspace(session.work) as db, session.store.transaction() as connection:
            rows.load_source(db, context.source.read(sync.source.query, None), context.columns)
            rows.fingerprint_rows(db, context.fields, sync.source.key, context.zone)
            desired = db.execute("select key, fingerprint from desired")
            with connection.cursor().copy(_COPY) as copy:
                while chunk := desired.fetchmany(10_000):
                    for key, fingerprint in chunk:
                        copy.write_row((sync.name, key, f"r{key}", "created", "certain", fingerprint, 1, 1))
        with session.store.transaction() as connection:
            connection.execute("analyze link")


if __name__ == "__main__":
    main()
