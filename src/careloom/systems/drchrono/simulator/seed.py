"""Invented people with invented lives: the same ones for the same seed."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from typing import Any

from careloom.systems.drchrono.simulator.clinic import Clinic, Record

_FIRST = (
    "Alder",
    "Briony",
    "Caspian",
    "Delphine",
    "Evander",
    "Fennel",
    "Garnet",
    "Hollis",
    "Isolde",
    "Juniper",
    "Kestrel",
)
_LAST = ("Zzyzx", "Quillfeather", "Marrowby", "Thistledown", "Oakenshaw", "Pebblewick", "Larkspurton", "Umberfield")
_CITIES = (("Springfield", "OR", "97477"), ("Riverton", "WY", "82501"), ("Fairview", "TN", "37062"))
_DRUGS = (("Lisinopril 10 MG", "314076"), ("Metformin 500 MG", "861007"), ("Atorvastatin 20 MG", "617310"))
_DIAGNOSES = (("Essential hypertension", "I10"), ("Type 2 diabetes mellitus", "E11.9"), ("Asthma", "J45.909"))
_ALLERGENS = (("Penicillin", "Hives"), ("Peanut", "Swelling"), ("Latex", "Rash"))
_CODES = (("99213", "125.00"), ("99214", "182.50"), ("90837", "160.00"))
_DOCTOR, _OFFICE = 501, 601
_COMPLETE = "Complete"


def seed(clinic: Clinic, patients: int, *, lives: bool = True) -> None:
    """Add so many patients, with `lives` also their appointments, notes, charges, medications, problems and allergies.

    No webhook is sent: this is what was there before.
    """
    rng = random.Random(f"{clinic.seed}-{clinic.next_id}")  # noqa: S311 - invented people, not secrets
    today = clinic.now().date()
    with clinic.lock:
        for number in range(patients):
            changed_at = _moment(rng, today, 1, 300)
            patient = _patient(clinic, rng, number, changed_at)
            clinic.put("patients", patient, changed_at=changed_at)
            if lives:
                _life(clinic, rng, patient["id"], today)
        for _ in range(max(1, patients // 10) if lives else 0):
            start = _moment(rng, today, -30, 60)
            clinic.put(
                "appointments",
                {**appointment(clinic, None, start), "appt_is_break": True},
                changed_at=_past(start, today),
            )


def _patient(clinic: Clinic, rng: random.Random, number: int, changed_at: str) -> Record:
    city, state, zip_code = rng.choice(_CITIES)
    identity = clinic.new_id()
    return {
        "id": identity,
        "chart_id": f"CH{identity:06d}",
        "first_name": rng.choice(_FIRST),
        "middle_name": "",
        "last_name": _LAST[number % len(_LAST)],
        "nick_name": "",
        "date_of_birth": (date(1935, 1, 1) + timedelta(days=rng.randrange(30_000))).isoformat(),
        "gender": rng.choice(("Male", "Female", "Other")),
        "patient_status": "A",
        "email": f"patient{identity}@example.org",
        "cell_phone": f"(541) 555-{rng.randrange(10_000):04d}" if rng.random() < 0.8 else "",  # noqa: PLR2004
        "home_phone": f"(541) 555-{rng.randrange(10_000):04d}",
        "office_phone": "",
        "address": f"{rng.randrange(1, 999)} Nowhere Lane",
        "city": city,
        "state": state,
        "zip_code": zip_code,
        "doctor": _DOCTOR,
        "offices": [_OFFICE],
        "ethnicity": "declined",
        "race": "blank",
        "preferred_language": "eng",
        "emergency_contact_name": f"{rng.choice(_FIRST)} {rng.choice(_LAST)}",
        "emergency_contact_phone": f"(541) 555-{rng.randrange(10_000):04d}",
        "emergency_contact_relation": "sibling",
        "referring_source": rng.choice(("", "Web search", "A friend")),
        "disable_sms_messages": False,
        "created_at": changed_at,
        "primary_insurance": _policy(rng) if rng.random() < 0.85 else _policy(None),  # noqa: PLR2004
        "secondary_insurance": _policy(rng) if rng.random() < 0.2 else _policy(None),  # noqa: PLR2004
        "tertiary_insurance": _policy(None),
        "custom_demographics": [],
        "patient_flags": [],
        "referring_doctor": None,
    }


def _policy(rng: random.Random | None) -> Record:
    """A policy; an empty one, as DrChrono shows it, without dice."""
    empty = rng is None
    return {
        "insurance_company": "" if rng is None else rng.choice(("Acme Mutual", "Northwind Health")),
        "insurance_payer_id": "" if rng is None else rng.choice(("00001", "00002")),
        "insurance_id_number": "" if rng is None else f"X{rng.randrange(10**8):08d}",
        "insurance_group_number": "",
        "insurance_group_name": "",
        "insurance_plan_name": "" if empty else "Gold",
        "insurance_plan_type": "",
        "is_subscriber_the_patient": True,
        "patient_relationship_to_subscriber": "",
        "subscriber_first_name": "",
        "subscriber_last_name": "",
        "subscriber_date_of_birth": None,
    }


def _life(clinic: Clinic, rng: random.Random, patient: int, today: date) -> None:
    for _ in range(rng.randrange(1, 4)):
        start = _moment(rng, today, -40, 400)
        past = start < today.isoformat()
        visit = appointment(clinic, patient, start)
        if not past and rng.random() < 0.3:  # noqa: PLR2004
            visit |= {"id": f"{visit['id']}_{start[:10].replace('-', '')}", "recurring_appointment": True}
        elif past and rng.random() < 0.8:  # noqa: PLR2004
            visit["status"] = _COMPLETE
        clinic.put("appointments", visit, changed_at=_past(start, today))
        if visit["status"] == _COMPLETE:
            clinic.put("clinical_notes", note(visit, is_locked=rng.random() < 0.7), changed_at=_past(start, today))  # noqa: PLR2004
            clinic.put("line_items", _charge(clinic, rng, visit), changed_at=_past(start, today))
    for table, make in (("medications", _medication), ("problems", _problem), ("allergies", _allergy)):
        for _ in range(rng.randrange(3)):
            record = {"id": clinic.new_id(), "patient": patient, "doctor": _DOCTOR, **make(rng)}
            clinic.put(table, record, changed_at=_moment(rng, today, 1, 300))


def appointment(clinic: Clinic, patient: int | None, start: str) -> Record:
    """An appointment at a time; a break where there is no patient."""
    return {
        "id": str(clinic.new_id()),
        "patient": patient,
        "doctor": _DOCTOR,
        "office": _OFFICE,
        "exam_room": 1,
        "scheduled_time": start,
        "duration": 30,
        "status": "",
        "reason": "",
        "notes": "",
        "profile": None,
        "appt_is_break": patient is None,
        "recurring_appointment": False,
        "is_walk_in": False,
        "deleted_flag": False,
        "created_at": start,
    }


def note(visit: Record, *, is_locked: bool) -> Record:
    """The clinical note of an appointment."""
    return {
        "_day": visit["scheduled_time"][:10],
        "appointment": str(visit["id"]),
        "patient": str(visit["patient"]),
        "archived": False,
        "signee": {"locked_by": str(_DOCTOR) if is_locked else None, "supervisor_locked_by": None},
        "clinical_note_sections": [
            {
                "name": "Subjective",
                "clinical_note_template": 1,
                "values": [{"id": 1, "clinical_note_field": 11, "value": "Feels better than last time."}],
            }
        ],
    }


def _charge(clinic: Clinic, rng: random.Random, visit: Record) -> Record:
    code, price = rng.choice(_CODES)
    return {
        "id": clinic.new_id(),
        "appointment": visit["id"],
        "patient": str(visit["patient"]),
        "doctor": str(_DOCTOR),
        "code": code,
        "procedure_type": "C",
        "diagnosis_pointers": [1, None, None, None],
        "modifiers": ["", "", "", ""],
        "quantity": 1,
        "units": "UN",
        "price": price,
        "billed": price,
        "allowed": "0.00",
        "adjustment": "0.00",
        "ins1_paid": "0.00",
        "ins2_paid": "0.00",
        "ins3_paid": "0.00",
        "pt_paid": "0.00",
        "paid_total": "0.00",
        "ins_total": "0.00",
        "balance_ins": price,
        "balance_pt": "0.00",
        "balance_total": price,
        "billing_status": "",
        "insurance_status": "",
        "denied_flag": False,
        "service_date": visit["scheduled_time"][:10],
        "posted_date": visit["scheduled_time"][:10],
    }


def _medication(rng: random.Random) -> dict[str, Any]:
    name, rxnorm = rng.choice(_DRUGS)
    return {
        "name": name,
        "rxnorm": rxnorm,
        "status": "active",
        "dosage_quantity": "1",
        "dosage_units": "tablet",
        "dispense_quantity": 30,
        "number_refills": rng.randrange(4),
        "frequency": "daily",
        "prn": False,
        "daw": False,
        "date_started_taking": None,
        "appointment": None,
        "notes": "",
    }


def _problem(rng: random.Random) -> dict[str, Any]:
    name, code = rng.choice(_DIAGNOSES)
    return {"name": name, "icd_code": code, "icd_version": "10", "status": "active", "date_onset": None, "notes": ""}


def _allergy(rng: random.Random) -> dict[str, Any]:
    description, reaction = rng.choice(_ALLERGENS)
    return {"description": description, "reaction": reaction, "status": "active", "rxnorm": "", "notes": ""}


def _moment(rng: random.Random, today: date, nearest: int, farthest: int) -> str:
    """A time of a day so many days ago (ahead, where negative), on the quarter hour."""
    day = today - timedelta(days=rng.randint(nearest, farthest))
    return datetime(day.year, day.month, day.day, rng.randint(8, 17), rng.choice((0, 15, 30, 45))).isoformat()  # noqa: DTZ001


def _past(time_: str, today: date) -> str:
    """When a record of that day was changed last: no later than yesterday."""
    return min(time_, (today - timedelta(days=1)).isoformat() + "T18:00:00")
