"""The clinical store as a clinic meets it: the blueprint, its web door, and the simulated practice that calls it.

The users' own checklist, item by item.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from threading import Event
from typing import Any

import psycopg
import pytest
import urllib3

from careloom.project.model import Service
from careloom.services.landing.process import process_inbox
from careloom.services.landing.publish import publish_outbox
from careloom.services.landing.scan import scan
from careloom.services.operate.simulate import Simulation, connect_all, pointed_at
from careloom.services.session.progress import Watch
from careloom.services.session.sessions import Session, open_session
from careloom.services.session.settings import read_settings
from careloom.systems.deepcura.simulator import invented_note, sealed
from careloom.systems.drchrono.simulator.process import RunningDrChrono
from hang import HANG
from web.fake_scheduler import Google, serve_scheduler

BLUEPRINT = Path(__file__).parents[2] / "blueprints" / "drchrono-clinical"
SECRETS = {
    "DRCHRONO_CLIENT_ID": "sim-client",
    "DRCHRONO_CLIENT_SECRET": "sim-client-secret",
    "DRCHRONO_WEBHOOK_SECRET": "sim-webhook-secret",
    "DEEPCURA_SHARED_SECRET": "a shared secret of the clinic",
    "CARELOOM_SEAL_KEY": "A" * 43 + "=",
}
# Insurance comes with its patient and takes over that one's version, which is no change of its own.
CHANGED = """
    select table_name, count(*) from change_log where operation = 'UPDATE' and changed ?| array['city', 'notes']
    group by 1 order by 1"""
AUDIENCE = "https://clinic.example"
CLOCK = Service(audience=AUDIENCE, callers=("scheduler@clinic.example",))
TODAY = date(2026, 11, 20)


@dataclass
class Practice:
    """The project, its door and those who call it."""

    session: Session
    url: str
    vendor: RunningDrChrono
    google: Google
    http: urllib3.PoolManager

    def post(self, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        header_values = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.http.request("POST", self.url + path, body=body, headers=header_values)
        return answer.status, answer.data

    def get(self, path: str, **headers: str) -> tuple[int, Any]:
        answer = self.http.request("GET", self.url + path, headers=headers)
        return answer.status, answer.json()

    def scheduler(self, path: str, method: str = "POST") -> tuple[int, Any]:
        token = self.google.token(AUDIENCE)
        answer = self.http.request(method, self.url + path, headers={"authorization": f"Bearer {token}"})
        return answer.status, answer.json()

    def dictate(self, number: int, **about: Any) -> int:
        body = sealed(invented_note(number, **{"day": TODAY, **about}), SECRETS["DEEPCURA_SHARED_SECRET"])
        status, _ = self.post(
            "/webhooks/deepcura",
            body,
            x_deepcura_secret=SECRETS["DEEPCURA_SHARED_SECRET"],
            content_type="application/json",
        )
        return status

    def work(self) -> None:
        for source in ("drchrono", "deepcura"):
            process_inbox(self.session, source, stop=Event())

    def came(self, events: int) -> None:
        """Wait until so many events are in the inbox, then land them."""
        self.until(lambda: self.ask("select count(*) from inbox") >= [(events,)])
        self.work()

    def until(self, true: Callable[[], bool]) -> None:
        end = time.monotonic() + HANG
        while not true():
            assert time.monotonic() < end, "it never came"
            time.sleep(0.05)

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        with self.session.store.transaction() as connection:
            return connection.execute(statement).fetchall()  # type: ignore[call-overload, no-any-return]


@pytest.fixture
def practice(tmp_path: Path, database: str) -> Iterator[Practice]:
    folder = tmp_path / "clinic"
    shutil.copytree(BLUEPRINT, folder)
    settings = read_settings(SECRETS | {"CARELOOM_DATABASE_URL": database})
    google = Google()
    with RunningDrChrono("--tier", "unlimited", "--patients", "12") as vendor, open_session(folder, settings) as plain:
        simulation = Simulation(settings=settings, addresses={"drchrono": vendor.url}, secrets={})
        project = replace(pointed_at(plain.project, simulation), service=CLOCK)
        ready = replace(plain, project=project)
        connect_all(ready, simulation)
        with serve_scheduler(ready, google) as url:
            vendor.control("settings", hooks_url=f"{url}/webhooks/drchrono", lag_seconds=0)
            yield Practice(ready, url, vendor, google, urllib3.PoolManager())
        ready.close()


def test_health_answers_200(practice: Practice) -> None:
    assert practice.get("/health") == (200, {"status": "ok"})
    assert practice.get("/ready")[0] == 200


def test_the_vendor_verifies_our_address_and_its_signature_is_verified(practice: Practice) -> None:
    assert practice.vendor.control("handshake") == {"verified": True}
    event = {"x_drchrono_event": "PATIENT_CREATE", "x_drchrono_delivery": "1", "content_type": "application/json"}
    body = b'{"receiver": {}, "object": {"id": 1}}'
    for wrong in ({}, {"x_drchrono_signature": "no"}, {"x_drchrono_signature": ""}):
        status, _ = practice.post("/webhooks/drchrono", body, **event, **wrong)
        assert status == 401
    assert practice.ask("select count(*) from inbox") == [(0,)]
    status, _ = practice.post("/webhooks/drchrono", body, **event, x_drchrono_signature="sim-webhook-secret")
    assert status == 200
    assert practice.ask("select event, state from inbox") == [("PATIENT_CREATE", "new")]


def test_a_patient_webhook_creates_and_updates_the_patient(practice: Practice) -> None:
    key = practice.vendor.control("create", table="patients", values={"first_name": "Zzyzx"})["key"]
    practice.came(1)
    assert practice.ask("select drchrono_id, first_name from clinical.patients") == [(int(key), "Zzyzx")]
    practice.vendor.control("change", table="patients", key=key, values={"first_name": "Ada"})
    practice.came(2)
    assert practice.ask("select first_name from clinical.patients") == [("Ada",)]
    changed_rows = practice.ask("select changed -> 'first_name' from change_log where operation = 'UPDATE'")
    assert changed_rows == [(["Zzyzx", "Ada"],)]


def test_an_appointment_webhook_creates_an_appointment_of_its_patient(practice: Practice) -> None:
    patient = practice.vendor.control("create", table="patients", values={"first_name": "Ada"})["key"]
    practice.vendor.control("create", table="appointments", values={"patient": int(patient)})
    practice.came(2)
    query = "select p.first_name from clinical.appointments a join clinical.patients p on p.id = a.patient_id"
    assert practice.ask(query) == [("Ada",)]


def test_a_note_is_created_when_it_is_locked_and_session_notes_find_it(practice: Practice) -> None:
    truth = practice.vendor.control("truth")
    note = next(iter(truth["clinical_notes"].values()))
    day = date.fromisoformat(truth["appointments"][note["appointment"]]["scheduled_time"][:10])
    assert practice.dictate(1, appointment=note["appointment"], day=day) == 200
    practice.work()
    assert practice.ask("select session_id, clinical_note_id from clinical.deepcura_notes") == [("session-1", None)]
    assert [row["why"] for row in practice.scheduler("/api/unlinked/deepcura-notes", "GET")[1]] == ["none"]
    practice.vendor.control("lock", key=note["appointment"])
    practice.came(2)
    query = "select s.session_id, n.drchrono_appt_id from clinical.deepcura_notes s join clinical.clinical_notes n on n.id = s.clinical_note_id"
    assert practice.ask(query) == [("session-1", note["appointment"])]
    assert practice.scheduler("/api/unlinked/deepcura-notes", "GET") == (200, [])


def test_without_an_appointment_a_session_finds_the_note_of_its_patient_and_day(practice: Practice) -> None:
    scan(practice.session, "clinical_notes", Watch())
    alone = """
        select drchrono_patient_id, note_date from clinical.clinical_notes where drchrono_patient_id is not null
        group by 1, 2 having count(*) = 1 limit 1"""
    patient, day = practice.ask(alone)[0]
    body = sealed(invented_note(2, patient=patient, day=day), SECRETS["DEEPCURA_SHARED_SECRET"])
    secret = SECRETS["DEEPCURA_SHARED_SECRET"]
    assert practice.post("/webhooks/deepcura", body, authorization=f"Bearer {secret}")[0] == 200
    practice.work()
    assert practice.ask("select count(*) from clinical.deepcura_notes where clinical_note_id is not null") == [(1,)]


def test_a_session_note_is_decrypted_and_every_field_of_it_kept(practice: Practice) -> None:
    assert practice.dictate(3, patient=77) == 200
    assert practice.dictate(3, patient=77) == 200
    practice.work()
    row = practice.ask(
        "select session_date, transcript <> '', soap_plan, icd10_codes->0->>'code', cpt_codes->0->>'code',"
        " medication_mentions->0->>'name', risk_assessment->>'level', gridhook_raw->>'event_type', drchrono_patient_id"
        " from clinical.deepcura_notes"
    )
    assert row == [(TODAY, True, "go on", "F33.1", "99214", "esketamine", "low", "session_complete", 77)]


def test_a_full_sync_is_answered_with_its_counts_and_the_next_reads_only_what_changed(practice: Practice) -> None:
    people = len(practice.vendor.control("truth")["patients"])
    status, first = practice.scheduler("/sync/patients")
    assert (status, first["status"], first["failed"]) == (200, "completed", 0)
    assert first["total"] == first["created"] + first["unchanged"]
    assert practice.ask("select count(*) from clinical.patients") == [(people,)]
    practice.vendor.control("settings", hooks_url="")
    key = next(iter(practice.vendor.control("truth")["patients"]))
    practice.vendor.control("change", table="patients", key=key, values={"city": "Elsewhere"})
    _, second = practice.scheduler("/sync/patients")
    assert second["failed"] == 0
    assert practice.ask(CHANGED) == [("patients", 1)]
    assert practice.ask(f"select city from clinical.patients where drchrono_id = {key}") == [("Elsewhere",)]
    log = practice.ask(
        "select sync_type, status, records_total, balanced from sync_log where table_name like '%patients%' order by id"
    )
    assert [one[:2] for one in log] == [("full_sync", "completed"), ("incremental", "completed")]
    assert all(row[3] for row in log)


def test_every_stream_lands_equal_to_the_practice(practice: Practice) -> None:
    status, answer = practice.scheduler("/sync/all")
    assert (status, answer["status"], answer["failed"]) == (200, "completed", 0)
    truth = practice.vendor.control("truth")
    for name in ("patients", "appointments", "clinical_notes", "medications", "problems", "allergies", "line_items"):
        rows = practice.ask(f"select count(*) from clinical.{name} where deleted_at is null")
        assert (name, rows) == (name, [(len(truth[name]),)])
    assert practice.ask("select count(*) from clinical.insurance where patient_id is null and deleted_at is null") == [
        (0,)
    ]


def test_each_upsert_is_told(practice: Practice) -> None:
    with psycopg.connect(practice.session.store.url, autocommit=True) as listener:
        listener.execute("listen change_events")
        key = practice.vendor.control("create", table="patients", values={"first_name": "Zzyzx"})["key"]
        practice.came(1)
        publish_outbox(practice.session)
        payloads = [notify.payload for notify in listener.notifies(timeout=HANG, stop_after=1)]
    assert len(payloads) == 1
    assert f'"drchrono_id":{key}' in payloads[0]
    assert "Zzyzx" not in payloads[0]
    assert practice.ask("select count(*) from outbox") == [(0,)]


def test_every_operation_leaves_a_line_in_sync_log(practice: Practice) -> None:
    practice.dictate(4)
    practice.work()
    practice.scheduler("/sync/allergies")
    logged = {row[0] for row in practice.ask("select sync_type from sync_log where status = 'completed'")}
    assert logged == {"webhook", "full_sync"}


def test_only_the_scheduler_may_start_a_sync(practice: Practice) -> None:
    url, google = practice.url + "/sync/patients", practice.google
    tokens = {
        "": 401,
        "rubbish": 401,
        google.token("https://another.example"): 401,
        google.token(AUDIENCE, exp=int(time.time()) - 600, iat=int(time.time()) - 900): 401,
        google.token(AUDIENCE, iss="https://another.example"): 401,
        google.token(AUDIENCE, email="stranger@clinic.example"): 403,
        google.token(AUDIENCE, email_verified=False): 403,
        Google().token(AUDIENCE): 401,
    }
    for token, wanted in tokens.items():
        headers = {"authorization": f"Bearer {token}"} if token else {}
        assert practice.http.request("POST", url, headers=headers).status == wanted
    assert practice.google.asked == 1, "the certificates are asked for once an hour"
    assert practice.scheduler("/sync/nothing")[0] == 404


def test_lost_webhooks_are_repaired_by_the_next_reconcile(practice: Practice) -> None:
    practice.scheduler("/sync/all")
    practice.vendor.control("settings", drop_percent=100)
    truth = practice.vendor.control("truth")
    for number, key in enumerate(list(truth["patients"])[:5]):
        practice.vendor.control("change", table="patients", key=key, values={"city": f"Town {number}"})
    for table in ("medications", "problems", "allergies"):
        key = next(iter(truth[table]))
        practice.vendor.control("change", table=table, key=key, values={"notes": "changed"})
    status, answer = practice.scheduler("/sync/all")
    assert (status, answer["status"]) == (200, "completed")
    rows = dict(practice.ask(CHANGED))
    assert rows == {"patients": 5, "medications": 1, "problems": 1, "allergies": 1}
    assert practice.scheduler("/sync/all")[1]["updated"] == 0
