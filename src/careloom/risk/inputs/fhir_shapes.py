"""Parts of a FHIR resource, whatever a sender made of them: what has another shape than FHIR's is held, never guessed at."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from careloom.core.errors import Hold
from careloom.risk.inputs.lines import calendar_day

MOMENT = re.compile(
    r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})"
    r"(?:T(?:[01][0-9]|2[0-3]):[0-5][0-9](?::(?:[0-5][0-9]|60)(?:\.[0-9]+)?)?(?:Z|[+-][0-9]{2}:[0-9]{2})?)?)?)?"
)
"""A dateTime of FHIR R4, at each precision."""
ADDRESS = re.compile(r"^(?:https?://(?:www\.)?)?(.*?)/*(?:\|.*)?$")


def not_fhir() -> Hold:
    """What is said of a claim that has another shape than FHIR's. Its message quotes nothing."""
    return Hold("bad-claim", "the claim is not an ExplanationOfBenefit as FHIR R4 has it")


def text_at(parent: Mapping[str, Any], name: str) -> str | None:
    """A text without blanks around it, or nothing.

    Raises:
        Hold: it is something else, as a number in place of a code.

    """
    value = parent.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise not_fhir()
    return value.strip() or None


def objects(parent: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """The objects of a field that is one, or a list of them.

    Raises:
        Hold: it is something else.

    """
    value = parent.get(name)
    several = value if isinstance(value, list) else [] if value is None else [value]
    if not all(isinstance(part, dict) for part in several):
        raise not_fhir()
    return several


def codings(concept: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The system (see `system_name`) and code of each coding of a CodeableConcept."""
    pairs = ((text_at(coding, "system"), text_at(coding, "code")) for coding in objects(concept, "coding"))
    return [(system_name(system), code) for system, code in pairs if code]


def system_name(address: str | None) -> str:
    """A code system's address as it is compared: without scheme, version and last slash, in small letters."""
    match = ADDRESS.match((address or "").strip().lower())
    return match[1] if match else ""


def code_in(concept: Mapping[str, Any], systems: set[str]) -> str | None:
    """The first code that is of one of the systems."""
    return next((code for system, code in codings(concept) if system in systems), None)


def day_of(text: str | None, *, last: bool = True) -> date | None:
    """The day of a date or dateTime in its own time zone; of a month or a year, its last day, or its first.

    Raises:
        Hold: there is no such day.

    """
    if text is None:
        return None
    moment = MOMENT.fullmatch(text)
    if moment is None:
        raise Hold("bad-date", "the claim has a service date that is no date of FHIR R4")
    year, month, day = moment.groups()
    if day is not None:
        return calendar_day(year, month, day)
    first = calendar_day(year, month or ("12" if last else "01"), "01")
    return first.replace(day=monthrange(first.year, first.month)[1]) if last else first


def last_day(period: Mapping[str, Any] | None) -> date | None:
    """The day on which a Period ends, or where it has no end, begins."""
    if period is None:
        return None
    if not isinstance(period, Mapping):
        raise not_fhir()
    return day_of(text_at(period, "end")) or day_of(text_at(period, "start"), last=False)


def instant(text: Any) -> datetime | None:
    """An instant in UTC, as which one without a zone is taken; nothing if it cannot be read."""
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
        return moment.astimezone(UTC).replace(tzinfo=None) if moment and moment.tzinfo else moment
    except (ValueError, OverflowError):
        return None
