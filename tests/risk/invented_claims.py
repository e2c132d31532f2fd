"""Invented claims, as FHIR and as X12, about a person whose name must not be said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

NAME = "Ottoline Quackenbush"


def eob(number: int = 1, **extra: Any) -> dict[str, Any]:
    """An invented professional claim with a visit (99213) and two diagnoses."""
    icd, hcpcs = "http://hl7.org/fhir/sid/icd-10-cm", "https://bluebutton.cms.gov/resources/codesystem/hcpcs"
    return {
        "resourceType": "ExplanationOfBenefit",
        "id": f"claim-{number}",
        "status": "active",
        "patient": {"reference": f"Patient/person-{number}"},
        "billablePeriod": {"start": "2025-03-01", "end": "2025-03-04"},
        "diagnosis": [
            {"sequence": at, "diagnosisCodeableConcept": {"coding": [{"system": icd, "code": code}]}}
            for at, code in enumerate(("E11.9", "i509"), 1)
        ],
        "item": [{"sequence": 1, "productOrService": {"coding": [{"system": hcpcs, "code": "99213"}]}}],
        **extra,
    }


def diagnosis_entries(
    *codes: str, system: str = "http://hl7.org/fhir/sid/icd-10-cm", kind: str | None = None
) -> list[dict[str, Any]]:
    """Diagnoses of one code system and type."""
    types = [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/ex-diagnosistype", "code": kind}]}]
    return [
        {
            "sequence": place,
            "diagnosisCodeableConcept": {"coding": [{"system": system, "code": code}]},
            **({"type": types} if kind else {}),
        }
        for place, code in enumerate(codes, 1)
    ]


def concept(system: str, code: str) -> dict[str, Any]:
    """A CodeableConcept of one code."""
    return {"coding": [{"system": system, "code": code}]}


def service_items(system: str, code: str, **extra: Any) -> list[dict[str, Any]]:
    """One item with a procedure."""
    return [{"sequence": 1, "productOrService": concept(system, code), **extra}]


def bill_type(code: str) -> list[dict[str, Any]]:
    """A type of bill as CARIN Blue Button gives it."""
    kind = concept("http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBSupportingInfoType", "typeofbill")
    return [{"sequence": 1, "category": kind, "code": concept("https://www.nubc.org/CodeSystem/TypeOfBill", code)}]


def visit(number: str, *codes: str, frequency: str = "1", more: str = "", day: str = "20250304") -> str:
    """A professional claim with a visit; `more` stands between CLM and HI."""
    diagnoses = "*".join(f"{'ABF' if place else 'ABK'}:{code}" for place, code in enumerate(codes))
    return f"CLM*{number}*90***11:B:{frequency}*Y*A*Y*Y~{more}HI*{diagnoses}~LX*1~SV1*HC:99213*90*UN*1***1~DTP*472*D8*{day}~"


def subscriber(level: str, person: str, *claims: str, relationship: str = "18") -> str:
    """A subscriber's level (2000B) with claims of its own."""
    return f"HL*{level}*1*22*0~SBR*P*{relationship}*******MC~NM1*IL*1*{NAME.replace(' ', '*')}****MI*{person}~{''.join(claims)}"


def dependent(level: str, parent: str, person: str, *claims: str) -> str:
    """A dependent's level (2000C) with claims; `person` is the rest of NM1 behind the names."""
    return f"HL*{level}*{parent}*23*0~PAT*19~NM1*QC*1*{NAME.replace(' ', '*')}{person}~{''.join(claims)}"


def x12_file(*levels: str, version: str = "005010X222A1", when: str = "20250301*1145") -> str:
    """A file with the levels below its billing provider."""
    return (
        f"ISA*00*          *00*          *ZZ*A              *ZZ*B              *250301*1145*^*00501*000000001*0*P*:~"
        f"GS*HC*A*B*20250301*1145*1*X*{version}~ST*837*1*{version}~BHT*0019*00*1*{when}*CH~"
        f"HL*1**20*1~NM1*85*2*CLINIC*****XX*1234567893~{''.join(levels)}SE*9*1~GE*1*1~IEA*1*000000001~"
    )


def x12(*claims: str, version: str = "005010X222A1", end: str = "1") -> str:
    header = (
        f"ISA*00*          *00*          *ZZ*A              *ZZ*B              *250301*1145*^*00501*000000001*0*P*:~"
        f"GS*HC*A*B*20250301*1145*1*X*{version}~ST*837*1*{version}~HL*1**20*1~NM1*85*2*CLINIC*****XX*1234567893~"
        f"HL*2*1*22*0~NM1*IL*1*{NAME.replace(' ', '*')}****MI*person-1~"
    )
    return f"{header}{''.join(claims)}SE*9*{end}~GE*1*1~IEA*1*000000001~"


OFFICE = "CLM*c1*90***11:B:1*Y*A*Y*Y~HI*ABK:E119*ABF:I509~LX*1~SV1*HC:99213:25*90*UN*1***1:2~DTP*472*D8*20250304~"
WARD = (
    "CLM*c2*900***11:A:8**A*Y*Y~DTP*434*RD8*20250301-20250306~HI*ABK:I509~HI*ABF:N186~LX*1~SV2*0120**900*DA*5~"
    "LX*2~SV2*0250*HC:J1885*10*UN*1~"
)


def write_file(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path
