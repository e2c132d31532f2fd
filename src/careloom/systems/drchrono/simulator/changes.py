"""Changes to the practice, and the events that tell of them."""

from __future__ import annotations

from typing import Any

from careloom.systems.drchrono.simulator import seed
from careloom.systems.drchrono.simulator.clinic import Clinic, Record

EVENTS = {
    "patients": ("PATIENT_CREATE", "PATIENT_MODIFY"),
    "appointments": ("APPOINTMENT_CREATE", "APPOINTMENT_MODIFY"),
    "medications": ("PATIENT_MEDICATION_CREATE", "PATIENT_MEDICATION_MODIFY"),
    "problems": ("PATIENT_PROBLEM_CREATE", "PATIENT_PROBLEM_MODIFY"),
    "allergies": ("PATIENT_ALLERGY_CREATE", "PATIENT_ALLERGY_MODIFY"),
}
"""What a creation and a change of a table's records are told as. Notes tell only of their locks, charges of nothing."""


def create_record(clinic: Clinic, table: str, values: Record) -> Record:
    """Add a record, its id ours unless `values` names one."""
    base: dict[str, Any] = {}
    if table == "appointments":
        base = seed.appointment(clinic, None, values.get("scheduled_time") or clinic.time())
        base["appt_is_break"] = not values.get("patient")
    elif table != "clinical_notes":
        base = {"id": clinic.new_id(), "doctor": 501, "created_at": clinic.time()}
    record = {**base, **values}
    if table == "clinical_notes":
        visit = clinic.tables["appointments"].truth[str(record["appointment"])]
        record = {**seed.note(visit, is_locked=False), **record}
    return clinic.put(table, record, event=EVENTS.get(table, ("", ""))[0])


def change_record(clinic: Clinic, table: str, key: str, values: Record) -> Record | None:
    """Change some fields of a record; None if there is none."""
    old = clinic.tables[table].truth.get(key)
    if old is None:
        return None
    return clinic.put(table, {**old, **values}, event=EVENTS.get(table, ("", ""))[1])


def delete_record(clinic: Clinic, table: str, key: str) -> bool:
    """Delete a record: appointments are only marked, the others are gone. False if there is none."""
    old = clinic.tables[table].truth.get(key)
    if old is None or old.get("deleted_flag"):
        return False
    if table == "appointments":
        clinic.put(table, {**old, "deleted_flag": True}, event="APPOINTMENT_DELETE")
        return True
    return clinic.remove(table, key)


def lock_note(clinic: Clinic, key: str, *, is_locked: bool) -> bool:
    """Lock or unlock the note of an appointment; False if there is none."""
    old = clinic.tables["clinical_notes"].truth.get(key)
    if old is None:
        return False
    signee = {"locked_by": "501" if is_locked else None, "supervisor_locked_by": None}
    event = "CLINICAL_NOTE_LOCK" if is_locked else "CLINICAL_NOTE_UNLOCK"
    clinic.put("clinical_notes", {**old, "signee": signee}, event=event)
    return True
