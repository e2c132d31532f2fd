"""A day in the simulated practice: people come and are seen, notes are locked, and what was dictated follows."""  # noqa: INP001 loaded by its path

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from datetime import datetime
from threading import Event
from typing import Any

import urllib3

from careloom.systems.deepcura.simulator import invented_note, sealed, send

EVERY = 2.0
"""Seconds between two visits."""
EARLY = 0.3
"""So many of the dictations come before the note that they belong to."""


def live(
    addresses: Mapping[str, str], secrets: Mapping[str, Mapping[str, str]], hooks: Mapping[str, str], stop: Event
) -> None:
    """Let visits happen until `stop` is set: each changes its patient, is noted and locked, and is dictated.

    `addresses` and `hooks` are by system: where its simulator answers, and where its webhooks come to.
    """
    http, dice, number = urllib3.PoolManager(timeout=10.0, retries=False), random.Random(7), 0  # noqa: S311 invented people, no secrets
    practice, dictation = f"{addresses['drchrono']}/__control__", hooks["deepcura"]

    def control(name: str, **values: Any) -> Any:
        return json.loads(http.request("POST", f"{practice}/{name}", body=json.dumps(values).encode()).data)

    patients = sorted(json.loads(http.request("GET", f"{practice}/truth").data)["patients"])
    while not stop.wait(EVERY):
        number += 1
        patient = dice.choice(patients)
        now = datetime.now().replace(microsecond=0)  # noqa: DTZ005 the practice's own clock, which has no zone
        try:
            control("change", table="patients", key=patient, values={"cell_phone": f"(555) 010-{number % 10_000:04d}"})
            made = {"patient": int(patient), "scheduled_time": now.isoformat(), "status": "Complete"}
            visit = control("create", table="appointments", values=made)["key"]
            said = invented_note(100_000 + number, appointment=visit, patient=int(patient), day=now.date())
            body = sealed(said, secrets["deepcura"]["secret"])
            early = dice.random() < EARLY
            if early:
                send(http, dictation, secrets["deepcura"]["secret"], body)
            control("create", table="clinical_notes", values={"appointment": visit})
            control("lock", key=visit)
            if not early:
                send(http, dictation, secrets["deepcura"]["secret"], body)
        except (urllib3.exceptions.HTTPError, KeyError, ValueError):
            # The practice is just ending, or has not quite begun.
            continue
