"""A scored population as one page of charts: numbers only, and no person in them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from careloom import risk
from careloom.charts import bars
from careloom.charts import page as charts_page
from careloom.core.errors import UsageFault
from careloom.project import model as project_model
from careloom.risk import workspace as risk_workspace
from careloom.risk.scores import distributions as score_distributions
from careloom.services.risk.options import Mode, Notice, choose_model


def draw_scores(scores: Path, page: Path, *, model: str, year: int, notice: Notice) -> None:
    """Draw the file of `scores`, which are by `model`, as the HTML page `page`."""
    name = choose_model(model, year, Mode.cms, notice)
    with risk_workspace.open_workspace() as workspace:
        columns = risk_workspace.show_file(workspace, "scores", scores)
        _check_model(score_distributions.models_of(workspace.db, columns), name)
        tables = risk.read_tables(name, year)
        distributions = score_distributions.distributions(workspace.db, columns, tables.labels)
    try:
        page.write_text(_html(distributions, name, year, tables.caution), encoding="utf-8")
    except OSError as error:
        raise UsageFault(f"{page} cannot be written: {error.strerror}") from None


def _check_model(models: Sequence[str], name: str) -> None:
    other_models = sorted({*models} - {name})
    if other_models:
        raise UsageFault(f"these are scores by {', '.join(other_models)}; say so: --model {other_models[0]}")


def _html(distributions: score_distributions.Distributions, model: str, year: int, caution: str | None) -> str:
    mean = "" if distributions.mean is None else f", mean score {distributions.mean:.3f}"
    description = (
        f"{distributions.people:,} people, {distributions.scored:,} scored{mean}. "
        f"Groups of fewer than {score_distributions.FEW} people are not shown."
    )
    description += f" {caution}." if caution else ""
    charts = [
        _chart("Mean raw score of each tenth of people, from the lowest", "score", _tenths(distributions)),
        _chart("People by raw score", "count", distributions.bands),
        _chart("People by segment", "count", distributions.segments),
        _chart("People by number of payment HCCs", "count", distributions.counts),
        _chart("Share of people with a category", "percent", distributions.categories),
    ]
    title = f"Risk scores by {model} of {year}"
    return charts_page.html(
        project_model.ChartPage(name="risk", title=title, description=description, charts=()),
        charts,
        datetime.now(UTC),
    )


def _tenths(distributions: score_distributions.Distributions) -> score_distributions.Rows:
    """None where a tenth would be a group too small to be shown."""
    return distributions.deciles if distributions.scored >= 10 * score_distributions.FEW else ()


def _chart(title: str, unit: bars.Unit, rows: score_distributions.Rows) -> bars.BarChart:
    values = [(label, Decimal(str(value))) for label, value in rows]
    return bars.bar_chart(title, unit, values, smallest_group=score_distributions.FEW if unit == "count" else 0)
