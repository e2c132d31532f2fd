"""A page for each blueprint: its README, and what its files declare."""
# ruff: noqa: INP001 (beside a script, not in a package)

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
BLUEPRINTS = ROOT / "blueprints"
Table = tuple[str, Sequence[str], list[tuple[str, ...]]]
"""A title, the names of the columns, and the rows."""


def blueprint_names() -> list[str]:
    """Every blueprint, by its folder."""
    return sorted(path.parent.name for path in BLUEPRINTS.glob("*/careloom.yaml"))


def blueprint_page(name: str) -> str:
    """The page's text, without the mark that it was written by a program."""
    folder = BLUEPRINTS / name
    readme = (folder / "README.md").read_text(encoding="utf-8").rstrip()
    parts = [readme, "", "## What its files declare\n"]
    for title, head, rows in _tables(folder):
        if rows:
            parts += [f"### {title}\n", _table(head, rows)]
    return "\n".join(parts)


def index_page() -> str:
    """The list of them."""
    titles = [(name, (BLUEPRINTS / name / "README.md").read_text(encoding="utf-8")) for name in blueprint_names()]
    rows = [
        (f"[{name}](blueprints/{name}.md)", text.splitlines()[0].removeprefix(f"# {name}: ")) for name, text in titles
    ]
    return "\n".join(
        [
            "# Blueprints\n",
            "A blueprint is a whole project. `careloom init NAME DIR` copies it; what it copied is yours to change.\n",
            _table(("blueprint", "what it is"), rows),
        ]
    )


def _tables(folder: Path) -> Iterator[Table]:
    project = _read(folder / "careloom.yaml")
    systems = [(f"`{name}`", f"`{own['kind']}`") for name, own in project["systems"].items()]
    yield "Systems", ("system", "kind"), systems
    yield "Secrets", ("in a file", "in the environment"), _secrets(folder)
    yield "Syncs", ("sync", "from", "to", "key", "what it is"), [_sync(path) for path in _files(folder, "syncs")]
    yield (
        "Streams",
        ("stream", "from", "read", "compared as a whole"),
        [_stream(path) for path in _files(folder, "streams")],
    )
    yield (
        "Reports",
        ("report", "when", "what for"),
        [row for path in _files(folder, "reports") for row in _reports(path)],
    )
    yield "Charts", ("page", "charts"), [_chart(path) for path in _files(folder, "charts")]
    yield "Models", ("model", "what a row is"), list(_models(folder))
    yield "Metrics", ("metric", "what it measures"), list(_metrics(folder))
    yield "Settings of the models", ("variable", "unless said", "what it does"), _variables(folder)


def _files(folder: Path, kind: str) -> list[Path]:
    return sorted((folder / kind).glob("*.yaml"))


def _read(path: Path) -> Any:
    return YAML(typ="safe").load(path) or {}


def _secrets(folder: Path) -> list[tuple[str, ...]]:
    found = re.findall(r"secret:([\w-]+)", (folder / "careloom.yaml").read_text(encoding="utf-8"))
    return [(f"`secret:{name}`", f"`{name.upper().replace('-', '_')}`") for name in dict.fromkeys(found)]


def _first_comment(path: Path) -> str:
    """What stands before the first key of a file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    taken = next((number for number, line in enumerate(lines) if not line.startswith("#")), len(lines))
    return " ".join(line.lstrip("# ") for line in lines[:taken])


def _sync(path: Path) -> tuple[str, ...]:
    own = _read(path)
    source, target = own["from"], own["to"]
    place = source.get("table") or source.get("stream") or "a statement"
    return (
        f"`{own['sync']}`",
        f"`{source['system']}`: `{place}`",
        f"`{target['system']}`: `{target['object']}`",
        f"`{source['key']}` as `{target['key']}`",
        _first_comment(path),
    )


def _stream(path: Path) -> tuple[str, ...]:
    own = _read(path)
    source = own["from"]
    return (
        f"`{own['stream']}`",
        f"`{source['system']}`: `{source['stream']}`",
        own.get("schedule", ""),
        own.get("reconcile", ""),
    )


def _reports(path: Path) -> list[tuple[str, ...]]:
    return [
        (f"`{name}`", own.get("schedule", ""), own.get("purpose", "")) for name, own in _read(path)["reports"].items()
    ]


def _chart(path: Path) -> tuple[str, ...]:
    own = _read(path)
    return f"`{path.stem}`", "; ".join(chart["title"] for chart in own["charts"])


def _declared(folder: Path) -> Iterator[Mapping[str, Any]]:
    for path in sorted((folder / "models" / "models").rglob("*.yml")):
        if path.parent.name != "hcc":
            yield _read(path)


def _models(folder: Path) -> Iterator[tuple[str, ...]]:
    for file in _declared(folder):
        for model in file.get("models", ()):
            yield f"`{model['name']}`", " ".join(model["description"].split())


def _metrics(folder: Path) -> Iterator[tuple[str, ...]]:
    for file in _declared(folder):
        for metric in file.get("metrics", ()):
            yield f"`{metric['name']}`", " ".join(metric["description"].split())


def _variables(folder: Path) -> list[tuple[str, ...]]:
    """The variables of a dbt project, each with the comment on its line."""
    path = folder / "models" / "dbt_project.yml"
    if not path.exists():
        return []
    block = path.read_text(encoding="utf-8").split("\nvars:\n")[1].split("\n\n")[0]
    lines = re.findall(r"^  (\w+): (.*?) +# (.*)$", block, re.MULTILINE)
    return [(f"`{name}`", f"`{value}`", meaning) for name, value, meaning in lines]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"
