"""Whose an 837 claim is: the person of the level it stands in, and nobody else whom the file names."""

from __future__ import annotations

from pathlib import Path

import pytest

from careloom.risk.inputs import HeldInput, read_837
from risk.hccinfhirs import parsers
from risk.invented_claims import NAME, dependent, subscriber, visit, write_file, x12_file

OTHER_PAYER = "SBR*S*18*GROUP******CI~AMT*D*10~OI***Y***Y~NM1*IL*1*SPOUSE*X****MI*OTHER77~N3*1 STREET~NM1*PR*2*PAYER*****PI*9~REF*F8*OTHERS~"
COB = visit("c1", "E119").replace("LX*1~", f"NM1*82*1*DOCTOR*A****XX*1112223338~REF*G2*F8~{OTHER_PAYER}LX*1~")


def read(folder: Path, text: str) -> tuple[list[tuple[str, list[str]]], list[HeldInput]]:
    held_inputs: list[HeldInput] = []
    rows = read_837([write_file(folder, "some.x12", text)], held=held_inputs).read_all().to_pylist()
    return [(row["person_id"], row["diagnosis_codes"]) for row in rows], held_inputs


def test_a_second_payers_subscriber_is_not_the_member(tmp_path: Path) -> None:
    text = x12_file(subscriber("2", "A1", COB, visit("c2", "I509")), subscriber("3", "B2", visit("c3", "N186")))
    assert read(tmp_path, text) == ([("A1", ["E119"]), ("A1", ["I509"]), ("B2", ["N186"])], [])


def test_hccinfhir_takes_the_other_subscriber_so_it_is_no_oracle_of_this() -> None:
    services = parsers()[1](x12_file(subscriber("2", "A1", COB, visit("c2", "I509"))))
    assert [service.patient_id for service in services] == ["OTHER77", "OTHER77"]


def test_a_number_of_another_payer_is_not_one_of_the_claim(tmp_path: Path) -> None:
    path = write_file(tmp_path, "cob.x12", x12_file(subscriber("2", "A1", COB)))
    assert read_837([path]).read_all().column("refers_to").to_pylist() == [[]]


@pytest.mark.parametrize(
    ("person", "code"),
    [("", "dependent"), ("****MI*SUB1", "dependent"), ("****MI*", "dependent")],
    ids=["no id", "the subscriber's id", "an empty id"],
)
def test_a_dependent_without_an_id_of_its_own_is_held_and_never_the_subscriber(
    person: str, code: str, tmp_path: Path
) -> None:
    family = subscriber("2", "SUB1", relationship=""), dependent("3", "2", person, visit("c1", "E109"))
    rows, held_inputs = read(tmp_path, x12_file(*family, subscriber("4", "B2", visit("c2", "I509"))))
    assert rows == [("B2", ["I509"])]
    assert [(fault.place, fault.code) for fault in held_inputs] == [("transaction 1, claim 1", code)]
    assert not any(word in repr(held_inputs) for word in [*NAME.split(), "SUB1"])


def test_a_dependent_with_an_id_is_itself(tmp_path: Path) -> None:
    levels = (
        subscriber("2", "SUB1", relationship=""),
        dependent("3", "2", "****MI*KID1", visit("c1", "E109")),
        dependent("4", "2", "****MI*KID2", visit("c2", "J4520")),
        subscriber("5", "SUB1", visit("c3", "I10")),
    )
    assert read(tmp_path, x12_file(*levels)) == ([("KID1", ["E109"]), ("KID2", ["J4520"]), ("SUB1", ["I10"])], [])


WRONG = {
    "claim under the billing provider": (visit("c1", "E119"), "no-person"),
    "subscriber who is not the patient": (subscriber("2", "A1", visit("c1", "E119"), relationship=""), "no-person"),
    "a spouse in the subscriber's place": (subscriber("2", "A1", visit("c1", "E119"), relationship="01"), "no-person"),
    "two subscribers in a level": (subscriber("2", "A1", "NM1*IL*1*X*Y****MI*A9~", visit("c1", "E119")), "no-person"),
    "dependent of no subscriber": (dependent("3", "7", "****MI*KID1", visit("c1", "E119")), "bad-hierarchy"),
    "dependent of a provider": (dependent("3", "1", "****MI*KID1", visit("c1", "E119")), "bad-hierarchy"),
    "a patient named at the subscriber's level": (
        subscriber("2", "A1", "NM1*QC*1*X*Y~", visit("c1", "E119")),
        "dependent",
    ),
    "the rest of a claim that lost its beginning": (
        subscriber("2", "", COB.partition("~")[2], visit("c1", "E119")),
        "bad-claim",
    ),
    "an unknown level": (f"HL*2*1*99*0~NM1*IL*1*X*Y****MI*A1~{visit('c1', 'E119')}", "no-person"),
    "a level without its own name": (subscriber("2", "", visit("c1", "E119")), "no-person"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_claim_of_nobody_certain_is_held_whole_and_the_next_one_is_read(name: str, tmp_path: Path) -> None:
    level, code = WRONG[name]
    rows, held_inputs = read(
        tmp_path,
        x12_file(subscriber("8", "B0", visit("b0", "N186")), level, subscriber("9", "B2", visit("b2", "I509"))),
    )
    if not level.startswith("HL"):
        rows, held_inputs = read(tmp_path, x12_file(level, subscriber("9", "B2", visit("b2", "I509"))))
        rows.insert(0, ("B0", ["N186"]))
    assert rows == [("B0", ["N186"]), ("B2", ["I509"])]
    assert {fault.code for fault in held_inputs} == {code}


def test_a_dependents_parent_may_stand_elsewhere_as_hl02_says_which(tmp_path: Path) -> None:
    levels = (
        subscriber("2", "SUB1", relationship=""),
        subscriber("3", "SUB2", visit("c1", "I10")),
        dependent("4", "2", "****MI*SUB1", visit("c2", "E109")),
        dependent("5", "3", "****MI*SUB1", visit("c3", "E119")),
    )
    rows, held_inputs = read(tmp_path, x12_file(*levels))
    assert rows == [("SUB2", ["I10"]), ("SUB1", ["E119"])]
    assert [fault.place for fault in held_inputs] == ["transaction 1, claim 2"]


def test_one_bad_line_holds_its_whole_claim(tmp_path: Path) -> None:
    broken_text = visit("c1", "E119") + "LX*2~SV1*HC:99213*90*UN*1***1~DTP*472*D8*20251301~"
    rows, held_inputs = read(tmp_path, x12_file(subscriber("2", "A1", broken_text, visit("c2", "I509"))))
    assert rows == [("A1", ["I509"])]
    assert [fault.code for fault in held_inputs] == ["bad-date"]


def test_what_a_claim_says_is_not_said_of_the_next(tmp_path: Path) -> None:
    review = visit("c1", "E119", more="PWK*09*AA~REF*F8*ICN1~REF*D9*D1~")
    path = write_file(tmp_path, "two.x12", x12_file(subscriber("2", "A1", review, visit("c2", "I509"))))
    rows = read_837([path]).read_all().to_pylist()
    assert [(row["chart_review"], row["refers_to"], row["claim_numbers"]) for row in rows] == [
        ("linked", ["ICN1"], ["D1"]),
        (None, [], []),
    ]


def test_several_interchanges_with_their_own_marks_are_read(tmp_path: Path) -> None:
    first = x12_file(subscriber("2", "A1", visit("c1", "E119")))
    second = x12_file(subscriber("2", "B2", COB)).replace("*", "|").replace(":", ">").replace("~", "\n")
    third = x12_file(subscriber("2", "C3", visit("c3", "N186"))).replace("*", "+").replace(":", "*").replace("~", "'")
    rows, held_inputs = read(tmp_path, first + second + third)
    assert rows == [("A1", ["E119"]), ("B2", ["E119"]), ("C3", ["N186"])]
    assert held_inputs == []


def test_small_letters_are_read_like_capitals(tmp_path: Path) -> None:
    text = x12_file(subscriber("2", "A1", visit("c1", "e11.9")))
    head, body = text[:106], text[106:]
    for name in ("CLM*", "HI*ABK", "NM1*IL", "HL*", "SV1*HC"):
        body = body.replace(name, name.lower())
    assert read(tmp_path, head + body) == ([("A1", ["e11.9"])], [])


OUTSIDE = {
    "no ST": lambda text: text.replace("ST*837*1*005010X222A1~", ""),
    "a claim behind SE": lambda text: text.replace("GE*1*1~", f"{visit('c9', 'C9000')}GE*1*1~"),
    "GE in place of SE": lambda text: text.replace("SE*9*1~", ""),
    "ISA with too few elements": lambda text: (
        text + x12_file(subscriber("2", "A1", visit("c9", "C9000"))).replace("*P*:~", "~", 1)
    ),
    "not an 837": lambda text: text.replace("ST*837*", "ST*835*"),
    "no group": lambda text: text.replace("GS*HC*A*B*20250301*1145*1*X*005010X222A1~", ""),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_claim_outside_of_its_envelope_is_held(name: str, tmp_path: Path) -> None:
    rows, held_inputs = read(tmp_path, OUTSIDE[name](x12_file(subscriber("2", "A1", visit("c1", "E119")))))
    assert len(held_inputs) == 1
    assert not any("C9000" in codes for _, codes in rows)
    assert len(rows) == (1 if "c9" in name or "behind" in name or "ISA" in name else 0)
