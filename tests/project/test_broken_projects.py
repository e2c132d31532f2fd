from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from careloom.core.errors import ProjectFault
from careloom.project.loader import load_project
from project.clinic import PATIENTS, ROOMS, VISITS, clinic, write

CORPUS = tomllib.loads((Path(__file__).parent / "broken.toml").read_text(encoding="utf-8"))["case"]


def faults_of(folder: Path) -> list[str]:
    with pytest.raises(ProjectFault) as error:
        load_project(folder, ROOMS)
    return [
        f"{fault.file}:{fault.line}:{fault.column} {fault.code}: {fault.cause} -> {fault.fix}"
        for fault in error.value.faults
    ]


def test_the_right_project_is_right(tmp_path: Path) -> None:
    project = load_project(clinic(tmp_path), ROOMS)
    assert list(project.syncs) == ["patients", "visits"]
    assert str(project.timezone) == "America/New_York"
    assert project.systems["crm"].options.model_dump()["retries"] == 3
    assert project.alerts.mail is not None
    assert project.alerts.mail.recipients == ("ops@example.org",)


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case["name"])
def test_every_fault_is_told_with_its_place_cause_and_fix(case: dict[str, list], tmp_path: Path) -> None:
    edits = [tuple(edit) for edit in case["edits"]]
    assert faults_of(clinic(tmp_path, *edits)) == case["faults"]


def test_the_corpus_is_large_and_its_names_differ() -> None:
    assert len({case["name"] for case in CORPUS}) == len(CORPUS) >= 100


def test_faults_of_all_files_come_at_once_and_in_order(tmp_path: Path) -> None:
    folder = clinic(
        tmp_path,
        ("careloom.yaml", "retries: 3", "retries: many"),
        ("syncs/patients.yaml", "email: Email", "email: now()"),
        ("syncs/visits.yaml", "via: patients", "via: nobody"),
    )
    assert [fault.split(" ")[0] for fault in faults_of(folder)] == [
        "careloom.yaml:8:14",
        "syncs/patients.yaml:13:10",
    ]
    write(folder, {"syncs/patients.yaml": PATIENTS})
    assert [fault.split(" ")[0] for fault in faults_of(folder)] == ["careloom.yaml:8:14", "syncs/visits.yaml:7:25"]


BYTES = {
    "no UTF-8": (PATIENTS.replace("Email", "Ém").encode("latin-1"), "13:10 encoding: this is not UTF-8"),
    "a NUL byte": (PATIENTS.replace("Email", "E\0mail").encode(), "13:11 control-character"),
    "an escape character": (PATIENTS.replace("Email", "\x1b[31m").encode(), "13:10 control-character"),
    "ten megabytes": (b"# " + b"x" * 10_000_000, "0:0 too-big"),
    "endless brackets": (b"a: " + b"[" * 5000, "1:43 too-deep"),
    "endless braces": (b"a: " + b"{b: " * 5000, "1:160 too-deep"),
    "endless indentation": ("".join(f"{'  ' * n}a:\n" for n in range(600)).encode(), "41:81 too-deep"),
    "an alias bomb": (
        (
            "a0: &a0 [x,x,x,x,x,x,x,x,x]\n"
            + "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))
        ).encode(),
        "5:30 too-big",
    ),
    "an alias of itself": (b"a: &a [*a]\n", "1:8 alias"),
    "random bytes": (bytes(range(128, 256)) * 20, "1:1 encoding"),
}


@pytest.mark.parametrize("name", BYTES)
def test_a_file_that_is_no_project_file_is_a_fault_and_no_traceback(name: str, tmp_path: Path) -> None:
    content, expected = BYTES[name]
    faults = faults_of(clinic_with(tmp_path, content))
    assert [fault for fault in faults if fault.startswith(f"syncs/patients.yaml:{expected}")]


def clinic_with(folder: Path, content: bytes) -> Path:
    clinic(folder)
    return write(folder, {"syncs/patients.yaml": content})


def test_a_folder_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    assert "no-folder" in faults_of(tmp_path / "nowhere")[0]


def test_a_missing_careloom_yaml_is_a_fault(tmp_path: Path) -> None:
    clinic(tmp_path)
    (tmp_path / "careloom.yaml").unlink()
    assert faults_of(tmp_path) == [
        "careloom.yaml:0:0 no-file: there is no such file -> create it, or run `careloom init`"
    ]


def test_a_folder_in_place_of_a_file_is_a_fault(tmp_path: Path) -> None:
    clinic(tmp_path)
    (tmp_path / "syncs" / "more.yaml").mkdir()
    assert faults_of(tmp_path)[0].startswith("syncs/more.yaml:0:0 unreadable")


def test_a_link_that_leads_nowhere_is_a_fault(tmp_path: Path) -> None:
    clinic(tmp_path)
    (tmp_path / "syncs" / "more.yaml").symlink_to(tmp_path / "nowhere")
    assert faults_of(tmp_path)[0].startswith("syncs/more.yaml:0:0 no-file")


def test_a_yml_file_is_not_silently_left_out(tmp_path: Path) -> None:
    clinic(tmp_path)
    write(tmp_path, {"syncs/more.yml": VISITS})
    assert faults_of(tmp_path) == [
        "syncs/more.yml:0:0 file-name: only `.yaml` files are read here -> rename it to `more.yaml`"
    ]


def test_no_message_repeats_a_secret(tmp_path: Path) -> None:
    folder = clinic(
        tmp_path,
        ("careloom.yaml", "secret:crm-token", "pat-na1-Zyx98765"),
        ("careloom.yaml", "duckdb://warehouse.duckdb", "mysql://u:Zyx98765@h/d"),
        ("careloom.yaml", "retries: 3", "retries: Zyx98765"),
    )
    assert len(faults_of(folder)) == 3
    assert "Zyx98765" not in "".join(faults_of(folder))


def test_a_fault_prints_its_place_its_cause_and_its_fix(tmp_path: Path) -> None:
    folder = clinic(tmp_path, ("careloom.yaml", "timezone:", "time_zone:"))
    with pytest.raises(ProjectFault) as error:
        load_project(folder, ROOMS)
    assert str(error.value).endswith(
        "careloom.yaml:2:1: unknown key `time_zone` [unknown-key]\n    fix: did you mean `timezone`?"
    )
