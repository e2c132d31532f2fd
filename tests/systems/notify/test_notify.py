"""Change events on a channel of the store, heard by a second connection."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest

from careloom.core.errors import Later
from careloom.core.publishers import ChangeEvent
from careloom.core.rooms import RoomContext
from careloom.systems.notify.notifier import Notifier
from careloom.systems.notify.options import Options
from hang import HANG

EVENT = ChangeEvent(
    id=1,
    table="patients",
    operation="INSERT",
    record_id="0d4b0f5e-0000-4000-8000-000000000001",
    vendor_id="17",
    vendor_key="ehr_id",
    timestamp=datetime(2026, 11, 21, tzinfo=UTC),
)


def notifier(url: str) -> Notifier:
    context = RoomContext(folder=Path(), timezone=ZoneInfo("UTC"), secret=lambda name: name, database_url=url)
    return Notifier(Options(), context)


def test_who_listens_hears_each_change_in_order(database: str) -> None:
    told = notifier(database)
    with psycopg.connect(database, autocommit=True) as listener:
        listener.execute("listen change_events")
        assert list(told.publish([EVENT, replace(EVENT, id=2, vendor_id="017")])) == [1, 2]
        bodies = [json.loads(notify.payload) for notify in listener.notifies(timeout=HANG, stop_after=2)]
    told.close()
    assert bodies[0] == {
        "table": "patients",
        "operation": "INSERT",
        "record_id": EVENT.record_id,
        "ehr_id": 17,
        "timestamp": "2026-11-21T00:00:00+00:00",
    }
    assert bodies[1]["ehr_id"] == "017"


def test_a_database_that_is_away_is_no_loss() -> None:
    with pytest.raises(Later):
        notifier("postgresql://127.0.0.1:1/none?connect_timeout=2").publish([EVENT])
