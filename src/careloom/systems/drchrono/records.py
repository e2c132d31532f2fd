"""From what DrChrono says to records: their keys, what lies inside others, and what is gone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from careloom.core.errors import Hold
from careloom.core.streams import Record
from careloom.systems.drchrono.streams import RANKS, STREAMS

_NUMBER = re.compile(r"[1-9]\d{0,17}")
# An appointment's id is "usually numeric but not always": a recurring one that was not made yet is <root>_<YYYYMMDD>.
_WORD = re.compile(r"[0-9A-Za-z][0-9A-Za-z_\-]{0,63}")
_SAYS_A_POLICY = ("insurance_company", "insurance_payer_id", "insurance_id_number", "insurance_group_number")


def key_of(stream: str, data: Mapping[str, Any]) -> str:
    """The record's key as text; Hold with no-key or bad-key."""
    declaration = STREAMS[stream]
    value = data.get(declaration.key)
    if value is None or value == "":
        raise Hold("no-key", f"a record of {stream} has no {declaration.key!r}")
    pattern = _NUMBER if declaration.key_type == "integer" else _WORD
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if not pattern.fullmatch(text):
        raise Hold("bad-key", f"a record of {stream} has a {declaration.key!r} that is no key")
    return text


def local_time(value: Any, zone: ZoneInfo, seen_at: datetime) -> datetime | None:
    """A time as DrChrono writes it, without a zone: the practice's own, of a repeated hour the last one before `seen_at`."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    if moment is None or moment.tzinfo is not None:
        return moment
    first, second = (moment.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return second if first < second <= seen_at else first


def records_of(stream: str, data: Mapping[str, Any], observed_at: datetime, zone: ZoneInfo) -> list[Record]:
    """The record itself, and those of other streams that it holds. Hold where it has no usable key."""
    key = key_of(stream, data)
    is_deleted = stream == "appointments" and data.get("deleted_flag") is True
    if is_deleted:
        return [deletion(stream, key, observed_at, local_time(data.get("updated_at"), zone, observed_at))]
    record = Record(stream=stream, key=key, data=data, observed_at=observed_at)
    return [record, *(policies(key, data, observed_at, zone) if stream == "patients" else ())]


def deletion(
    stream: str, key: str, observed_at: datetime, gone_at: datetime | None = None, *, root: str = ""
) -> Record:
    """The record of `key`, which the record `root` would hold, was seen to be gone; since `gone_at`, where that was said."""
    return Record(stream=stream, key=key, data=None, observed_at=observed_at, gone_at=gone_at, root=root)


def policies(patient: str, data: Mapping[str, Any], observed_at: datetime, zone: ZoneInfo) -> list[Record]:
    """A patient's insurance records; deletions where a policy is empty, nothing where the patient was given without."""
    records: list[Record] = []
    for rank in RANKS:
        name, key = f"{rank}_insurance", f"{patient}:{rank}"
        if name not in data:
            continue
        policy = data[name]
        if isinstance(policy, dict) and any(policy.get(field) for field in _SAYS_A_POLICY):
            content = {
                **policy,
                "key": key,
                "patient": int(patient),
                "rank": rank,
                "updated_at": data.get("updated_at"),
            }
            records.append(Record(stream="insurance", key=key, data=content, observed_at=observed_at, root=patient))
        else:
            # As old as the patient's own change, so that a late event cannot delete a newer policy.
            changed_at = local_time(data.get("updated_at"), zone, observed_at)
            records.append(deletion("insurance", key, observed_at, changed_at, root=patient))
    return records


def note_with(
    data: Mapping[str, Any], appointment: Mapping[str, Any] | None, day: str | None = None
) -> Mapping[str, Any]:
    """A clinical note with what it does not say itself: the day of its appointment, and whether it is locked."""
    additions: dict[str, Any] = {}
    if day is None and appointment is not None:
        day = day_of(appointment)
    if day is not None:
        additions["note_date"] = day
    inner = appointment.get("clinical_note") if appointment is not None else None
    if isinstance(inner, dict) and isinstance(inner.get("locked"), bool):
        additions["locked"] = inner["locked"]
    elif "signee" in data and "locked" not in data:
        signee = data["signee"]
        additions["locked"] = bool(signee.get("locked_by")) if isinstance(signee, dict) else False
    return {**data, **additions}


def day_of(appointment: Mapping[str, Any]) -> str | None:
    """The day of an appointment, as the practice's calendar has it."""
    time = appointment.get("scheduled_time")
    return time[:10] if isinstance(time, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", time[:10]) else None


def deleted_line_item(data: Mapping[str, Any], observed_at: datetime, zone: ZoneInfo) -> Record:
    """The line item that an entry of line_item_deletions speaks of. Hold where it names none."""
    key = key_of("line_items", {"id": data.get("billing_line_item_id")})
    return deletion("line_items", key, observed_at, local_time(data.get("created_at"), zone, observed_at))
