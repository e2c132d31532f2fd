"""Values that a shell completes: names of files and folders, read without loading what could check them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import typer

import careloom

_NAME = r"^{key}:[ \t]*['\"]?([a-z][a-z0-9_-]*)"


def sync_names(context: typer.Context, incomplete: str) -> list[str]:
    """The project's syncs, and `reports` where it has any."""
    folder = _folder(context)
    extra = ["reports"] if (folder / "reports").is_dir() else []
    return _beginning([*_names_in(folder, "syncs", "sync"), *extra], incomplete)


def stream_names(context: typer.Context, incomplete: str) -> list[str]:
    """The project's streams."""
    return _beginning(_names_in(_folder(context), "streams", "stream"), incomplete)


def chart_names(context: typer.Context, incomplete: str) -> list[str]:
    """The project's pages of charts."""
    return _beginning(sorted(path.stem for path in (_folder(context) / "charts").glob("*.yaml")), incomplete)


def environment_names(context: typer.Context, incomplete: str) -> list[str]:
    """The project's environments: its files careloom.NAME.yaml."""
    names = (path.name.split(".")[1] for path in _folder(context).glob("careloom.*.yaml"))
    return _beginning(sorted(name for name in names if re.fullmatch(r"[a-z][a-z0-9-]{0,30}", name)), incomplete)


def report_names(context: typer.Context, incomplete: str) -> list[str]:
    """The project's reports."""
    names: list[str] = []
    for path in sorted((_folder(context) / "reports").glob("*.yaml")):
        _, _, below = path.read_text(encoding="utf-8", errors="replace").partition("\nreports:")
        names += re.findall(r"^  ([a-z][a-z0-9_]*):", below, re.MULTILINE)
    return _beginning(names, incomplete)


def blueprint_names(incomplete: str) -> list[str]:
    """The blueprints that ship with careloom."""
    return _beginning(
        sorted(path.parent.name for path in _shipped_file("blueprints").glob("*/careloom.yaml")), incomplete
    )


def topic_names(incomplete: str) -> list[str]:
    """The pages of the documentation."""
    pages = _shipped_file("docs").rglob("*.md")
    return _beginning(sorted({path.stem for path in pages if path.parent.name != "decisions"} - {"README"}), incomplete)


def simulator_kinds(incomplete: str) -> list[str]:
    """The systems that can be simulated: the rooms that have a simulator."""
    rooms = Path(careloom.__file__).parent / "systems"
    kinds = [
        path.name for path in rooms.iterdir() if (path / "simulator").is_dir() or (path / "simulator.py").is_file()
    ]
    return _beginning(sorted(kinds), incomplete)


def _shipped_file(name: str) -> Path:
    package = Path(careloom.__file__).parent
    return package / name if (package / name).is_dir() else package.parents[1] / name


def _folder(context: typer.Context) -> Path:
    return Path(context.params.get("folder") or Path())


def _names_in(folder: Path, part: str, key: str) -> list[str]:
    pattern = re.compile(_NAME.format(key=key), re.MULTILINE)
    texts = (path.read_text(encoding="utf-8", errors="replace") for path in sorted((folder / part).glob("*.yaml")))
    return [match[1] for text in texts if (match := pattern.search(text))]


def _beginning(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
