from __future__ import annotations

from pathlib import Path

import pytest

from careloom.core.errors import Fault
from careloom.project.columns import check_columns
from careloom.project.loader import load_project
from project.clinic import ROOMS, clinic

COLUMNS = {
    "ID": "BIGINT",
    "FirstName": "VARCHAR",
    "LastName": "VARCHAR",
    "Email": "VARCHAR",
    "DOB": "DATE",
    "Gender": "VARCHAR",
    "Spravatos": "INTEGER",
    "Ketamines": "DECIMAL(9,0)",
    "Seen": "TIMESTAMP WITH TIME ZONE",
    "Active": "BOOLEAN",
    "Photo": "BLOB",
    "Tags": "VARCHAR[]",
    "Patient Name": "VARCHAR",
    "From": "TIME",
}


def faults(folder: Path, *edits: tuple[str, str], columns: dict[str, str] | None = None) -> list[Fault]:
    changes = [("syncs/patients.yaml", old, new) for old, new in edits]
    return check_columns(load_project(clinic(folder, *changes), ROOMS).syncs["patients"], columns or COLUMNS)


def test_a_sync_whose_columns_are_there_has_no_fault(tmp_path: Path) -> None:
    assert faults(tmp_path) == []


def test_columns_are_found_whatever_their_case(tmp_path: Path) -> None:
    assert faults(tmp_path, columns={name.swapcase(): kind for name, kind in COLUMNS.items()}) == []


@pytest.mark.parametrize(
    ("old", "new", "place", "cause", "fix"),
    [
        ("key: ID", "key: Id_", "5:8", "there is no column `Id_`", "did you mean `ID`?"),
        ("key: ID", "key: ID\n  cursor: Changed", "6:11", "there is no column `Changed`", "the columns are `ID`, `FirstName`"),
        ("key: ID", "key: Photo", "5:8", "`Photo` is of type BLOB", "name a column"),
        ("key: ID", "key: ID\n  cursor: Active", "6:11", "`Active` is of type BOOLEAN, which cannot be a cursor", "name a column"),
        ("email: Email", "email: lower(E_mail)", "13:16", "there is no column `E_mail`", "did you mean `Email`?"),
        ("email: Email", "email: PatientName", "13:10", "there is no column `PatientName`", "did you mean `Patient Name`?"),
        ("email: Email", "email: Zzz", "13:10", "there is no column `Zzz`", "and 2 more"),
        ("Spravatos + Ketamines", "Spravatos + Email", "16:17", "the types do not fit", "TRY_CAST(Spravatos AS INTEGER)"),
        ("Spravatos + Ketamines", "strftime(Email, Spravatos)", "16:17", "the types do not fit", "TRY_CAST(Email AS INTEGER)"),
        ("Spravatos + Ketamines", "DOB", "16:17", "`total` is a number, and `DOB` gives DATE", "write `year(DOB)`"),
        ("Spravatos + Ketamines", "Active", "16:17", "`total` is a number", "write `CAST(Active AS INTEGER)`"),
        ("from: DOB", "from: Seen", "14:22", "`birth_date` is a date, and `Seen` gives TIMESTAMP", "write `CAST(Seen AS DATE)`"),
        ("from: DOB", "from: ID", "14:22", "`birth_date` is a date, and `ID` gives BIGINT", "write `type: number`"),
        ("from: DOB", "from: Active", "14:22", "`birth_date` is a date", "write `type: bool`"),
        ("type: date}", "type: date, format: MM/DD/YYYY}", "14:47", "`format` reads text, and this is DATE", "remove `format`"),
        ("email: Email", "email: Photo", "13:10", "`Photo` is of type BLOB, which no property holds", "take one value"),
        ("email: Email", "email: Tags", "13:10", "`Tags` is of type VARCHAR[]", "take one value"),
        ("email: Email", "email: {from: Email, type: bool, phi: none}", "", "", ""),
    ],
)  # fmt: skip
def test_a_column_that_does_not_fit_is_told_with_its_fix(
    old: str, new: str, place: str, cause: str, fix: str, tmp_path: Path
) -> None:
    fault_list = faults(tmp_path, (old, new))
    if not place:
        assert fault_list == []
        return
    assert len(fault_list) == 1, fault_list
    assert str(fault_list[0]).startswith(f"syncs/patients.yaml:{place}: ")
    assert cause in fault_list[0].cause
    assert fix in fault_list[0].fix


@pytest.mark.parametrize(
    "kind",
    ["VARCHAR", "INTEGER", "DOUBLE", "HUGEINT", "BOOLEAN", "DATE", "TIMESTAMP", "UUID", "ENUM('M', 'F')", "TIME"],
)
def test_every_plain_type_may_feed_a_property_without_a_type(kind: str, tmp_path: Path) -> None:
    assert faults(tmp_path, columns={**COLUMNS, "Email": kind}) == []


def test_text_may_feed_every_type_for_bad_values_are_held_one_by_one(tmp_path: Path) -> None:
    assert faults(tmp_path, ("Spravatos + Ketamines", "Email"), columns={**COLUMNS, "DOB": "VARCHAR"}) == []


def test_the_key_of_an_association_is_held_against_the_columns_too(tmp_path: Path) -> None:
    visits = load_project(clinic(tmp_path), ROOMS).syncs["visits"]
    check_column_list = check_columns(visits, {"VisitID": "BIGINT", "Place": "VARCHAR", "PatientId_": "BIGINT"})
    assert [str(fault).split("\n")[0] for fault in check_column_list] == [
        "syncs/visits.yaml:7:40: there is no column `PatientID` [unknown-column]"
    ]
