"""What a day does to the warehouse: visits, moves, marriages; people come and go."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

import duckdb
import pyarrow as pa

from .people import Town
from .tables import PATIENTS, ROIS, patient_row, roi_rows
from .words import LAST

_ONCE = 'FROM amd."PatientsWithStatistics" WHERE ID IS NOT NULL GROUP BY ID HAVING count(*) = 1 ORDER BY ID'
_VISIT = (
    'UPDATE amd."PatientsWithStatistics" SET KetaminesToDate = KetaminesToDate + 1, TreatmentsToDate = TreatmentsToDate + 1, '
    "FutureTreatmentCount = greatest(FutureTreatmentCount - 1, 0), Started = true WHERE ID = ?"
)
_MOVE = 'UPDATE amd."PatientsWithStatistics" SET Address1 = ?, Address2 = NULL WHERE ID = ?'
_MARRY = 'UPDATE amd."PatientsWithStatistics" SET LastName = ? WHERE ID = ?'
_PHONE = 'UPDATE amd."PatientsWithStatistics" SET HomePhone = ? WHERE ID = ?'
_SIGNED = (
    'UPDATE amd."ROIs" SET CompletedDate = coalesce(CompletedDate, CAST(AcceptedDatetime AS DATE)) + 1 WHERE roi_id = ?'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tide:
    """What changed: counts by table, and the keys of patients who are new."""

    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    new_patients: tuple[int, ...] = ()


def tide(database: duckdb.DuckDBPyConnection, share: float, random: Random, town: Town) -> Tide:
    """Change `share` of both tables; 86 % of that are updates, 8 % new rows, the rest goes."""
    patients = [int(row[0]) for row in database.execute(f"SELECT ID {_ONCE}").fetchall()]
    rois = [int(row[0]) for row in database.execute('SELECT roi_id FROM amd."ROIs" ORDER BY roi_id').fetchall()]
    updated, gone, new = _shares(len(patients), share)
    touched = random.sample(patients, updated + gone)
    for key in touched[:updated]:
        _live(database, key, random)
    database.execute('DELETE FROM amd."PatientsWithStatistics" WHERE list_contains(?, ID)', [touched[updated:]])
    highest = max(patients, default=0)
    rows = [patient_row(highest + 1 + number, person, random) for number, person in enumerate(town.people(new))]
    _insert(database, "PatientsWithStatistics", pa.Table.from_pylist(rows, schema=PATIENTS))

    signed, withdrawn, fresh = _shares(len(rois), share)
    papers = random.sample(rois, signed + withdrawn)
    for key in papers[:signed]:
        database.execute(_SIGNED, [key])
    database.execute('DELETE FROM amd."ROIs" WHERE list_contains(?, roi_id)', [papers[signed:]])
    signers = rows or [{"ID": highest, "Chart": None, "FirstName": "A", "LastName": "Patient", "DOB": None}]
    newer = roi_rows(signers, fresh, random, first=max(rois, default=0) + 1)
    _insert(database, "ROIs", pa.Table.from_pylist(newer, schema=ROIS))
    return Tide(
        counts={
            "patients": {"updated": updated, "new": new, "gone": gone},
            "rois": {"updated": signed, "new": fresh, "gone": withdrawn},
        },
        new_patients=tuple(int(str(row["ID"])) for row in rows),
    )


def _shares(count: int, share: float) -> tuple[int, int, int]:
    changed = round(count * share)
    new, gone = round(changed * 0.08), round(changed * 0.06)
    return changed - new - gone, gone, new


def _live(database: duckdb.DuckDBPyConnection, key: int, random: Random) -> None:
    what = random.choices(("visit", "move", "marry", "phone"), weights=(70, 12, 6, 12))[0]
    if what == "visit":
        database.execute(_VISIT, [key])
    elif what == "move":
        database.execute(_MOVE, [f"{random.randrange(1000, 1999)} Newly Built Road", key])
    elif what == "marry":
        database.execute(_MARRY, [f"{random.choice(LAST)}-Newlywed", key])
    else:
        database.execute(_PHONE, [f"857-555-{random.randrange(2000, 9999)}", key])


def _insert(database: duckdb.DuckDBPyConnection, name: str, rows: pa.Table) -> None:
    database.register("incoming", rows)
    database.execute(f'INSERT INTO amd."{name}" SELECT * FROM incoming')
    database.unregister("incoming")
