"""How records are shown: what only `verbose` gives, and what a note adds to its appointment."""

from __future__ import annotations

from typing import Any

from careloom.systems.drchrono.simulator.clinic import CHANGED, Clinic, Record

_VERBOSE: dict[str, frozenset[str]] = {
    "patients": frozenset(
        {
            "primary_insurance",
            "secondary_insurance",
            "tertiary_insurance",
            "auto_accident_insurance",
            "workers_comp_insurance",
            "custom_demographics",
            "patient_flags",
            "patient_flags_attached",
            "referring_doctor",
        }
    ),
    "clinical_notes": frozenset({"clinical_note_sections"}),
}


def api_record(clinic: Clinic, table: str, record: Record, *, verbose: bool) -> dict[str, Any]:
    """A record as the API gives it."""
    verbose_names = frozenset() if verbose else _VERBOSE.get(table, frozenset())
    body = {name: value for name, value in record.items() if name[0] != "_" and name not in verbose_names}
    if table == "appointments" and verbose:
        note = clinic.tables["clinical_notes"].visible.get(str(record["id"]))
        body |= {
            "clinical_note": None
            if note is None
            else {"locked": bool(note["signee"]["locked_by"]), "pdf": None, "updated_at": note[CHANGED]},
            "custom_fields": [],
            "custom_vitals": [],
            "reminders": [],
            "status_transitions": [],
            "vitals": {},
            "extended_updated_at": record["updated_at"],
        }
    return body
