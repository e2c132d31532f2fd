"""The one stream: an AI session note, with what it says about diagnoses, codes, drugs and risk."""

from __future__ import annotations

from careloom.core.phi import Phi
from careloom.core.streams import Column, ColumnType, Stream


def _clinical(name: str, *paths: str, type: ColumnType = "text") -> Column:
    return Column(name=name, paths=paths or (name, _camel(name)), type=type, phi=Phi.CLINICAL)


def _camel(name: str) -> str:
    first, *words = name.split("_")
    return first + "".join(part.capitalize() for part in words)


NOTES = Stream(
    name="notes",
    key="session_id",
    key_column="session_id",
    key_type="text",
    version="updated_at",
    raw="gridhook_raw",
    description="Session notes as they were dictated and structured.",
    columns=(
        Column(name="appointment_id", paths=("appointment_id", "appointmentId"), phi=Phi.IDENTITY),
        Column(name="patient_id", type="integer", paths=("patient_id", "patientId"), phi=Phi.IDENTITY),
        Column(name="doctor_id", paths=("doctor_id", "doctorId")),
        _clinical("session_date", type="date"),
        _clinical("session_time"),
        _clinical("duration_minutes", type="numeric"),
        _clinical("transcript"),
        *(_clinical(f"soap_{part}", f"soap.{part}") for part in ("subjective", "objective", "assessment", "plan")),
        *(_clinical(name, type="jsonb") for name in ("icd10_codes", "cpt_codes", "medication_mentions")),
        *(_clinical(name, type="jsonb") for name in ("billing_summary", "risk_assessment")),
    ),
)

STREAMS = {"notes": NOTES}
