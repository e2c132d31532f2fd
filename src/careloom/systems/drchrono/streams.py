"""The eight streams: what DrChrono holds, the tables they land in, and what ties them.

Table and column names are those that the clinic's other programs read; keep them.
"""

from __future__ import annotations

from collections.abc import Mapping

from careloom.core.phi import Phi
from careloom.core.streams import Column, ColumnType, LinkRule, Stream

RANKS = ("primary", "secondary", "tertiary")
RAW = "drchrono_raw"
_NONE, _CONTACT, _IDENTITY, _CLINICAL = Phi.NONE, Phi.CONTACT, Phi.IDENTITY, Phi.CLINICAL


def _columns(phi: Phi, *names: str, type: ColumnType = "text") -> tuple[Column, ...]:
    """Columns that are called as the record calls them; "column=path" where they are not."""
    return tuple(
        Column(name=column, type=type, paths=tuple((path or column).split("|")), phi=phi)
        for column, _, path in (name.partition("=") for name in names)
    )


_PATIENT = LinkRule(column="patient_id", to="patients", tiers=((("drchrono_patient_id", "drchrono_id"),),))
_APPOINTMENT = LinkRule(
    column="appointment_id",
    to="appointments",
    tiers=((("drchrono_appt_id", "drchrono_id"),),),
    # What says that it is one patient's is never tied to another patient's appointment.
    agree=(("drchrono_patient_id", "drchrono_patient_id"),),
)
_OF_PATIENT = _columns(_IDENTITY, "drchrono_patient_id=patient", type="integer")
_OF_APPOINTMENT = _columns(_IDENTITY, "drchrono_appt_id=appointment")
_OF_DOCTOR = _columns(_NONE, "doctor_id=doctor", type="integer")

PATIENTS = Stream(
    name="patients",
    table="patients",
    key="id",
    key_column="drchrono_id",
    version="updated_at",
    changes=True,
    raw=RAW,
    description="People in care, with their insurance in the stream `insurance`.",
    columns=(
        *_columns(_IDENTITY, "first_name", "middle_name", "last_name", "nick_name"),
        *_columns(_IDENTITY, "date_of_birth", type="date"),
        *_columns(_CONTACT, "email", "phone=cell_phone|home_phone", "cell_phone", "home_phone", "office_phone"),
        *_columns(_IDENTITY, "gender"),
        *_columns(_CONTACT, "address", "city", "state", "zip_code"),
        *_columns(_CONTACT, "emergency_contact_name", "emergency_contact_phone", "emergency_contact_relation"),
        *_columns(_IDENTITY, "chart_id", "preferred_language", "ethnicity", "race"),
        *_columns(_NONE, "patient_status", "referring_source"),
        *_OF_DOCTOR,
        *_columns(_IDENTITY, "primary_insurance", "secondary_insurance", type="jsonb"),
        *_columns(_NONE, "disable_sms_messages", type="boolean"),
        *_columns(_NONE, "created_at", "updated_at", type="timestamp"),
    ),
)

APPOINTMENTS = Stream(
    name="appointments",
    table="appointments",
    key="id",
    key_column="drchrono_id",
    key_type="text",
    version="updated_at",
    changes=True,
    raw=RAW,
    links=(_PATIENT,),
    description="Appointments, single and recurring (`<root>_<YYYYMMDD>`), and breaks, which have no patient.",
    columns=(
        *_OF_PATIENT,
        *_OF_DOCTOR,
        *_columns(_NONE, "office_id=office", "duration", "exam_room", type="integer"),
        *_columns(_CLINICAL, "scheduled_time", type="timestamp"),
        *_columns(_NONE, "status"),
        *_columns(_CLINICAL, "reason", "notes"),
        *_columns(_NONE, "profile_id=profile", type="integer"),
        *_columns(_NONE, "appt_is_break", "recurring_appointment", "is_walk_in", "deleted_flag", type="boolean"),
        *_columns(_NONE, "created_at", "updated_at", type="timestamp"),
    ),
)

CLINICAL_NOTES = Stream(
    name="clinical_notes",
    table="clinical_notes",
    key="appointment",
    key_column="drchrono_id",
    key_type="text",
    changes=True,
    raw=RAW,
    links=(_PATIENT, _APPOINTMENT),
    description="The note of an appointment: its key is the appointment's. It states no time of change itself.",
    columns=(
        *_OF_APPOINTMENT,
        *_OF_PATIENT,
        *_columns(_CLINICAL, "note_date", type="date"),
        *_columns(_NONE, "locked", "archived", type="boolean"),
        *_columns(_CLINICAL, "sections=clinical_note_sections", type="jsonb"),
    ),
)

MEDICATIONS = Stream(
    name="medications",
    table="medications",
    key="id",
    key_column="drchrono_id",
    raw=RAW,
    links=(_PATIENT, _APPOINTMENT),
    description="Medications. DrChrono tells no time of change: every scan is a whole one.",
    columns=(
        *_OF_PATIENT,
        *_OF_APPOINTMENT,
        *_OF_DOCTOR,
        *_columns(_CLINICAL, "name", "rxnorm", "ndc", "status", "order_status", "dosage_quantity", "dosage_units"),
        *_columns(_CLINICAL, "dispense_quantity", type="numeric"),
        *_columns(_CLINICAL, "number_refills", type="integer"),
        *_columns(_CLINICAL, "frequency", "route", "indication", "notes"),
        *_columns(_CLINICAL, "prn", "daw", type="boolean"),
        *_columns(_CLINICAL, "date_prescribed", type="timestamp"),
        *_columns(_CLINICAL, "date_started_taking", "date_stopped_taking", type="date"),
    ),
)

PROBLEMS = Stream(
    name="problems",
    table="problems",
    key="id",
    key_column="drchrono_id",
    raw=RAW,
    links=(_PATIENT, _APPOINTMENT),
    description="Diagnoses. DrChrono tells no time of change: every scan is a whole one.",
    columns=(
        *_OF_PATIENT,
        *_OF_APPOINTMENT,
        *_OF_DOCTOR,
        *_columns(_CLINICAL, "name", "icd_code", "icd_version", "snomed_ct_code", "status", "verification_status"),
        *_columns(_CLINICAL, "category", "problem_type", "notes"),
        *_columns(_CLINICAL, "date_onset", "date_diagnosis", "abatement_date", type="date"),
        *_columns(_CLINICAL, "date_changed", type="timestamp"),
    ),
)

ALLERGIES = Stream(
    name="allergies",
    table="allergies",
    key="id",
    key_column="drchrono_id",
    raw=RAW,
    links=(_PATIENT,),
    description="Allergies. DrChrono tells no time of change: every scan is a whole one.",
    columns=(
        *_OF_PATIENT,
        *_OF_DOCTOR,
        *_columns(_CLINICAL, "description", "reaction", "snomed_reaction", "snomed_code", "rxnorm"),
        *_columns(_CLINICAL, "status", "verification_status", "notes"),
    ),
)

INSURANCE = Stream(
    name="insurance",
    table="insurance",
    key="key",
    key_column="drchrono_id",
    key_type="text",
    version="updated_at",
    changes=True,
    out_of="patients",
    raw=RAW,
    links=(_PATIENT,),
    description="A patient's policies, read out of the patient: the key is `<patient>:primary`, secondary or tertiary.",
    columns=(
        *_OF_PATIENT,
        *_columns(_NONE, "rank"),
        *_columns(_NONE, "insurance_company", "insurance_payer_id", "insurance_plan_name", "insurance_plan_type"),
        *_columns(_IDENTITY, "insurance_id_number", "insurance_group_number", "insurance_group_name"),
        *_columns(_NONE, "is_subscriber_the_patient", type="boolean"),
        *_columns(_IDENTITY, "patient_relationship_to_subscriber", "subscriber_first_name", "subscriber_last_name"),
        *_columns(_IDENTITY, "subscriber_date_of_birth", type="date"),
    ),
)

LINE_ITEMS = Stream(
    name="line_items",
    table="line_items",
    key="id",
    key_column="drchrono_id",
    version="updated_at",
    changes=True,
    raw=RAW,
    links=(_PATIENT, _APPOINTMENT),
    description="Charges, one for each procedure billed.",
    columns=(
        *_OF_PATIENT,
        *_OF_APPOINTMENT,
        *_OF_DOCTOR,
        *_columns(_CLINICAL, "code", "procedure_type"),
        *_columns(_CLINICAL, "diagnosis_pointers", "modifiers", type="jsonb"),
        *_columns(_NONE, "units"),
        *_columns(_NONE, "quantity", "price", "billed", "allowed", "adjustment", type="numeric"),
        *_columns(_NONE, "ins1_paid", "ins2_paid", "ins3_paid", "pt_paid", "paid_total", "ins_total", type="numeric"),
        *_columns(_NONE, "balance_ins", "balance_pt", "balance_total", type="numeric"),
        *_columns(_NONE, "billing_status", "insurance_status"),
        *_columns(_NONE, "denied_flag", type="boolean"),
        *_columns(_CLINICAL, "service_date", type="date"),
        *_columns(_NONE, "posted_date", type="date"),
        *_columns(_NONE, "updated_at", type="timestamp"),
    ),
)

STREAMS: Mapping[str, Stream] = {
    stream.name: stream
    for stream in (
        PATIENTS,
        APPOINTMENTS,
        CLINICAL_NOTES,
        MEDICATIONS,
        PROBLEMS,
        ALLERGIES,
        INSURANCE,
        LINE_ITEMS,
    )
}
