"""A planted patient comes by webhook, by list and by Gridhook, well and ill formed, and is named nowhere but where she is kept."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
import urllib3

from careloom.cli import main
from careloom.services.operate.simulate import Simulation, connect_all
from careloom.services.session.sessions import open_session
from careloom.services.session.settings import read_settings
from careloom.systems.deepcura.simulator import invented_note, sealed
from careloom.systems.drchrono.simulator.process import RunningDrChrono
from hang import HANG
from promises.test_a_person_appears_nowhere import told
from promises.watched import Careloom

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("landed zzyzx")]

BLUEPRINT = Path(__file__).parents[2] / "blueprints" / "drchrono-clinical"
SHARED = "a shared secret of the clinic"
SECRETS = {
    "DRCHRONO_CLIENT_ID": "sim-client",
    "DRCHRONO_CLIENT_SECRET": "sim-client-secret",
    "DRCHRONO_WEBHOOK_SECRET": "sim-webhook-secret",
    "DEEPCURA_SHARED_SECRET": SHARED,
    "CARELOOM_SEAL_KEY": "A" * 43 + "=",
    "CARELOOM_LOG_LEVEL": "debug",
    "CARELOOM_ACTOR": "pat",
}
ZZYZX = {
    "first_name": "Zzyzx",
    "last_name": "Of-Zzyzx",
    "email": "zzyzx@zzyzx.example",
    "cell_phone": "978-555-0187",
    "date_of_birth": "1911-11-11",
    "address": "1 Zzyzx Road",
    "city": "Zzyzx",
}
MAY_HOLD_PEOPLE = {
    "inbox.body",
    "change_log.old_values",
    "change_log.new_values",
    "change_log.changed",
    "landing_held.body",
}
"""The columns of careloom's own tables that are there to hold what records say; clinical.* are the records."""
DAY = date(2026, 11, 20)


@dataclass(kw_only=True)
class Clinic:
    """The project, what its processes have printed, and what its door has answered."""

    careloom: Careloom
    vendor: RunningDrChrono
    database: str
    url: str = ""
    printed: list[Path] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    http: urllib3.PoolManager = field(default_factory=urllib3.PoolManager)

    def post(self, path: str, body: bytes, **headers: str) -> int:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.http.request("POST", self.url + path, body=body, headers=named, retries=False)
        self.answers.append(f"{answer.headers} {answer.data.decode('utf-8', 'replace')}")
        return answer.status

    def dictate(self, body: bytes) -> int:
        headers = {"x_deepcura_secret": SHARED, "content_type": "application/json"}
        return self.post("/webhooks/deepcura", body, **headers)

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database, autocommit=True) as connection:
            return connection.execute(statement).fetchall()  # type: ignore[call-overload, no-any-return]

    def until(self, statement: str) -> None:
        end = time.monotonic() + HANG
        while self.ask(statement) != [(True,)]:
            assert time.monotonic() < end, f"it never came to be: {statement}"
            time.sleep(0.2)


@contextmanager
def serving(clinic: Clinic, folder: Path, log: Path) -> Iterator[None]:
    environment = {**os.environ, **clinic.careloom.environment}
    command = [sys.executable, "-m", main.__name__, "serve", "-p", str(folder), "--port", "0", "--work"]
    with log.open("w") as out, subprocess.Popen(command, env=environment, stdout=out, stderr=out) as process:
        clinic.printed.append(log)
        try:
            end = time.monotonic() + HANG
            while "serving on " not in log.read_text():
                assert time.monotonic() < end, log.read_text()
                time.sleep(0.1)
            clinic.url = log.read_text().partition("serving on ")[2].partition(";")[0].split()[0]
            yield
        finally:
            process.terminate()
            process.wait(HANG)


@pytest.fixture(scope="module")
def clinic(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    folder = tmp_path_factory.mktemp("landed") / "clinic"
    shutil.copytree(BLUEPRINT, folder)
    name = "zz_landed"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    database = server_url.replace(":///careloom?", f":///{name}?")
    with RunningDrChrono("--tier", "unlimited", "--patients", "3") as vendor:
        project = folder / "careloom.yaml"
        text = project.read_text()
        project.write_text(text.replace("kind: drchrono\n", f"kind: drchrono\n    base_url: {vendor.url}\n"))
        environment = SECRETS | {"CARELOOM_DATABASE_URL": database}
        settings = read_settings(environment)
        with open_session(folder, settings) as session:
            connect_all(session, Simulation(settings=settings, addresses={"drchrono": vendor.url}, secrets={}))
        session.close()
        found = Clinic(careloom=Careloom(folder=folder, environment=environment), vendor=vendor, database=database)
        with serving(found, folder, folder.parent / "serve.log"):
            vendor.control("settings", hooks_url=f"{found.url}/webhooks/drchrono", lag_seconds=0)
            live(found)
        yield found
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def live(clinic: Clinic) -> None:
    """Well formed and ill, signed and not, known and unknown; then every command that could show her."""
    key = clinic.vendor.control("create", table="patients", values=ZZYZX)["key"]
    clinic.until("select count(*) = 1 from clinical.patients where first_name = 'Zzyzx'")
    clinic.vendor.control("change", table="patients", key=key, values={"city": "Zzyzx Springs"})
    clinic.until("select count(*) = 1 from clinical.patients where city = 'Zzyzx Springs'")
    ill = {**ZZYZX, "date_of_birth": "Zzyzx in spring"}
    clinic.vendor.control("create", table="patients", values=ill)
    clinic.until("select count(*) > 0 from careloom.landing_drift")
    event = {"x_drchrono_event": "PATIENT_MODIFY", "x_drchrono_signature": "sim-webhook-secret"}
    visit = {"id": "990001", "patient": "Zzyzx", "reason": "Zzyzx", "updated_at": "2026-11-20T12:00:00"}
    made = {**event, "x_drchrono_event": "APPOINTMENT_MODIFY"}
    assert clinic.post("/webhooks/drchrono", json.dumps({"object": visit}).encode(), **made) == 200
    clinic.until("select count(*) > 0 from careloom.landing_held")
    assert clinic.post("/webhooks/drchrono", b'{"object": "Zzyzx', **event) in (200, 400)
    assert clinic.post("/webhooks/drchrono", json.dumps({"object": ZZYZX}).encode(), **event) == 200
    assert clinic.post("/webhooks/drchrono?name=Zzyzx", b"{}", x_drchrono_signature="Zzyzx") == 401
    assert clinic.post("/webhooks/Zzyzx", b"Zzyzx") == 404
    note = invented_note(1, patient=int(key), day=DAY) | {"transcript": "Zzyzx said so"}
    assert clinic.dictate(sealed(note, SHARED)) == 200
    assert clinic.dictate(sealed(note | {"session_date": "Zzyzx's day", "session_id": "s-2"}, SHARED)) == 200
    assert clinic.dictate(sealed(note, "a secret of Zzyzx")) in (200, 400)
    assert clinic.dictate(json.dumps({"encrypted_payload": "Zzyzx"}).encode()) in (200, 400)
    clinic.until("select count(*) = 0 from careloom.inbox where state = 'new' and attempts = 0")
    clinic.until("select count(*) > 1 from careloom.landing_held")
    look_at_everything(clinic, key)


def look_at_everything(clinic: Clinic, key: str) -> None:
    do = clinic.careloom
    for words in (
        ("land", "patients", "--full"),
        ("reconcile", "patients"),
        ("held", "--stream", "patients", "--list"),
        ("held", "--stream", "appointments"),
        ("held", "--stream", "deepcura_notes", "--list"),
        ("history", "patients", key),
        ("history", "patients", "Zzyzx"),
        ("replay", "drchrono", "--compare"),
        ("replay", "deepcura", "--dry-run"),
        ("retry", "--stream", "patients"),
        ("cleanup", "--dry-run"),
        ("runs",),
        ("check",),
        ("doctor",),
    ):
        do(*words, *(() if words[0] in ("check", "doctor") else ("--json",)))
        do(*words)


def test_in_nothing_that_a_command_prints_or_logs(clinic: Clinic) -> None:
    leaks = [said.name for said in clinic.careloom.said if told(said.text) and "Zzyzx" not in said.words]
    assert not leaks
    assert any(said.words[0] == "history" and said.code == 0 for said in clinic.careloom.said)
    assert not [said.name for said in clinic.careloom.said if "Traceback" in said.text]


def test_in_no_log_of_the_door_and_the_worker(clinic: Clinic) -> None:
    for log in clinic.printed:
        text = log.read_text()
        assert "events" in text
        assert not [line for line in text.splitlines() if told(line)]
        assert "Traceback" not in text


def test_in_no_answer_of_the_door(clinic: Clinic) -> None:
    assert len(clinic.answers) >= 8
    assert not [answer for answer in clinic.answers if told(answer)]


def test_in_no_argument_of_a_process_and_no_file_of_the_project(clinic: Clinic) -> None:
    mine = [said for said in clinic.careloom.said if "Zzyzx" not in said.words]
    assert not [said.name for said in mine if told(said.arguments)]
    hidden = clinic.careloom.folder / ".careloom"
    files = [path for path in hidden.rglob("*") if path.is_file()] if hidden.exists() else []
    assert not [path.name for path in files if told(path.name + path.read_bytes().decode("latin-1"))]


def test_in_the_store_only_where_records_are_kept(clinic: Clinic) -> None:
    columns = clinic.ask(
        "select table_schema, table_name, column_name from information_schema.columns "
        "where table_schema in ('careloom', 'public') order by 1, 2, ordinal_position"
    )
    holding = {
        f"{table}.{column}"
        for schema, table, column in columns
        for (text,) in clinic.ask(f'select "{column}"::text from "{schema}"."{table}" where "{column}" is not null')
        if told(text if not text.startswith("\\x") else bytes.fromhex(text[2:]).decode("utf-8", "replace"))
    }
    assert holding <= MAY_HOLD_PEOPLE
    assert {"inbox.body", "landing_held.body"} <= holding, "the planted patient was nowhere: nothing was tested"


def test_in_no_log_of_the_database(clinic: Clinic, server_folder: Path) -> None:
    logs = [path for path in server_folder.rglob("*.log") if path.is_file()]
    assert not [path.name for path in logs if told(path.read_text(errors="replace"))]


def test_who_says_reveal_sees_the_history_and_the_audit_says_who_looked(clinic: Clinic) -> None:
    (key,) = clinic.ask("select drchrono_id::text from clinical.patients where first_name = 'Zzyzx'")[0]
    said = clinic.careloom("history", "patients", key, "--reveal", code=0)
    assert told(said.out)
    assert ("pat",) in clinic.ask("select split_part(actor, ' ', 1) from careloom.audit where action like '%history%'")
