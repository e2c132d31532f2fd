"""CMS's monthly report against what is computed here: member by member, category by category, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from careloom.core.errors import Fix
from careloom.risk.population.clean import category, day
from careloom.risk.review.defaults import TOLERANCE
from careloom.risk.review.gaps import of_edition
from careloom.risk.review.statements import statement
from careloom.risk.workspace import Workspace, require_columns, show_file

COLUMNS: Mapping[str, str] = {
    "person_id": "the member, as in the file of people",
    "hcc": "one category paid on, where the report has a row for each",
    "hcc_list": "all categories paid on, where it has a row for each member: a list, or text with anything between them",
    "risk_score": "the score paid on",
    "payment_month": "a date; only each member's newest month is looked at",
    "model": "rows of another model are passed over",
    "payment_year": "rows of another year likewise",
}
"""What is read of the report. Only `person_id` must be there, and `hcc`, `hcc_list` or `risk_score`."""
REASONS: Mapping[str, str] = {
    "agrees": "both sides have the category",
    "no-diagnosis-here": "CMS pays on it; no diagnosis here says so",
    "coded-in-a-former-year-only": "CMS pays on it; it was coded here in former years, not in the one that counts",
    "lower-in-hierarchy-here": "CMS pays on it; here a category above it was coded too",
    "hcc-not-in-model": "CMS pays on a category that the model does not have",
    "not-paid-by-cms": "coded here, and CMS pays on nothing like it",
    "lower-in-hierarchy-at-cms": "coded here; CMS pays on a category below it",
    "higher-in-hierarchy-at-cms": "coded here; CMS pays on a category above it",
    "person-not-here": "the report has a person whom the file of people lacks",
    "person-not-in-report": "the report lacks a person whom the file of people has",
    "person-held-here": "the person has no score here: age or sex is missing",
    "score-differs": "the scores differ by more than the tolerance",
}
COMPARED = {"payment": "risk_score_payment", "raw": "cast(risk_score as double)"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MorReconciliation:
    """Numbers: members on each side, rows by reason, what the categories are worth by reason, members that agree in all."""

    here: int
    at_cms: int
    agreeing: int
    reasons: Mapping[str, int]
    at_stake: Mapping[str, float]


def reconcile(
    workspace: Workspace,
    path: Path,
    *,
    model: str,
    year: int,
    score_name: str = "payment",
    tolerance: float = TOLERANCE,
    names: Mapping[str, str] | None = None,
) -> MorReconciliation:
    """The table `reconciled`. `recapture.show_years` was called before; `names` maps COLUMNS to the report's own.

    Raises:
        Fix: the report cannot be read, or has too few columns.

    """
    columns = show_file(workspace, "given_report", path, names)
    require_columns(columns, ("person_id",), "CMS's report")
    if not {"hcc", "hcc_list", "risk_score"} & columns.keys():
        raise Fix("CMS's report has none of the columns hcc, hcc_list and risk_score; name its own with --column")
    _show_report(workspace, columns, of_edition(columns, model, year))
    workspace.db.execute(
        "create or replace temp view former_found as "
        "select distinct cast(person_id as varchar) as person_id, unnest(hcc_list_before) as hcc from former_scores"
    )
    query = (
        statement("paid").replace("score_compared", COMPARED[score_name]).replace("$tolerance", repr(float(tolerance)))
    )
    workspace.db.execute(f"create or replace temp table reconciled as {query}")
    return _numbers(workspace)


def _show_report(workspace: Workspace, columns: Mapping[str, str], condition: str) -> None:
    """`paid_members` and `paid_hccs` of each member's newest month."""
    month = day("payment_month", columns["payment_month"]) if "payment_month" in columns else "null::date"
    workspace.db.execute(
        f"create or replace temp view report as select *, cast(person_id as varchar) as member from given_report "
        f"where {condition} qualify {month} is not distinct from max({month}) over (partition by person_id)"
    )
    score = "max(try_cast(risk_score as double))" if "risk_score" in columns else "null::double"
    workspace.db.execute(
        f"create or replace temp view paid_members as select member as person_id, {score} as risk_score "
        "from report where member is not null group by member"
    )
    queries = [f"select member as person_id, {category('hcc')} as hcc from report"] * ("hcc" in columns)
    if "hcc_list" in columns:
        hcc_array = (
            "hcc_list"
            if columns["hcc_list"].endswith("[]")
            else "regexp_extract_all(cast(hcc_list as varchar), '[0-9]+(?:[.]0+)?')"
        )
        inner = f"select member, unnest({hcc_array}) as one from report"
        queries.append(f"select member as person_id, {category('one')} as hcc from ({inner})")
    query = " union ".join(queries) or "select null::varchar as person_id, null::varchar as hcc"
    workspace.db.execute(
        f"create or replace temp view paid_hccs as select distinct * from ({query}) where hcc is not null and person_id is not null"
    )


def _numbers(workspace: Workspace) -> MorReconciliation:
    rows = workspace.db.execute(
        "select reason, count(*), coalesce(sum(coefficient_at_stake), 0)::double from reconciled group by reason"
    ).fetchall()
    our_members, cms_members, agreeing = workspace.db.execute(
        "select (select count(*) from current_scores), (select count(*) from paid_members), "
        "(select count(*) from paid_members join current_scores on cast(current_scores.person_id as varchar) = "
        "paid_members.person_id where paid_members.person_id not in (select person_id from reconciled where reason <> 'agrees'))"
    ).fetchone() or (0, 0, 0)
    order = {reason: place for place, reason in enumerate(REASONS)}
    rows.sort(key=lambda row: order[row[0]])
    return MorReconciliation(
        here=int(our_members),
        at_cms=int(cms_members),
        agreeing=int(agreeing),
        reasons={reason: number for reason, number, _ in rows},
        at_stake={reason: worth for reason, _, worth in rows if worth},
    )
