"""The ready projects that ship with careloom."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import careloom
from careloom.core.errors import UsageFault
from careloom.core.folders import HIDDEN

_IMPORTING = "importing.py"
_NO_PROJECT = frozenset({HIDDEN, ".git", ".gitignore", ".venv", ".vscode", ".idea", ".DS_Store"})
"""What may stand in a folder before it becomes a project."""
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


def take_over(name: str, into: Path, file: Path, environment: Mapping[str, str]) -> Sequence[str]:
    """Write what `file` configured elsewhere into the new project; what the blueprint has to say of it.

    UsageFault if the blueprint takes over from no other tool, or does not know the file.
    """
    path = blueprints_folder() / name / _IMPORTING
    spec = spec_from_file_location("careloom_importing", path) if path.is_file() else None
    if spec is None or spec.loader is None:
        raise UsageFault(f"the blueprint {name!r} takes over no configuration; leave `--from` out")
    importing = module_from_spec(spec)
    spec.loader.exec_module(importing)
    notes: Sequence[str] = importing.take_over(into, file, environment)
    return notes


def copy_blueprint(name: str, into: Path) -> list[str]:
    """Copy the blueprint called `name`; returns the files made. UsageFault if the folder is not empty."""
    if name not in blueprint_names():
        raise UsageFault(f"there is no blueprint {name!r}; there are: {', '.join(blueprint_names())}")
    try:
        in_the_way = (
            sorted(entry.name for entry in into.iterdir() if entry.name not in _NO_PROJECT) if into.exists() else []
        )
    except OSError as error:
        raise UsageFault(f"{into}: {error.strerror}; choose another folder") from None
    if in_the_way:
        raise UsageFault(f"{into} exists and is not empty ({in_the_way[0]} is in it); choose another folder")
    gitignore = into / ".gitignore"
    try:
        former = gitignore.read_text(encoding="utf-8") if gitignore.is_file() else ""
        shutil.copytree(blueprints_folder() / name, into, ignore=_NOT_COPIED, dirs_exist_ok=True)
    except OSError as error:
        raise UsageFault(f"cannot make {into}: {error.strerror}") from None
    lacking = [pattern for pattern in _NOT_KEPT if pattern not in former.splitlines()]
    text = former if not former or former.endswith("\n") else f"{former}\n"
    gitignore.write_text(text + "".join(f"{pattern}\n" for pattern in lacking), encoding="utf-8")
    return files_of(into)


def files_of(folder: Path) -> list[str]:
    """The files of a new project, but for what stood there before."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    names = (path.relative_to(folder) for path in paths)
    return sorted(str(name) for name in names if name.parts[0] not in _NO_PROJECT - {".gitignore"})


def undo(folder: Path) -> None:
    """Take a new project away again, and only that."""
    for entry in list(folder.iterdir()):
        if entry.name in _NO_PROJECT:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    if list(folder.iterdir()) == [folder / ".gitignore"]:
        shutil.rmtree(folder)
