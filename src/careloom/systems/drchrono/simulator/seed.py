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

    Nobody is told: this is what was there before.
    """
    dice = random.Random(f"{clinic.seed}-{clinic.next_id}")  # noqa: S311 - invented people, not secrets
    today = clinic.now().date()
    with clinic.lock:
        for number in range(patients):
            changed = _moment(dice, today, 1, 300)
            patient = _patient(clinic, dice, number, changed)
            clinic.put("patients", patient, at=changed)
            if lives:
                _life(clinic, dice, patient["id"], today)
        for _ in range(max(1, patients // 10) if lives else 0):
            at = _moment(dice, today, -30, 60)
            clinic.put("appointments", {**appointment(clinic, None, at), "appt_is_break": True}, at=_past(at, today))


def _patient(clinic: Clinic, dice: random.Random, number: int, changed: str) -> Record:
    city, state, zip_code = dice.choice(_CITIES)
    identity = clinic.new_id()
    return {
        "id": identity,
        "chart_id": f"CH{identity:06d}",
        "first_name": dice.choice(_FIRST),
        "middle_name": "",
        "last_name": _LAST[number % len(_LAST)],
        "nick_name": "",
        "date_of_birth": (date(1935, 1, 1) + timedelta(days=dice.randrange(30_000))).isoformat(),
        "gender": dice.choice(("Male", "Female", "Other")),
        "patient_status": "A",
        "email": f"patient{identity}@example.org",
        "cell_phone": f"(541) 555-{dice.randrange(10_000):04d}" if dice.random() < 0.8 else "",  # noqa: PLR2004
        "home_phone": f"(541) 555-{dice.randrange(10_000):04d}",
        "office_phone": "",
        "address": f"{dice.randrange(1, 999)} Nowhere Lane",
        "city": city,
        "state": state,
        "zip_code": zip_code,
        "doctor": _DOCTOR,
        "offices": [_OFFICE],
        "ethnicity": "declined",
        "race": "blank",
        "preferred_language": "eng",
        "emergency_contact_name": f"{dice.choice(_FIRST)} {dice.choice(_LAST)}",
        "emergency_contact_phone": f"(541) 555-{dice.randrange(10_000):04d}",
        "emergency_contact_relation": "sibling",
        "referring_source": dice.choice(("", "Web search", "A friend")),
        "disable_sms_messages": False,
        "created_at": changed,
        "primary_insurance": _policy(dice) if dice.random() < 0.85 else _policy(None),  # noqa: PLR2004
        "secondary_insurance": _policy(dice) if dice.random() < 0.2 else _policy(None),  # noqa: PLR2004
        "tertiary_insurance": _policy(None),
        "custom_demographics": [],
        "patient_flags": [],
        "referring_doctor": None,
    }


def _policy(dice: random.Random | None) -> Record:
    """A policy; an empty one, as DrChrono shows it, without dice."""
    empty = dice is None
    return {
        "insurance_company": "" if dice is None else dice.choice(("Acme Mutual", "Northwind Health")),
        "insurance_payer_id": "" if dice is None else dice.choice(("00001", "00002")),
        "insurance_id_number": "" if dice is None else f"X{dice.randrange(10**8):08d}",
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


def _life(clinic: Clinic, dice: random.Random, patient: int, today: date) -> None:
    for _ in range(dice.randrange(1, 4)):
        at = _moment(dice, today, -40, 400)
        past = at < today.isoformat()
        visit = appointment(clinic, patient, at)
        if not past and dice.random() < 0.3:  # noqa: PLR2004
            visit |= {"id": f"{visit['id']}_{at[:10].replace('-', '')}", "recurring_appointment": True}
        elif past and dice.random() < 0.8:  # noqa: PLR2004
            visit["status"] = _COMPLETE
        clinic.put("appointments", visit, at=_past(at, today))
        if visit["status"] == _COMPLETE:
            clinic.put("clinical_notes", note(visit, locked=dice.random() < 0.7), at=_past(at, today))  # noqa: PLR2004
            clinic.put("line_items", _charge(clinic, dice, visit), at=_past(at, today))
    for table, make in (("medications", _medication), ("problems", _problem), ("allergies", _allergy)):
        for _ in range(dice.randrange(3)):
            made = {"id": clinic.new_id(), "patient": patient, "doctor": _DOCTOR, **make(dice)}
            clinic.put(table, made, at=_moment(dice, today, 1, 300))


def appointment(clinic: Clinic, patient: int | None, at: str) -> Record:
    """An appointment at a time; a break where there is no patient."""
    return {
        "id": str(clinic.new_id()),
        "patient": patient,
        "doctor": _DOCTOR,
        "office": _OFFICE,
        "exam_room": 1,
        "scheduled_time": at,
        "duration": 30,
        "status": "",
        "reason": "",
        "notes": "",
        "profile": None,
        "appt_is_break": patient is None,
        "recurring_appointment": False,
        "is_walk_in": False,
        "deleted_flag": False,
        "created_at": at,
    }


def note(visit: Record, *, locked: bool) -> Record:
    """The clinical note of an appointment."""
    return {
        "_day": visit["scheduled_time"][:10],
        "appointment": str(visit["id"]),
        "patient": str(visit["patient"]),
        "archived": False,
        "signee": {"locked_by": str(_DOCTOR) if locked else None, "supervisor_locked_by": None},
        "clinical_note_sections": [
            {
                "name": "Subjective",
                "clinical_note_template": 1,
                "values": [{"id": 1, "clinical_note_field": 11, "value": "Feels better than last time."}],
            }
        ],
    }


def _charge(clinic: Clinic, dice: random.Random, visit: Record) -> Record:
    code, price = dice.choice(_CODES)
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


def _medication(dice: random.Random) -> dict[str, Any]:
    name, rxnorm = dice.choice(_DRUGS)
    return {
        "name": name,
        "rxnorm": rxnorm,
        "status": "active",
        "dosage_quantity": "1",
        "dosage_units": "tablet",
        "dispense_quantity": 30,
        "number_refills": dice.randrange(4),
        "frequency": "daily",
        "prn": False,
        "daw": False,
        "date_started_taking": None,
        "appointment": None,
        "notes": "",
    }


def _problem(dice: random.Random) -> dict[str, Any]:
    name, code = dice.choice(_DIAGNOSES)
    return {"name": name, "icd_code": code, "icd_version": "10", "status": "active", "date_onset": None, "notes": ""}


def _allergy(dice: random.Random) -> dict[str, Any]:
    description, reaction = dice.choice(_ALLERGENS)
    return {"description": description, "reaction": reaction, "status": "active", "rxnorm": "", "notes": ""}


def _moment(dice: random.Random, today: date, nearest: int, farthest: int) -> str:
    """A time of a day so many days ago (ahead, where negative), on the quarter hour."""
    day = today - timedelta(days=dice.randint(nearest, farthest))
    return datetime(day.year, day.month, day.day, dice.randint(8, 17), dice.choice((0, 15, 30, 45))).isoformat()  # noqa: DTZ001


def _past(at: str, today: date) -> str:
    """When a record of that day was changed last: no later than yesterday."""
    return min(at, (today - timedelta(days=1)).isoformat() + "T18:00:00")
