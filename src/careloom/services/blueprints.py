"""The ready projects that ship with careloom."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import careloom
from careloom.core.errors import UsageFault
from careloom.services.opening import HIDDEN

_IMPORTING = "importing.py"
_NOT_COPIED = shutil.ignore_patterns("demo", _IMPORTING, "__pycache__", "*.pyc")
"""A blueprint's `demo` folder makes invented people for `careloom demo`, and what takes over from others is used once."""


_NOT_KEPT = (f"{HIDDEN}/", "logs/", "target/", "dbt_packages/")
"""What no project keeps in git: careloom's own folder, and what dbt leaves behind."""


def blueprints_folder() -> Path:
    """Where blueprints are: inside an installed package, beside `src` in a checkout."""
    package = Path(careloom.__file__).parent
    inside = package / "blueprints"
    return inside if inside.is_dir() else package.parents[1] / "blueprints"


def blueprint_names() -> list[str]:
    """Every blueprint, by name."""
    folder = blueprints_folder()
    return sorted(entry.parent.name for entry in folder.glob("*/careloom.yaml"))


def take_over(name: str, into: Path, given: Path, environment: Mapping[str, str]) -> Sequence[str]:
    """Write what `given` configured elsewhere into the new project; what the blueprint has to say of it.

    UsageFault if the blueprint takes over from nobody, or the file is none that it knows.
    """
    path = blueprints_folder() / name / _IMPORTING
    spec = spec_from_file_location("careloom_importing", path) if path.is_file() else None
    if spec is None or spec.loader is None:
        raise UsageFault(f"the blueprint {name!r} takes over no configuration; leave `--from` out")
    importing = module_from_spec(spec)
    spec.loader.exec_module(importing)
    told: Sequence[str] = importing.take_over(into, given, environment)
    return told


def copy_blueprint(name: str, into: Path) -> list[str]:
    """Copy the blueprint called `name`; returns the files made. UsageFault if the folder is not empty."""
    if name not in blueprint_names():
        raise UsageFault(f"there is no blueprint {name!r}; there are: {', '.join(blueprint_names())}")
    if into.exists() and (not into.is_dir() or any(entry.name != HIDDEN for entry in into.iterdir())):
        raise UsageFault(f"{into} exists and is not an empty folder; choose another")
    try:
        shutil.copytree(blueprints_folder() / name, into, ignore=_NOT_COPIED, dirs_exist_ok=True)
    except OSError as error:
        raise UsageFault(f"cannot make {into}: {error.strerror}") from None
    (into / ".gitignore").write_text("".join(f"{one}\n" for one in _NOT_KEPT), encoding="utf-8")
    return sorted(str(path.relative_to(into)) for path in into.rglob("*") if path.is_file())
