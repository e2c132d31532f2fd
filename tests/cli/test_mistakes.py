"""Whatever a user gets wrong on the command line is told in a sentence with its own exit code; it is never called a bug."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from careloom.cli.main import COMMANDS, loaded, main, verbs
from careloom.cli.verbs import EXAMPLES, GROUPS
from cli.shell import call
from services.sync_project import PEOPLE, PROJECT, Clinic, someone

NEEDS_A_DATABASE_BUT_NO_PROJECT = ("demo",)
SERVES = ("sim", "serve", "work", "demo")


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as end:
        main(list(words))
    told = capsys.readouterr()
    assert "bug" not in told.err, words
    assert "Traceback" not in told.err, words
    return int(end.value.code or 0), told.out, told.err


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Paths of every wrong kind."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CARELOOM_DATABASE_URL", "postgresql://127.0.0.1:1/nothing")
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("nothing")
    (tmp_path / "binary").write_bytes(bytes(range(256)))
    (tmp_path / "both").mkdir()
    (tmp_path / "both" / "careloom.yaml").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    return tmp_path


WRONG_FOLDERS = ("empty", "file", "nowhere", "both", "loop", "binary", "n" * 300, "bad\x00name", "\udcff", "")


def projects() -> Iterator[tuple[str, ...]]:
    for name in COMMANDS:
        for verb, command in verbs(loaded(name)).items():
            if any("--project" in option.opts for option in command.params):
                given = ["x" for one in command.params if one.param_type_name == "argument" and one.required]
                yield (name, *([verb] if verb else []), *given)


@pytest.mark.parametrize("words", list(projects()), ids=" ".join)
def test_a_folder_that_is_no_project_is_told_by_every_command(
    places: Path, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in WRONG_FOLDERS:
        code, _, err = said(capsys, *words, "-p", folder)
        assert code in ((2, 6) if words == ("migrate",) else (2, 3)), (folder, err)


def files() -> Iterator[tuple[tuple[str, ...], str, list[str]]]:
    for name in COMMANDS:
        if name in SERVES:
            continue
        for verb, command in verbs(loaded(name)).items():
            given = [one for one in command.params if one.param_type_name == "argument" and one.required]
            for option in command.params:
                described = getattr(option, "type_descriptor", None)
                if described is not None and described.annotation is Path and option.name != "folder":
                    needed = [
                        one.opts[0] for one in command.params if one.required and one is not option and one not in given
                    ]
                    words = (name, *([verb] if verb else []), *("x" for _ in given))
                    if option.param_type_name == "option":
                        yield words, option.opts[0], needed


@pytest.mark.parametrize(("words", "option", "needed"), list(files()), ids=str)
def test_a_path_of_the_wrong_kind_is_told(
    places: Path, words: tuple[str, ...], option: str, needed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    for wrong in ("nowhere/x.csv", "empty", "binary", "loop", "file/x.csv", "n" * 300 + ".csv", "bad\x00name.csv"):
        more = [word for name in needed for word in (name, "file")]
        code, _, err = said(capsys, *words, f"{option}={wrong}", *more)
        assert code in (0, 1, 2, 3, 6), (wrong, err)
        assert err or code == 0


def test_a_port_that_is_taken_is_told(places: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for kind in ("hubspot", "drchrono", "collaboratemd"):
            code, _, err = said(capsys, "sim", kind, "--port", port)
            assert (code, "Address already in use" in err, "--port" in err) == (2, True, True), err
        for host in ("192.0.2.1", "::2"):
            assert said(capsys, "sim", "hubspot", "--host", host)[0] == 2


def test_a_failure_is_json_where_json_was_asked_for(places: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in projects():
        if words[0] in ("doctor", "migrate", "risk") or "--json" not in {
            opt for one in verbs(loaded(words[0])).values() for p in one.params for opt in p.opts
        }:
            continue
        code, out, _ = said(capsys, *words, "-p", "empty", "--json")
        told = json.loads(out)
        faults = told["faults"] if "faults" in told else told["error"]["faults"]
        assert code == 3
        assert (faults[0]["file"], faults[0]["code"]) == ("careloom.yaml", "no-file")
        assert told.get("error", {"exit_code": 3})["exit_code"] == 3
    code, out, _ = said(capsys, "runs", "--limit", "many", "--json")
    assert json.loads(out)["error"] == {
        "code": "usage",
        "message": "Invalid value for '--limit': is not a whole number",
        "exit_code": 2,
    }
    assert code == 2


@pytest.mark.parametrize(
    ("words", "words_said"),
    [
        (("pln",), "Did you mean 'plan'"),
        (("hlep",), "No such command"),
        (("help", "pln"), "Did you mean 'plan'"),
    ],
)
def test_a_command_that_is_none_is_told_with_its_nearest(
    words: tuple[str, ...], words_said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = said(capsys, *words)
    assert (code, words_said in err) == (2, True), err


def test_help_is_a_verb_too_and_the_version_has_a_letter(capsys: pytest.CaptureFixture[str]) -> None:
    assert "Usage: careloom runs" in said(capsys, "help", "runs")[1]
    assert "Usage: careloom [OPTIONS]" in said(capsys, "help")[1]
    assert said(capsys, "-V")[1].startswith("careloom ")


def test_every_command_is_in_one_group_and_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert sorted(name for names in GROUPS.values() for name in names) == sorted(COMMANDS)
    assert EXAMPLES.keys() == COMMANDS.keys()
    assert "Example: careloom runs" in said(capsys, "runs", "--help")[1]


def test_a_source_that_cannot_be_read_is_told_at_its_place(clinic: Clinic) -> None:
    clinic.rows([someone(1)])
    file = clinic.folder / "data" / "People.csv"
    file.unlink()
    file.symlink_to("/proc/self/mem")
    told = call(clinic, "plan")
    assert told.code == 3
    assert "syncs/people.yaml:2:30: " in told.err
    assert "cannot be read: Input/output error" in told.err


@pytest.mark.parametrize(
    ("url", "place", "cause"),
    [
        ("csv://nowhere", "careloom.yaml:4:10: ", "there is no folder"),
        ("csv://data/People.csv", "careloom.yaml:4:10: ", "is a file"),
        ("csv://sheets", "careloom.yaml:4:10: ", "People.xlsx"),
        ("csv://others", "syncs/people.yaml:2:30: ", "there is no table People"),
        ("duckdb://warehouse.duckdb", "careloom.yaml:4:10: ", "there is no file"),
        ("duckdb://data/People.csv", "careloom.yaml:4:10: ", "is no DuckDB database"),
        ("sqlite://data", "careloom.yaml:4:27: ", "which is no kind of database or file that can be read"),
    ],
)
def test_what_a_source_lacks_is_told_at_its_place(clinic: Clinic, url: str, place: str, cause: str) -> None:
    clinic.rows([someone(1)])
    for folder, name in (("sheets", "People.xlsx"), ("others", "Peple.csv")):
        (clinic.folder / folder).mkdir()
        (clinic.folder / folder / name).write_text("ID\n1\n")
    clinic.write(project=PROJECT.replace("{source}", url))
    told = call(clinic, "plan")
    assert told.code == 3
    assert place in told.err
    assert cause in told.err
    assert "\n: " not in told.err


def test_nobody_without_a_name_sees_peoples_values(
    places: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def nobody(number: int) -> None:
        raise KeyError(number)

    monkeypatch.setattr("pwd.getpwuid", nobody)
    monkeypatch.setenv("USER", "anyone")
    for words in (("review",), ("held",), ("plan",), ("explain", "K1"), ("history", "people", "1")):
        code, _, err = said(capsys, *words, "--reveal")
        assert (code, "set CARELOOM_ACTOR" in err) == (2, True), err


@pytest.mark.parametrize(
    ("project", "people", "place"),
    [
        (PROJECT, PEOPLE.replace("firstname: First", "firstname: Frist"), "syncs/people.yaml:8:14: "),
        (PROJECT, PEOPLE.replace("table: People", "table: Peeple"), "syncs/people.yaml:2:30: "),
        (PROJECT.replace("{source}", "sqlite://data"), PEOPLE, "careloom.yaml:4:27: "),
        (PROJECT.replace("{source}", "csv://data/People.csv"), PEOPLE, "careloom.yaml:4:10: "),
    ],
)
def test_check_sees_what_is_wrong_with_files_of_this_machine(
    clinic: Clinic, project: str, people: str, place: str
) -> None:
    clinic.rows([someone(1)])
    clinic.write(people, project=project)
    told = call(clinic, "check")
    assert (told.code, place in told.err) == (3, True), told.err
    assert call(clinic, "check", "--json").json["faults"][0]["line"] == int(place.split(":")[1])


def test_check_names_files_that_are_not_here_and_asks_for_them_when_it_is_told_to(clinic: Clinic) -> None:
    clinic.write(project=PROJECT.replace("{source}", "csv://nowhere"))
    told = call(clinic, "check")
    assert (told.code, "the files of files are not here" in told.out) == (0, True)
    assert call(clinic, "check", "--json").json["unseen"] == ["files"]
    assert call(clinic, "check", "--sources").code == 3
