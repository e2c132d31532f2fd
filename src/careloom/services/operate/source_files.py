"""What `check` can see of the sources without a connection: files of this machine, their columns and their types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from careloom.core.errors import CareloomError, Fault, ProjectFault
from careloom.core.rooms import Room, RoomContext
from careloom.project import columns
from careloom.project.model import Project, Sync
from careloom.services.session import places

_PASSING = "locked-file"
"""Another process writes the file just now: no mistake of the project's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileShape:
    """`unseen` are the systems of files that are not on this machine, each of which a run would ask for."""

    faults: tuple[Fault, ...]
    unseen: tuple[str, ...]


def look(project: Project, rooms: Mapping[str, Room], *, missing: bool) -> FileShape:
    """Hold each sync against the columns of its source, where that is in files of this machine.

    `missing`: files that are not there are faults too, and not only told as unseen.
    """
    faults: list[Fault] = []
    unseen: dict[str, None] = {}
    for sync in project.syncs.values():
        system = project.systems[sync.source.system]
        stands = rooms[system.kind].stands
        place = "elsewhere" if stands is None else stands(system.options, project.folder)
        if place == "missing" and not missing:
            unseen[system.name] = None
        elif place != "elsewhere":
            faults += _faults(project, rooms[system.kind], sync, missing=missing)
    return FileShape(faults=tuple(faults), unseen=tuple(unseen))


def _faults(project: Project, room: Room, sync: Sync, *, missing: bool) -> list[Fault]:
    system = project.systems[sync.source.system]
    context = RoomContext(folder=project.folder, timezone=project.timezone, secret=lambda text: text)
    if room.source is None:
        return []
    try:
        with places.give_place(project, system):
            source = places.PlacedSource(source=room.source(system.options, context), project=project, system=system)
        try:
            return columns.check_columns(sync, source.columns(sync.source.query))
        finally:
            source.close()
    except ProjectFault as error:
        return [fault for fault in error.faults if missing or fault.code != _PASSING]
    except CareloomError:
        return []
