"""careloom.risk against hccinfhir (`compat`) and against the literal reading (`cms`), person by person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from careloom.risk.payment.payment_factors import Money
from careloom.risk.scores.score import score as careloom_score
from risk.literal import (
    EVERY_DEFECT,
    MODELS,
    NAMES,
    PAID,
    YEAR,
    YEARS,
    Defect,
    Person,
    in_hccinfhir,
    population,
    random_in_hccinfhir,
    score,
    segment_in_hccinfhir,
    tables,
)
from sizes import size

PEOPLE = size(2000, whole=200_000)
AT_ONCE = 20_000
MONEY = Money(normalization=1.067, coding_intensity=0.059)
Someone = tuple[Person, list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What is compared of one person's score; scores in thousandths."""

    scores: tuple[int, int, int, int]
    segment: str
    after: frozenset[str]
    payment: float | None
    before: frozenset[str]
    count: int


def by_careloom(
    people: Sequence[Someone], model: str, mode: str, money: Money | None = MONEY, year: int = YEAR
) -> list[Row]:
    """The rows of careloom.risk.score, in the order of `people`."""
    persons = [
        {"person_id": number, **asdict(person), "age": float(person.age)} for number, (person, _) in enumerate(people)
    ]
    coded_pairs = [(number, code) for number, (_, codes) in enumerate(people) for code in codes]
    diagnoses = pa.table(
        {
            "person_id": pa.array([number for number, _ in coded_pairs], pa.int64()),
            "diagnosis_code": pa.array([code for _, code in coded_pairs], pa.string()),
        }
    )
    scores = careloom_score(
        pa.Table.from_pylist(persons, schema=COLUMNS),
        diagnoses,
        model=NAMES[model],
        year=YEARS.get(model, year),
        mode=mode,
        money=money,
    )
    rows = sorted(scores.to_pylist(), key=lambda row: row["person_id"])
    assert [row["person_id"] for row in rows] == list(range(len(people)))
    return [_row(row) for row in rows]


COLUMNS = pa.schema(
    [
        ("person_id", pa.int64()),
        ("age", pa.float64()),
        *((name, pa.string()) for name in ("sex", "dual_elgbl_cd", "orec", "crec")),
        *((name, pa.bool_()) for name in ("new_enrollee", "snp", "lti", "low_income")),
        ("graft_months", pa.int32()),
    ]
)


def _row(row: dict[str, object]) -> Row:
    names = ("risk_score", "risk_score_demographics", "risk_score_hcc", "risk_score_chronic_only")
    exact = [row[name] * 1000 for name in names]  # type: ignore[operator]
    assert all(value == int(value) for value in exact), "a score is not a whole number of thousandths"
    return Row(
        scores=tuple(int(value) for value in exact),  # type: ignore[arg-type]
        segment=str(row["segment"]),
        after=_hccs(row["hcc_list"]),
        before=_hccs(row["hcc_list_before"]),
        payment=row["risk_score_payment"],  # type: ignore[arg-type]
        count=int(row["payment_hcc_count"]),  # type: ignore[call-overload]
    )


def _hccs(written: object) -> frozenset[str]:
    parts = written.split(",") if isinstance(written, str) else written
    return frozenset(filter(None, parts))  # type: ignore[arg-type]


def by_literal(person: Person, codes: Iterable[str], model: str, defects: frozenset[Defect] = frozenset()) -> Row:
    scores = score(
        person, codes, model=model, defects=defects, normalization="1.067", coding="0.059", rounded=not defects
    )
    return Row(
        scores=scores.in_thousandths,
        segment=scores.segment,
        after=scores.after,
        before=scores.before,
        payment=float(scores.payment),
        count=scores.payment_count,
    )


def four(result: Any) -> tuple[int, ...]:
    """hccinfhir's raw, demographic, disease and chronic-only score in thousandths."""
    parts = (result.risk_score, result.risk_score_demographics, result.risk_score_hcc, result.risk_score_chronic_only)
    return tuple(round(part * 1000) for part in parts)


def differing(ours: Row, theirs: Row) -> list[str]:
    """The names of what differs; payments are doubles and may differ by their last digit."""
    close = ours.payment == pytest.approx(theirs.payment, abs=1e-9)
    names = [
        name
        for name in ("scores", "segment", "after", "before", "count")
        if getattr(ours, name) != getattr(theirs, name)
    ]
    return names if close else [*names, "payment"]


def chunks(model: str, seed: str) -> Iterable[list[Someone]]:
    """The population, in parts that fit into memory however many are asked for."""
    for start in range(0, PEOPLE, AT_ONCE):
        yield list(population(model, min(AT_ONCE, PEOPLE - start), f"{seed} {start}"))


def segment_kept(theirs: str, person: Person, model: str) -> str:
    """hccinfhir's segment, but that of who has none in the ESRD models: compat leaves `snp` out there (rule esrd-status)."""
    return "NE" if theirs == "SNPNE" and model.startswith("ESRD") and not person.esrd else theirs


# ---------------------------------------------------------------- compat


@pytest.mark.parametrize("model", MODELS)
def test_compat_gives_what_hccinfhir_gives(model: str) -> None:
    for people in chunks(model, "compat"):
        for (person, codes), ours in zip(people, by_careloom(people, model, "compat"), strict=True):
            if random_in_hccinfhir(person, codes, model):
                continue
            theirs = in_hccinfhir(person, codes, model)
            assert ours.scores == four(theirs), (person, codes)
            assert ours.after == set(theirs.hcc_list), (person, codes)
            assert ours.payment == pytest.approx(theirs.risk_score_payment, abs=1e-9), (person, codes)
            assert ours.segment == segment_kept(segment_in_hccinfhir(theirs, model), person, model), (person, codes)


@pytest.mark.parametrize(
    ("model", "year"),
    [*((model, 2025) for model in MODELS), *((model, 2027) for model in ("V22", "V28", "ESRD V21", "ESRD V24"))],
)
def test_compat_gives_what_hccinfhir_gives_with_the_tables_of_other_years(model: str, year: int) -> None:
    people = list(population(model, PEOPLE // 8, f"compat {year}"))
    for (person, codes), ours in zip(people, by_careloom(people, model, "compat", year=year), strict=True):
        if not random_in_hccinfhir(person, codes, model):
            theirs = in_hccinfhir(person, codes, model, year)
            assert ours.scores == four(theirs), (person, codes)
            assert ours.after == set(theirs.hcc_list), (person, codes)


def test_where_hccinfhir_answers_at_random_compat_drops_every_category_of_the_code() -> None:
    people = [someone for someone in population("V28", PEOPLE, "random") if random_in_hccinfhir(*someone, "V28")]
    assert len(people) > PEOPLE // 200
    for (person, codes), ours in zip(people, by_careloom(people, "V28", "compat"), strict=True):
        assert differing(ours, by_literal(person, codes, "V28", EVERY_DEFECT)) == [], (person, codes)


# ---------------------------------------------------------------- cms


@pytest.mark.parametrize("model", PAID)
def test_cms_gives_what_the_literal_reading_gives(model: str) -> None:
    for people in chunks(model, "cms"):
        for (person, codes), ours in zip(people, by_careloom(people, model, "cms"), strict=True):
            assert differing(ours, by_literal(person, codes, model)) == [], (person, codes)


def test_an_edit_compares_whole_years_of_age() -> None:
    # V28: breast cancer "age < 50" is CC 22, 0.366, else CC 23; at 49 years and a half it is below 50
    someone = (Person(age=49.5, orec="1"), ["C50011"])
    assert by_careloom([someone], "V28", "cms")[0].scores[0] == 706
    assert by_careloom([someone], "V28", "compat")[0].scores[0] == 573


PERSONS = st.builds(
    Person,
    age=st.integers(0, 110) | st.floats(0, 110, width=32),
    sex=st.sampled_from("MF12"),
    dual_elgbl_cd=st.sampled_from([None, "", "NA", "99", *(f"{code:02}" for code in range(11))]),
    orec=st.sampled_from([None, "", "0", "1", "2", "3"]),
    crec=st.sampled_from([None, "", "0", "1", "2", "3"]),
    new_enrollee=st.booleans(),
    snp=st.booleans(),
    lti=st.booleans(),
    low_income=st.booleans(),
    graft_months=st.none() | st.integers(0, 60),
)


@pytest.mark.parametrize("model", PAID)
@settings(max_examples=3 * max(1, PEOPLE // 2000), deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_nobody_can_be_thought_of_whom_careloom_scores_otherwise_than_the_rules_do(
    data: st.DataObject, model: str
) -> None:
    known = st.sampled_from(sorted(tables(model).codes)) | st.sampled_from(["", "E11.9", "i50.9", "Z00.00", "nothing"])
    people = data.draw(st.lists(st.tuples(PERSONS, st.lists(known, max_size=8)), min_size=20, max_size=60))
    for (person, codes), ours in zip(people, by_careloom(people, model, "cms"), strict=True):
        assert differing(ours, by_literal(person, codes, model)) == [], (person, codes)
