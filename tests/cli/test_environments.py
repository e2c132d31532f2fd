"""An environment's trials never reach what is production's: neither its database nor the systems it writes to."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from careloom.services.operate.alerts import failure_mail, job_mail
from careloom.store.server.embedded import leave_server
from careloom.systems.hubspot.simulator import RunningSimulator
from cli.shell import Said, call
from cli.test_exec import shell
from services.sync_project import Clinic, someone

PEOPLE = [someone(number) for number in range(1, 4)]
OVERLAY = """\
database: secret:staging-database-url
systems:
  crm: {{kind: hubspot, token: secret:sandbox-token, base_url: "{portal}"}}
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSimulator]:
    with RunningSimulator() as running:
        yield running


@pytest.fixture
def trial(server_url: str, database: str) -> Iterator[str]:
    """A database with nothing in it, beside production's."""
    name = f"trial_{uuid.uuid4().hex}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield make_conninfo(database, dbname=name)
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def overlay(clinic: Clinic, text: str, name: str = "staging") -> None:
    (clinic.folder / f"careloom.{name}.yaml").write_text(text, encoding="utf-8")


@pytest.fixture
def staged(clinic: Clinic, sandbox: RunningSimulator, trial: str) -> Clinic:
    """The clinic with an environment that has a database and a portal of its own."""
    sandbox.control("POST", "reset", {})
    sandbox.control("POST", "settings", {"search_lag": 0, "tier": "unlimited", "latency_ms": 0, "tokens": {}})
    overlay(clinic, OVERLAY.format(portal=sandbox.url))
    clinic.environment |= {"STAGING_DATABASE_URL": trial, "SANDBOX_TOKEN": "pat-test"}
    clinic.rows(PEOPLE)
    return clinic


def ready(clinic: Clinic) -> None:
    said = call(clinic, "migrate", "--env", "staging")
    assert said.code == 0, said.err


def refused(said: Said, *words: str) -> None:
    assert said.code in (1, 2, 3), said.out + said.err
    assert "Traceback" not in said.err
    for word in words:
        assert word in said.err


def rows(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(statement.encode()).fetchall()


def test_a_run_in_an_environment_writes_to_its_own_portal_and_store_only(
    staged: Clinic, sandbox: RunningSimulator, trial: str
) -> None:
    ready(staged)
    said = call(staged, "--env", "staging", "run", "people", "--json")
    assert said.code == 0, said.err
    assert (said.json["environment"], said.json["counts"]["create"]) == ("staging", 3)
    assert len(sandbox.control("GET", "records/contacts")["results"]) == 3
    assert (staged.records(), staged.writes()) == ({}, 0)
    assert rows(trial, "select name from careloom.environment") == [("staging",)]
    assert rows(trial, "select count(*) from careloom.link") == [(3,)]
    assert rows(staged.database, "select count(*) from careloom.link") == [(0,)]
    assert rows(staged.database, "select count(*) from careloom.environment") == [(0,)]
    runs = call(staged, "runs", "--json", "--env=staging").json
    assert [(run["environment"], run["kind"]) for run in runs] == [("staging", "run")]
    assert "environment staging" in call(staged, "runs", "--env", "staging").out
    assert call(staged, "runs", "--json").json == []


def test_the_name_is_in_plans_the_doctor_mails_and_logs(staged: Clinic) -> None:
    ready(staged)
    assert "of people in staging" in call(staged, "plan", "people", "--env", "staging").out
    assert call(staged, "plan", "people", "--json").json["environment"] == ""
    said = call(staged, "doctor", "--env", "staging", "--json")
    assert {"what": "environment", "detail": "staging; its own systems: crm"}.items() <= next(
        finding for finding in said.json if finding["what"] == "environment"
    ).items()
    logs = call(staged, "--env", "staging", "-v", "run", "people").err.splitlines()
    lines = [json.loads(line) for line in logs if line.startswith("{")]
    assert lines
    assert {line["environment"] for line in lines} == {"staging"}
    staged.environment["CARELOOM_ENV"] = "staging"
    with staged.open() as opened:
        subject = failure_mail(opened.project, "sync", "people", "no", [])["Subject"]
        assert subject == "careloom: people of clinic [staging] failed"
    assert "clinic [staging]" in job_mail("clinic [staging]", "land", "x", "no")["Subject"]


def test_a_plan_of_one_environment_is_not_applied_in_another(staged: Clinic) -> None:
    overlay(staged, "database: secret:staging-database-url\n")
    ready(staged)
    assert call(staged, "plan", "people").code == 0
    assert rows(staged.environment["STAGING_DATABASE_URL"], "select count(*) from careloom.plan") == [(0,)]
    assert call(staged, "plan", "people", "--env", "staging").code == 0
    with psycopg.connect(staged.environment["STAGING_DATABASE_URL"]) as trial, psycopg.connect(staged.database) as ours:
        digests = [one.execute("select project_digest from careloom.plan").fetchall() for one in (trial, ours)]
    assert digests[0] != digests[1], "even a plan that was copied would be out of date"


# ------------------------------------------------------------ the database


def test_productions_database_is_not_taken_by_omission(staged: Clinic, sandbox: RunningSimulator) -> None:
    overlay(staged, OVERLAY.format(portal=sandbox.url).replace("database: secret:staging-database-url\n", ""))
    for verb in (("run", "people"), ("plan", "people"), ("migrate",), ("runs",), ("exec", "--", "true")):
        words = (*verb[:1], "--env", "staging", *verb[1:]) if verb[0] == "exec" else (*verb, "--env", "staging")
        refused(call(staged, *words), "names no database", "secret:staging-database-url")
    assert "names no database" in str(call(staged, "doctor", "--env", "staging"))


def test_the_same_database_is_refused_however_its_address_is_written(staged: Clinic) -> None:
    for more in ({}, {"user": "careloom", "connect_timeout": "9"}, {"application_name": "x"}):
        staged.environment["STAGING_DATABASE_URL"] = make_conninfo(staged.database, **more)
        refused(call(staged, "migrate", "--env", "staging"), "which is production's")
        refused(call(staged, "run", "people", "--env", "staging"), "which is production's")


def test_a_store_is_opened_by_the_environment_it_was_made_for_only(staged: Clinic, trial: str) -> None:
    ready(staged)
    production, staged.database = staged.database, trial
    for verb in (("run", "people"), ("migrate",), ("runs",)):
        refused(call(staged, *verb), "the environment 'staging'", "production (no environment)", "say --env staging")
    assert "the environment 'staging'" in call(staged, "doctor").out
    staged.database = make_conninfo(dbname="nowhere", host="db.example")
    staged.environment["STAGING_DATABASE_URL"] = production
    for verb in (("run", "people"), ("migrate",)):
        said = call(staged, *verb, "--env", "staging")
        refused(said, "made for production", "'staging' was asked for", "careloom.staging.yaml")
    overlay(staged, (staged.folder / "careloom.staging.yaml").read_text(), "other")
    staged.environment["STAGING_DATABASE_URL"] = trial
    refused(call(staged, "runs", "--env", "other"), "'staging'", "'other' was asked for")
    assert rows(production, "select count(*) from careloom.environment") == [(0,)]


def test_the_embedded_store_of_an_environment_is_apart(staged: Clinic, sandbox: RunningSimulator) -> None:
    overlay(staged, OVERLAY.format(portal=sandbox.url).replace("database: secret:staging-database-url\n", ""))
    hidden = staged.folder / ".careloom"
    try:
        said = shell(
            staged.folder, "exec", "--env", "staging", "--", "psql", "-XAtc", "select name from careloom.environment"
        )
        assert (said.returncode, said.stdout) == (0, "staging\n"), said.stderr
        assert (hidden / "env" / "staging" / "dbt" / "by-hand" / "analytics" / "profiles.yml").is_file()
        assert list((hidden / "env" / "staging").glob("postgres*"))
        assert not (hidden / "postgres").exists()
        assert not (hidden / "postgres.at").exists()
        assert not (hidden / "dbt").exists()
        ours = shell(staged.folder, "exec", "--", "psql", "-XAtc", "select count(*) from careloom.environment")
        assert (ours.returncode, ours.stdout) == (0, "0\n"), ours.stderr
    finally:
        leave_server(hidden)
        leave_server(hidden / "env" / "staging")


# ------------------------------------------------------------ systems


def test_a_system_that_is_not_replaced_is_planned_for_and_never_written_to(staged: Clinic) -> None:
    overlay(staged, "database: secret:staging-database-url\n")
    ready(staged)
    assert call(staged, "plan", "people", "--env", "staging", "--json").json["counts"]["create"] == 3
    for verb in ("apply", "run"):
        refused(call(staged, verb, "people", "--env", "staging"), "nothing was sent", "`crm:` under `systems:`")
    staged.rows([])
    refused(call(staged, "run", "people", "--env", "staging"), "nothing was sent")
    assert (staged.records(), staged.writes()) == ({}, 0)
    assert "only plans work" in call(staged, "doctor", "--env", "staging").out
    staged.environment["CARELOOM_ENV"] = "staging"
    with staged.open() as opened, pytest.raises(Exception, match="nothing was sent"):
        opened.target("crm").declare(None)  # type: ignore[arg-type]


FAULTS = [
    ("sytems:\n  crm: {kind: hubspot}\n", "careloom.staging.yaml:1:1", "did you mean `systems`?"),
    ("systems:\n  file: {kind: hubspot, token: secret:t}\n", "careloom.staging.yaml:2:3", "did you mean `files`?"),
    ("systems:\n  crm: {kind: hubspot, tokn: secret:t}\n", "careloom.staging.yaml:2:24", "did you mean `token`?"),
    (
        "systems:\n  crm: {kind: hubspot, token: secret:hubspot-token}\n",
        "careloom.staging.yaml:2:31",
        "production's secret",
    ),
    ("systems:\n  crm: {kind: hubspot, token: pat-na1-x}\n", "careloom.staging.yaml:2:31", "holds a secret in clear"),
    ("database: postgresql://a:b@h/d\n", "careloom.staging.yaml:1:11", "holds a password in clear"),
    ("database: mysql://h/d\n", "careloom.staging.yaml:1:11", "is no address of a database"),
    ("alerts:\n  mail: {to: [x], from: a@b, smtp: secret:s}\n", "careloom.staging.yaml:2:15", "is no mail address"),
    ("timezone: Europe/Berlin\n", "careloom.staging.yaml:1:1", "unknown key `timezone`"),
    ("publish: [crn]\n", "careloom.staging.yaml:1:11", "there is no system `crn`"),
    ("- a\n", "careloom.staging.yaml:1:1", "must be keys with values"),
]


@pytest.mark.parametrize(("text", "place", "told"), FAULTS)
def test_check_tells_the_faults_of_the_overlay_at_their_places(
    clinic: Clinic, text: str, place: str, told: str
) -> None:
    overlay(clinic, text)
    said = call(clinic, "check", "--env", "staging")
    assert said.code == 3
    assert f"{place}:" in said.err
    assert told in said.err
    assert call(clinic, "check").code == 0, "production's project is right whatever an overlay says"


def test_a_system_that_is_written_as_before_replaces_nothing(clinic: Clinic) -> None:
    line = next(text for text in (clinic.folder / "careloom.yaml").read_text().splitlines() if "crm:" in text)
    overlay(clinic, f"systems:\n{line}\n")
    refused(call(clinic, "check", "--env", "staging"), "is written as in careloom.yaml")


def test_check_reads_both_files_as_one(staged: Clinic) -> None:
    said = call(staged, "check", "--env", "staging", "--json")
    assert (said.json["environment"], said.json["syncs"]) == ("staging", ["people"])
    assert call(staged, "check", "--env", "staging").out.startswith("clinic in staging: syncs people")


@pytest.mark.parametrize("name", ["stagin", "../x", "", "yaml"])
def test_an_unknown_environment_names_those_that_exist(staged: Clinic, name: str) -> None:
    overlay(staged, "schedule: daily at 05:00\n", "trial")
    said = call(staged, "check", "--env", name)
    if not name:
        assert said.code == 0
        return
    assert said.code == 2
    assert "staging, trial" in said.err
    assert ("did you mean `staging`?" in said.err) == (name == "stagin")


def test_a_shell_completes_the_names(staged: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner  # noqa: PLC0415 only here

    from careloom.cli.main import app  # noqa: PLC0415 likewise

    overlay(staged, "schedule: daily at 05:00\n", "trial")
    monkeypatch.chdir(staged.folder)
    asked = {"_CARELOOM_COMPLETE": "complete_bash", "COMP_WORDS": "careloom --env s", "COMP_CWORD": "2"}
    assert CliRunner().invoke(app, [], prog_name="careloom", env=asked).stdout.split() == ["staging"]


def test_the_schema_of_the_overlay_knows_each_kind_of_system(clinic: Clinic, tmp_path: Path) -> None:
    assert call(clinic, "schema", "--out", str(tmp_path / "out")).code == 0
    schema = json.loads((tmp_path / "out" / "environment.json").read_text())
    assert {"database", "systems", "alerts", "service"} <= set(schema["properties"])
    assert "project" not in schema["properties"]
    assert schema["properties"]["systems"]["additionalProperties"]["properties"]["kind"]["enum"]
