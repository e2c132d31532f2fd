"""Whatever is wrong is told in a sentence that names the next step, by the right exit code; once mended, everything lands."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from careloom.cli.main import main
from services.sync_project import PEOPLE, PROJECT, Clinic, Row, someone

FAILED, USAGE, PROJECT_AT_FAULT, HELD, NOT_PERMITTED, AWAY = 1, 2, 3, 4, 5, 6
EVERYBODY = [someone(number) for number in range(1, 6)]


@dataclass(frozen=True, kw_only=True)
class Told:
    code: int
    out: str
    err: str

    def says(self, code: int, *words: str) -> None:
        """It left with `code`, and all `words` stand in what it said; nobody met a stack trace."""
        assert self.code == code, self.err + self.out
        said = " ".join((self.err + self.out).split())
        assert [word for word in words if word not in said] == [], said
        assert "Traceback" not in said
        assert "is a bug" not in said


Careloom = Callable[..., Told]


@pytest.fixture
def careloom(clinic: Clinic, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Careloom:
    """The command line, in the clinic's project."""
    monkeypatch.chdir(clinic.folder)
    clinic.rows(EVERYBODY)
    for name, value in {"CARELOOM_DATABASE_URL": clinic.database, "HUBSPOT_TOKEN": "pat-test"}.items():
        monkeypatch.setenv(name, value)

    def call(*words: str, **environment: str) -> Told:
        with monkeypatch.context() as here:
            for name, value in environment.items():
                here.setenv(name, value) if value else here.delenv(name)
            capsys.readouterr()
            with pytest.raises(SystemExit) as end:
                main(list(words))
        printed = capsys.readouterr()
        return Told(code=int(end.value.code or 0), out=printed.out, err=printed.err)

    return call


def everything_lands(clinic: Clinic, careloom: Careloom, rows: Sequence[Row] = EVERYBODY) -> None:
    """The next run, without any other step, leaves the portal with each row once, as it is."""
    told = careloom("run")
    assert told.code == 0, told.err + told.out
    records = [values for values in clinic.records().values() if values.get("clinic_id")]
    assert sorted((one["clinic_id"], one["firstname"], one["lastname"], one["email"]) for one in records) == sorted(
        (row["ID"], row["First"], row["Last"], row["Email"]) for row in rows
    )
    assert clinic.held() == {}


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


# ---------------------------------------------------------------- the command line


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("weave",), "No such command 'weave'"),
        (("run", "--fast"), "No such option"),
        (("run", "peeple"), "there are: people"),
        (("explain", "K99"), "nothing is known of key 'K99'"),
        (("review", "people", "K1", "--create"), "careloom review people"),
        (("review", "people", "K1", "--keep", "mine"), "source or destination"),
        (("init", "nothing", "there"), "there is no blueprint 'nothing'"),
        (("sim", "nothing"), "there is no simulator of 'nothing'"),
    ],
)
def test_what_nobody_offers_is_a_matter_of_usage(careloom: Careloom, words: tuple[str, ...], said: str) -> None:
    careloom(*words).says(USAGE, said)


# ---------------------------------------------------------------- the project


def test_a_folder_without_a_project(careloom: Careloom, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    for command in ("check", "run", "plan", "held"):
        careloom(command, "-p", str(tmp_path / "elsewhere")).says(PROJECT_AT_FAULT, "careloom.yaml", "fix:")


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (PEOPLE.replace("fields:", "fields: ["), ("syncs/people.yaml:", "fix:")),
        (PEOPLE.replace("fields:", "felds:"), ("syncs/people.yaml:7:1", "fields", "fix:")),
        (PEOPLE.replace("firstname: First", "firstname: upper(First"), ("syncs/people.yaml:8:", "fix:")),
        ("\x00\x01", ("syncs/people.yaml", "fix:")),
        ("", ("syncs/people.yaml", "fix:")),
    ],
)
def test_bad_yaml_is_a_fault_at_its_place(
    clinic: Clinic, careloom: Careloom, broken: str, said: tuple[str, ...]
) -> None:
    clinic.write(broken)
    careloom("check").says(PROJECT_AT_FAULT, *said)
    careloom("run").says(PROJECT_AT_FAULT, *said, "nothing was done")
    assert clinic.writes() == 0
    clinic.write()
    everything_lands(clinic, careloom)


def test_bytes_that_are_no_text(clinic: Clinic, careloom: Careloom) -> None:
    (clinic.folder / "syncs" / "people.yaml").write_bytes(b"sync: people\xff\xfe\n")
    careloom("check").says(PROJECT_AT_FAULT, "syncs/people.yaml", "fix:")


def test_a_column_that_is_not_there(clinic: Clinic, careloom: Careloom) -> None:
    clinic.write(PEOPLE.replace("firstname: First", "firstname: Frist"))
    for command in ("plan", "run"):
        careloom(command).says(PROJECT_AT_FAULT, "syncs/people.yaml:8:", "Frist", "First", "fix:")
    careloom("doctor").says(PROJECT_AT_FAULT, "Frist", "fix:")
    clinic.write()
    everything_lands(clinic, careloom)


# ---------------------------------------------------------------- the source


def test_a_source_that_is_not_there(clinic: Clinic, careloom: Careloom) -> None:
    (clinic.folder / "data").rename(clinic.folder / "away")
    careloom("run").says(PROJECT_AT_FAULT, "there is no folder", "fix:")
    (clinic.folder / "away").rename(clinic.folder / "data")
    everything_lands(clinic, careloom)


def test_a_file_that_is_not_there(clinic: Clinic, careloom: Careloom) -> None:
    file = clinic.folder / "data" / "People.csv"
    file.rename(file.with_name("Peple.csv"))
    careloom("run").says(PROJECT_AT_FAULT, "there is no table People", "Peple", "fix:")
    file.with_name("Peple.csv").rename(file)
    everything_lands(clinic, careloom)


def test_a_file_that_ends_in_the_middle_of_a_row(clinic: Clinic, careloom: Careloom) -> None:
    file = clinic.folder / "data" / "People.csv"
    whole = file.read_text()
    file.write_text(whole + 'K9,"Someone')
    careloom("run").says(PROJECT_AT_FAULT, "People.csv", "fix:")
    assert clinic.records() == {}
    file.write_text(whole)
    everything_lands(clinic, careloom)


def test_an_empty_file(clinic: Clinic, careloom: Careloom) -> None:
    file = clinic.folder / "data" / "People.csv"
    whole = file.read_text()
    file.write_text("")
    careloom("run").says(PROJECT_AT_FAULT, "People.csv", "is empty", "fix:")
    file.write_text(whole)
    everything_lands(clinic, careloom)


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ({"Born": "2026-02-30"}, "not-a-date"),
        ({"Born": "in spring"}, "not-a-date"),
        ({"Visits": "many"}, "not-a-number"),
        ({"Note": "x" * 70_000}, "too-long"),
        ({"Note": "before\x00after"}, "nul-character"),
        ({"Email": "no mail at all"}, "INVALID_EMAIL"),
        ({"ID": ""}, "null-key"),
        ({"ID": "K1"}, "duplicate-key"),
    ],
)
def test_a_row_that_cannot_go_is_held_and_goes_once_it_is_mended(
    clinic: Clinic, careloom: Careloom, bad: Row, code: str
) -> None:
    clinic.rows([*EVERYBODY[:3], EVERYBODY[3] | bad, EVERYBODY[4]])
    lost = 2 if code == "duplicate-key" else 1
    careloom("run").says(HELD, "balanced", f"5 rows read = {5 - lost} created + {lost} held", code)
    careloom("held").says(0, code)
    assert len(clinic.links()) == 5 - lost
    clinic.rows(EVERYBODY)
    everything_lands(clinic, careloom)


def test_writing_of_every_kind_lands_as_it_is(clinic: Clinic, careloom: Careloom) -> None:
    notes = [
        "👩🏽‍⚕️ 𝔊𝔯üß 👍🏽",
        "שלום \u202eabc\u202c",
        "e\u0301 é",
        "a\nb\tc",
        'say "no", twice',
        "x" * 65_536,
        " \u00a0 edge\u200b",
    ]
    rows = [someone(number, Note=note) for number, note in enumerate(notes, 1)]
    clinic.rows(rows)
    assert careloom("run").code == 0
    for row in rows[:6]:
        assert clinic.record(row["ID"])["note"] == row["Note"]
    wrote = clinic.writes()
    assert careloom("run").code == 0
    assert careloom("run", "--full").code == 0
    assert clinic.writes() == wrote


# ---------------------------------------------------------------- the portal


def test_a_token_without_the_scope(clinic: Clinic, careloom: Careloom) -> None:
    may_read = ["crm.objects.contacts.read", "crm.schemas.contacts.read", "crm.schemas.contacts.write"]
    clinic.simulator.control("POST", "settings", {"tokens": {"pat-test": {"scopes": may_read}}})
    careloom("run").says(NOT_PERMITTED, "the token may not", "crm.objects.contacts.write")
    assert clinic.links() == {}
    clinic.simulator.control("POST", "settings", {"tokens": {}})
    everything_lands(clinic, careloom)


@pytest.mark.parametrize("command", ["plan", "run"])
def test_a_token_that_has_run_out(clinic: Clinic, careloom: Careloom, command: str) -> None:
    careloom(command, HUBSPOT_TOKEN="pat-expired-1").says(NOT_PERMITTED, "401", "Create a service key")
    everything_lands(clinic, careloom)


def test_a_token_that_runs_out_in_the_middle(clinic: Clinic, careloom: Careloom) -> None:
    assert careloom("run").code == 0
    clinic.rows([row | {"Visits": "77"} for row in EVERYBODY])
    clinic.faults({"kind": "status", "status": 401, "match": "batch/update"})
    careloom("run").says(NOT_PERMITTED, "failed", "401", "5 left for later")
    clinic.faults()
    everything_lands(clinic, careloom)


def test_a_secret_that_is_nowhere(clinic: Clinic, careloom: Careloom) -> None:
    careloom("run", HUBSPOT_TOKEN="").says(
        PROJECT_AT_FAULT, "the secret 'hubspot-token' is nowhere", "set HUBSPOT_TOKEN"
    )
    careloom("run", HUBSPOT_TOKEN="", HUBSPOT_TOKEN_FILE="/nowhere").says(PROJECT_AT_FAULT, "cannot read /nowhere")
    everything_lands(clinic, careloom)


@pytest.mark.slow
def test_a_portal_that_is_down(clinic: Clinic, careloom: Careloom) -> None:
    clinic.write(project=PROJECT.replace("{portal}", f"http://127.0.0.1:{free_port()}"))
    careloom("run").says(AWAY, "check the network, base_url", "run again")
    clinic.write()
    everything_lands(clinic, careloom)


def test_a_portal_that_asks_for_a_long_wait_in_the_middle(clinic: Clinic, careloom: Careloom) -> None:
    clinic.faults({"kind": "status", "status": 503, "retry_after": "900", "match": "batch/upsert"})
    careloom("run").says(AWAY, "failed", "asks to wait 900 s", "5 left for later")
    clinic.faults()
    everything_lands(clinic, careloom)


# ---------------------------------------------------------------- the database


@pytest.mark.parametrize("command", ["plan", "run", "apply", "held", "runs", "migrate"])
def test_a_database_that_is_away(clinic: Clinic, careloom: Careloom, command: str) -> None:
    away = f"postgresql://someone:s3cret@127.0.0.1:{free_port()}/nothing"
    told = careloom(command, CARELOOM_DATABASE_URL=away)
    told.says(AWAY, "cannot reach the database", "check CARELOOM_DATABASE_URL")
    assert "s3cret" not in told.err + told.out


def test_doctor_says_that_the_database_is_away(clinic: Clinic, careloom: Careloom) -> None:
    away = f"postgresql://127.0.0.1:{free_port()}/nothing"
    careloom("doctor", CARELOOM_DATABASE_URL=away).says(PROJECT_AT_FAULT, "database", "CARELOOM_DATABASE_URL")


def test_an_address_that_is_none(careloom: Careloom) -> None:
    told = careloom("run", CARELOOM_DATABASE_URL="mysql://someone:s3cret@here/there")
    told.says(FAILED, "CARELOOM_DATABASE_URL is no PostgreSQL address")
    assert "s3cret" not in told.err + told.out


def test_a_database_without_our_tables(clinic: Clinic, careloom: Careloom) -> None:
    with psycopg.connect(clinic.database, autocommit=True) as connection:
        connection.execute("drop schema careloom cascade")
    careloom("run").says(FAILED, "run: careloom migrate")
    careloom("migrate").says(0)
    everything_lands(clinic, careloom)


def test_a_database_that_refuses_a_row_tells_nothing_of_it(clinic: Clinic, careloom: Careloom) -> None:
    """A bug, or a hand in the tables: the kind of error is told, and where, but not the row that the database quotes."""
    with psycopg.connect(clinic.database, autocommit=True) as connection:
        connection.execute("alter table careloom.agreed add constraint odd check (key <> 'K3')")
        told = careloom("run")
        assert told.code == FAILED
        assert "this is a bug, please report it" in told.err
        assert "CheckViolation" in told.err
        assert "deliver.py" in told.err
        assert EVERYBODY[2]["Email"] not in told.err
        connection.execute("alter table careloom.agreed drop constraint odd")
    everything_lands(clinic, careloom)
