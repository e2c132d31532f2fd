"""Webhooks out of the practice: signed, lost, repeated, shuffled and tried again as it is set."""

from __future__ import annotations

import hashlib
import heapq
import hmac
import itertools
import secrets
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import orjson
import urllib3
from urllib3.exceptions import HTTPError

from careloom.systems.drchrono.simulator.clinic import Clinic, Record
from careloom.systems.drchrono.simulator.payloads import api_record

_THREADS = 4
_TABLE_OF = {
    "PATIENT": "patients",
    "APPOINTMENT": "appointments",
    "PATIENT_MEDICATION": "medications",
    "PATIENT_PROBLEM": "problems",
    "PATIENT_ALLERGY": "allergies",
    "CLINICAL_NOTE": "clinical_notes",
}


@dataclass(slots=True)
class Delivery:
    """One event on its way; `tries` counts what was sent of it."""

    id: str
    event: str
    body: bytes
    first: float
    tries: int = 0


@dataclass(slots=True)
class Sender:
    """Sends deliveries when they are due, over a few threads; `counts` says what became of them."""

    clinic: Clinic
    counts: Counter[str] = field(default_factory=Counter)
    lost_deliveries: list[Delivery] = field(default_factory=list)
    verified_url: str = ""
    _due: list[tuple[float, int, Delivery]] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _news: threading.Event = field(default_factory=threading.Event)
    _pool: urllib3.PoolManager = field(
        default_factory=lambda: urllib3.PoolManager(maxsize=_THREADS, retries=False, timeout=10.0)
    )
    _threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(_THREADS))

    def start(self) -> None:
        """Begin to send, until the process ends."""
        threading.Thread(target=self._run, daemon=True).start()

    def tell(self, event: str, record: Record) -> None:
        """Make an event of a change, unless chance loses it."""
        settings, rng = self.clinic.settings, self.clinic.rng
        if not settings.hooks_url:
            return
        table = _TABLE_OF[event.rpartition("_")[0]]
        api_object = api_record(self.clinic, table, record, verbose=False)
        body = orjson.dumps({"receiver": {"id": 901, "owning_doctor_id": 501}, "object": api_object})
        delivery = Delivery(id=str(uuid.uuid4()), event=event, body=body, first=time.monotonic())
        self.counts["events"] += 1
        if rng.random() * 100 < settings.drop_percent:
            self.counts["dropped"] += 1
            self.lost_deliveries.append(delivery)
            return
        copies = 2 if rng.random() * 100 < settings.repeat_percent else 1
        self.counts["repeated"] += copies - 1
        for _ in range(copies):
            self._plan(delivery, rng.random() * settings.shuffle_seconds)

    def send(self, event: str, body: bytes, delivery: str = "") -> None:
        """Send any body as any event."""
        self.counts["events"] += 1
        new_delivery = Delivery(id=delivery or str(uuid.uuid4()), event=event, body=body, first=time.monotonic())
        self._plan(new_delivery, 0.0)

    def redeliver(self) -> int:
        """Send again what chance lost; returns how many."""
        deliveries, self.lost_deliveries = self.lost_deliveries, []
        for delivery in deliveries:
            self._plan(delivery, 0.0)
        return len(deliveries)

    def handshake(self) -> bool:
        """Whether the address proves that it knows the secret."""
        settings = self.clinic.settings
        message = secrets.token_hex(8)
        proof = hmac.new(settings.webhook_secret.encode(), message.encode(), hashlib.sha256).hexdigest()
        try:
            answer = self._pool.request("GET", settings.hooks_url, fields={"msg": message}, redirect=False)
            reply: Any = orjson.loads(answer.data)
        except (HTTPError, orjson.JSONDecodeError):
            return False
        good = answer.status == 200 and isinstance(reply, dict) and reply.get("secret_token") == proof  # noqa: PLR2004
        if good:
            self.verified_url = settings.hooks_url
        return good

    def waiting(self) -> int:
        """Deliveries that are still to be sent or answered."""
        with self._lock:
            return len(self._due) + self.counts["under way"]

    def _plan(self, delivery: Delivery, seconds: float) -> None:
        with self._lock:
            heapq.heappush(self._due, (time.monotonic() + seconds, next(self._numbers), delivery))
        self._news.set()

    def _run(self) -> None:
        while True:
            self._news.clear()
            delivery, wait = self._next()
            if delivery is None:
                self._news.wait(wait)
            else:
                self._threads.submit(self._deliver, delivery).add_done_callback(self._landed)

    def _next(self) -> tuple[Delivery | None, float | None]:
        """The delivery that is due, or how long nothing is; None for as long as there is no news."""
        with self._lock:
            if not self._due or self.counts["under way"] >= _THREADS:
                return None, None
            wait = self._due[0][0] - time.monotonic()
            if wait > 0:
                return None, wait
            self.counts["under way"] += 1
            return heapq.heappop(self._due)[2], None

    def _landed(self, _: Future[None]) -> None:
        with self._lock:
            self.counts["under way"] -= 1
        self._news.set()

    def _deliver(self, delivery: Delivery) -> None:
        settings = self.clinic.settings
        delivery.tries += 1
        if self._accepts(delivery):
            self.counts["delivered"] += 1
            return
        self.counts["failed"] += 1
        if delivery.tries > len(settings.retry_hours):
            self.counts["given up"] += 1
            self.lost_deliveries.append(delivery)
            return
        due = delivery.first + settings.retry_hours[delivery.tries - 1] * settings.hour_seconds
        self._plan(delivery, max(0.0, due - time.monotonic()))

    def _accepts(self, delivery: Delivery) -> bool:
        """Whether the address took it: any 2xx. An address is only spoken to once it has passed the handshake."""
        settings = self.clinic.settings
        if self.verified_url != settings.hooks_url and not self.handshake():
            return False
        headers = {
            "Content-Type": "application/json",
            "X-drchrono-event": delivery.event,
            "X-drchrono-signature": settings.webhook_secret,
            "X-drchrono-delivery": delivery.id,
        }
        try:
            answer = self._pool.request("POST", settings.hooks_url, body=delivery.body, headers=headers, redirect=False)
        except HTTPError:
            return False
        return 200 <= answer.status < 300  # noqa: PLR2004
