"""What the practice holds: tables of records, when each was changed, and what reads may see of it yet."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import RLock
from typing import Any

from careloom.systems.drchrono.simulator.settings import Settings

Record = dict[str, Any]
TABLES = ("patients", "appointments", "clinical_notes", "medications", "problems", "allergies", "line_items")
VERSIONED = frozenset({"patients", "appointments", "line_items"})
KEYS = {"clinical_notes": "appointment"}
"""The name of a table's key, where it is not `id`."""
CHANGED = "_changed"
"""When a record was changed last: what `since` is compared with. Never shown."""


@dataclass(slots=True)
class Table:
    """Records as they are, and as reads see them. `order` holds the keys that reads see, sorted as listings sort them."""

    name: str
    truth: dict[str, Record] = field(default_factory=dict)
    visible: dict[str, Record] = field(default_factory=dict)
    _order: list[tuple[Any, str]] | None = None

    def sort_key(self, record: Record) -> Any:
        """Appointments come by their day, the rest by id."""
        if self.name == "appointments":
            return str(record["scheduled_time"])
        return int(record["id"]) if self.name != "clinical_notes" else str(record["appointment"])

    def order(self) -> list[tuple[Any, str]]:
        """(sort key, key) of everything that reads see."""
        if self._order is None:
            self._order = sorted((self.sort_key(record), key) for key, record in self.visible.items())
        return self._order

    def after(self, place: tuple[Any, str] | None) -> list[tuple[Any, str]]:
        """The order behind a place; all of it for None."""
        return self.order()[bisect_right(self.order(), place) :] if place else self.order()

    def show(self, key: str, record: Record | None) -> None:
        """Let reads see a record, or that it is gone."""
        old = self.visible.get(key)
        if record is None:
            self.visible.pop(key, None)
        else:
            self.visible[key] = record
        if record is None or old is None or self.sort_key(old) != self.sort_key(record):
            self._order = None


@dataclass(slots=True)
class Clinic:
    """A practice. Everything goes through `lock`; `tell(event, record)` hears of changes that webhooks speak of."""

    settings: Settings = field(default_factory=Settings)
    seed: int = 1
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    tell: Callable[[str, Record], None] = lambda _event, _record: None
    tables: dict[str, Table] = field(default_factory=lambda: {name: Table(name) for name in TABLES})
    deleted_items: list[Record] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    lock: RLock = field(default_factory=RLock)
    version: int = 0
    next_id: int = 1000
    rng: random.Random = field(default_factory=random.Random)
    _pending: deque[tuple[datetime, str, str, Record | None]] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.rng.seed(self.seed)

    def new_id(self) -> int:
        """The next number for a record."""
        self.next_id += 1
        return self.next_id

    def time(self, old: Record | None = None) -> str:
        """Now, as DrChrono writes it: to the second, without a zone; always later than the record's last change."""
        moment = self.now().replace(microsecond=0, tzinfo=None)
        if old is not None and old.get(CHANGED):
            moment = max(moment, datetime.fromisoformat(old[CHANGED]) + timedelta(seconds=1))
        return moment.isoformat()

    def put(self, table: str, record: Record, *, event: str = "", changed_at: str = "") -> Record:
        """Write a whole record and tell of it."""
        key = str(record[KEYS.get(table, "id")])
        old = self.tables[table].truth.get(key)
        moment = changed_at or self.time(old)
        full_record = {**record, CHANGED: moment}
        if table in VERSIONED:
            full_record["updated_at"] = moment
        self.tables[table].truth[key] = full_record
        self._schedule(table, key, full_record)
        if event:
            self.tell(event, full_record)
        return full_record

    def remove(self, table: str, key: str) -> bool:
        """Delete for good; False if there is no such record."""
        record = self.tables[table].truth.pop(key, None)
        if record is None:
            return False
        if table == "line_items":
            entry = {
                "billing_line_item_id": int(key),
                "appointment_id": record["appointment"],
                "created_at": self.time(record),
            }
            self.deleted_items.append(entry)
        self._schedule(table, key, None)
        return True

    def _schedule(self, table: str, key: str, record: Record | None) -> None:
        self.version += 1
        if self.settings.lag_seconds <= 0 and not self._pending:
            self.tables[table].show(key, record)
            return
        self._pending.append((self.now() + timedelta(seconds=self.settings.lag_seconds), table, key, record))

    def catch_up(self) -> None:
        """Let reads see what was written long enough ago."""
        while self._pending and self._pending[0][0] <= self.now():
            _, table, key, record = self._pending.popleft()
            self.version += 1
            self.tables[table].show(key, record)
