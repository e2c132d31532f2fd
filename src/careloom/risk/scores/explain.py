"""One person's score, told step by step from the diagnoses to the payment; and what other diagnoses would make of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa

from careloom.core.errors import Fix
from careloom.risk.payment.factors import standard_money
from careloom.risk.payment.payment_factors import Money
from careloom.risk.population.clean import clean_code
from careloom.risk.published.tables import read_tables
from careloom.risk.scores.score import score

EDITED_OUT = "edited-out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Coded:
    """A diagnosis code and its category; `why` says what an edit did, or that there is no category."""

    code: str
    hcc: str | None
    label: str | None
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """A category that does not count, and the categories that push it out; none if the model has no use for it."""

    hcc: str
    label: str | None
    by: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One coefficient that counts."""

    name: str
    value: Decimal
    hcc: str | None
    label: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A person's score with everything that made it. `row` is the row that `score` gives, without its trace.

    `status` is that of the coefficients: CMS pays by final ones alone.
    """

    year: int
    mode: str
    status: str
    row: Mapping[str, Any]
    codes: Sequence[Coded]
    dropped: Sequence[Dropped]
    terms: Sequence[Term]
    money: Money
    normalization: float | None
    sources: Sequence[str]


def explain(
    people: pa.Table, diagnoses: pa.Table, *, model: str, year: int, mode: str = "cms", money: Money | None = None
) -> Explanation:
    """How the score of the one person of `people` comes about.

    Raises:
        Fix: there is no such person, or more than one row; or as `score`.

    """
    if people.num_rows != 1:
        raise Fix(f"the person_id is that of {people.num_rows} people, so there is no one to explain")
    money_ = money or standard_money(model, year, mode)
    (row,) = score(people, diagnoses, model=model, year=year, mode=mode, money=money_, trace=True).to_pylist()
    steps = row.pop("trace")
    read = read_tables(model, year, mode)
    labels = read.labels
    graft = money_.grafts is not None and str(row["segment"]).startswith("G")
    return Explanation(
        year=year,
        mode=mode,
        status=str(read.status),
        row=row,
        codes=[*_codes(steps, labels), *_unmapped_codes(diagnoses, steps)],
        dropped=_dropped_categories(steps, labels),
        terms=[_term(step, labels) for step in steps if step["step"] == "coefficient"],
        money=money_,
        normalization=money_.grafts if graft else money_.normalization,
        sources=money_.sources,
    )


def _codes(steps: Sequence[Mapping[str, Any]], labels: Mapping[str, str]) -> list[Coded]:
    meanings = {"edited": "an age or sex edit gives it this category", EDITED_OUT: "an age or sex edit takes it out"}
    return [
        Coded(
            code=step["diagnosis_code"],
            hcc=step["hcc"],
            label=labels.get(step["hcc"]),
            why=meanings.get(str(step["step"])),
        )
        for step in steps
        if step["step"] in ("diagnosis", "edited", EDITED_OUT)
    ]


def normal(code: str) -> str:
    """A code without dots and blanks, in capitals."""
    return clean_code(code)


def _unmapped_codes(diagnoses: pa.Table, steps: Sequence[Mapping[str, Any]]) -> list[Coded]:
    mapped_codes = {step["diagnosis_code"] for step in steps}
    codes = [str(code) for code in diagnoses["diagnosis_code"].to_pylist() if code is not None]
    unmapped_codes = sorted({normal(code) for code in codes} - mapped_codes)
    return [Coded(code=code, hcc=None, label=None, why="no category in this model") for code in unmapped_codes]


def _dropped_categories(steps: Sequence[Mapping[str, Any]], labels: Mapping[str, str]) -> list[Dropped]:
    dropped_by: dict[str, list[str]] = {}
    for step in steps:
        if step["step"] in ("dropped", "not-counted"):
            dropped_by.setdefault(step["hcc"], []).extend([step["dropped_by"]] if step["dropped_by"] else [])
    return [Dropped(hcc=hcc, label=labels.get(hcc), by=reasons) for hcc, reasons in dropped_by.items()]


def _term(step: Mapping[str, Any], labels: Mapping[str, str]) -> Term:
    return Term(name=step["coefficient"], value=step["value"], hcc=step["hcc"], label=labels.get(step["hcc"] or ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """The same person with other diagnoses. `changes` are the coefficients that come (+) and go (-), by name."""

    before: Explanation
    after: Explanation
    changes: Mapping[str, Decimal]

    @property
    def difference(self) -> Decimal | None:
        """Of the raw scores; None where the person cannot be scored."""
        old, new = self.before.row["risk_score"], self.after.row["risk_score"]
        return None if old is None or new is None else new - old


def what_if(  # noqa: PLR0913 - everything after the data is named
    people: pa.Table,
    diagnoses: pa.Table,
    *,
    add: Sequence[str],
    remove: Sequence[str],
    model: str,
    year: int,
    mode: str = "cms",
    money: Money | None = None,
) -> WhatIf:
    """What the person of `people` would score with the codes `add` and without `remove`.

    Raises:
        Fix: a code to remove is not one of the person's; or as `explain`.

    """
    written_codes = [str(code) for code in diagnoses["diagnosis_code"].to_pylist() if code is not None]
    removed_codes = {normal(code) for code in remove}
    lacking = sorted(removed_codes - {normal(code) for code in written_codes})
    if lacking:
        raise Fix(f"{', '.join(lacking)} is no diagnosis of this person that counts, so it cannot be removed")
    codes = [code for code in written_codes if normal(code) not in removed_codes] + list(add)
    other_diagnoses = (
        pa.table({"person_id": [people["person_id"][0].as_py()] * len(codes), "diagnosis_code": codes})
        if codes
        else (diagnoses.slice(0, 0))
    )
    old = explain(people, diagnoses, model=model, year=year, mode=mode, money=money)
    new = explain(people, other_diagnoses, model=model, year=year, mode=mode, money=money)
    return WhatIf(before=old, after=new, changes=_changes(old.terms, new.terms))


def _changes(old: Sequence[Term], new: Sequence[Term]) -> dict[str, Decimal]:
    was, is_ = ({term.name: term.value for term in terms} for terms in (old, new))
    change = {name: is_.get(name, Decimal(0)) - was.get(name, Decimal(0)) for name in {**was, **is_}}
    return {name: value for name, value in change.items() if value}
