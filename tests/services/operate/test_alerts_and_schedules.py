"""Who hears of a failure, and what; and which syncs a scheduler's call runs."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from threading import Event
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from careloom.services.operate.alerts import alert_failure, alert_landing
from careloom.services.operate.due import is_due
from careloom.services.operate.scheduler import enqueue_due
from careloom.services.session.sessions import Session
from careloom.store.attempts import Attempts
from careloom.worker.jobs import JobContext, run_job
from services.sync_project import PEOPLE, PROJECT, Clinic, counts, someone

ALERTS = PROJECT + "alerts:\n  mail: {{to: [ops@clinic.example], from: loom@clinic.example, smtp: secret:smtp-url}}\n"


class Postbox:
    """Keeps every mail that comes."""

    def __init__(self) -> None:
        self.mails: list[Any] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 the library's name
        self.mails.append((envelope.mail_from, envelope.rcpt_tos, message_from_bytes(envelope.content)))
        return "250 OK"


@pytest.fixture
def postbox(clinic: Clinic) -> Iterator[Postbox]:
    box = Postbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    clinic.environment["SMTP_URL"] = f"smtp://127.0.0.1:{port}"
    clinic.write(project=ALERTS)
    yield box
    server.stop()


def test_a_failure_is_mailed_with_what_how_far_and_which_steps_and_without_people(
    clinic: Clinic, postbox: Postbox
) -> None:
    clinic.rows([someone(1, First="Zzyzx"), someone(2)])
    clinic.run()
    with clinic.open() as session:
        assert alert_failure(session, "people", "the portal answered nothing")
    sender, recipients, mail = postbox.mails[0]
    assert (sender, recipients) == ("loom@clinic.example", ["ops@clinic.example"])
    assert mail["Subject"] == "careloom: people of clinic failed"
    text = mail.get_payload()
    assert "the portal answered nothing" in text
    assert "Run 1" in text
    assert "read 2" in text
    assert "Steps: planned" in text
    assert "See: careloom runs people" in text
    assert "zzyzx" not in str(mail).lower()
    assert "person1@" not in str(mail)


def test_a_landing_that_goes_on_failing_is_mailed_once(clinic: Clinic, postbox: Postbox) -> None:
    with clinic.open() as session:
        for mails in (1, 1):
            Attempts(session.store).note("land", "patients", "hand", code="later", error="away")
            alert_landing(session, "land", "patients", "the practice does not answer")
            assert len(postbox.mails) == mails
    _, _, mail = postbox.mails[0]
    assert mail["Subject"] == "careloom: land patients of clinic failed"
    assert "It failed before it began to read" in mail.get_payload()


def test_a_mail_that_cannot_be_sent_hides_nothing(clinic: Clinic, postbox: Postbox) -> None:
    clinic.environment["SMTP_URL"] = "smtp://127.0.0.1:1"
    with clinic.open() as session:
        assert alert_failure(session, "people", "anything") is False
    del clinic.environment["SMTP_URL"]
    with clinic.open() as session:
        assert alert_failure(session, "people", "anything") is False
    assert postbox.mails == []


def test_nobody_is_told_where_nobody_is_named(clinic: Clinic) -> None:
    with clinic.open() as session:
        assert alert_failure(session, "people", "anything") is False


# ---------------------------------------------------------------- what waits, once a day


SUMMARY = ALERTS.replace("smtp: secret:smtp-url", "smtp: secret:smtp-url, summary: daily at 07:00")


def worker_round(session: Session) -> list[str]:
    """Wake what is due and do it, as a worker does; the jobs that were woken, but for the nightly one."""
    enqueue_due(session)
    with session.store.transaction() as connection:
        query = "delete from procrastinate_jobs where status = 'todo' returning task_name, args ->> 'subject'"
        jobs = connection.execute(query).fetchall()
    for job, subject in jobs:
        run_job(JobContext(session=session, urgent=session, stop=Event()), job, subject)
    return [job for job, _ in jobs if job != "cleanup"]


def summary_of(postbox: Postbox) -> tuple[str, str]:
    _, _, mail = postbox.mails[-1]
    return mail["Subject"], " ".join(mail.get_payload(decode=True).decode().split())


def test_what_waits_is_mailed_once_a_day_by_cause_without_people_and_keys(clinic: Clinic, postbox: Postbox) -> None:
    clinic.write(project=SUMMARY)
    with clinic.open() as session:
        for key, age, code, column in (
            ("zzyzx-1", 75, "not-a-date", "'born'"),
            ("zzyzx-2", 3, "not-a-date", "'born'"),
            ("zzyzx-3", 1, "no-key", "null"),
        ):
            clinic.ask(
                'insert into careloom.landing_held (stream, key, code, "column", message, body, first_seen) values'
                f" ('patients', '{key}', '{code}', {column}, 'zzyzx', 'zzyzx', now() - interval '{age} hours') returning 1"
            )
        assert worker_round(session) == ["summary"]
        assert worker_round(session) == [], "once a day"
        subject, text = summary_of(postbox)
        assert subject == "careloom: 3 wait in clinic"
        see = "See: careloom held --stream patients"
        assert f"landed record of patients: 2 not-a-date (born), the oldest for 3 days. {see}" in text
        assert f"landed record of patients: 1 no-key, the oldest for 1 hour. {see}" in text
        assert text.index("not-a-date") < text.index("no-key"), "the oldest first"
        assert "zzyzx" not in str(postbox.mails[-1][2]).lower() + text
        clinic.ask("update careloom.attempt set started_at = now() - interval '25 hours' returning 1")
        clinic.ask("delete from careloom.landing_held returning 1")
        assert worker_round(session) == ["summary"]
        assert summary_of(postbox)[0] == "careloom: nothing waits in clinic"
    assert len(postbox.mails) == 2


def test_a_summary_that_could_not_be_sent_is_still_due_after_a_rest(clinic: Clinic, postbox: Postbox) -> None:
    clinic.write(project=SUMMARY)
    url, clinic.environment["SMTP_URL"] = clinic.environment["SMTP_URL"], "smtp://127.0.0.1:1"
    with clinic.open() as session:
        assert worker_round(session) == ["summary"]
        assert worker_round(session) == [], "it rests"
    assert clinic.ask("select name, state, code from careloom.attempt where kind = 'summary'") == [
        ("clinic", "failed", "later")
    ]
    clinic.environment["SMTP_URL"] = url
    clinic.ask("update careloom.resting set due_at = now() returning 1")
    with clinic.open() as session:
        assert worker_round(session) == ["summary"]
    assert [mail["Subject"] for _, _, mail in postbox.mails] == ["careloom: nothing waits in clinic"]


def test_no_summary_comes_where_none_is_asked_for(clinic: Clinic, postbox: Postbox) -> None:
    with clinic.open() as session:
        assert worker_round(session) == []
    assert postbox.mails == []


# ---------------------------------------------------------------- schedules


def due(clinic: Clinic, now: datetime) -> bool:
    with clinic.open() as session:
        return is_due(replace(session, clock=lambda: now), session.project.syncs["people"])


def test_a_tick_runs_once_however_late_and_a_failed_attempt_counts(clinic: Clinic) -> None:
    clinic.write(PEOPLE + "schedule: daily at 06:00\n")
    clinic.rows([someone(1)])
    now = datetime.now(UTC)
    assert due(clinic, now), "it never ran"
    clinic.run()
    assert not due(clinic, now + timedelta(seconds=1))
    assert due(clinic, now + timedelta(days=1))
    assert due(clinic, now + timedelta(days=30)), "many missed ticks are one"
    clinic.ask("update careloom.run set state = 'interrupted' returning id")
    assert due(clinic, now + timedelta(seconds=1)), "an interrupted run goes on with the next call"


def test_a_sync_without_a_schedule_is_never_due(clinic: Clinic) -> None:
    assert not due(clinic, datetime.now(UTC))


# ---------------------------------------------------------------- two syncs, one object


def test_two_syncs_share_an_object_and_a_mirror_and_do_not_disturb_each_other(clinic: Clinic) -> None:
    staff = (
        PEOPLE.replace("sync: people", "sync: staff")
        .replace("table: People", "table: Staff")
        .replace("clinic_id", "staff_id")
        .replace(
            "  note: {from: Note, type: string, label: Note, role: none}\n",
            "  badge: {from: Note, type: string, role: none}\n",
        )
    )
    clinic.write(staff=staff)
    clinic.rows([someone(1), someone(2)])
    clinic.rows([someone(2, Note="B2"), someone(3, Note="B3")], "Staff")
    assert counts(clinic.run()) == {"read": 2, "create": 2}
    assert counts(clinic.run("staff")) == {"read": 2, "update": 1, "create": 1}
    record = clinic.record("K2", "staff_id")
    assert (record["clinic_id"], record["badge"]) == ("K2", "B2")
    assert len(clinic.records()) == 3
    clinic.rows([someone(1), someone(2), someone(3)])
    assert counts(clinic.run()) == {"read": 3, "same": 2, "update": 1}
    for sync in ("people", "staff"):
        assert clinic.plan(sync, full=True).empty
