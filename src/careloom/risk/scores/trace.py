"""How a score came about: each diagnosis's category, what dropped it, and every coefficient with its name and value.

Every step that a model can take is known beforehand and has a number, so that people are given lists of numbers, and
only at the end the steps that these stand for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from typing import Any, cast

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from careloom.risk.population.columns import kind, normal_code
from careloom.risk.published.lookup_tables import Lookups, lookups
from careloom.risk.published.tables import Tables
from careloom.risk.sql.statement import fires

PART = 100_000
"""How many people are traced at a time: their steps are held in memory, about 3 kB a person."""
_COLUMNS: Mapping[str, pa.DataType] = {
    "step": pa.string(),
    "diagnosis_code": pa.string(),
    "hcc": pa.string(),
    "dropped_by": pa.string(),
    "coefficient": pa.string(),
    "value": pa.decimal128(9, 3),
}
STEP = pa.schema(list(_COLUMNS.items()))
_DIAGNOSIS, _HIERARCHY, _DEMOGRAPHIC, _CATEGORY, _TOGETHER = range(1, 6)

Step = tuple[int, str, str | None, str | None, str | None, str | None, int | None]
"""Its place, then the columns of `STEP`, the value in thousandths."""


def trace_scores(db: duckdb.DuckDBPyConnection, edition: Lookups, statement: str, people: int) -> Iterator[pa.Table]:
    """What `statement` yields with a column `trace`, a list of steps; about `PART` people at a time.

    A step is `diagnosis` (a code and its category), `edited` or `edited-out` (a code that age or sex turned into another
    category, or into none), `dropped` (a category, and `dropped_by` which), `not-counted` (the model has no use for it), or
    `coefficient` (with its `hcc`, if it is one's). The values of a person's coefficients add up to the risk score.
    """
    parts = -(-people // PART) or 1
    tables = trace_tables(edition.read.model.name, edition.read.year, edition.read.mode)
    for name, table in tables.items():
        db.register(f"hcc_trace_{name}", table)
    part = f"(hash(person_id) % {parts})::int as part"
    kinds = exp.select(
        "person_id", exp.alias_(kind(edition.read.model.family, "people", edition.read.mode), "kind")
    ).from_("people")
    db.execute(
        f"create temp table scored as select scored.*, kinds.kind, {part}"
        f" from ({statement}) as scored join ({kinds.sql('duckdb')}) as kinds using (person_id)"
    )
    db.execute(f"create temp table marked as select *, {part} from ({_diagnosis_steps(edition)})")
    query = (files("careloom.risk.scores") / "sql" / "trace.sql").read_text(encoding="utf-8")
    for number in range(parts):
        yield _with_steps(db.execute(query, {"part": number}).to_arrow_table(), tables["steps"])


def _with_steps(part: pa.Table, steps: pa.Table) -> pa.Table:
    """With the steps in place of their numbers: they are put in here, because lists of numbers leave the engine faster."""
    edition = pa.StructArray.from_arrays([steps[name].combine_chunks() for name in STEP.names], fields=list(STEP))
    step_numbers = cast("pa.ListArray[Any]", part["trace"].combine_chunks())
    step_rows = edition.take(pc.subtract(step_numbers.values, pa.scalar(1, pa.int32())))
    trace = pa.ListArray.from_arrays(step_numbers.offsets, step_rows, mask=step_numbers.is_null())
    return part.set_column(part.num_columns - 1, "trace", trace)


def _diagnosis_steps(edition: Lookups) -> str:
    """The steps that diagnoses are: one number for each category of a code, and what an edit made of it."""
    code = exp.EQ(
        this=exp.column("code", "c"), expression=normal_code(exp.column("diagnosis_code", "d"), edition.read.mode)
    )
    plain = exp.select("d.person_id", "c.step").from_("diagnoses AS d").join("hcc_trace_codes AS c", on=code)
    edit_step = exp.case().when(fires(edition.read.mode), exp.column("fired", "e")).else_(exp.column("step", "c"))
    edit_query = (
        exp.select("d.person_id", exp.alias_(edit_step, "step"))
        .from_("diagnoses AS d")
        .join("hcc_trace_ruled AS c", on=code.copy())
        .join("hcc_trace_edits AS e", on="e.code = c.code")
        .join("people AS p", on="p.person_id = d.person_id")
    )
    return exp.union(plain, edit_query, distinct=False).sql("duckdb")


@lru_cache(maxsize=8)
def trace_tables(model: str, year: int, mode: str) -> Mapping[str, pa.Table]:
    """The numbered steps of a model, and the tables that say which of them a person takes."""
    edition = lookups(model, year, mode)
    read = edition.read
    number = {step: place for place, step in enumerate(sorted(_steps(edition), key=_order), start=1)}
    codes = [(code, number[_code_step(code, hcc)]) for code, categories in read.codes.items() for hcc in categories]
    lone = sorted(read.model.requires_any.items())
    return {
        "steps": _step_table(number),
        "codes": _table(code=[row for row in codes if row[0] not in read.edits]),
        "ruled": _table(code=[row for row in codes if row[0] in read.edits]),
        "edits": _edits(read, number),
        "lone": pa.table(
            {
                "category": pa.array([category for category, _ in lone], pa.string()),
                "beside": pa.array([sorted(partners) for _, partners in lone], pa.list_(pa.string())),
            }
        ),
        "pairs": _pairs(read, number),
        "unused": _table(hcc=[(hcc, number[_unused_step(hcc)]) for hcc in read.categories]),
        "terms": _terms(edition, number),
        "worth": _worth(edition, number),
    }


def _table(**columns: list[tuple[str, int]]) -> pa.Table:
    """A key with the number of a step."""
    ((key, rows),) = columns.items()
    return pa.table(
        {
            key: pa.array([name for name, _ in rows], pa.string()),
            "step": pa.array([step for _, step in rows], pa.int32()),
        }
    )


def _order(step: Step) -> tuple[object, ...]:
    place, _, code, hcc, cause, name, value = step
    return place, hcc is None, int(hcc or 0), code or "", name or "", cause or "", value or 0


def _code_step(code: str, hcc: str) -> Step:
    return _DIAGNOSIS, "diagnosis", code, hcc, None, None, None


def _edit_step(code: str, hcc: str | None) -> Step:
    return _DIAGNOSIS, "edited" if hcc else "edited-out", code, hcc, None, None, None


def _drop_step(hcc: str, cause: str) -> Step:
    return _HIERARCHY, "dropped", None, hcc, cause, None, None


def _unused_step(hcc: str) -> Step:
    return _HIERARCHY, "not-counted", None, hcc, None, None, None


def _coefficient(place: int, hcc: str | None, name: str, value: int) -> Step:
    return place, "coefficient", None, hcc, None, name, value


def _steps(edition: Lookups) -> set[Step]:
    read = edition.read
    steps = {_code_step(code, hcc) for code, categories in read.codes.items() for hcc in categories}
    steps |= {_edit_step(code, edit.category) for code, edit in read.edits.items()}
    steps |= {_drop_step(child, parent) for parent, children in read.hierarchy.items() for child in children}
    steps |= {_unused_step(hcc) for hcc in read.categories}
    steps |= {step for _, _, step in _coefficients(edition)}
    return steps | {step for _, terms in _demographic(edition) for step in terms}


def _step_table(number: Mapping[Step, int]) -> pa.Table:
    rows = [
        (*step[1:6], None if step[6] is None else Decimal(step[6]).scaleb(-3))
        for step in number  # in the order of their numbers
    ]
    columns = [pa.array([row[place] for row in rows], field.type) for place, field in enumerate(STEP)]
    return pa.table([*columns, pa.array(number.values(), pa.int32())], names=[*STEP.names, "number"])


def _edits(read: Tables, number: Mapping[Step, int]) -> pa.Table:
    edits = read.edits
    return pa.table(
        {
            "code": pa.array(list(edits), pa.string()),
            "sex": pa.array([edit.sex for edit in edits.values()], pa.string()),
            "age_min": pa.array([edit.age_min for edit in edits.values()], pa.int32()),
            "age_max": pa.array([edit.age_max for edit in edits.values()], pa.int32()),
            "fired": pa.array([number[_edit_step(code, edit.category)] for code, edit in edits.items()], pa.int32()),
        }
    )


def _pairs(read: Tables, number: Mapping[Step, int]) -> pa.Table:
    """Which category pushes out which; those that count for no one push nothing out."""
    pairs = [
        (parent, child)
        for parent, children in read.hierarchy.items()
        if parent not in read.model.zeroed
        for child in sorted(children)
    ]
    children = _table(child=[(child, number[_drop_step(child, parent)]) for parent, child in pairs])
    return children.append_column("parent", pa.array([parent for parent, _ in pairs], pa.string()))


def _demographic(edition: Lookups) -> Iterator[tuple[int, list[Step]]]:
    """The terms of every kind of person."""
    cells = edition.tables["hcc_cells"]
    kinds: list[int] = cells["kind"].to_pylist()  # type: ignore[assignment]  # a kind is never NULL
    for number, term_list in zip(kinds, cells["terms"].to_pylist(), strict=True):
        terms = [term.split("=") for term in term_list.split(",")] if term_list else []
        yield number, [_coefficient(_DEMOGRAPHIC, None, name, int(value)) for name, value in terms]


def _terms(edition: Lookups, number: Mapping[Step, int]) -> pa.Table:
    rows = list(_demographic(edition))
    steps = [[number[step] for step in terms] for _, terms in rows]
    return pa.table(
        {"kind": pa.array([kind for kind, _ in rows], pa.int64()), "steps": pa.array(steps, pa.list_(pa.int32()))}
    )


def _worth(edition: Lookups, number: Mapping[Step, int]) -> pa.Table:
    rows = list(_coefficients(edition))
    steps = _table(found=[(category, number[step]) for _, category, step in rows])
    return steps.append_column("segment", pa.array([segment.rstrip("_") for segment, _, _ in rows], pa.string()))


def _coefficients(edition: Lookups) -> Iterator[tuple[str, str, Step]]:
    """Segment, category or interaction, and the step that it is."""
    read = edition.read
    numbers = [*(f"D{count}" for count in range(1, 10)), "D10P"]
    for segment in edition.segments:
        for hcc in read.categories:
            name = f"{segment}{read.model.prefix}{hcc}".lower()
            if name in read.coefficients:
                yield segment, hcc, _coefficient(_CATEGORY, hcc, read.names[name], read.coefficients[name])
        for part in [*(interaction.name for interaction in edition.interactions), *numbers]:
            name = f"{segment}{part}".lower()
            if name in read.coefficients:
                yield segment, part, _coefficient(_TOGETHER, None, read.names[name], read.coefficients[name])
