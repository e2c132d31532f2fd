"""What a scored population looks like: numbers only, no person in them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import duckdb

from careloom.risk.workspace import require_columns

Rows = Sequence[tuple[str, float]]
COLUMNS = ("person_id", "segment", "risk_score", "hcc_list", "payment_hcc_count", "held")
MOST = 30
"""How many categories are shown; the others are few people's."""
FEW = 11
"""A category of fewer people is not shown: CMS's own rule for what may be published of its members."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Distributions:
    """People, scored people, mean; each decile's mean score, people by score, segment, number of HCCs and category."""

    people: int
    scored: int
    mean: float | None
    deciles: Rows
    bands: Rows
    segments: Rows
    counts: Rows
    categories: Rows


def models_of(db: duckdb.DuckDBPyConnection, columns: Collection[str]) -> list[str]:
    """The models that the view `scores`, which has these columns, says that its scores are by; none where it does not say."""
    if "model" not in columns:
        return []
    return [str(model) for (model,) in db.execute("select distinct model from scores").fetchall()]


def distributions(
    db: duckdb.DuckDBPyConnection, columns: Mapping[str, str], labels: Mapping[str, str]
) -> Distributions:
    """Of the view `scores`. Fix if it lacks a column of COLUMNS."""
    require_columns(columns, COLUMNS, "the file of scores")
    # in a CSV a list is its parts with spaces between them
    hcc_array = "hcc_list" if columns["hcc_list"].endswith("[]") else "string_split(coalesce(hcc_list, ''), ' ')"
    db.execute(
        "create or replace temp view scored as select segment, try_cast(risk_score as double) as risk_score, "
        f"list_filter({hcc_array}, lambda hcc: hcc <> '') as hccs, try_cast(payment_hcc_count as integer) as many "
        "from scores where held is null"
    )
    people, scored_people, mean = db.execute(
        "select (select count(*) from scores), count(*), avg(risk_score) from scored"
    ).fetchone() or (0, 0, None)
    return Distributions(
        people=int(people),
        scored=int(scored_people),
        mean=mean,
        deciles=_rows(db, _DECILES),
        bands=_rows(db, _BANDS),
        segments=_rows(db, "select segment, count(*) from scored group by segment order by 2 desc, 1"),
        counts=_rows(
            db,
            "select least(many, 10) || case when many >= 10 then '+' else '' end, count(*) from scored "
            "group by all order by min(many)",
        ),
        categories=[(f"HCC {hcc} {labels.get(hcc, '')}".rstrip(), share) for hcc, share in _rows(db, _CATEGORIES)],
    )


_DECILES = """
select tenth::varchar, avg(risk_score)
from (select risk_score, ntile(10) over (order by risk_score) as tenth from scored)
group by tenth order by tenth
"""
_BANDS = """
select case when band < 8 then format('{:.1f} to {:.1f}', band / 2, band / 2 + 0.5) else '4.0 and more' end, count(*)
from (select least(greatest(floor(risk_score * 2), 0), 8) as band from scored)
group by band order by band
"""
_CATEGORIES = f"""
select hcc, 100.0 * count(*) / (select count(*) from scored)
from (select unnest(hccs) as hcc from scored)
group by hcc having count(*) >= {FEW} order by 2 desc, try_cast(hcc as integer) limit {MOST}
"""


def _rows(db: duckdb.DuckDBPyConnection, query: str) -> Rows:
    return [(str(label), float(value)) for label, value in db.execute(query).fetchall()]
