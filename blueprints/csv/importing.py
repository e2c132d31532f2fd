"""`careloom init csv DIR --from FILE.csv`: a sync proposed from a file's header and what stands in its columns."""  # noqa: INP001 loaded by its path

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path

from careloom.core.errors import UsageFault
from careloom.project.nearest import list_names
from careloom.project.roles import inferred_role

_LOOKED_AT = 10_000
"""Rows from which types and the key are proposed."""

_PROPERTIES = {
    "first_name": "firstname",
    "last_name": "lastname",
    "birth_date": "birth_date",
    "email": "email",
    "phone": "phone",
    "street": "address",
    "city": "city",
    "state": "state",
    "zip": "zip",
}
"""HubSpot's property for what a column says about a person."""

_TIERS = (("email",), ("firstname", "lastname", "birth_date"), ("address", "city", "state", "zip"))
_DATES = {r"\d{4}-\d{2}-\d{2}": "", r"\d{1,2}/\d{1,2}/\d{4}": "MM/DD/YYYY"}
_NUMBER = r"-?\d+(\.\d+)?"
_NUMBERED = re.compile(r"(?i)(id|no|nr|number|code|mrn|npi|ssn|zip|phone|fax)$")
"""Names of columns whose digits are a name: 01234 is no number."""


def take_over(folder: Path, given: Path, _environment: Mapping[str, str]) -> Sequence[str]:
    """Write a sync for the file `given` into the new project in `folder`; what is to be told. UsageFault if it is none."""
    columns, rows = _read(given)
    values = {
        column: [row[number].strip() for row in rows if number < len(row)] for number, column in enumerate(columns)
    }
    key = _key(values)
    name = re.sub(r"[^a-z0-9]+", "_", given.stem.lower()).strip("_") or "people"
    name = name if name[0].isalpha() else f"t_{name}"
    fields, others = _fields(values, key)
    _write(folder, given, name[:50], key, fields, others)
    told = [
        f"{len(columns)} columns of {given.name}; the key is {key}, which no two of the {len(rows):,} rows looked at share",
        f"syncs/{name[:50]}.yaml fills {list_names(fields)}",
    ]
    if others:
        told.append(f"{list_names(others)} stand there as comments: say first which are health data (`phi: clinical`)")
    return told


def _read(given: Path) -> tuple[list[str], list[list[str]]]:
    for encoding in ("utf-8-sig", "cp1252", "latin-1"):
        try:
            with given.open(encoding=encoding, newline="") as file:
                first = file.readline()
                file.seek(0)
                rows = list(islice(csv.reader(file, delimiter=max(",;\t|", key=first.count)), _LOOKED_AT + 1))
        except UnicodeDecodeError:
            continue
        except (OSError, ValueError) as error:
            raise UsageFault(f"cannot read {given}: {getattr(error, 'strerror', None) or 'no path'}") from None
        except csv.Error:
            break
        if rows and all(column.strip() for column in rows[0]) and len(set(rows[0])) == len(rows[0]):
            return [column.strip() for column in rows[0]], [row for row in rows[1:] if row]
        break
    raise UsageFault(f"{given} does not begin with a line that names its columns, each once")


def _key(values: Mapping[str, Sequence[str]]) -> str:
    """The column whose values are all there and all different; one that is called so rather than another."""
    unique = [name for name, found in values.items() if found and all(found) and len(set(found)) == len(found)]
    if not unique:
        raise UsageFault(
            "no column has another value in each row, so none can be the key; add one, such as ID, and try again"
        )
    return next((name for name in unique if re.search(r"(?i)(^|_|[a-z])id$", name)), unique[0])


def _fields(values: Mapping[str, Sequence[str]], key: str) -> tuple[dict[str, str], dict[str, str]]:
    """The proposed fields, by property, and those that a person must decide about, each as it is written."""
    fields: dict[str, str] = {}
    others: dict[str, str] = {}
    for column, found in values.items():
        role = inferred_role(re.sub(r"[^A-Za-z0-9]+", "_", column), None)
        prop = _PROPERTIES.get(role or "")
        if prop is not None and prop not in fields:
            fields[prop] = _written(column, found, label="Birth date" if prop == "birth_date" else "")
        elif column != key:
            name = re.sub(r"[^a-z0-9]+", "_", column.lower()).strip("_")
            others[name] = _written(column, found, label=column.replace("_", " "), more="phi: clinical, owner: source")
    if not fields:
        raise UsageFault(
            "no column is called as what it says of a person (FirstName, LastName, DOB, Email, Phone, Address, City, State, "
            "Zip); rename some, or begin with: careloom init empty DIR"
        )
    return fields, others


def _written(column: str, found: Sequence[str], *, label: str, more: str = "") -> str:
    source = column if re.fullmatch(r"[A-Za-z_]\w*", column) else f"'\"{column.replace(chr(34), chr(34) * 2)}\"'"
    if not label:
        return source
    kind, form = _type(column, [value for value in found if value])
    parts = [f"from: {source}", f"type: {kind}", f'format: "{form}"' if form else "", f"label: {_quoted(label)}", more]
    return f"{{{', '.join(part for part in parts if part)}}}"


def _quoted(label: str) -> str:
    return label if re.fullmatch(r"[A-Za-z][\w ]*", label) else "'" + label.replace("'", "''") + "'"


def _type(column: str, found: Sequence[str]) -> tuple[str, str]:
    for pattern, form in _DATES.items():
        if found and all(re.fullmatch(pattern, value) for value in found):
            return "date", form
    if found and not _NUMBERED.search(column) and all(re.fullmatch(_NUMBER, value) for value in found):
        return "number", ""
    return ("date", "") if inferred_role(column, None) == "birth_date" else ("string", "")


def _write(
    folder: Path, given: Path, name: str, key: str, fields: Mapping[str, str], others: Mapping[str, str]
) -> None:
    table = given.stem.replace("'", "''")
    lines = [
        f"# Proposed from the header of {given.name} and its first rows. Read it before you run it.",
        f"sync: {name}",
        f"from: {{system: files, table: '{table}', key: '{key}'}}",
        f"to: {{system: crm, object: contacts, key: {name[:40]}_id}}",
        "",
    ]
    tiers = [f"  - [{', '.join(tier)}]" for tier in _TIERS if set(tier) <= fields.keys()]
    lines += (
        ["match:                                          # tried for people who are not linked yet", *tiers, ""]
        if tiers
        else []
    )
    lines += ["unmatched: create", "missing: keep", "", "fields:"]
    lines += [f"  {prop}: {written}" for prop, written in fields.items()]
    if others:
        lines += [
            "  # Not taken yet. What is health data stays `phi: clinical`, and `to:` must then have `admits: clinical`;",
            "  # what is not, loses the word. An `owner: source` field is only shown there.",
            *(f"  # {prop}: {written}" for prop, written in others.items()),
        ]
    for example in ("syncs/people.yaml", "data/People.csv"):
        (folder / example).unlink()
    (folder / "data").rmdir()
    (folder / "syncs" / f"{name}.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    place = given.resolve().parent
    inside = place.relative_to(folder.resolve()) if place.is_relative_to(folder.resolve()) else place
    project = folder / "careloom.yaml"
    text = project.read_text(encoding="utf-8").replace(
        '"csv://data"', f"'csv://{str(inside).replace(chr(39), chr(39) * 2)}'"
    )
    project.write_text(text, encoding="utf-8")
