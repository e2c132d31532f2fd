"""The warehouse: patients and releases as a practice-management system hands them over, with its usual dirt."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random

import duckdb
import pyarrow as pa

from .people import Person, phone_as_written, typo
from .words import FACILITIES, KINDS, LAST, SPECIALTIES, TEMPLATES

Row = dict[str, object]
FIRST_ID = 100_001
TODAY = date(2026, 11, 1)

PATIENTS = pa.schema(
    [
        ("ID", pa.int64()), ("Chart", pa.string()), ("FirstName", pa.string()), ("LastName", pa.string()),
        ("DOB", pa.date32()), ("Gender", pa.string()), ("Email", pa.string()), ("Address1", pa.string()),
        ("Address2", pa.string()), ("City", pa.string()), ("State", pa.string()), ("Zipcode", pa.string()),
        ("HomePhone", pa.string()), ("SpravatosToDate", pa.int64()), ("KetaminesToDate", pa.int64()),
        ("TreatmentsToDate", pa.int64()), ("FutureTreatmentCount", pa.int64()), ("FutureFollowUpCount", pa.int64()),
        ("PrimaryFacility", pa.string()), ("PrimaryFacilityCode", pa.string()), ("FirstInitialConsult", pa.string()),
        ("Started", pa.bool_()), ("Active", pa.bool_()),
    ]
)  # fmt: skip
ROIS = pa.schema(
    [
        ("roi_id", pa.int64()), ("TemplateID", pa.int64()), ("TemplateName", pa.string()), ("PatientID", pa.int64()),
        ("PatientChart", pa.string()), ("AcceptedDatetime", pa.timestamp("us")), ("CompletedDate", pa.date32()),
        ("Patient Name", pa.string()), ("DOB", pa.date32()), ("ProviderName", pa.string()), ("Specialty", pa.string()),
        ("Email", pa.string()), ("Phone", pa.string()), ("Fax", pa.string()),
    ]
)  # fmt: skip


def chance(random: Random, share: float) -> bool:
    """True in `share` of the cases."""
    return random.random() < share


def patient_row(key: int, person: Person, random: Random) -> Row:
    """A patient as the practice typed them in."""
    spravatos, ketamines = (random.randrange(60) if chance(random, 0.4) else 0 for _ in range(2))
    facility, code = random.choice(FACILITIES)
    consult = TODAY - timedelta(days=random.randrange(1500))
    row: Row = {
        "ID": key,
        "Chart": f"{key % 100_000:05d}",
        "FirstName": person.first,
        "LastName": person.last,
        "DOB": person.birth,
        "Gender": person.sex if chance(random, 0.97) else "U",
        "Email": person.mail,
        "Address1": person.street,
        "Address2": person.unit or None,
        "City": person.city,
        "State": person.state,
        "Zipcode": person.zip,
        "HomePhone": phone_as_written(person.phone, random),
        "SpravatosToDate": spravatos,
        "KetaminesToDate": ketamines,
        "TreatmentsToDate": spravatos + ketamines,
        "FutureTreatmentCount": random.randrange(6),
        "FutureFollowUpCount": random.randrange(3),
        "PrimaryFacility": facility,
        "PrimaryFacilityCode": code,
        "FirstInitialConsult": consult.isoformat() if chance(random, 0.9) else None,
        "Started": spravatos + ketamines > 0,
        "Active": chance(random, 0.7),
    }
    return _dirtied(row, random)


def _dirtied(row: Row, random: Random) -> Row:
    if chance(random, 0.06):
        row["FirstName"], row["LastName"] = str(row["FirstName"]).upper(), str(row["LastName"]).upper()
    if chance(random, 0.02):
        row["LastName"] = f"{row['LastName']} "
    if chance(random, 0.06):
        row["DOB"] = None
    elif chance(random, 0.01):
        row["DOB"] = date(1900, 1, 1)
    if chance(random, 0.1):
        row["Email"] = None
    elif chance(random, 0.015):
        row["Email"] = random.choice(("noreply@example.com", "none@example.com", "noreply@example.org"))
    elif chance(random, 0.1):
        row["Email"] = str(row["Email"]).upper()
    if chance(random, 0.01):
        row["Address1"], row["Address2"] = "unknown", None
    elif chance(random, 0.3):
        row["Address1"] = shortened(str(row["Address1"]))
    return row


def shortened(street: str) -> str:
    """ "12 Oak Street" as "12 Oak St"."""  # noqa: D210
    name, _, kind = street.rpartition(" ")
    return f"{name} {dict(KINDS).get(kind, kind)}"


def patient_rows(people: Sequence[Person], random: Random) -> list[Row]:
    """All patients, and a handful of rows that no system should be handed: see the calls below."""
    rows = [patient_row(FIRST_ID + number, person, random) for number, person in enumerate(people)]
    if len(rows) < 100:  # noqa: PLR2004 - too few to spoil any
        return rows
    spoiled = random.sample(range(len(rows)), 12)
    for number in spoiled[:2]:
        rows[number]["Address1"] = "9 Endless Road " * 4700  # longer than any property holds
    for number in spoiled[2:5]:
        rows[number]["FirstInitialConsult"] = random.choice(("2023-13-45", "n/a", "02/30/2024"))
    twice = [dict(rows[number], FirstName=typo(str(rows[number]["FirstName"]), random)) for number in spoiled[5:8]]
    without_key = [dict(rows[number], ID=None, Chart=None) for number in spoiled[8:11]]
    return rows + twice + without_key


def spoiled_keys(rows: Sequence[Row]) -> set[object]:
    """Keys that stand in more than one row, or in none."""
    seen: set[object] = set()
    return {row["ID"] for row in rows if row["ID"] is None or row["ID"] in seen or seen.add(row["ID"])}


def roi_rows(patients: Sequence[Row], count: int, random: Random, first: int = 700_001) -> list[Row]:
    """Releases, each signed by one of `patients`."""
    providers = [_provider(random) for _ in range(max(count // 12, 1))]
    with_key = [row for row in patients if row["ID"] is not None]
    return [_roi(first + number, random.choice(with_key), random.choice(providers), random) for number in range(count)]


def _provider(random: Random) -> Row:
    last, area = random.choice(LAST), random.choice(("617", "781", "603"))
    number = random.randrange(2000, 9900)
    return {
        "ProviderName": f"Dr. {random.choice('ABCDEFGHJKLMNPRST')}. {last}",
        "Specialty": random.choice(SPECIALTIES),
        "Email": f"office{random.randrange(1, 9999)}@practice.example.com",
        "Phone": f"({area}) 555-{number}",
        "Fax": f"{area}-555-{number + 1}" if chance(random, 0.7) else None,
    }


def _roi(key: int, patient: Row, provider: Row, random: Random) -> Row:
    template, name = random.choice(TEMPLATES)
    accepted = datetime(2024, 1, 1) + timedelta(minutes=random.randrange(60 * 24 * 1000))  # noqa: DTZ001 - the source has no zone
    done = chance(random, 0.8)
    return {
        "roi_id": key,
        "TemplateID": template,
        "TemplateName": name,
        "PatientID": patient["ID"],
        "PatientChart": patient["Chart"],
        "AcceptedDatetime": accepted,
        "CompletedDate": accepted.date() + timedelta(days=random.randrange(20)) if done else None,
        "Patient Name": f"{patient['FirstName']} {str(patient['LastName']).strip()}",
        "DOB": patient["DOB"],
        **provider,
    }


def write_warehouse(file: Path, patients: Sequence[Row], rois: Sequence[Row]) -> None:
    """A new DuckDB file with schema amd; one of that name is replaced."""
    file.unlink(missing_ok=True)
    with duckdb.connect(str(file)) as database:
        database.execute("CREATE SCHEMA amd")
        for name, rows, schema in (("PatientsWithStatistics", patients, PATIENTS), ("ROIs", rois, ROIS)):
            database.register("incoming", pa.Table.from_pylist(list(rows), schema=schema))
            database.execute(f'CREATE TABLE amd."{name}" AS SELECT * FROM incoming')
            database.unregister("incoming")
