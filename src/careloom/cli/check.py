"""`careloom check`."""

from __future__ import annotations

from careloom.cli.options import HERE, Folder, Json
from careloom.cli.showing import out, print_json
from careloom.core.errors import ProjectFault
from careloom.project.loader import load_project
from careloom.systems.rooms import rooms


def command(*, folder: Folder = HERE, json: Json = False) -> None:
    """Read the whole project; nothing is connected to, nothing is written."""
    try:
        project = load_project(folder.resolve(), rooms())
    except ProjectFault as error:
        if json:
            print_json({"faults": error.faults})
        raise
    if json:
        print_json(
            {
                "project": project.name,
                "syncs": list(project.syncs),
                "streams": list(project.landings),
                "reports": list(project.reports),
                "faults": [],
            }
        )
    else:
        parts = [("streams", project.landings), ("reports", project.reports), ("syncs", project.syncs)]
        found = [f"{word} {', '.join(names)}" for word, names in parts if names]
        out.print("; ".join([f"{project.name}: {found[0]}" if found else project.name, *found[1:], "no faults."]))
