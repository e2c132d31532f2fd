"""When the project's dbt models are built by themselves, and every mistake in that."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from careloom.core.errors import Fault
from careloom.project.model import Models
from careloom.project.nearest import suggestion
from careloom.project.nodes import YamlNode
from careloom.project.schema import WrittenModels

MODELS = Path("models") / "dbt_project.yml"
"""What makes the project's folder `models/` a dbt project."""


def build_models(
    section: WrittenModels | None,
    node: YamlNode | None,
    folder: Path,
    names: Collection[str] | None,
    faults: list[Fault],
) -> Models:
    """The rule that is written; `names` are the names of all streams and reports, None where some could not be read."""
    if section is None or node is None:
        return Models()
    faults.extend(_faults(section, node, folder, names))
    return Models(schedule=section.schedule, after=tuple(section.after) if section.after else None)


def _faults(section: WrittenModels, node: YamlNode, folder: Path, names: Collection[str] | None) -> Iterator[Fault]:
    if not (folder / MODELS).is_file():
        cause = f"there are no models: {MODELS} is missing"
        yield node.key_place("models").fault("no-models", cause, "make it a dbt project, or remove `models:`")
    if section.schedule is None and not section.after:
        cause = "`models` says neither when nor after what"
        yield node.key_place("models").fault("no-models", cause, "write `schedule:`, `after:`, or both")
    for number, name in enumerate(section.after):
        if names is not None and name not in names:
            fix = suggestion(name, names, "name a stream or a report of this project")
            place = node.place_of("models", "after", number)
            yield place.fault("unknown-name", f"there is no stream or report `{name}`", fix)
