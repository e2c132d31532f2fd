"""What goes wrong beside the people: memory, disks, packages, tables that are not as they were. Each is said, none is a traceback."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from careloom.core.errors import Fix, Later, Stop
from careloom.risk import lookups, read_tables, score
from careloom.risk.inputs import HeldInput, read_fhir
from careloom.risk.published import tables
from careloom.risk.workspace import open_workspace
from risk.invented_claims import NAME, eob, write_file
from risk.risk_shell import Shell
from risk.test_inputs import codes

WOMAN = pa.table({"person_id": [1], "age": [70], "sex": ["F"]})
DIABETES = pa.table({"person_id": [1], "diagnosis_code": ["E119"]})


# ---------------------------------------------------------------- memory and disks


def test_too_little_memory_means_later_and_what_to_give() -> None:
    with pytest.raises(Later, match="within 100KB; give more memory"):
        score(WOMAN, DIABETES, model="V28", year=2026, memory="100KB")
    with pytest.raises(Later, match="within 5MB; give more memory"), open_workspace("5MB") as workspace:
        workspace.db.execute("select list(i) from range(10000000) t(i)")


@pytest.mark.parametrize("how", [{"memory": "lots"}, {"threads": 0}])
def test_a_size_that_is_none_is_said_so(how: dict[str, Any]) -> None:
    with pytest.raises(Fix, match="a size such as '2GB'"):
        score(WOMAN, DIABETES, model="V28", year=2026, **how)


def test_the_number_of_threads_changes_nothing() -> None:
    persons = pa.table({"person_id": list(range(3000)), "age": [60 + n % 40 for n in range(3000)], "sex": ["F"] * 3000})
    one, two = (score(persons, DIABETES, model="V28", year=2026, threads=threads) for threads in (1, 2))
    assert one.sort_by("person_id").equals(two.sort_by("person_id"))


def test_a_folder_in_the_place_of_a_file_is_said_so_and_left_as_it_is(shell: Shell) -> None:
    (shell.folder / "scores.csv").mkdir()
    result = shell.risk("score", "--out", "scores.csv")
    assert (result.code, "scores.csv cannot be written: Is a directory" in result.err) == (2, True)
    assert [path.name for path in shell.folder.glob(".*")] == []
    result = shell.risk("tables", "--write", "nowhere/mine.json", files=False)
    assert (result.code, "nowhere/mine.json cannot be written: No such file" in result.err) == (2, True)


def test_a_file_that_is_neither_parquet_nor_csv_is_said_so(shell: Shell) -> None:
    shell.write("people.xls", "person_id,age,sex\nAda Secret,70,F\n")
    result = shell.risk("score", "--out", "s.csv", "--people", "people.xls", "--diagnoses", "dx.csv", files=False)
    assert (result.code, "people.xls is neither Parquet nor CSV by its name" in result.err) == (2, True)


def test_one_person_cannot_be_found_where_there_are_no_keys(shell: Shell) -> None:
    shell.write("people.csv", "mbi,age,sex\nA1,70,F\n")
    result = shell.risk("explain", "A1")
    assert (result.code, "the people have no column 'person_id'; they have: mbi, age, sex" in result.err) == (2, True)


# ---------------------------------------------------------------- the package and its tables


def test_without_hccinfhir_there_is_nothing_to_compare_with(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hccinfhir", None)
    result = shell.risk("validate")
    assert (result.code, "run: python -m pip install 'careloom[risk]'" in result.err) == (2, True)


def test_compat_names_no_document_for_factors_that_the_library_does_not_have(shell: Shell) -> None:
    answer = shell.risk("explain", "A1", "--mode", "compat", "--json").json
    assert (answer["sources"], answer["normalization"]) == ([], 1.0)
    assert len(shell.risk("explain", "A1", "--json").json["sources"]) == 2


def test_a_table_that_cms_does_not_have_is_left_out_and_none_at_all_is_said_so(shell: Shell) -> None:
    shell.write("dbt_project.yml", "name: mine\n")
    words = ("emit", "--project", ".", "--model", "V24", "--year", "2027")
    result = shell.risk(*words, files=False)
    assert (result.code, "know nothing of V24 in 2027" in result.err) == (2, True)
    assert shell.risk(*words, "--year", "2026", files=False).code == 0
    names = {path.name for path in (shell.folder / "models" / "hcc").glob("*.sql")}
    assert "hcc_v24_2026_scores.sql" in names
    assert not any("2027" in name for name in names)


Changed = Callable[[str, str], None]


@pytest.fixture
def changed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Changed]:
    """Another value for one coefficient, as a new release of the package might bring it."""
    known = tables.rows_of

    def change(name: str, value: str) -> None:
        def rows(file: str, *words: str) -> tuple[dict[str, str], ...]:
            return tuple(
                {**row, "value": value} if row.get("coefficient") == name else row for row in known(file, *words)
            )

        monkeypatch.setattr(tables, "rows_of", rows)
        _forget()

    yield change
    _forget()


def _forget() -> None:
    read_tables.cache_clear()
    lookups.cache_clear()


def test_a_coefficient_of_four_decimals_stops_before_anybody_is_scored(changed: Changed) -> None:
    changed("CNA_HCC38", "0.1664")
    with pytest.raises(Stop, match="CNA_HCC38 has more than three decimals"):
        score(WOMAN, DIABETES, model="V28", year=2026)


@pytest.mark.parametrize("value", ["-0.1", "1048.576"])
def test_coefficients_that_could_spill_into_their_neighbours_stop_too(changed: Changed, value: str) -> None:
    changed("CNA_HCC38", value)
    with pytest.raises(Stop, match="V28 in CNA_ do not fit"):
        score(WOMAN, DIABETES, model="V28", year=2026)


def test_a_changed_coefficient_changes_the_score_and_the_digest(changed: Changed) -> None:
    digest = read_tables("V28", 2026).digest
    changed("CNA_HCC38", "0.266")
    person = WOMAN.append_column("orec", pa.array(["0"]))
    assert [str(row["risk_score"]) for row in score(person, DIABETES, model="V28", year=2026).to_pylist()] == ["0.661"]
    assert read_tables("V28", 2026).digest != digest


# ---------------------------------------------------------------- claims


def test_what_a_claim_of_an_odd_shape_raises_is_held_without_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumbles(*_: object) -> list[Any]:
        raise ValueError(NAME)

    monkeypatch.setattr("careloom.risk.inputs.fhir.lines_of", stumbles)
    held_inputs: list[HeldInput] = []
    assert read_fhir([write_file(tmp_path, "one.json", json.dumps(eob()))], held=held_inputs).read_all().num_rows == 0
    assert codes(held_inputs) == ["bad-claim"]
    assert NAME not in repr(held_inputs)


def test_a_record_of_tables_that_is_none_is_said_so(shell: Shell) -> None:
    for text in ("{}", "[]", json.dumps({"package": "x"}), "\x00"):
        shell.write("mine.json", text)
        result = shell.risk("tables", "--check", "--against", "mine.json", files=False)
        assert (result.code, "mine.json cannot be read" in result.err) == (2, True)
    with pytest.raises(Fix, match="no diagnosis mapping for 2031"):
        read_tables("V28", 2031)
