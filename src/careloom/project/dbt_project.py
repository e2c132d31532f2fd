"""What the project's dbt project says that careloom.yaml says too: both must say the same, for dbt may be run by hand."""

from __future__ import annotations

from pathlib import Path

from careloom.core.errors import Fault
from careloom.project.yaml_file import read_file

DBT_PROJECT = "models/dbt_project.yml"


def check_dbt_project(folder: Path, timezone: str) -> list[Fault]:
    """A fault where the variable `timezone` of the models is another zone: dbt by hand would count other days than careloom."""
    if not (folder / DBT_PROJECT).is_file():
        return []
    # What else stands in the file is dbt's business, and so are its faults.
    root, _ = read_file(folder, DBT_PROJECT)
    zone = root.at("vars", "timezone") if root else None
    if zone is None or zone.kind != "text" or zone.text in (None, timezone):
        return []
    cause = f"the models count days in {zone.text}, and the project in {timezone}"
    return [zone.place.fault("models-timezone", cause, f"write `timezone: {timezone}`")]
