"""Gaps: chronic categories of former years that are not coded this year, and categories that somebody thinks a person has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlglot import exp

from careloom.core.errors import Fix
from careloom.risk.payment.payment_factors import Money
from careloom.risk.population.clean import category, day
from careloom.risk.population.columns import normal_code
from careloom.risk.published.reference import show_reference
from careloom.risk.review.statements import statement
from careloom.risk.scores.score import score
from careloom.risk.workspace import Workspace, as_parquet, require_columns, show_file, stage_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Gaps:
    """Rows by status, and of the open ones the people and what the categories are worth, by category."""

    statuses: Mapping[str, int]
    people: int
    open: tuple[tuple[str, str | None, int, float], ...]


def show_years(  # noqa: PLR0913 - everything after the data is named
    workspace: Workspace,
    people: Path,
    diagnoses: Path,
    *,
    model: str,
    year: int,
    look_back: int,
    require_dates: bool = True,
    money: Money | None = None,
) -> None:
    """Score this year's and the former years' diagnoses: the views `current_scores`, `former_scores` and `former_codes`.

    Former diagnoses are taken by this year's tables and the person as known now. A diagnosis without a date is this year's;
    unless they must be `require_dates`, they may have none at all.

    Raises:
        Fix: the diagnoses must be dated and are not; or as `score`.

    """
    columns = show_file(workspace, "diagnoses", diagnoses)
    require_columns(
        columns, ("person_id", "diagnosis_code", *["service_date"] * require_dates), "the file of diagnoses"
    )
    persons = as_parquet(workspace, "people", people)
    service_year = year - 1
    service_day = day("service_date", columns["service_date"]) if "service_date" in columns else "null::date"
    current = stage_rows(
        workspace,
        "current_codes",
        f"select * from diagnoses where coalesce(year({service_day}) = {service_year}, true)",
    )
    between = f"year({service_day}) between {service_year - look_back} and {service_year - 1}"
    former_diagnoses = stage_rows(workspace, "former_diagnoses", f"select * from diagnoses where {between}")
    for name, codes, trace in (("current_scores", current, False), ("former_scores", former_diagnoses, True)):
        scores_file = workspace.folder / f"{name}.parquet"
        score(persons, codes, model=model, year=year, trace=trace, out=scores_file, money=money)
        show_file(workspace, name, scores_file)
    code = normal_code(exp.column("diagnosis_code"), "cms").sql("duckdb")
    workspace.db.execute(
        f"create or replace temp view former_codes as select cast(person_id as varchar) as person_id, {code} as code, "
        f"{service_day} as service_date from {_file(former_diagnoses)}"
    )
    show_reference(workspace.db, model, year)


def _file(path: Path) -> str:
    return f"read_parquet({exp.Literal.string(str(path)).sql('duckdb')})"


def recapture(workspace: Workspace) -> Gaps:
    """The table `recapture`, one row for each person and chronic category of former years, after hierarchies.

    `show_years` was called before.
    """
    workspace.db.execute(f"create or replace temp table recapture as {statement('recapture')}")
    return _gaps(workspace, "recapture")


def suspects(
    workspace: Workspace, path: Path, *, model: str, year: int, names: Mapping[str, str] | None = None
) -> Gaps:
    """The table `opportunities`, one row for each person and category of the file. `show_years` was called before.

    The file has `person_id` and `hcc`; a row of another `model` or `payment_year` is passed over where they are said.

    Raises:
        Fix: it cannot be read, or has no such columns.

    """
    columns = show_file(workspace, "given_thoughts", path, names)
    require_columns(columns, ("person_id", "hcc"), "the file of opportunities")
    text = {name: f"cast({name} as varchar)" if name in columns else "null::varchar" for name in ("reason", "found_on")}
    workspace.db.execute(
        "create or replace temp view thought as select cast(person_id as varchar) as person_id, "
        f"{category('hcc')} as hcc, {text['reason']} as reason, {text['found_on']} as found_on "
        f"from given_thoughts where {of_edition(columns, model, year)}"
    )
    workspace.db.execute(f"create or replace temp table opportunities as {statement('opportunities')}")
    return _gaps(workspace, "opportunities")


def of_edition(columns: Mapping[str, str], model: str, year: int) -> str:
    """Whether a row is of this model and year, or does not say."""
    parts = ["true"]
    if "model" in columns:
        bare = "regexp_replace(upper(cast(model as varchar)), '[^A-Z0-9]', '', 'g')"
        model_literal = exp.Literal.string(model.replace("-", "")).sql("duckdb")
        parts.append(f"(model is null or {bare} = {model_literal} or {bare} like '%MODEL' || {model_literal})")
    if "payment_year" in columns:
        parts.append(f"coalesce(try_cast(payment_year as integer) = {year}, payment_year is null)")
    return " and ".join(parts)


def _gaps(workspace: Workspace, table: str) -> Gaps:
    statuses = workspace.db.execute(f"select status, count(*) from {table} group by status order by status").fetchall()
    rows = workspace.db.execute(
        f"select hcc, any_value(label), count(*), coalesce(sum(open_coefficient), 0)::double from {table} "
        "where status = 'open' group by hcc order by 4 desc, 3 desc, hcc"
    ).fetchall()
    (people,) = workspace.db.execute(
        f"select count(distinct person_id) from {table} where status = 'open'"
    ).fetchone() or (0,)
    return Gaps(statuses=dict(statuses), people=int(people), open=tuple(rows))


def check_look_back(years: int) -> int:
    """`years`, if so many can be looked back. Fix if not."""
    if years < 1:
        raise Fix("--look-back is a number of years of at least 1")
    return years
