"""An account that dictates: invented session notes, sealed and sent, now and then twice."""

from __future__ import annotations

import json
import random
import sys
import time
from datetime import date
from typing import Any

import urllib3

from careloom.core.errors import UsageFault
from careloom.core.rooms import SimulatorOptions
from careloom.systems.deepcura.ciphers import sealing
from careloom.systems.deepcura.options import CipherName

_EVERY = 1.0
_TWICE = 0.1
_SAID = ("sleeps better", "feels less low", "reports no side effects", "asks about the next dose", "walks every day")


def invented_note(
    number: int, *, appointment: str | None = None, patient: int | None = None, day: date
) -> dict[str, Any]:
    """A session of an invented patient, in the form that Gridhooks are known by."""
    dice = random.Random(number)  # noqa: S311 invented people, no secrets
    return {
        "event_type": "session_complete",
        "session_id": f"session-{number}",
        "appointment_id": appointment,
        "patient_id": patient,
        "doctor_id": "1",
        "session_date": day.isoformat(),
        "duration_minutes": 20 + number % 40,
        "transcript": f"The patient {dice.choice(_SAID)}.",
        "soap": {"subjective": dice.choice(_SAID), "objective": "calm", "assessment": "stable", "plan": "go on"},
        "icd10_codes": [{"code": "F33.1", "description": "Major depressive disorder", "confidence": 0.9}],
        "cpt_codes": [{"code": "99214", "description": "Office visit", "units": 1}],
        "medication_mentions": [{"name": "esketamine", "dosage": "56 mg", "action": "continue"}],
        "risk_assessment": {"level": "low"},
        "billing_summary": {"units": 1},
    }


def sealed(note: dict[str, Any], secret: str, cipher: CipherName = "scrypt-cbc") -> bytes:
    """The body of a Gridhook that carries `note`."""
    return json.dumps({"encrypted_payload": sealing(cipher, secret).seal(json.dumps(note).encode())}).encode()


def send(http: urllib3.PoolManager, url: str, secret: str, body: bytes) -> int:
    """Post one Gridhook; the status, 0 where no one answers."""
    headers = {"content-type": "application/json", "x-deepcura-secret": secret}
    try:
        return http.request("POST", url, body=body, headers=headers, retries=False, timeout=10).status
    except urllib3.exceptions.HTTPError:
        return 0


def simulate(options: SimulatorOptions) -> None:
    """Send a note each second to `options.hooks_url`, until interrupted."""
    if not options.hooks_url:
        raise UsageFault("this system only sends: say where to, with --hooks-url ADDRESS/webhooks/SYSTEM")
    secret = options.secrets.get("secret", "simulated")
    url = options.hooks_url
    sys.stdout.write(f"deepcura: a session note each second to {url}\n")
    sys.stdout.flush()
    http, dice, number = urllib3.PoolManager(), random.Random(options.seed), 0  # noqa: S311 likewise
    while True:
        number += 1
        day = date.today()  # noqa: DTZ011 a session is of the day where it is held
        body = sealed(invented_note(number, patient=1 + dice.randrange(50), day=day), secret)
        for _ in range(2 if dice.random() < _TWICE else 1):
            send(http, url, secret, body)
        time.sleep(_EVERY)
