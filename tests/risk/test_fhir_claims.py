"""FHIR claims of every sender: whose they are, what they bill, what they diagnose, and when."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from careloom.risk.inputs import SERVICES, HeldInput, diagnoses, filter_claims, read_fhir
from careloom.risk.inputs.filter import eligible_codes, judge
from careloom.risk.inputs.rules import claim_rules
from risk.invented_claims import NAME, bill_type, concept, diagnosis_entries, eob, service_items, write_file

CPT = "http://www.ama-assn.org/go/cpt"
HCPCS = "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
BB = "https://bluebutton.cms.gov/resources"
V3 = "https://bluebutton.cms.gov/fhir/CodeSystem"
INSTITUTIONAL = concept("http://terminology.hl7.org/CodeSystem/claim-type", "institutional")
BARE: list[dict[str, Any]] = []


def read(folder: Path, *resources: Any) -> tuple[list[dict[str, Any]], list[HeldInput]]:
    held_inputs: list[HeldInput] = []
    path = write_file(folder, "some.ndjson", "\n".join(map(json.dumps, resources)))
    return read_fhir([path], held=held_inputs).read_all().to_pylist(), held_inputs


def refusal_reasons(folder: Path, *resources: Any, year: int = 2026) -> list[str | None]:
    """The reason of each line, of which the first claims come first."""
    rows, held_inputs = read(folder, *resources)
    assert held_inputs == []
    with duckdb.connect() as db:
        db.register("services", pa.Table.from_pylist(rows, schema=SERVICES))
        judge(db, eligible_codes(year), claim_rules(year))
        return [reason for (reason,) in db.execute("select refused from judged order by position, claim").fetchall()]


# ---------------------------------------------------------------- whose it is


REFERENCES = {
    "Patient/A1": "A1",
    "Patient/A1/_history/2": "A1",
    "https://payer.example/fhir/Patient/A1": "A1",
    "https://payer.example/fhir/Patient/A1/_history/2": "A1",
    "/Patient/A1": "A1",
    "Patient/-10000010254618": "-10000010254618",
}


@pytest.mark.parametrize("reference", REFERENCES)
def test_a_reference_names_its_person_and_never_a_version(reference: str, tmp_path: Path) -> None:
    rows, held_inputs = read(tmp_path, eob(1, patient={"reference": reference}))
    assert ([row["person_id"] for row in rows], held_inputs) == ([REFERENCES[reference]], [])


@pytest.mark.parametrize(
    "reference",
    [
        "2",
        "_history/2",
        "Group/A1",
        "Patient/",
        "Patient/A1/2",
        "Patient?identifier=A1",
        "RelatedPerson/A1",
        "#p1",
        "urn:uuid:1",
    ],
)
def test_a_reference_that_is_no_patient_is_held(reference: str, tmp_path: Path) -> None:
    rows, held_inputs = read(tmp_path, eob(1, patient={"reference": reference}), eob(2))
    assert [row["person_id"] for row in rows] == ["person-2"]
    assert [fault.code for fault in held_inputs] == ["no-person"]


def member(system: str | None = "https://payer.example/members", value: str = "M1") -> dict[str, Any]:
    kind = concept("http://terminology.hl7.org/CodeSystem/v2-0203", "MB")
    return {"type": kind, "value": value, **({"system": system} if system else {})}


def test_a_person_is_found_in_the_bundle_in_the_claim_or_by_its_number(tmp_path: Path) -> None:
    patient = {"resourceType": "Patient", "id": "A1", "identifier": [member()], "name": [{"text": NAME}]}
    urn = "urn:uuid:0c1b8b0e-3f44-4c39-a7bd-1d9a3e9e2f11"
    bundle = {
        "resourceType": "Bundle",
        "entry": [
            {"resource": eob(1, patient={"reference": urn})},
            {"fullUrl": urn, "resource": patient},
            {"resource": {"resourceType": "Practitioner", "id": "A2"}},
        ],
    }
    contained = eob(
        2, patient={"reference": "#p"}, contained=[{**patient, "id": "p"}, {"resourceType": "Organization", "id": "o"}]
    )
    logical = eob(3, patient={"identifier": member(value="M3"), "display": NAME})
    rows, held_inputs = read(tmp_path, bundle, contained, logical)
    assert ([row["person_id"] for row in rows], held_inputs) == (["A1", "M1", "M3"], [])


def test_a_person_who_cannot_be_found_is_held(tmp_path: Path) -> None:
    two = [{"value": "1"}, {"value": "2"}]
    rows, held_inputs = read(
        tmp_path,
        eob(1, patient={"identifier": two}),
        eob(2, patient={"reference": "#p"}, contained=[{"resourceType": "Patient", "id": "p", "identifier": two}]),
        eob(3, patient={"display": NAME}),
        eob(
            4,
            patient={"reference": "#p"},
            contained=[{"resourceType": "Organization", "id": "p", "identifier": two[:1]}],
        ),
    )
    assert rows == []
    assert [fault.code for fault in held_inputs] == ["no-person"] * 4


def test_the_same_id_on_another_server_may_be_somebody_else(tmp_path: Path) -> None:
    rows, held_inputs = read(
        tmp_path,
        eob(1, patient={"reference": "https://one.example/fhir/Patient/1"}),
        eob(2, patient={"reference": "https://two.example/fhir/Patient/1"}),
        eob(3, patient={"identifier": member("urn:one", "7")}),
        eob(4, patient={"identifier": member("urn:two", "7")}),
    )
    assert [row["claim_id"] for row in rows] == ["claim-1", "claim-3"]
    assert [fault.code for fault in held_inputs] == ["another-server"] * 2


def test_bundles_in_bundles_and_deleted_entries_are_not_passed_over(tmp_path: Path) -> None:
    inner = {"resourceType": "Bundle", "entry": [{"resource": eob(2)}]}
    values = {"request": {"method": "DELETE", "url": "ExplanationOfBenefit/claim-9"}}
    other_values = [{"resource": {"resourceType": kind}} for kind in ("Coverage", "Patient", "Claim")]
    bundle = {
        "resourceType": "Bundle",
        "entry": [{"resource": eob(1)}, {"resource": inner}, values, *other_values, "x"],
    }
    rows, held_inputs = read(tmp_path, bundle)
    assert [row["person_id"] for row in rows] == ["person-1", "person-2"]
    assert [(fault.place, fault.code) for fault in held_inputs] == [
        ("resource 1, entry 3", "deleted"),
        ("resource 1, entry 7", "not-fhir"),
    ]


# ---------------------------------------------------------------- what it bills


def ext(name: str, code: str, base: str = f"{BB}/variables") -> dict[str, Any]:
    return {"url": f"{base}/{name}", "valueCoding": {"system": f"{base}/{name}", "code": code}}


def blue_button_2(facility: str, service: str, frequency: str = "1") -> dict[str, Any]:
    """As BFD v2 and BCDA v2 give a bill's type: its digits in three places."""
    kind = concept("http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBSupportingInfoType", "typeofbill")
    return {
        "type": {"coding": [{"system": f"{BB}/codesystem/eob-type", "code": "INPATIENT"}, *INSTITUTIONAL["coding"]]},
        "facility": {"extension": [ext("clm_fac_type_cd", facility)]},
        "extension": [ext("nch_near_line_rec_ident_cd", "V"), ext("clm_srvc_clsfctn_type_cd", service)],
        "supportingInfo": [
            {"sequence": 8, "category": kind, "code": concept(f"{BB}/variables/clm_freq_cd", frequency)}
        ],
        "item": BARE,
    }


def blue_button_3(bill: str, facility: str, service: str) -> dict[str, Any]:
    info = bill_type(bill)
    info[0]["code"]["coding"] += [
        {"system": f"{V3}/CLM-BILL-FAC-TYPE-CD", "code": facility},
        {"system": f"{V3}/CLM-BILL-CLSFCTN-CD", "code": service},
    ]
    return {"type": INSTITUTIONAL, "supportingInfo": info, "item": BARE}


CLAIMS: dict[str, tuple[dict[str, Any], str | None]] = {
    "CARIN, CPT": ({"item": service_items(CPT, "99213")}, None),
    "CARIN, HCPCS": ({"item": service_items(HCPCS, "G0438")}, None),
    "CPT with a version": ({"item": service_items(f"{CPT}|2025", "99213")}, None),
    "Blue Button 1": ({"item": [{"service": concept(f"{BB}/codesystem/hcpcs", "99213")}]}, None),
    "Data at the Point of Care": ({"item": service_items(f"{BB}/variables/hcpcs_cd", "99213")}, None),
    "small letters": ({"item": service_items(HCPCS, "g0438")}, None),
    "not eligible": ({"item": service_items(CPT, "99999")}, "procedure"),
    "an unknown code system": ({"item": service_items("http://payer.example/codes", "99213")}, "procedure"),
    "CARIN, inpatient": ({"type": INSTITUTIONAL, "supportingInfo": bill_type("111"), "item": BARE}, None),
    "CARIN, inpatient with a zero": ({"type": INSTITUTIONAL, "supportingInfo": bill_type("0111"), "item": BARE}, None),
    "CARIN, nursing facility": (
        {"type": INSTITUTIONAL, "supportingInfo": bill_type("211"), "item": service_items(CPT, "99213")},
        "type-of-bill",
    ),
    "CARIN, outpatient": (
        {"type": INSTITUTIONAL, "supportingInfo": bill_type("131"), "item": service_items(CPT, "99213")},
        None,
    ),
    "CARIN, a bill without its type": ({"type": INSTITUTIONAL, "item": service_items(CPT, "99213")}, "no-type-of-bill"),
    "CARIN, a type that is none": (
        {"type": INSTITUTIONAL, "supportingInfo": bill_type("Dummy"), "item": service_items(CPT, "99213")},
        "no-type-of-bill",
    ),
    "Blue Button 2, inpatient": (blue_button_2("1", "1"), None),
    "Blue Button 2, nursing facility": (
        {**blue_button_2("2", "1"), "item": service_items(CPT, "99213")},
        "type-of-bill",
    ),
    "Blue Button 2, a void": (blue_button_2("1", "1", "8"), "void"),
    "Blue Button 3, inpatient": (blue_button_3("0111", "1", "1"), None),
    "Blue Button 3, digits that disagree": (blue_button_3("0211", "1", "1"), "type-of-bill"),
    "Blue Button 1, outpatient called professional": (
        {
            "type": {
                "coding": [
                    {"system": f"{BB}/codesystem/eob-type", "code": "OUTPATIENT"},
                    {"system": "http://hl7.org/fhir/ex-claimtype", "code": "professional"},
                    {"system": f"{BB}/variables/clm_srvc_clsfctn_type_cd", "code": "3"},
                ]
            },
            "facility": {"extension": [ext("clm_fac_type_cd", "1")]},
            "item": service_items(f"{BB}/codesystem/hcpcs", "99213"),
        },
        None,
    ),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_the_code_systems_of_every_sender_are_known(name: str, tmp_path: Path) -> None:
    claim, reason = CLAIMS[name]
    assert refusal_reasons(tmp_path, eob(1, **claim)) == [reason]


# ---------------------------------------------------------------- what is no claim


NO_CLAIM: dict[str, tuple[dict[str, Any], str | None]] = {
    "a claim": ({"use": "claim", "outcome": "complete"}, None),
    "partly paid": ({"use": "claim", "outcome": "partial"}, None),
    "preauthorization": ({"use": "preauthorization"}, "not-a-claim"),
    "predetermination": ({"use": "predetermination"}, "not-a-claim"),
    "error": ({"outcome": "error"}, "failed"),
    "cancelled": ({"status": "cancelled"}, "cancelled"),
    "draft": ({"status": "draft"}, "cancelled"),
    "entered in error": ({"status": "entered-in-error"}, "cancelled"),
    "replaced": (
        {"related": [{"relationship": concept("C4BB", "replacedby"), "reference": {"value": "N2"}}]},
        "replaced",
    ),
    "associated": ({"related": [{"relationship": concept("ex", "associated"), "reference": {"value": "N2"}}]}, None),
}


@pytest.mark.parametrize("name", NO_CLAIM)
def test_what_is_no_claim_does_not_count_with_or_without_the_filter(name: str, tmp_path: Path) -> None:
    claim, reason = NO_CLAIM[name]
    assert refusal_reasons(tmp_path, eob(1, **claim)) == [reason]


RELATED: dict[str, dict[str, Any]] = {
    "its number": {"reference": {"value": "N1"}},
    "its address": {"claim": {"reference": "ExplanationOfBenefit/claim-1"}},
    "a version of it": {"claim": {"reference": "https://payer.example/fhir/ExplanationOfBenefit/claim-1/_history/3"}},
    "the claim that both are about": {"claim": {"reference": "Claim/77"}},
    "its identifier": {"claim": {"identifier": {"value": "N1"}}},
}


@pytest.mark.parametrize("name", RELATED)
@pytest.mark.parametrize("relationship", ["prior", "replaces"])
def test_a_claim_that_another_replaces_does_not_count(relationship: str, name: str, tmp_path: Path) -> None:
    first = eob(1, identifier=[{"value": "N1"}], claim={"reference": "Claim/77"})
    second = eob(
        2,
        patient={"reference": "Patient/person-1"},
        related=[{"relationship": concept("ex", relationship), **RELATED[name]}],
    )
    somebody = eob(3, identifier=[{"value": "N1"}])
    assert refusal_reasons(tmp_path, first, second, somebody) == ["replaced", None, None]
    assert refusal_reasons(tmp_path, second, somebody, first) == [None, None, "replaced"]


def test_of_two_versions_of_a_claim_the_newer_counts(tmp_path: Path) -> None:
    newer = eob(1, meta={"lastUpdated": "2025-06-01T00:00:00Z"}, status="cancelled")
    older = eob(1, meta={"lastUpdated": "2025-05-31T23:00:00-03:00"})
    oldest = eob(1, meta={"lastUpdated": "2025-05-31T23:59:00Z"})
    assert refusal_reasons(tmp_path, newer, older, oldest) == ["cancelled", None, "older-version"]
    assert refusal_reasons(tmp_path, {**newer, "meta": {"lastUpdated": "2025-07-01T00:00:00Z"}}, older) == [
        "cancelled",
        "older-version",
    ]


# ---------------------------------------------------------------- when


DAYS = {
    "2025": "2025-12-31",
    "2025-02": "2025-02-28",
    "2024-02": "2024-02-29",
    "2025-12": "2025-12-31",
    "2025-03-02": "2025-03-02",
    "2025-03-02T10:00:00-05:00": "2025-03-02",
    "2024-12-31T23:30:00-05:00": "2024-12-31",
    "2025-01-01T00:30:00+14:00": "2025-01-01",
    "2025-03-02T10:00:00Z": "2025-03-02",
    "2025-03-02T10:00:00.123Z": "2025-03-02",
    "2025-03-02T10:00:00": "2025-03-02",
}


@pytest.mark.parametrize("text", DAYS)
def test_a_date_is_the_day_of_its_own_time_zone_at_every_precision(text: str, tmp_path: Path) -> None:
    expected = date.fromisoformat(DAYS[text])
    for when in ({"servicedPeriod": {"start": "2024-01-01", "end": text}}, {"servicedDate": text}):
        rows, held_inputs = read(tmp_path, eob(1, item=service_items(CPT, "99213", **when)))
        assert ([row["service_date"] for row in rows], held_inputs) == ([expected], [])
    rows, _ = read(tmp_path, eob(1, billablePeriod={"end": text}, item=BARE))
    assert [(row["service_date"], row["through_date"]) for row in rows] == [(expected, expected)]


@pytest.mark.parametrize(
    "text", ["2025-02-30", "03/02/2025", "20250302", "2025-3-2", "2025-03-02T25:00:00Z", "2025-13", "0000"]
)
def test_a_date_that_there_is_not_is_held(text: str, tmp_path: Path) -> None:
    rows, held_inputs = read(tmp_path, eob(1, item=service_items(CPT, "99213", servicedDate=text)), eob(2))
    assert [row["person_id"] for row in rows] == ["person-2"]
    assert [fault.code for fault in held_inputs] == ["bad-date"]


# ---------------------------------------------------------------- what it diagnoses


def test_a_diagnosis_in_another_code_system_is_counted_by_its_reason(tmp_path: Path) -> None:
    icd_9, snomed = "http://hl7.org/fhir/sid/icd-9-cm", "http://snomed.info/sct"
    text = [
        {"sequence": 9, "diagnosisCodeableConcept": {"text": NAME}},
        {"diagnosisReference": {"reference": "Condition/1"}},
    ]
    claim = eob(
        1,
        diagnosis=[
            *diagnosis_entries("E11.9"),
            *diagnosis_entries("25000", system=icd_9),
            *diagnosis_entries("44054006", system=snomed),
            *text,
        ],
    )
    rows, held_inputs = read(tmp_path, claim)
    assert held_inputs == []
    assert [(row["diagnosis_codes"], row["uncounted_diagnoses"]) for row in rows] == [
        (["E11.9"], ["icd-9", "another-system", "no-code", "no-code"])
    ]


def test_only_what_was_established_counts_unless_it_is_set_otherwise(tmp_path: Path) -> None:
    kinds = ["principal", "other", "admitting", "patientreasonforvisit", "externalcauseofinjury", "differential"]
    codes = ["N390", "E119", "A419", "R509", "W1830XA", "I509"]
    claim = eob(
        1,
        diagnosis=[
            part for code, kind in zip(codes, kinds, strict=True) for part in diagnosis_entries(code, kind=kind)
        ],
    )
    path = write_file(tmp_path, "some.json", json.dumps(claim))

    def counted(*extra: str) -> set[str]:
        kept_rows = filter_claims(read_fhir([path]), 2026, claim_rules(2026, extra))
        return set(diagnoses(kept_rows).read_all().column("diagnosis_code").to_pylist())

    assert counted() == {"N390", "E119"}
    assert counted("admitting") == {"N390", "E119", "A419"}
    kept_rows = filter_claims(read_fhir([path]), 2026).read_all().to_pylist()
    assert kept_rows[0]["uncounted_diagnoses"] == ["admitting", "reason-for-visit", "external-cause", "unconfirmed"]


def test_a_code_that_is_a_number_is_held_and_not_guessed(tmp_path: Path) -> None:
    item = [{"productOrService": {"coding": [{"system": CPT, "code": 99213}]}}]
    rows, held_inputs = read(tmp_path, eob(1, item=item), eob(2, id=7), eob(3, patient={"reference": 3}))
    assert rows == []
    assert [fault.code for fault in held_inputs] == ["bad-claim"] * 3


SHAPES: list[Any] = [0, "x", [], ["x"], [[]], [None], {"coding": "x"}, {"coding": [None]}, {"extension": [1]}, True]
FIELDS = [
    "type", "diagnosis", "item", "patient", "billablePeriod", "supportingInfo", "information", "facility", "extension", "identifier",
    "related", "contained", "careTeam", "meta", "claim", "status", "use", "outcome", "id", "created",
]  # fmt: skip


@pytest.mark.parametrize("field", FIELDS)
def test_whatever_shape_a_field_has_the_claim_is_read_or_held_and_nothing_is_quoted(field: str, tmp_path: Path) -> None:
    odd = [eob(1, **{field: shape}) for shape in SHAPES]
    rows, held_inputs = read(tmp_path, *odd, eob(2))
    assert len(rows) + len(held_inputs) == len(odd) + 1
    assert rows[-1]["person_id"] == "person-2"
    assert {row["person_id"] for row in rows[:-1]} <= {"person-1"}
    assert {fault.code for fault in held_inputs} <= {"bad-claim", "no-person", "bad-date"}
