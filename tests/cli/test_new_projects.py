"""What `init` makes is a right project in whatever folder it stands, and nothing that stood there is lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft7Validator
from ruamel.yaml import YAML

from careloom.cli.completion import blueprint_names as completed_blueprints
from careloom.cli.completion import report_names, simulator_kinds, stream_names, sync_names, topic_names
from careloom.cli.main import main
from careloom.project.json_schema import SECTIONS
from careloom.services.operate.blueprints import blueprint_names, copy_blueprint
from careloom.services.operate.schemas import file_of, schemas
from careloom.systems import rooms

SHEET = """Patient ID;First Name;LastName;DOB;EmailAddress;Zip;Total Visits;Last "quoted"
7;José;Quill;03/01/1980;ana@example.org;01234;4;x
8;Bo;Marsh;11/20/1975;bo@example.org;12207;5;
"""


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    with pytest.raises(SystemExit) as end:
        main(list(words))
    told = capsys.readouterr()
    assert int(end.value.code or 0) == code, told.err
    return told.out + told.err


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("blueprint", blueprint_names())
def test_each_blueprint_makes_a_right_project_in_a_folder_that_is_a_repository(
    blueprint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for part in (".git", ".venv"):
        (Path("clinic") / part).mkdir(parents=True)
    Path("clinic/.gitignore").write_text("secret.env")
    said(capsys, "init", blueprint, "clinic")
    assert "no faults" in said(capsys, "check", "-p", "clinic")
    assert Path("clinic/.gitignore").read_text().splitlines() == [
        "secret.env",
        ".careloom/",
        "logs/",
        "target/",
        "dbt_packages/",
    ]


@pytest.mark.parametrize("blueprint", blueprint_names())
def test_an_editor_is_led_to_a_schema_that_fits_each_file(blueprint: str, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "init", blueprint, "clinic")
    files = [path for pattern in SECTIONS for path in Path("clinic").glob(pattern)]
    assert files
    for path in files:
        first = path.read_text().splitlines()[0]
        schema = (path.parent / first.removeprefix("# yaml-language-server: $schema=")).resolve()
        content = YAML(typ="safe", pure=True).load(path.read_text())
        assert [error.message for error in Draft7Validator(json.loads(schema.read_text())).iter_errors(content)] == []


def test_every_key_of_every_schema_says_what_it_means() -> None:
    found = schemas(rooms())
    assert {file_of(pattern) for pattern in found} == {
        "project.json", "environment.json", "sync.json", "stream.json", "reports.json", "charts.json",
    }  # fmt: skip
    undescribed = []
    for pattern, schema in found.items():
        Draft7Validator.check_schema(schema)
        for node in (schema, *schema["definitions"].values()):
            undescribed += [
                f"{pattern} {name}" for name, one in node.get("properties", {}).items() if "description" not in one
            ]
    systems = found["careloom.yaml"]["properties"]["systems"]["additionalProperties"]
    assert len(undescribed) < 40, undescribed
    assert systems["properties"]["kind"]["enum"] == list(rooms())


def test_a_wrong_key_of_a_system_is_told_of_its_own_kind_only() -> None:
    validator = Draft7Validator(schemas(rooms())["careloom.yaml"])
    wrong = {"project": "p", "timezone": "UTC", "systems": {"files": {"kind": "sql", "urll": "csv://data"}}}
    messages = [error.message for error in validator.iter_errors(wrong)]
    assert sorted(messages) == [
        "'url' is a required property",
        "Additional properties are not allowed ('urll' was unexpected)",
    ]


def test_a_sync_is_proposed_from_the_header_of_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    Path("Old Patients.csv").write_text(SHEET, encoding="cp1252")
    told = said(capsys, "init", "csv", "clinic", "--from", "Old Patients.csv")
    assert "the key is Patient ID" in told
    written = Path("clinic/syncs/old_patients.yaml").read_text()
    assert 'birth_date: {from: DOB, type: date, format: "MM/DD/YYYY", label: Birth date}' in written
    assert "  firstname: '\"First Name\"'" in written
    assert "  zip: Zip\n" in written
    assert "# total_visits: {from: '\"Total Visits\"', type: number, label: Total Visits, phi: clinical" in written
    assert "no faults" in said(capsys, "check", "-p", "clinic")


@pytest.mark.parametrize(
    "text", ["", "a,a\n1,2\n", "ID,Email\n1,a@b.example\n1,a@b.example\n", "x,y\n1,2\n", "a,\n1,2\n"]
)
def test_a_file_of_which_nothing_can_be_proposed_leaves_nothing_behind(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("sheet.csv").write_text(text)
    Path("clinic/.git").mkdir(parents=True)
    assert "bug" not in said(capsys, "init", "csv", "clinic", "--from", "sheet.csv", code=2)
    assert [path.name for path in Path("clinic").iterdir() if path.name != ".gitignore"] == [".git"]


def test_init_says_where_an_address_is_to_be_changed(capsys: pytest.CaptureFixture[str]) -> None:
    assert "careloom.yaml:9: the url of warehouse is to be changed" in said(capsys, "init", "amd-hubspot", "clinic")


def test_pages_of_the_documentation_can_be_read_anywhere(capsys: pytest.CaptureFixture[str]) -> None:
    assert "exit-codes" in said(capsys, "docs")
    assert "# Exit codes" in said(capsys, "docs", "exit-codes")
    assert "did you mean `tutorial`" in said(capsys, "docs", "tutoral", code=2)


class Typed:
    def __init__(self, folder: Path) -> None:
        self.params = {"folder": folder}


def test_values_are_completed_from_the_files(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for name in ("amd-hubspot", "drchrono-clinical", "collaboratemd-reports"):
        copy_blueprint(name, tmp_path / name)
    assert set(sync_names(Typed(tmp_path / "amd-hubspot"), "")) >= {"patients"}
    assert "reports" in sync_names(Typed(tmp_path / "collaboratemd-reports"), "rep")
    assert stream_names(Typed(tmp_path / "drchrono-clinical"), "pat") == ["patients"]
    assert report_names(Typed(tmp_path / "collaboratemd-reports"), "")
    assert completed_blueprints("") == blueprint_names()
    assert simulator_kinds("") == sorted(kind for kind, room in rooms().items() if room.simulate)
    assert "tutorial" in topic_names("tut")
    assert sync_names(Typed(tmp_path / "nowhere"), "") == []
