"""Blended payment scores: each person by every model that a payment year pays by, each times the model's share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import overload

import pyarrow as pa
from sqlglot import exp

from careloom.risk.embedded import MEMORY
from careloom.risk.payment.announced import blend
from careloom.risk.payment.factors import standard_money
from careloom.risk.payment.payment_factors import Money
from careloom.risk.population.input_tables import Data, rows
from careloom.risk.scores.score import score
from careloom.risk.sql.rounding import sql_lessened
from careloom.risk.workspace import Workspace, open_workspace, show_file, write_rows

BLEND = "BLEND"
"""What the column `model` has, and what is asked for."""


@overload
def blended(
    people: Data,
    diagnoses: Data,
    *,
    year: int,
    pace: bool = ...,
    money: Mapping[str, Money] | None = ...,
    out: None = None,
    memory: str = ...,
    threads: int | None = ...,
) -> pa.Table: ...
@overload
def blended(
    people: Data,
    diagnoses: Data,
    *,
    year: int,
    pace: bool = ...,
    money: Mapping[str, Money] | None = ...,
    out: str | Path,
    memory: str = ...,
    threads: int | None = ...,
) -> int: ...
def blended(  # noqa: PLR0913 - the public door: every argument after the data is named
    people: Data,
    diagnoses: Data,
    *,
    year: int,
    pace: bool = False,
    money: Mapping[str, Money] | None = None,
    out: str | Path | None = None,
    memory: str = MEMORY,
    threads: int | None = None,
) -> pa.Table | int:
    """The blended payment scores of `people`, one row each in no particular order, by the shares of `blend(year, pace)`.

    `people` and `diagnoses` are as for `score`; `money` has factors by model, where they are not the standard ones.
    `risk_score_payment` is the sum of each model's share times its payment score, each part rounded to three decimals as CMS
    rounds it. For each model, such as V28, there are
    `v28_share`, `v28_risk_score` (exact thousandths) and `v28_risk_score_payment`. Someone who is held keeps a row. Where a
    part has no payment score, neither has the blend, and `payment_unknown` says why. With `out`, the rows are written to
    that Parquet or CSV file, whole or not at all, and their number comes back instead.

    Raises:
        Fix: the shares of the year are not known here; or as `score`.
        Later: memory or disk ran out.

    """
    shares = blend(year, pace=pace)
    money_by_model = {model: (money or {}).get(model) or standard_money(model, year, pace=pace) for model in shares}
    persons, codes = (
        data if isinstance(data, (str, Path)) else rows(data, view)  # they are read more than once
        for data, view in ((people, "people"), (diagnoses, "diagnoses"))
    )
    with open_workspace(memory) as workspace:
        for model in shares:
            scores_file = workspace.folder / f"{_name(model)}.parquet"
            score(
                persons,
                codes,
                model=model,
                year=year,
                money=money_by_model[model],
                out=scores_file,
                memory=memory,
                threads=threads,
            )
            show_file(workspace, f"by_{_name(model)}", scores_file)
        query = _query(shares, money_by_model, year)
        if out is None:
            return workspace.db.execute(query).to_arrow_table()
        write_rows(workspace, query, Path(out))
        return _number(workspace, f"by_{_name(next(iter(shares)))}")


def _name(model: str) -> str:
    """How the model's columns begin."""
    return model.lower().replace("-", "_")


def _query(shares: Mapping[str, float], money_by_model: Mapping[str, Money], year: int) -> str:
    """Every view has each person once, so these joins neither lose nor repeat anybody."""
    first, *other_names = (_name(model) for model in shares)
    names = [first, *other_names]
    parts = [_part(model, share) for model, share in shares.items()]
    held_reason = f"coalesce({', '.join(f'by_{name}.held' for name in names)})"
    unknown = [
        f"no normalization of {model} for {year}" for model in shares if money_by_model[model].normalization is None
    ]
    why = f"'{'; '.join(unknown)}'" if unknown else "null::varchar"
    columns = [
        f"by_{first}.person_id",
        f"'{BLEND}' as model",
        f"({' + '.join(parts)}) / 1000.0::double as risk_score_payment",
        *(
            f"{share!r}::double as {_name(model)}_share, by_{_name(model)}.risk_score as {_name(model)}_risk_score, "
            f"by_{_name(model)}.risk_score_payment as {_name(model)}_risk_score_payment"
            for model, share in shares.items()
        ),
        f"by_{first}.defaults_taken",
        f"{held_reason} as held",
        f"coalesce('held: ' || {held_reason}, {why}) as payment_unknown",
    ]
    joins = "".join(f" join by_{name} on by_{name}.person_id = by_{first}.person_id" for name in other_names)
    return f"select {', '.join(columns)} from by_{first}{joins}"


def _part(model: str, share: float) -> str:
    """A model's part in whole thousandths."""
    score = exp.cast(exp.func("ROUND", exp.column("risk_score_payment", f"by_{_name(model)}") * 1000), "bigint")
    return sql_lessened(score, share).sql("duckdb")


def _number(workspace: Workspace, view: str) -> int:
    (row,) = workspace.db.execute(f"select count(*) from {view}").fetchone() or (0,)
    return int(row)
