"""Environments: a file `careloom.NAME.yaml` beside careloom.yaml says what is another thing there, and where it is kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from careloom.core.errors import Fault, ProjectFault, UsageFault
from careloom.project.checks import secrets_in_clear
from careloom.project.model import Sync
from careloom.project.nearest import suggestion
from careloom.project.nodes import Plain, YamlNode
from careloom.project.schema import WrittenEnvironment
from careloom.project.schema_check import validate
from careloom.project.yaml_file import read_file

_FILE = re.compile(r"careloom\.([a-z][a-z0-9-]{0,30})\.yaml")
_DATABASE = "database"


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """The file of one environment. `base` is careloom.yaml as it stands, `node` the overlay's own file."""

    name: str
    node: YamlNode
    base: YamlNode

    @property
    def systems(self) -> frozenset[str]:
        """The systems that are the environment's own."""
        return frozenset(self._systems(self.node))

    def merge(self) -> YamlNode:
        """Both as one file: systems by their names, everything else as a whole; each value keeps its place."""
        entries = {key: value for key, value in self.node.entries.items() if key not in (_DATABASE, "systems")}
        keys = {key: self.node.keys[key] for key in entries}
        if "systems" in self.base.entries:
            below, own_systems = self.base.entries["systems"], self.node.entries.get("systems")
            if below.kind == "map" and own_systems is not None:
                entries["systems"] = replace(
                    below, entries={**below.entries, **own_systems.entries}, keys={**below.keys, **own_systems.keys}
                )
        return replace(self.base, entries={**self.base.entries, **entries}, keys={**self.base.keys, **keys})

    def faults(self, syncs: Iterable[Sync], publish: Iterable[str]) -> Iterator[Fault]:
        """Names that replace nothing, and systems through which a trial would write to production's."""
        base, own_systems = self._systems(self.base), self._systems(self.node)
        for name in own_systems:
            if name not in base:
                fix = suggestion(name, base, "write the name of a system of careloom.yaml")
                place = self.node.key_place("systems", name)
                yield place.fault("unknown-system", f"careloom.yaml has no system `{name}` to replace", fix)
        target_systems = {sync.to.system for sync in syncs} | set(publish)
        for name in sorted(target_systems & own_systems.keys() & base.keys()):
            former = _secrets(base[name].plain())
            if own_systems[name].plain() == base[name].plain():
                fix = "write the address and the secret of a system for trials"
                cause = f"`{name}` is written as in careloom.yaml: a trial would write to production's"
                yield own_systems[name].place.fault("same-system", cause, fix)
                continue
            for key, entry in own_systems[name].entries.items():
                for secret in sorted(_secrets(entry.plain()) & former):
                    fix = f"give it a name of its own: `secret:{self.name}-{secret.removeprefix('secret:')}`"
                    cause = f"`{key}` names production's secret `{secret}`, and `{name}` is written to"
                    yield entry.place.fault("same-secret", cause, fix)
        for name in sorted(set(publish) & base.keys() - own_systems.keys()):
            cause = f"`{name}` receives change events, and the environment does not replace it"
            fix = f"replace it under `systems:`, or write `publish: []` in {overlay_name(self.name)}"
            yield self.node.place_of("publish").fault("not-replaced", cause, fix)

    @staticmethod
    def _systems(node: YamlNode) -> Mapping[str, YamlNode]:
        return node.entries["systems"].entries if "systems" in node.entries else {}


def overlay_name(environment: str) -> str:
    """The file's name: careloom.staging.yaml."""
    return f"careloom.{environment}.yaml"


def environments(folder: Path) -> list[str]:
    """The environments that the project in `folder` has a file for."""
    return sorted(match[1] for path in folder.glob("careloom.*.yaml") if (match := _FILE.fullmatch(path.name)))


def read_overlay(folder: Path, environment: str) -> tuple[YamlNode | None, list[Fault]]:
    """The file of `environment`, with its own faults; no node where it cannot be used.

    UsageFault where there is no such environment.
    """
    names = environments(folder)
    if environment not in names:
        choices = f"there are: {', '.join(names)}" if names else "there is none"
        fix = suggestion(environment, names, "an environment is a file careloom.NAME.yaml beside careloom.yaml")
        raise UsageFault(f"there is no environment {environment!r} in this project ({choices}); {fix}")
    node, faults = read_file(folder, overlay_name(environment))
    if node is None:
        return None, faults
    if node.kind != "map":
        return None, [
            *faults,
            node.place.fault("wrong-type", "the file must be keys with values", "write `key: value` lines"),
        ]
    document, wrong = validate(WrittenEnvironment, node)
    faults = [*faults, *wrong, *secrets_in_clear(node)]
    return (node if document else None), faults


def database_named(folder: Path, environment: str) -> str | None:
    """What the environment's file says of its database: an address, or a secret's name; None if nothing.

    ProjectFault with the file's faults.
    """
    node, faults = read_overlay(folder, environment)
    if faults or node is None:
        raise ProjectFault(*faults)
    return node.entries[_DATABASE].text if _DATABASE in node.entries else None


def _secrets(value: Plain) -> set[str]:
    if isinstance(value, dict):
        return set().union(*(_secrets(below) for below in value.values()))
    if isinstance(value, list):
        return set().union(*(_secrets(below) for below in value))
    return {value} if value is not None and value.startswith("secret:") else set()
