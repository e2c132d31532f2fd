"""Where in the project's files a source's complaint belongs: a source knows its own words only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pyarrow as pa

from careloom.core.errors import Fault, ProjectFault
from careloom.core.ports import Query, Since, Source
from careloom.project.model import Project, Sync, System
from careloom.project.nodes import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedSource:
    """A source whose faults say where in the project they stand."""

    source: Source
    project: Project
    system: System

    def columns(self, query: Query) -> Mapping[str, str]:
        """As the source's own."""
        with give_place(self.project, self.system, query):
            return self.source.columns(query)

    def read(self, query: Query, since: Since | None = None) -> Iterator[pa.RecordBatch]:
        """As the source's own."""
        with give_place(self.project, self.system, query):
            yield from self.source.read(query, since)

    def close(self) -> None:
        """As the source's own."""
        self.source.close()


@contextmanager
def give_place(project: Project, system: System, query: Query | None = None) -> Iterator[None]:
    """Give the faults without a file, that rise in the block, the place of `system` or of the sync that asks `query`."""
    try:
        yield
    except ProjectFault as error:
        raise ProjectFault(*(_with_place(fault, project, system, query) for fault in error.faults)) from None


def _with_place(fault: Fault, project: Project, system: System, query: Query | None) -> Fault:
    if fault.file:
        return fault
    place = system.place
    if fault.part == "query":
        asking = [
            sync for sync in project.syncs.values() if (sync.source.system, sync.source.query) == (system.name, query)
        ]
        place = _question(asking[0]) if asking else place
    return replace(fault, file=place.file, line=place.line, column=place.column)


def _question(sync: Sync) -> Place:
    return sync.node.place_of("from", "table" if sync.source.table is not None else "sql")
