from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import duckdb
import pytest

from careloom.core.phi import Phi
from careloom.core.schema import ObjectShape, Property
from careloom.project.columns import check_columns
from careloom.project.loader import load_project
from careloom.project.model import Project
from careloom.project.shapes import check_shape
from careloom.systems import rooms

BLUEPRINT = Path(__file__).parents[2] / "blueprints" / "amd-hubspot"
STANDARD = ("firstname", "lastname", "gender", "address", "city", "state", "zip", "phone")


def demo() -> ModuleType:
    name = "amd_hubspot_demo"
    if name not in sys.modules:
        folder = BLUEPRINT / "demo"
        spec = importlib.util.spec_from_file_location(
            name, folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clinic")
    demo().generate(folder)
    return folder


@pytest.fixture(scope="module")
def project() -> Project:
    return load_project(BLUEPRINT, rooms())


def columns(clinic: Path, table: str) -> dict[str, str]:
    with duckdb.connect(str(clinic / "warehouse.duckdb"), read_only=True) as database:
        return {row[0]: row[1] for row in database.execute(f'DESCRIBE amd."{table}"').fetchall()}


def query(clinic: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str(clinic / "warehouse.duckdb"), read_only=True) as database:
        return database.execute(sql).fetchall()


def contacts(clinic: Path) -> list[dict[str, str]]:
    lines = (clinic / "contacts.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines[1:]]


def test_patients_carry_every_mapping_of_the_brief(project: Project) -> None:
    sync = project.syncs["patients"]
    assert (sync.source.table, sync.source.key, sync.to.object, sync.to.key) == (
        "amd.PatientsWithStatistics",
        "ID",
        "contacts",
        "amd_patient_id",
    )
    assert {name: field.source for name, field in sync.fields.items()} == {
        "firstname": "FirstName",
        "lastname": "LastName",
        "ncf_date_of_birth": "DOB",
        "gender": "Gender",
        "email": "Email",
        "address": "Address1",
        "street_address_line_2": "Address2",
        "city": "City",
        "state": "State",
        "zip": "Zipcode",
        "phone": "HomePhone",
        "amd_chart": "Chart",
        "spravatos_to_date": "SpravatosToDate",
        "ketamines_to_date": "KetaminesToDate",
        "treatments_to_date": "TreatmentsToDate",
        "future_treatment_count": "FutureTreatmentCount",
        "future_follow_up_count": "FutureFollowUpCount",
        "primary_facility": "PrimaryFacility",
        "primary_facility_code": "PrimaryFacilityCode",
        "first_initial_consult": "FirstInitialConsult",
        "treatment_started": "Started",
        "active_patient": "Active",
    }
    assert sync.match == (
        ("email",),
        ("firstname", "lastname", "ncf_date_of_birth"),
        ("address", "street_address_line_2", "city", "state", "zip"),
    )
    assert sync.schedule is not None


def test_releases_carry_all_fourteen_mappings_of_the_brief(project: Project) -> None:
    sync = project.syncs["rois"]
    assert (sync.source.table, sync.source.key, sync.to.object, sync.to.key) == ("amd.ROIs", "roi_id", "roi", "roi_id")
    assert {name: field.source for name, field in sync.fields.items()} == {
        "amd_template_id": "TemplateID",
        "roi_type": "TemplateName",
        "patient_id": "PatientID",
        "patient_chart": "PatientChart",
        "accepted_datetime": "AcceptedDatetime",
        "completed_date": "CompletedDate",
        "patient_signed_name": '"Patient Name"',
        "patient_signed_dob": "DOB",
        "raw_provider_name": "ProviderName",
        "raw_provider_specialty": "Specialty",
        "raw_provider_email": "Email",
        "raw_provider_phone": "Phone",
        "raw_provider_fax": "Fax",
    }
    assert not sync.associations
    assert sync.to.create is not None


def test_what_tells_of_care_is_classed_as_clinical(project: Project) -> None:
    fields = project.syncs["patients"].fields.values()
    assert sum(field.phi is Phi.CLINICAL for field in fields) == 10
    assert all(field.owner == "source" for field in fields if field.phi is Phi.CLINICAL)


def test_the_invented_warehouse_fits_the_project(project: Project, clinic: Path) -> None:
    assert check_columns(project.syncs["patients"], columns(clinic, "PatientsWithStatistics")) == []
    assert check_columns(project.syncs["rois"], columns(clinic, "ROIs")) == []


def test_a_portal_with_only_its_standard_properties_lacks_nothing_that_is_not_declared(project: Project) -> None:
    properties_by_name = {name: Property(name=name, type="string") for name in STANDARD}
    properties_by_name["email"] = Property(name="email", type="string", unique=True)
    faults, declaration = check_shape(
        project.syncs["patients"], ObjectShape(name="contacts", properties=properties_by_name)
    )
    assert faults == []
    declared_names = {prop.name: prop for prop in declaration.properties}
    assert declared_names["amd_patient_id"].unique
    assert {"amd_email", "ncf_date_of_birth", "street_address_line_2", "amd_chart"} <= declared_names.keys()
    assert len(declared_names) == 15
    faults, declaration = check_shape(project.syncs["rois"], None)
    assert faults == []
    assert len(declaration.properties) == 14


def test_changing_to_bigquery_is_a_change_of_two_lines(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    shutil.copytree(BLUEPRINT, folder)
    file = folder / "careloom.yaml"
    lines = file.read_text(encoding="utf-8").split("\n")
    here = [number for number, line in enumerate(lines) if "warehouse: {kind" in line]
    assert len(here) == 2
    lines[here[0]] = lines[here[0]].replace("  warehouse", "  # warehouse")
    lines[here[1]] = lines[here[1]].replace("  # warehouse", "  warehouse")
    file.write_text("\n".join(lines), encoding="utf-8")
    assert "bigquery://" in str(load_project(folder, rooms()).systems["warehouse"].options)


def test_the_same_seed_gives_the_same_clinic(clinic: Path, tmp_path: Path) -> None:
    demo().generate(tmp_path)
    assert (tmp_path / "contacts.jsonl").read_bytes() == (clinic / "contacts.jsonl").read_bytes()
    for table in ("PatientsWithStatistics", "ROIs"):
        assert query(tmp_path, f'SELECT * FROM amd."{table}"') == query(clinic, f'SELECT * FROM amd."{table}"')


def test_another_seed_gives_another_clinic(clinic: Path, tmp_path: Path) -> None:
    demo().generate(tmp_path, patients=200, rois=50, contacts=100, seed=11)
    assert (tmp_path / "contacts.jsonl").read_bytes()[:2000] != (clinic / "contacts.jsonl").read_bytes()[:2000]
    assert query(tmp_path, 'SELECT count(*) FROM amd."ROIs"') == [(50,)]
    assert len(contacts(tmp_path)) == 100


def test_the_clinic_is_as_large_as_asked_and_everybody_in_it_is_invented(clinic: Path) -> None:
    assert query(clinic, 'SELECT count(DISTINCT ID) FROM amd."PatientsWithStatistics"') == [(5000,)]
    assert query(clinic, 'SELECT count(DISTINCT roi_id) FROM amd."ROIs"') == [(3000,)]
    everyone = contacts(clinic)
    assert len(everyone) == 3000
    mails = [
        row[0] for row in query(clinic, 'SELECT lower(Email) FROM amd."PatientsWithStatistics" WHERE Email IS NOT NULL')
    ]
    mails += [contact["email"] for contact in everyone if "email" in contact]
    assert {mail.rsplit(".", 2)[-2].rpartition("@")[2] for mail in mails} == {"example"}
    phones = query(clinic, "SELECT regexp_replace(HomePhone, '\\D', '', 'g') FROM amd.\"PatientsWithStatistics\"")
    assert {phone[-7:-4] for (phone,) in phones} == {"555"}


def test_a_mail_belongs_to_one_contact_as_the_portal_has_it(clinic: Path) -> None:
    mails: Counter[str] = Counter()
    for contact in contacts(clinic):
        mails.update(filter(None, [contact.get("email", ""), *contact.get("hs_additional_emails", "").split(";")]))
    assert mails.most_common(1)[0][1] == 1
    assert sum("hs_additional_emails" in contact for contact in contacts(clinic)) > 50


@pytest.mark.parametrize(
    ("what", "condition", "least"),
    [
        ("keys twice", "ID IN (SELECT ID FROM p GROUP BY 1 HAVING count(*) > 1)", 6),
        ("no key", "ID IS NULL", 3),
        ("text longer than any property holds", "length(Address1) > 65536", 2),
        ("dates that are none", "FirstInitialConsult IS NOT NULL AND TRY_CAST(FirstInitialConsult AS DATE) IS NULL", 3),
        ("no birth date", "DOB IS NULL", 100),
        ("a birth date that stands for none", "DOB = DATE '1900-01-01'", 10),
        ("a mail that is nobody's", "Email LIKE 'noreply@%' OR Email LIKE 'none@%'", 10),
        ("an address that is none", "Address1 = 'unknown'", 10),
        ("names in capitals", "FirstName = upper(FirstName)", 100),
        ("accents", "FirstName <> strip_accents(FirstName)", 100),
        ("juniors and seniors", "LastName LIKE '% Jr' OR LastName LIKE '% Sr'", 50),
        ("mails that people share", "lower(Email) IN (SELECT lower(Email) FROM p GROUP BY 1 HAVING count(*) BETWEEN 2 AND 5)", 300),
        ("twins", "(LastName, DOB, Address1) IN (SELECT (LastName, DOB, Address1) FROM p GROUP BY LastName, DOB, Address1 HAVING count(DISTINCT FirstName) = 2)", 50),
    ],
)  # fmt: skip
def test_the_warehouse_is_as_untidy_as_a_real_one(what: str, condition: str, least: int, clinic: Path) -> None:
    sql = f'WITH p AS (SELECT * FROM amd."PatientsWithStatistics") SELECT count(*) FROM p WHERE {condition}'
    assert query(clinic, sql)[0][0] >= least, what


def test_the_truth_names_contacts_that_are_there_and_each_is_one_patient(clinic: Path) -> None:
    truth = json.loads((clinic / "truth.json").read_text(encoding="utf-8"))
    ids = {contact["id"] for contact in contacts(clinic)}
    named_contacts = [contact for ids_of_one in truth["contacts"].values() for contact in ids_of_one]
    assert len(truth["contacts"]) == 5000
    assert len(named_contacts) == len(set(named_contacts))
    assert set(named_contacts) <= ids
    assert 0.6 * len(ids) < len(named_contacts) < 0.9 * len(ids)
    assert sum(len(ids_of_one) > 1 for ids_of_one in truth["contacts"].values()) > 100
    twice = query(
        clinic,
        'SELECT CAST(ID AS VARCHAR) FROM amd."PatientsWithStatistics" WHERE ID IS NOT NULL GROUP BY ID HAVING count(*) > 1',
    )
    assert sorted(row[0] for row in twice) == truth["spoiled"]


def test_a_day_changes_two_percent_and_says_what(clinic: Path, tmp_path: Path) -> None:
    for name in ("warehouse.duckdb", "truth.json"):
        shutil.copy(clinic / name, tmp_path)
    change = demo().change(tmp_path)
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as database:
        database.execute(f"ATTACH '{clinic / 'warehouse.duckdb'}' AS before (READ_ONLY)")
        for table, key, name in (("PatientsWithStatistics", "ID", "patients"), ("ROIs", "roi_id", "rois")):
            new, old = f'amd."{table}"', f'before.amd."{table}"'
            came = database.execute(
                f"SELECT count(*) FROM {new} WHERE {key} NOT IN (SELECT {key} FROM {old} WHERE {key} IS NOT NULL)"
            ).fetchall()
            went = database.execute(
                f"SELECT count(DISTINCT {key}) FROM {old} WHERE {key} NOT IN (SELECT {key} FROM {new} WHERE {key} IS NOT NULL)"
            ).fetchall()
            other_rows = database.execute(
                f"SELECT count(DISTINCT {key}) FROM (FROM {new} EXCEPT FROM {old})"
            ).fetchall()
            assert change[name] == {"updated": other_rows[0][0] - came[0][0], "new": came[0][0], "gone": went[0][0]}
            assert all(change[name].values())
    assert sum(change["patients"].values()) == 100
    truth = json.loads((tmp_path / "truth.json").read_text(encoding="utf-8"))
    assert len(truth["contacts"]) == 5000 + change["patients"]["new"]
