"""The claims of one X12 837 transaction: whose each is goes by its place in the hierarchy, never by the nearest name.

    20 billing provider > 22 subscriber (2000B, named in 2010BA) > 23 dependent (2000C, named in 2010CA) > claim (2300)

A claim is the person's of the level it stands in. Names further down (other subscribers in 2330A, providers) are not asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from careloom.core.errors import Hold
from careloom.risk.inputs.lines import Holding, Line, calendar_day, line_of

PART = "\x1f"
"""What parts the components of an element here, whatever the file uses."""
SUPPORTED = {"005010X222A1": "837P", "005010X223A2": "837I"}
SUBSCRIBER, DEPENDENT, SELF = "22", "23", "18"
ICD_10 = {"ABK": "principal", "ABF": "other", "ABJ": "admitting", "APR": "reason-for-visit", "ABN": "external-cause"}
ICD_9 = {"BK", "BF", "BJ", "PR", "BN"}
POINTED_AT = {"ABK", "ABF", "BK", "BF"}
NO_DIAGNOSES = {"BBQ", "BBR", "BE", "BG", "BH", "BI", "BO", "BP", "BQ", "BR", "CAH", "DR", "TC"}
"""Qualifiers of HI that bring procedures, conditions, values, occurrences and groups."""
OF_A_CLAIM = {"HI", "LX", "OI", "SV1", "SV2", "CAS", "SVD"}
REPLACEMENT, VOID = "7", "8"
CHART_REVIEW, TAKES_BACK = "09", "8"
DAY = re.compile("([0-9]{4})([0-9]{2})([0-9]{2})")
MODIFIERS = slice(2, 6)

Segment = list[str]


@dataclass(slots=True, kw_only=True)
class _Level:
    """An HL loop, with what is said of its person before any claim."""

    code: str
    parent: _Level | None
    subscribers: list[str] = field(default_factory=list)
    patients: list[str] = field(default_factory=list)
    relationship: str | None = None
    named_patient: bool = False
    is_broken: bool = False


@dataclass(slots=True, kw_only=True)
class _Claim:
    """A claim (2300) while its segments come in. `loop` is the one that the next segment belongs to."""

    number: int
    level: _Level | None
    head: Segment
    loop: str = "2300"
    numbers: list[str] = field(default_factory=list)
    refers_to: list[str] = field(default_factory=list)
    is_chart_review: bool = False
    takes_back: bool = False
    through: str = ""
    codes: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    pointers: list[str | None] = field(default_factory=list)
    uncounted_reasons: list[str] = field(default_factory=list)
    specialty: str | None = None
    services: list[_ServiceLine] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class _ServiceLine:
    """A service line (2400)."""

    segment: Segment
    dates: str = ""
    ndc: str | None = None
    specialty: str | None = None


def lines_of(segments: list[Segment], version: str, position: int, holding: Holding) -> Iterator[Line]:
    """The service lines of a transaction's claims; a claim of which anything is wrong is held whole."""
    sent_at = _sending_time(segments)
    claims, stray = _claims(segments)
    if stray:
        holding.hold(f"transaction {position}", "bad-claim", "the transaction has service lines outside of claims")
    for claim in claims:
        try:
            lines = list(_lines(claim, SUPPORTED[version], sent_at))
        except Hold as fault:
            holding.hold(f"transaction {position}, claim {claim.number}", fault.code, str(fault))
            continue
        for line in lines:
            yield {**line, "source": holding.source, "position": position, "claim": claim.number}


def element(segment: Segment, place: int) -> str:
    """An element by its number, or nothing."""
    return segment[place].strip() if len(segment) > place else ""


def _part(text: str, place: int) -> str:
    parts = text.split(PART)
    return parts[place].strip() if len(parts) > place else ""


def _sending_time(segments: list[Segment]) -> datetime | None:
    """When the sender made the transaction: BHT04 and BHT05."""
    head = next((segment for segment in segments if segment[0] == "BHT"), [])
    clock = element(head, 5)[:4].ljust(4, "0")
    try:
        return datetime.strptime(element(head, 4) + clock, "%Y%m%d%H%M")  # noqa: DTZ007 - it has no zone
    except ValueError:
        return None


# ---------------------------------------------------------------- loops


def _claims(segments: list[Segment]) -> tuple[list[_Claim], bool]:
    """The claims, and whether there are service lines outside of them."""
    levels: dict[str, _Level] = {}
    level: _Level | None = None
    claims: list[_Claim] = []
    claim: _Claim | None = None
    stray = False
    for segment in segments:
        if segment[0] == "HL":
            level = _Level(code=element(segment, 3), parent=levels.get(element(segment, 2)))
            levels[element(segment, 1)] = level
            claim = None
        elif segment[0] == "CLM":
            claim = _Claim(number=len(claims) + 1, level=level, head=segment)
            claims.append(claim)
        elif claim is not None:
            _into_claim(claim, segment)
        else:
            stray |= segment[0] in {"SV1", "SV2"}
            if level is not None:
                _into_level(level, segment)
    return claims, stray


def _into_level(level: _Level, segment: Segment) -> None:
    kind = element(segment, 1).upper()
    if segment[0] in OF_A_CLAIM:
        level.is_broken = True  # its claim has lost its beginning, and names behind it may be anybody's
    elif segment[0] == "SBR":
        level.is_broken |= level.relationship is not None
        level.relationship = element(segment, 2)
    elif segment[0] == "NM1" and kind == "IL":
        level.subscribers.append(element(segment, 9))
    elif segment[0] == "NM1" and kind == "QC":
        level.named_patient = True
        level.patients.append(element(segment, 9))


def _into_claim(claim: _Claim, segment: Segment) -> None:
    name = segment[0]
    if name in {"LX", "SV1", "SV2"}:
        claim.loop = "2400"
    elif name == "SBR":
        claim.loop = "2320"
    elif name == "NM1":
        claim.loop = {"2300": "2310", "2400": "2420"}.get(claim.loop[:4], claim.loop[:4])
        claim.loop += f" {element(segment, 1).upper()}"
    if name in {"SV1", "SV2"}:
        claim.services.append(_ServiceLine(segment=segment))
    elif name == "HI":
        _diagnoses(claim, segment)
    elif name == "PRV" and element(segment, 1).upper() == "PE":
        _specialty(claim, element(segment, 3))
    elif claim.loop == "2300":
        _into_head(claim, segment)
    elif claim.services and claim.loop.startswith("24"):
        _into_service(claim.services[-1], segment)


def _into_head(claim: _Claim, segment: Segment) -> None:
    name, kind, value = segment[0], element(segment, 1).upper(), element(segment, 2)
    if name == "REF" and kind == "F8" and value:
        claim.refers_to.append(value)
    elif name == "REF" and kind == "D9" and value:
        claim.numbers.append(value)
    elif name == "REF" and kind == "EA" and value == TAKES_BACK:
        claim.takes_back = True
    elif name == "PWK" and kind == CHART_REVIEW:
        claim.is_chart_review = True
    elif name == "DTP" and kind in {"434", "472"}:
        claim.through = element(segment, 3)


def _into_service(service: _ServiceLine, segment: Segment) -> None:
    if segment[0] == "DTP" and element(segment, 1) == "472":
        service.dates = element(segment, 3)
    elif segment[0] == "LIN" and element(segment, 2).upper() == "N4":
        service.ndc = element(segment, 3) or None


def _specialty(claim: _Claim, code: str) -> None:
    if claim.loop == "2310 82":
        claim.specialty = code or None
    elif claim.loop == "2420 82" and claim.services:
        claim.services[-1].specialty = code or None


def _diagnoses(claim: _Claim, segment: Segment) -> None:
    for text in segment[1:]:
        kind, code = _part(text, 0).upper(), _part(text, 1)
        if not kind or kind in NO_DIAGNOSES:
            continue
        is_known = kind in ICD_10 and bool(code)
        if kind in POINTED_AT:
            claim.pointers.append(code if is_known else None)
        if is_known:
            claim.codes.append(code)
            claim.kinds.append(ICD_10[kind])
        else:
            reason = "no-code" if not code else "icd-9" if kind in ICD_9 else "another-system"
            claim.uncounted_reasons.append(reason)


# ---------------------------------------------------------------- rows


def _lines(claim: _Claim, claim_type: str, sent_at: datetime | None) -> Iterator[Line]:
    head = _head(claim, claim_type, sent_at)
    if not claim.services and head["action"] is None:
        raise Hold("no-services", "the claim has no service line")
    for service in claim.services:
        yield line_of(**head, **_service(service, claim, head["through_date"]))
    if not claim.services:  # it takes another one back, and needs no lines for that
        yield line_of(**head, service_date=head["through_date"])


def _head(claim: _Claim, claim_type: str, sent_at: datetime | None) -> dict[str, Any]:
    place = element(claim.head, 5)
    bill = _part(place, 0)
    has_bill = claim_type == "837I" and re.fullmatch("[0-9]{2}", bill) is not None
    review = _chart_review(claim)
    frequency = _part(place, 2) or None
    return {
        "person_id": _person(claim.level),
        "claim_id": element(claim.head, 1) or None,
        "claim_numbers": claim.numbers,
        "format": "x12",
        "claim_type": claim_type,
        "institutional": claim_type == "837I",
        "facility_type": bill[0] if has_bill else None,
        "service_type": bill[1] if has_bill else None,
        "frequency": frequency,
        "action": "delete"
        if review == "delete" and frequency != VOID
        else {REPLACEMENT: "replacement", VOID: "void"}.get(frequency or ""),
        "refers_to": claim.refers_to,
        "chart_review": review,
        "sent": sent_at,
        "through_date": _last_day(claim.through),
        "diagnosis_codes": claim.codes,
        "diagnosis_kinds": claim.kinds,
        "uncounted_diagnoses": claim.uncounted_reasons,
    }


def _chart_review(claim: _Claim) -> str | None:
    """What PWK01 `09` makes of a claim: a chart review, which takes back with REF*EA*8 and is linked by REF*F8."""
    if not claim.is_chart_review:
        return None
    return "delete" if claim.takes_back else "linked" if claim.refers_to else "unlinked"


def _service(service: _ServiceLine, claim: _Claim, through: date | None) -> dict[str, Any]:
    segment, is_professional = service.segment, service.segment[0] == "SV1"
    procedure = element(segment, 1 if is_professional else 2).split(PART)
    pointers = element(segment, 7).split(PART) if is_professional else []
    return {
        "procedure_code": _part(PART.join(procedure), 1) or None,
        "modifiers": [part.strip() for part in procedure[MODIFIERS] if part.strip()],
        "ndc": service.ndc,
        "place_of_service": (element(segment, 5) or None) if is_professional else None,
        "provider_specialty": service.specialty or claim.specialty,
        "service_date": _last_day(service.dates) or through,
        "linked_diagnosis_codes": [code for pointer in pointers if (code := _diagnosis_at(claim, pointer))],
    }


def _diagnosis_at(claim: _Claim, pointer: str) -> str | None:
    place = int(pointer) if pointer.isascii() and pointer.isdigit() else 0
    return claim.pointers[place - 1] if 0 < place <= len(claim.pointers) else None


def _last_day(dates: str) -> date | None:
    """The last day of a date or a range of dates.

    Raises:
        Hold: it is no day.

    """
    if not dates:
        return None
    digits = DAY.match(dates.rpartition("-")[2])
    if digits is None:
        raise Hold("bad-date", "the claim has a service date that is not YYYYMMDD")
    return calendar_day(*digits.groups())


def _person(level: _Level | None) -> str:
    """The id of the person whom the claims of a level are about.

    Raises:
        Hold: no one is named, or it may be someone else.

    """
    if level is None or level.code not in {SUBSCRIBER, DEPENDENT}:
        raise Hold("no-person", "the claim is under no subscriber and no dependent (HL)")
    if level.is_broken:
        raise Hold("bad-claim", "parts of a claim without its beginning (CLM) are at its level (HL)")
    if level.code == SUBSCRIBER and not level.named_patient:
        if level.relationship not in {None, SELF}:
            raise Hold("no-person", "the subscriber is not the patient (SBR02 is not 18), and no patient is named")
        return _single(level.subscribers, "the claim does not say whose it is")
    subscriber = level if level.code == SUBSCRIBER else level.parent
    if subscriber is None or subscriber.code != SUBSCRIBER:
        raise Hold("bad-hierarchy", "a dependent (HL) is not under a subscriber")
    person = _single(
        level.patients,
        "the patient is a dependent without an id of its own (2010CA), who is not the subscriber",
        "dependent",
    )
    if person in subscriber.subscribers:
        raise Hold("dependent", "the patient is a dependent with the subscriber's own id, who is not the subscriber")
    return person


def _single(ids: list[str], missing: str, code: str = "no-person") -> str:
    """The only id.

    Raises:
        Hold: there is none, or there are several.

    """
    if not any(ids):
        raise Hold(code, missing)
    if len(set(ids)) > 1:
        raise Hold(code, "the claim names several people as the patient")
    return ids[0]
