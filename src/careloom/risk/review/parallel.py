"""A parallel run: each person's score and categories here beside those of a dbt project or of a former system."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
from sqlglot import exp

from careloom.core.errors import Fix
from careloom.risk.payment.payment_factors import Money
from careloom.risk.review.gaps import show_years
from careloom.risk.review.mor import COMPARED, reconcile
from careloom.risk.review.statements import statement
from careloom.risk.scores.score import score
from careloom.risk.workspace import Workspace, as_parquet, show_file, stage_rows

EQUAL = "equal"
REASONS: Mapping[str, str] = {
    EQUAL: "the same score and the same categories",
    "person-not-here": "the other table has a person whom the file of people lacks",
    "person-not-there": "the other table lacks a person whom the file of people has",
    "held-here": "the person has no score here, for age or sex is missing, and has one there",
    "no-score-here": "there is no payment score here: no normalization of the model and year is known",
    "no-score-there": "the person has a score here and none there",
    "other-categories": "the categories differ: each has a row of its own with its reason",
    "score-as-compat": "the same categories; their score is hccinfhir's (--mode compat), bug for bug or not rounded",
    "rounded-otherwise": "the same categories; the scores differ by less than CMS's rounding does",
    "other-coefficients": "the same categories and another score: another age, sex, entitlement, year or factor",
}
"""Of a person. A category that only one side has is told by the reasons of `paid.REASONS`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParallelRun:
    """Persons on both sides together, those that are equal, persons by reason, and categories by reason."""

    persons: int
    equal: int
    reasons: Mapping[str, int]
    categories: Mapping[str, int]

    @property
    def share(self) -> float:
        """Which part of the persons is equal, from 0 to 1; no one at all proves nothing, and is 0."""
        return self.equal / self.persons if self.persons else 0.0


def compare_scores(  # noqa: PLR0913 - everything after the data is named
    workspace: Workspace,
    people: Path,
    diagnoses: Path,
    other_path: Path,
    *,
    model: str,
    year: int,
    score_name: str = "raw",
    money: Money | None = None,
    names: Mapping[str, str] | None = None,
) -> ParallelRun:
    """The table `parallel` with a row for each person, and one for each category that only one side has.

    `other_path` has `person_id`, `risk_score`, and `hcc_list` or a row for each `hcc`; `names` maps these to its own. Scores must be
    equal to the thousandth, lists of categories as sets. `score_name` says which of our scores stands beside theirs.

    Raises:
        Fix: a file cannot be read; the other one has no such columns, or one person with two scores; or as `score`.

    """
    columns = show_file(workspace, "given_other", other_path, names)
    for name in ("person_id", "risk_score"):
        if name not in columns:
            raise Fix(
                f"{other_path} has no column {name!r}; it needs person_id, risk_score, and hcc_list or hcc: see --column"
            )
    if not {"hcc", "hcc_list"} & columns.keys():
        raise Fix(f"{other_path} has neither hcc_list nor hcc; name its own with --column hcc_list=THEIRS")
    show_years(workspace, people, diagnoses, model=model, year=year, look_back=1, require_dates=False, money=money)
    scores_file = workspace.folder / "compat_scores.parquet"
    score(
        as_parquet(workspace, "people", people),
        workspace.folder / "current_codes.parquet",
        model=model,
        year=year,
        mode="compat",
        money=money,
        out=scores_file,
    )
    show_file(workspace, "compat_scores", scores_file)
    reconcile(workspace, other_path, model=model, year=year, score_name=score_name, names=names)
    _refuse_two_scores(workspace, other_path)
    workspace.db.execute(
        "create or replace temp table parallel as "
        + statement("parallel").replace("score_compared", COMPARED[score_name])
    )
    return _numbers(workspace)


def scores_file(workspace: Workspace, source: str) -> Path:
    """The other system's table as a file: a Parquet or CSV file as it is, or `FILE.duckdb:SCHEMA.TABLE` of a DuckDB database.

    Raises:
        Fix: there is no such database or table.

    """
    database, separator, table = source.partition(".duckdb:")
    if not separator:
        return Path(source)
    path = exp.Literal.string(f"{database}.duckdb").sql("duckdb")
    name = ".".join(exp.to_identifier(part, quoted=True).sql("duckdb") for part in table.split("."))
    try:
        workspace.db.execute(f"attach {path} as other_database (read_only)")
        staged_at = stage_rows(workspace, "other_table", f"select * from other_database.{name}")
        workspace.db.execute("detach other_database")
    except duckdb.Error:
        raise Fix(
            f"{source} cannot be read; write FILE.duckdb:SCHEMA.TABLE of a DuckDB database that no one is writing to"
        ) from None
    return staged_at


def _refuse_two_scores(workspace: Workspace, other_path: Path) -> None:
    query = "select count(*) from (select member from report group by member having count(distinct risk_score) > 1)"
    (several,) = workspace.db.execute(query).fetchone() or (0,)
    if several:
        raise Fix(f"{other_path} has more than one risk_score for {several:,} people; give each one score")


def _numbers(workspace: Workspace) -> ParallelRun:
    query = "select reason, count(*) from parallel where (hcc is null) = ? group by reason order by 2 desc, 1"
    persons = dict(workspace.db.execute(query, [True]).fetchall())
    categories = dict(workspace.db.execute(query, [False]).fetchall())
    return ParallelRun(
        persons=sum(persons.values()), equal=persons.get(EQUAL, 0), reasons=persons, categories=categories
    )
