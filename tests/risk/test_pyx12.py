"""A second reader of 837 files: the loops that pyx12 sees by the guides' own maps say whose each claim is, and what is in it."""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any

import pytest
from pyx12.error_handler import errh_null
from pyx12.params import params
from pyx12.x12context import X12ContextReader

from careloom.risk.inputs import HeldInput, read_837
from risk.invented_claims import dependent, subscriber, write_file, x12_file

ELEMENT = {"NM1": 9, "REF": 2, "CLM": 1, "DTP": 3}
VERSIONS = {"P": "005010X222A1", "I": "005010X223A2"}


def their_claims(text: str) -> list[dict[str, Any]]:
    """The claims as pyx12 places them: the person of the nearest 2010BA or 2010CA, and what stands in 2300 and 2400 themselves."""
    claims: list[dict[str, Any]] = []
    subscriber_id = person = ""
    for node in X12ContextReader(params(), errh_null(), io.StringIO(text)).iter_segments():
        loop, _, name = node.cur_path.rpartition("/")
        loop, name = loop.rpartition("/")[2], name.partition("[")[0]
        value = (node.seg_data.get_value(f"{name}{ELEMENT[name]:02}") or "") if name in ELEMENT else ""
        if (loop, name) == ("2010BA", "NM1"):
            subscriber_id = person = value
        elif (loop, name) == ("2010CA", "NM1"):
            person = value if value != subscriber_id else ""
        elif (loop, name) == ("2300", "CLM"):
            claims.append(
                {"person": person, "claim": value, "codes": [], "numbers": [], "review": False, "lines": 0, "days": []}
            )
        elif (loop, name) == ("2300", "HI"):
            parts = [part.split(":") for part in node.seg_data.format().rstrip("~").split("*")[1:]]
            claims[-1]["codes"] += [part[1] for part in parts if part[0] in {"ABK", "ABF", "ABJ", "APR", "ABN"}]
        elif (loop, name) == ("2300", "REF") and node.seg_data.get_value("REF01") == "F8":
            claims[-1]["numbers"].append(value)
        elif (loop, name) == ("2300", "PWK"):
            claims[-1]["review"] |= node.seg_data.get_value("PWK01") == "09"
        elif loop == "2400" and name in {"SV1", "SV2"}:
            claims[-1]["lines"] += 1
        elif (loop, name) == ("2400", "DTP") and node.seg_data.get_value("DTP01") == "472":
            claims[-1]["days"].append(value[-8:])
    return claims


def our_claims(folder: Path, text: str) -> tuple[list[dict[str, Any]], list[str]]:
    held_inputs: list[HeldInput] = []
    claims: dict[int, dict[str, Any]] = {}
    for row in read_837([write_file(folder, "some.x12", text)], held=held_inputs).read_all().to_pylist():
        claim = claims.setdefault(
            row["claim"],
            {
                "person": row["person_id"],
                "claim": row["claim_id"],
                "codes": row["diagnosis_codes"],
                "numbers": row["refers_to"],
                "review": row["chart_review"] is not None,
                "lines": 0,
                "days": [],
            },
        )
        claim["lines"] += 1
        claim["days"].append(f"{row['service_date']:%Y%m%d}")
    return list(claims.values()), [fault.place.rpartition(" ")[2] for fault in held_inputs]


class Invented:
    """A file of chance, by a seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.is_bill = seed % 2 == 1
        self.claims = 0
        self.levels = 1

    def some(self, text: str) -> str:
        return text if self.chance.random() < 0.5 else ""

    def claim(self) -> str:
        self.claims += 1
        kind = "11:A:1**A*Y*Y" if self.is_bill else "11:B:1*Y*A*Y*Y"
        dates = "DTP*434*RD8*20250301-20250306~" if self.is_bill else ""
        header = self.some("PWK*09*AA~") + self.some("REF*F8*ICN1~") + self.some("REF*D9*CH1~") + self.some("REF*EA*8~")
        codes = self.chance.sample(["E119", "I509", "N186", "J449", "C9000"], 3)
        diagnoses = (
            f"HI*ABK:{codes[0]}~" + (f"HI*ABJ:{codes[1]}~" if self.is_bill else "") + self.some(f"HI*ABF:{codes[2]}~")
        )
        entity, kind_of_provider = ("71", "AT") if self.is_bill else ("82", "PE")
        provider = self.some(
            f"NM1*{entity}*1*DOCTOR*A****XX*1112223338~PRV*{kind_of_provider}*PXC*207Q00000X~REF*G2*X~"
        )
        other_text = (
            "SBR*S*18*GROUP******CI~OI***Y***Y~NM1*IL*1*SPOUSE*X****MI*OTHER77~NM1*PR*2*PAYER*****PI*9~REF*F8*OTHERS~"
        )
        lines = "".join(self.line(place) for place in range(1, self.chance.randint(2, 4)))
        return f"CLM*c{self.claims}*90***{kind}~{dates}{header}{diagnoses}{provider}{self.some(other_text)}{lines}"

    def line(self, place: int) -> str:
        day = f"202503{self.chance.randint(1, 28):02}"
        service = "SV2*0450*HC:99283*90*UN*1~" if self.is_bill else "SV1*HC:99213*90*UN*1***1~"
        ordering = "" if self.is_bill else self.some("NM1*DK*1*ORDERING*A****XX*1112223338~REF*G2*X~")
        return f"LX*{place}~{service}DTP*472*D8*{day}~{ordering}"

    def level(self) -> str:
        self.levels += 1
        own = str(self.levels)
        if self.chance.random() < 0.5:
            return subscriber(own, f"A{own}", *(self.claim() for _ in range(self.chance.randint(1, 3))))
        family = subscriber(own, f"A{own}", relationship="")
        for _ in range(self.chance.randint(1, 2)):
            self.levels += 1
            name = self.chance.choice(["", f"****MI*K{self.levels}", f"****MI*A{own}"])
            family += dependent(str(self.levels), own, name, *(self.claim() for _ in range(self.chance.randint(1, 2))))
        return family

    def text(self) -> str:
        version = VERSIONS["I" if self.is_bill else "P"]
        return x12_file(*(self.level() for _ in range(self.chance.randint(1, 5))), version=version)


@pytest.mark.parametrize("seed", range(40))
def test_pyx12_sees_the_same_person_and_loops_in_every_claim(seed: int, tmp_path: Path) -> None:
    text = Invented(seed).text()
    expected = their_claims(text)
    claims, held_inputs = our_claims(tmp_path, text)
    assert claims == [claim for claim in expected if claim["person"]]
    assert held_inputs == [str(place) for place, claim in enumerate(expected, 1) if not claim["person"]]
    assert expected
