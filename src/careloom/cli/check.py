"""`careloom check`."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from careloom.cli.console import print_json, printer
from careloom.cli.failure_json import fault_as_json
from careloom.cli.options import HERE, Folder, Json
from careloom.core.errors import ProjectFault
from careloom.services.operate import source_files
from careloom.services.session import kinds, projects, settings


def command(
    *,
    folder: Folder = HERE,
    json: Json = False,
    sources: Annotated[
        bool, typer.Option("--sources", help="Files that a source names and that are not there are faults too.")
    ] = False,
) -> None:
    """Read the whole project, and the columns of sources that are files here; nothing is connected to or written."""
    try:
        env = settings.read_settings(dict(os.environ)).env
        project = projects.load(folder.resolve(), env)
        unseen = _look(project, missing=sources)
    except ProjectFault as error:
        if json:
            print_json({"faults": [fault_as_json(fault) for fault in error.faults]})
        raise
    if json:
        print_json(
            {
                "project": project.name,
                "environment": project.environment,
                "syncs": list(project.syncs),
                "streams": list(project.landings),
                "reports": list(project.reports),
                "unseen": unseen,
                "faults": [],
            }
        )
        return
    parts = [("streams", project.landings), ("reports", project.reports), ("syncs", project.syncs)]
    parts_shown = [f"{word} {', '.join(names)}" for word, names in parts if names]
    name = f"{project.name} in {project.environment}" if project.environment else project.name
    printer.print("; ".join([f"{name}: {parts_shown[0]}" if parts_shown else name, *parts_shown[1:], "no faults."]))
    for name in unseen:
        printer.print(f"Not looked at: the files of {name} are not here (careloom check --sources asks for them).")


def _look(project: projects.Project, *, missing: bool) -> list[str]:
    """The systems that could not be looked at. ProjectFault with what is wrong in the others."""
    room_of = kinds.rooms()
    source_kinds = {project.systems[sync.source.system].kind for sync in project.syncs.values()}
    if not any(room_of[kind].stands for kind in source_kinds):
        return []
    shape = source_files.look(project, room_of, missing=missing)
    if shape.faults:
        raise ProjectFault(*shape.faults)
    return list(shape.unseen)
