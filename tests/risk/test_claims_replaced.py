"""Replacements, voids, chart reviews and what CMS leaves out from 2027: what was taken back does not count, and is told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from careloom.core.errors import Fix
from careloom.risk.inputs import claim_rules
from risk.invented_claims import (
    bill_type,
    concept,
    diagnosis_entries,
    eob,
    service_items,
    subscriber,
    visit,
    write_file,
    x12_file,
)
from risk.risk_shell import Shell

REVIEW, DELETE = "PWK*09*AA~", "PWK*09*AA~REF*EA*8~"


def count_claims(
    shell: Shell, *transactions: str, year: int = 2026, more: tuple[str, ...] = ()
) -> tuple[set[str], dict[str, Any]]:
    """The person:code pairs that count of files in this order, and what is told of them."""
    for place, text in enumerate(transactions):
        write_file(shell.folder, f"f{place}.x12", text)
    result = shell.risk(
        "claims", "--x12", "*.x12", "--year", str(year), "--out", "out.csv", *more, "--json", files=False
    )
    assert result.code == 0, result.err
    return {f"{row['person_id']}:{row['diagnosis_code']}" for row in shell.rows("out.csv")}, dict(result.json)


def claim_file(*claims: str, person: str = "A1", when: str = "20250301*1145") -> str:
    return x12_file(subscriber("2", person, *claims), when=when)


def test_a_replaced_claims_diagnoses_do_not_count(shell: Shell) -> None:
    pairs, answer = count_claims(shell, claim_file(visit("c1", "E119", "I509"), visit("c1", "E119", frequency="7")))
    assert pairs == {"A1:E119"}
    assert answer["refused"] == {"replaced": 1}
    assert answer["untied"] == {}


TIED = {
    "by CLM01": ("c1", ""),
    "by the payer's number": ("c9", "REF*F8*ICN1~"),
    "by CLM01 in F8": ("c9", "REF*F8*c1~"),
    "by CLM01 beside an unknown F8": ("c1", "REF*F8*ICN9~"),
}


@pytest.mark.parametrize("name", TIED)
@pytest.mark.parametrize("frequency", ["7", "8"])
@pytest.mark.parametrize("order", [1, -1])
def test_an_original_is_found_by_its_numbers_in_whatever_order_files_are_read(
    shell: Shell, order: int, frequency: str, name: str
) -> None:
    number, reference = TIED[name]
    original = claim_file(visit("c1", "I509", more="REF*D9*ICN1~"))
    later = claim_file(visit(number, "E119", frequency=frequency, more=reference), when="20250401*0800")
    pairs, answer = count_claims(shell, *[original, later][::order])
    assert pairs == (set() if frequency == "8" else {"A1:E119"})
    assert answer["refused"] == ({"void": 1, "voided": 1} if frequency == "8" else {"replaced": 1})


def test_what_is_sent_after_a_void_counts(shell: Shell) -> None:
    files = [
        claim_file(visit("c1", "I509"), when="20250301*0800"),
        claim_file(visit("c1", "I509", frequency="8"), when="20250302*0800"),
        claim_file(visit("c1", "E119"), when="20250303*0800"),
    ]
    assert count_claims(shell, *files[::-1])[0] == {"A1:E119"}


def test_of_several_replacements_the_last_sent_counts(shell: Shell) -> None:
    files = [
        claim_file(visit("c1", "I509"), when="20250301*0800"),
        claim_file(visit("c1", "E119", frequency="7"), when="20250303*0800"),
        claim_file(visit("c1", "N186", frequency="7"), when="20250302*0800"),
    ]
    pairs, answer = count_claims(shell, *files)
    assert pairs == {"A1:E119"}
    assert answer["refused"] == {"replaced": 2}


def test_a_replacement_touches_no_other_person_and_no_other_day_of_a_number_used_again(shell: Shell) -> None:
    other_values = [claim_file(visit("c1", "C9000"), person="B2"), claim_file(visit("c1", "N186", day="20250505"))]
    pairs, _ = count_claims(
        shell, claim_file(visit("c1", "I509")), claim_file(visit("c1", "E119", frequency="7")), *other_values
    )
    assert pairs == {"A1:E119", "A1:N186", "B2:C9000"}


def test_what_cannot_be_tied_is_counted_and_told(shell: Shell) -> None:
    claims = [
        visit("r1", "E119", frequency="7", more="REF*F8*X1~"),
        visit("v1", "I509", frequency="8", more="REF*F8*X2~"),
        visit("d1", "N186", more=f"REF*F8*X3~{DELETE}"),
    ]
    pairs, answer = count_claims(shell, claim_file(*claims))
    assert pairs == {"A1:E119"}
    assert answer["untied"] == {"delete": 1, "replacement": 1, "void": 1}
    result = shell.risk("claims", "--x12", "*.x12", "--out", "out.csv", files=False)
    assert "1 of an unknown claim: replacement, what it is about is not among these files" in result.out


def test_a_void_without_service_lines_still_takes_its_claim_back(shell: Shell) -> None:
    bare = "CLM*c1*0***11:B:8*Y*A*Y*Y~REF*F8*ICN1~HI*ABK:I509~"
    assert count_claims(shell, claim_file(visit("c1", "I509"), bare))[0] == set()


def test_a_chart_review_that_deletes_takes_codes_back_and_brings_none(shell: Shell) -> None:
    original = visit("c1", "E119", "I509")
    taken = visit("d1", "I509", "C9000", more=f"REF*F8*c1~{DELETE}")
    pairs, answer = count_claims(shell, claim_file(original, taken, visit("c2", "N186")))
    assert pairs == {"A1:E119", "A1:N186"}
    assert answer["refused"] == {"chart-review-delete": 1}
    assert answer["uncounted"] == {"chart-review-delete": 1}


def test_a_delete_that_was_itself_voided_takes_nothing_back(shell: Shell) -> None:
    taken = visit("d1", "I509", more=f"REF*F8*c1~{DELETE}")
    undone = visit("d1", "I509", frequency="8", more=DELETE)
    files = [
        claim_file(visit("c1", "I509")),
        claim_file(taken, when="20250302*0800"),
        claim_file(undone, when="20250303*0800"),
    ]
    assert count_claims(shell, *files)[0] == {"A1:I509"}


def test_a_number_eight_elsewhere_deletes_nothing(shell: Shell) -> None:
    assert count_claims(shell, claim_file(visit("c1", "E119", more="REF*EA*8~")))[0] == {"A1:E119"}


@pytest.mark.parametrize(("year", "pairs"), [(2026, {"A1:E119", "A1:I509"}), (2027, {"A1:I509"})])
def test_an_unlinked_chart_review_counts_until_2026(shell: Shell, year: int, pairs: set[str]) -> None:
    unlinked = visit("u1", "E119", more=REVIEW)
    linked_text = visit("l1", "I509", more=f"REF*F8*ICN1~{REVIEW}")
    text = claim_file(unlinked, linked_text)
    assert count_claims(shell, text, year=year)[0] == pairs
    assert count_claims(shell, text, year=year, more=("--count", "unlinked-chart-review"))[0] == {"A1:E119", "A1:I509"}
    assert count_claims(shell, text, year=year, more=("--leave-out", "unlinked-chart-review"))[0] == {"A1:I509"}


@pytest.mark.parametrize("modifier", ["93", "FQ", "fq"])
@pytest.mark.parametrize(("year", "refused"), [(2026, {}), (2027, {"audio-only": 1})])
def test_a_service_by_voice_alone_counts_until_2026(
    shell: Shell, year: int, refused: dict[str, int], modifier: str
) -> None:
    by_voice = visit("v1", "E119").replace("HC:99213", f"HC:99213:25:{modifier}")
    pairs, answer = count_claims(shell, claim_file(by_voice), year=year)
    assert (pairs, answer["refused"]) == (set() if refused else {"A1:E119"}, refused)
    assert count_claims(shell, claim_file(by_voice), year=year, more=("--count", "audio-only"))[0] == {"A1:E119"}
    item = service_items(
        "http://www.ama-assn.org/go/cpt", "99213", modifier=[concept("http://www.ama-assn.org/go/cpt", modifier)]
    )
    write_file(shell.folder, "a.json", json.dumps(eob(1, item=item)))
    result = shell.risk("claims", "--fhir", "a.json", "--year", str(year), "--out", "f.csv", "--json", files=False)
    assert result.json["refused"] == refused


def test_another_service_of_the_claim_in_person_still_counts(shell: Shell) -> None:
    text = visit("v1", "E119").replace("HC:99213", "HC:99213:93") + "LX*2~SV1*HC:99214*90*UN*1***1~DTP*472*D8*20250304~"
    assert count_claims(shell, claim_file(text), year=2027)[0] == {"A1:E119"}


@pytest.mark.parametrize(
    ("count", "leave_out", "message"),
    [(["admiting"], [], "there is no 'admiting'"), (["admitting"], ["admitting"], "cannot count and be left out")],
)
def test_a_rule_that_there_is_not_is_a_sentence(count: list[str], leave_out: list[str], message: str) -> None:
    with pytest.raises(Fix, match=message):
        claim_rules(2026, count, leave_out)


def test_a_stay_gives_the_same_diagnoses_from_every_format(shell: Shell) -> None:
    """Principal N39.0, another E11.9, admitting A41.9, a reason R50.9, an external cause W18.30XA, from 2024-12-28 to 2025-01-03."""
    coding = "HI*ABK:N390~HI*ABJ:A419~HI*APR:R509~HI*ABN:W1830XA~HI*ABF:E119~"
    bill = "LX*1~SV2*0120**900*DA*5~DTP*472*D8*20241229~"
    stay = f"CLM*s1*900***11:A:1**A*Y*Y~DTP*434*RD8*20241228-20250103~{coding}{bill}"
    write_file(shell.folder, "i.x12", x12_file(subscriber("2", "A1", stay), version="005010X223A2"))
    line = "LX*1~SV1*HC:99223*90*UN*1***1~DTP*472*RD8*20241228-20250103~"
    office = f"CLM*s1*900***21:B:1*Y*A*Y*Y~HI*ABK:N390*ABF:E119~{line}"
    write_file(shell.folder, "p.x12", x12_file(subscriber("2", "A1", office)))
    kinds = ["principal", "other", "admitting", "patientreasonforvisit", "externalcauseofinjury"]
    codes = ["N39.0", "E11.9", "A41.9", "R50.9", "W18.30XA"]
    claim = eob(
        1,
        patient={"reference": "Patient/A1"},
        type=concept("http://terminology.hl7.org/CodeSystem/claim-type", "institutional"),
        supportingInfo=bill_type("0111"),
        billablePeriod={"start": "2024-12-28", "end": "2025-01-03T11:00:00-05:00"},
        diagnosis=[
            part for code, kind in zip(codes, kinds, strict=True) for part in diagnosis_entries(code, kind=kind)
        ],
        item=service_items("http://www.ama-assn.org/go/cpt", "99223", servicedDate="2024-12-29"),
    )
    write_file(shell.folder, "f.json", json.dumps(claim))
    rows = []
    for way in ("--x12=i.x12", "--x12=p.x12", "--fhir=f.json"):
        result = shell.risk("claims", way, "--out", "out.csv", files=False)
        assert result.code == 0, result.err
        rows.append(sorted(tuple(row.values()) for row in shell.rows("out.csv")))
    assert rows == [[("A1", "E119", "2025-01-03"), ("A1", "N390", "2025-01-03")]] * 3


@pytest.mark.parametrize("blank", ["\u00a0", "\u2007", "\u200b", "\ufeff", "\t", " "])
def test_blanks_of_every_kind_are_no_part_of_a_code(shell: Shell, blank: str) -> None:
    claim = eob(
        1, diagnosis=diagnosis_entries(f"e11.9{blank}"), item=service_items("http://www.ama-assn.org/go/cpt", "99213")
    )
    write_file(shell.folder, "a.json", json.dumps(claim))
    shell.risk("claims", "--fhir", "a.json", "--out", "out.csv", files=False)
    assert [row["diagnosis_code"] for row in shell.rows("out.csv")] == ["E119"]
