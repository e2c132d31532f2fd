"""A project of two streams without a system that could be asked: what the tests of landing stand on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from careloom.core.streams import Column, LinkRule, Record, Stream
from careloom.project.model import Alerts, Landing, Project
from careloom.services.session.sessions import Session
from careloom.services.session.settings import read_settings
from careloom.store.database import open_store

PATIENTS = Stream(
    name="patients",
    key="id",
    key_column="ehr_id",
    version="updated_at",
    changes=True,
    columns=(
        Column(name="first_name", paths=("first_name",)),
        Column(name="born", type="date", paths=("date_of_birth",)),
        Column(name="phone", paths=("cell_phone", "home_phone")),
        Column(name="balance", type="numeric", paths=("account.balance",)),
        Column(name="insurance", type="jsonb", paths=("insurance",)),
    ),
)
NOTES = Stream(
    name="notes",
    key="id",
    key_column="note_key",
    key_type="text",
    columns=(
        Column(name="patient", type="integer", paths=("patient",)),
        Column(name="visit", paths=("visit",)),
        Column(name="day", type="date", paths=("day",)),
    ),
)
SESSIONS = Stream(
    name="sessions",
    key="id",
    key_column="session_key",
    key_type="text",
    columns=NOTES.columns,
    links=(
        LinkRule(column="note_id", to="notes", tiers=((("visit", "visit"),), (("patient", "patient"), ("day", "day")))),
    ),
)
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def project(folder: Path, *streams: Stream) -> Project:
    landings = {stream.name: Landing(name=stream.name, system="ehr", stream=stream, file="") for stream in streams}
    return Project(
        name="clinic",
        timezone=ZoneInfo("America/New_York"),
        folder=folder,
        systems={},
        alerts=Alerts(),
        syncs={},
        digest=repr(streams),
        landings=landings,
    )


@contextmanager
def open_landing(folder: Path, database: str, *streams: Stream) -> Iterator[Session]:
    store = open_store(database)
    try:
        yield Session(project=project(folder, *streams), settings=read_settings({}), store=store)
    finally:
        store.close()


def patient(number: int, minute: int = 0, **fields: Any) -> Record:
    """An invented patient as it was at a minute of the hour before noon."""
    observed_at = NOON - timedelta(hours=1) + timedelta(minutes=minute)
    data = {"id": number, "first_name": f"First{number}", "updated_at": observed_at.isoformat(), **fields}
    return Record(stream="patients", key=str(number), data=data, observed_at=NOON + timedelta(minutes=minute))


def deletion(number: int, minute: int, stream: str = "patients") -> Record:
    observed_at = NOON - timedelta(hours=1) + timedelta(minutes=minute)
    return Record(stream=stream, key=str(number), data=None, observed_at=observed_at)


def note(stream: str, key: str, minute: int = 0, **data: Any) -> Record:
    return Record(stream=stream, key=key, data={"id": key, **data}, observed_at=NOON + timedelta(minutes=minute))
