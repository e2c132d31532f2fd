"""What people hand in: frames, relations, batches, many files, odd keys and odd cells, and nobody at all."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from careloom.core.errors import Fix
from careloom.risk import COLUMNS, score
from risk.people import diagnoses, people
from risk.risk_shell import Shell

NO_CODES = pa.table({"person_id": pa.array([], pa.int64()), "diagnosis_code": pa.array([], pa.string())})
NOBODY = pa.table(
    {"person_id": pa.array([], pa.int64()), "age": pa.array([], pa.int64()), "sex": pa.array([], pa.string())}
)
DEFAULTS = ["dual_elgbl_cd", "orec", "crec", "new_enrollee", "snp", "lti"]


def scores_by_person(persons: Any, codes: Any = NO_CODES, model: str = "V28") -> dict[Any, dict[str, Any]]:
    return {row["person_id"]: row for row in score(persons, codes, model=model, year=2026).to_pylist()}


def woman(key: Any = 1, **facts: Any) -> pa.Table:
    """One woman of 70, of whom nothing else is known."""
    return pa.table({"person_id": [key], "age": [70], "sex": ["F"]} | {name: [value] for name, value in facts.items()})


def diabetes(key: Any = 1, code: Any = "E119") -> pa.Table:
    return pa.table({"person_id": [key], "diagnosis_code": [code]})


class OnlyArrow:
    """A frame of which nothing is known but that it gives an Arrow stream, each time anew: such is one of Polars."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


# ---------------------------------------------------------------- in whatever they come


@pytest.fixture(scope="module")
def people_with_holes() -> tuple[pa.Table, pa.Table, pa.Table]:
    """People with holes in every column, their codes, and the scores that Arrow tables give."""
    population = people(400, seed=61)
    for place, person in enumerate(population):
        for name in list(person)[1 + place % 3 :: 5]:
            person[name] = None
    codes_by_person = diagnoses(population, model="V28", seed=62)
    pairs = [(number, code) for number, mine in codes_by_person.items() for code in mine]
    codes = pa.table({"person_id": [number for number, _ in pairs], "diagnosis_code": [code for _, code in pairs]})
    table = pa.Table.from_pylist(population)
    return table, codes, score(table, codes, model="V28", year=2026).sort_by("person_id")


def test_a_pandas_frame_scores_as_its_arrow_table_does(people_with_holes: tuple[pa.Table, pa.Table, pa.Table]) -> None:
    pytest.importorskip("pandas", reason="pandas is not installed; it is in the benchmarks' lock")
    persons, codes, expected = people_with_holes
    frame = persons.to_pandas()
    assert frame["age"].isna().any(), "missing numbers are NaN in pandas"
    assert frame["graft_months"].dtype == float
    assert score(frame, codes.to_pandas(), model="V28", year=2026).sort_by("person_id").equals(expected)


def test_a_polars_frame_scores_as_its_arrow_table_does(people_with_holes: tuple[pa.Table, pa.Table, pa.Table]) -> None:
    polars = pytest.importorskip("polars", reason="polars is not installed; it is in no lock")
    persons, codes, expected = people_with_holes
    frames = (polars.from_arrow(persons), polars.from_arrow(codes))
    assert score(*frames, model="V28", year=2026).sort_by("person_id").equals(expected)


def test_whatever_gives_an_arrow_stream_is_rows(people_with_holes: tuple[pa.Table, pa.Table, pa.Table]) -> None:
    persons, codes, expected = people_with_holes
    ways = [
        (OnlyArrow(persons), OnlyArrow(codes)),
        (persons.to_reader(100), codes.to_reader(1000)),
        (persons.combine_chunks().to_batches()[0], codes.combine_chunks().to_batches()[0]),
    ]
    for way in ways:
        assert score(*way, model="V28", year=2026).sort_by("person_id").equals(expected)


def test_a_relation_of_another_connection_is_read_to_its_end(
    people_with_holes: tuple[pa.Table, pa.Table, pa.Table],
) -> None:
    persons, codes, expected = people_with_holes
    with duckdb.connect() as db:
        db.register("persons", persons)
        db.register("codes", codes)
        relations = (db.sql("select PERSON_ID as Person_Id, * exclude (person_id) from persons"), db.sql("from codes"))
        assert score(*relations, model="V28", year=2026).sort_by("person_id").equals(expected)


def test_many_files_are_one_table(people_with_holes: tuple[pa.Table, pa.Table, pa.Table], tmp_path: Path) -> None:
    persons, codes, expected = people_with_holes
    for part in range(4):
        pq.write_table(persons.slice(part * 100, 100), tmp_path / f"people-{part}.parquet")
        pq.write_table(codes.take(list(range(part, codes.num_rows, 4))), tmp_path / f"dx-{part}.parquet")
    scores = score(tmp_path / "people-*.parquet", str(tmp_path / "dx-*.parquet"), model="V28", year=2026)
    assert scores.sort_by("person_id").equals(expected)
    with pytest.raises(Fix, match=r"nobody-\*"):
        score(tmp_path / "nobody-*.parquet", codes, model="V28", year=2026)


def test_a_column_that_only_a_later_file_has_is_read_too(tmp_path: Path) -> None:
    pq.write_table(woman(1), tmp_path / "people-1.parquet")
    pq.write_table(woman(2, lti=True).select(["lti", "sex", "age", "person_id"]), tmp_path / "people-2.parquet")
    rows = scores_by_person(tmp_path / "people-*.parquet")
    assert {key: row["segment"] for key, row in rows.items()} == {1: "CNA", 2: "INS"}
    pq.write_table(woman(3).drop_columns(["age"]), tmp_path / "people-3.parquet")
    assert scores_by_person(tmp_path / "people-*.parquet")[3]["held"] == "age-missing"


def test_commands_read_many_files_by_their_columns_names(shell: Shell) -> None:
    shell.write("some-1.csv", "person_id,age,sex\nA1,70,F\n")
    shell.write("some-2.csv", "sex,lti,person_id,age\nF,yes,A2,70\n")
    result = shell.risk("score", "--out", "s.csv", "--people", "some-*.csv", "--diagnoses", "dx.csv", files=False)
    assert result.code == 0, result.err
    assert {row["person_id"]: row["segment"] for row in shell.rows("s.csv")} == {"A1": "CNA", "A2": "INS"}


@pytest.mark.parametrize("given", [None, 7, [1], {"person_id": [1]}, pa.array([1, 2]), pa.chunked_array([[1]]), object])
def test_what_are_no_rows_is_said_so_and_not_by_the_engine(given: Any) -> None:
    with pytest.raises(Fix, match="the people are no rows"):
        score(given, NO_CODES, model="V28", year=2026)
    with pytest.raises(Fix, match="the diagnoses are no rows"):
        score(woman(), given, model="V28", year=2026)


def test_what_has_columns_but_no_rows_is_said_so() -> None:
    with pytest.raises(Fix, match="the people are no rows"):
        score(type("Lazy", (), {"columns": ["person_id", "age", "sex"]})(), NO_CODES, model="V28", year=2026)


# ---------------------------------------------------------------- keys


@pytest.mark.parametrize(
    ("of_people", "of_codes", "given_back"),
    [
        ("1", 1, "1"),
        (1, "1", "1"),
        (1, 1.0, 1),  # a frame that lacks a key somewhere has made doubles of whole numbers
        (1.0, 1, 1.0),
        ("1", 1.0, "1"),
        (1.0, "1", "1"),
        ("01", "01", "01"),
        (b"a", "a", "a"),
    ],
)
def test_keys_of_two_kinds_are_the_same_persons(of_people: Any, of_codes: Any, given_back: Any) -> None:
    row = scores_by_person(woman(of_people), diabetes(of_codes))[given_back]
    assert row["hcc_list"] == ["38"]
    assert type(row["person_id"]) is type(given_back)


@pytest.mark.parametrize(
    ("of_people", "of_codes"), [("01", 1), (1, "01"), (1, "x"), (1, None), (1, 1.5), (1, math.nan), (1.5, 1)]
)
def test_keys_that_only_look_alike_are_not_the_same_persons(of_people: Any, of_codes: Any) -> None:
    (row,) = scores_by_person(woman(of_people), diabetes(of_codes)).values()
    assert (row["risk_score"] is not None, row["hcc_list"]) == (True, [])


def test_two_long_keys_that_are_one_double_are_not_one_person() -> None:
    long = 2**53
    persons = pa.concat_tables([woman(long), woman(long + 1)])
    codes = pa.table({"person_id": pa.array([float(long)], pa.float64()), "diagnosis_code": ["E119"]})
    assert [row["hcc_list"] for row in scores_by_person(persons, codes).values()] == [[], []]
    codes = pa.table({"person_id": [long + 1], "diagnosis_code": ["E119"]})
    doubles = pa.table({"person_id": [float(long)], "age": [70], "sex": ["F"]})
    assert [row["hcc_list"] for row in scores_by_person(doubles, codes).values()] == [[]]
    assert scores_by_person(persons, codes)[long + 1]["hcc_list"] == ["38"]


def test_a_diagnosis_without_a_person_or_a_code_counts_for_nobody() -> None:
    codes = pa.table({"person_id": [1, None, 1, 9], "diagnosis_code": [None, "I509", "", "I509"]})
    assert scores_by_person(woman(), codes)[1]["hcc_list_before"] == []


# ---------------------------------------------------------------- nobody, and nothing


@pytest.mark.parametrize("model", ["V28", "ESRD-V21"])
@pytest.mark.parametrize("trace", [False, True])
def test_no_people_are_no_rows_with_every_column(model: str, tmp_path: Path, *, trace: bool) -> None:
    for codes in (diabetes(), NO_CODES):
        scores = score(NOBODY, codes, model=model, year=2026, trace=trace)
        assert scores.num_rows == 0
        assert tuple(scores.column_names) == COLUMNS + ("trace",) * trace
        out = tmp_path / "scores.parquet"
        assert score(NOBODY, codes, model=model, year=2026, trace=trace, out=out) == 0
        assert pq.read_table(out).schema.names == scores.schema.names


def test_no_diagnoses_at_all_are_people_with_their_demographic_score() -> None:
    table = pa.table({"person_id": pa.nulls(0), "diagnosis_code": pa.nulls(0)})
    for codes in (NO_CODES, table):
        row = scores_by_person(woman(), codes)[1]
        assert (str(row["risk_score"]), row["hcc_list"], row["payment_hcc_count"]) == ("0.395", [], 0)


def test_a_column_of_nothing_is_as_good_as_none() -> None:
    empty = {name: pa.nulls(1) for name in [*DEFAULTS, "low_income", "graft_months"]}
    persons = pa.table({"person_id": [1], "age": [70], "sex": ["F"]} | empty)
    for model in ("V28", "ESRD-V24"):
        assert scores_by_person(persons, diabetes(), model) == scores_by_person(woman(), diabetes(), model)


# ---------------------------------------------------------------- cells


def everyone(name: str, values: list[Any]) -> pa.Table:
    """A woman of 70 for each value of one column; her key is the value's place."""
    many = range(len(values))
    return pa.table({"person_id": list(many), "age": [70 for _ in many], "sex": ["F" for _ in many], name: values})


@pytest.mark.parametrize(
    ("yes", "no", "odd"),
    [
        ([True], [False], [None]),
        ([1], [0], [2, -1, None]),
        ([1.0], [0.0], [0.5, math.nan, None]),
        (["1", "1.0", "Y", " yes ", "TRUE", "t"], ["0", "0.0", "N", "false", "F"], ["", "maybe", "2", None]),
    ],
)
def test_a_flag_may_be_written_in_many_ways_and_what_nobody_can_read_is_no(
    yes: list[Any], no: list[Any], odd: list[Any]
) -> None:
    rows = scores_by_person(everyone("lti", [*yes, *no, *odd]))
    pairs = [(rows[place]["segment"], "lti" in rows[place]["defaults_taken"]) for place in range(len(rows))]
    assert pairs == [("INS", False)] * len(yes) + [("CNA", False)] * len(no) + [("CNA", True)] * len(odd)


@pytest.mark.parametrize(
    "months",
    [
        {
            None: "DI",
            math.nan: "DI",
            1e12: "DI",
            math.inf: "DI",
            0.0: "DI",
            3.9: "TRANSPLANT_KIDNEY_ONLY_3M",
            4.0: "GNPA",
        },
        {"soon": "DI", "": "DI", "1": "TRANSPLANT_KIDNEY_ONLY_1M", "12": "GNPA"},
        {2**40: "DI", 2: "TRANSPLANT_KIDNEY_ONLY_2M", 9: "GNPA"},
    ],
)
def test_months_since_a_transplant_are_whole_and_none_if_nobody_can_read_them(months: dict[Any, str]) -> None:
    rows = scores_by_person(everyone("graft_months", list(months)), model="ESRD-V24")
    assert [rows[place]["segment"] for place in range(len(rows))] == list(months.values())


@pytest.mark.parametrize(
    "born",
    ["1956-02-01", date(1956, 2, 1), datetime(1956, 2, 1, tzinfo=UTC), datetime(1956, 2, 1, 23, 59)],  # noqa: DTZ001 - a naive one is meant
)
def test_a_birth_date_may_be_a_date_a_moment_or_a_text(born: Any) -> None:
    persons = pa.table({"person_id": [1], "birth_date": [born], "sex": ["F"]})
    assert scores_by_person(persons)[1]["risk_score"] == scores_by_person(woman())[1]["risk_score"]


@pytest.mark.parametrize("born", ["1956-02-30", "", None, 19560230, date(2027, 2, 2)])
def test_a_birth_date_that_cannot_be_is_no_age(born: Any) -> None:
    persons = pa.table({"person_id": [1], "birth_date": [born], "sex": ["F"]})
    assert scores_by_person(persons)[1]["held"] == ("age-unreadable" if born else "age-missing")
    table = pa.table({"person_id": [1], "birth_date": [born], "age": [70], "sex": ["F"]})
    assert scores_by_person(table)[1]["risk_score"] == scores_by_person(woman())[1]["risk_score"]


def test_the_age_stands_before_the_birth_date_which_fills_its_holes() -> None:
    birth_dates = [date(1956, 2, 1)] * 3
    persons = pa.table(
        {"person_id": [1, 2, 3], "age": [None, 50.0, math.nan], "birth_date": birth_dates, "sex": ["F"] * 3}
    )
    risk_scores = [row["risk_score"] for _, row in sorted(scores_by_person(persons).items())]
    assert risk_scores == [
        scores_by_person(woman())[1]["risk_score"],
        scores_by_person(woman(age=50))[1]["risk_score"],
        risk_scores[0],
    ]


def test_dots_case_and_spaces_around_a_code_do_not_matter() -> None:
    texts = ["e11.9", " E119 ", "E.1.1.9", "e119"]
    no_code = ["E11 9", "E1", "E1199", "119", "", "250.00", None, "É119"]
    many = range(len(texts) + len(no_code))
    codes = pa.table({"person_id": list(many), "diagnosis_code": [*texts, *no_code]})
    rows = scores_by_person(everyone("orec", ["0" for _ in many]), codes)
    assert [rows[place]["hcc_list_before"] for place in many] == [["38"]] * len(texts) + [[]] * len(no_code)
    assert scores_by_person(woman(), diabetes(code=4280))[1]["hcc_list_before"] == []


def test_dictionaries_and_other_texts_of_arrow_are_texts() -> None:
    kinds: list[pa.DataType] = [pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())]
    for kind in kinds:
        persons = pa.table({"person_id": pa.array(["1"]).cast(kind), "age": [70], "sex": pa.array(["F"]).cast(kind)})
        codes = pa.table({"person_id": ["1"], "diagnosis_code": pa.array(["E11.9"]).cast(kind)})
        assert scores_by_person(persons, codes)["1"]["hcc_list"] == ["38"]


# ---------------------------------------------------------------- what a command says of them


@pytest.mark.parametrize("kind", [pa.float64(), pa.int64(), pa.string()])
def test_a_command_counts_diagnoses_of_nobody_by_the_keys_that_it_scores_by(shell: Shell, kind: pa.DataType) -> None:
    keys = pa.array([1, 1, 2])
    codes = pa.table({"person_id": keys.cast(kind), "diagnosis_code": ["E119", "I509", "E119"]})
    pq.write_table(codes, shell.folder / "dx.parquet")
    shell.write("people.csv", "person_id,age,sex\n1,70,F\n3,70,F\n")
    answer = shell.risk(
        "score", "--out", "s.csv", "--json", "--people", "people.csv", "--diagnoses", "dx.parquet", files=False
    ).json
    assert (answer["diagnoses"], answer["of_nobody"], answer["without_diagnoses"]) == (3, 1, 1)
    assert {row["person_id"]: row["hcc_list"] for row in shell.rows("s.csv")} == {"1": "38 226", "3": ""}


@pytest.mark.parametrize("days", [["2025-03-02", "2024-12-31"], [date(2025, 3, 2), date(2024, 12, 31)]])
def test_service_dates_may_be_dates_or_texts(shell: Shell, days: list[Any]) -> None:
    codes = pa.table({"person_id": ["A1", "A1"], "diagnosis_code": ["E119", "I509"], "service_date": days})
    pq.write_table(codes, shell.folder / "dx.parquet")
    answer = shell.risk(
        "score", "--out", "s.csv", "--json", "--people", "people.csv", "--diagnoses", "dx.parquet", files=False
    ).json
    assert answer["left_out_by_date"] == 1
    assert {row["person_id"]: row["hcc_list"] for row in shell.rows("s.csv")}["A1"] == "38"


def test_a_date_that_is_none_is_told_and_its_diagnosis_counts(shell: Shell) -> None:
    shell.write("days.csv", "person_id,diagnosis_code,service_date\nA1,E119,2025-13-45\nA1,I509,\nA1,N184,2023-01-01\n")
    words = ("--people", "people.csv", "--diagnoses", "days.csv")
    answer = shell.risk("score", "--out", "s.csv", "--json", *words, files=False).json
    assert (answer["diagnoses"], answer["date_unreadable"], answer["left_out_by_date"]) == (3, 1, 1)
    assert {row["person_id"]: row["hcc_list"] for row in shell.rows("s.csv")}["A1"] == "38 226"
    assert "date not readable  1, counted" in shell.risk("score", "--out", "s.csv", *words, files=False).out
