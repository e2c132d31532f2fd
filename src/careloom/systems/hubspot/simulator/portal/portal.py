"""The portal as a whole: its objects and their records, its settings and its clock."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field

from careloom.systems.hubspot.simulator.portal.associations import Associations
from careloom.systems.hubspot.simulator.portal.definitions import Kind, default_kinds
from careloom.systems.hubspot.simulator.portal.faults import Faults
from careloom.systems.hubspot.simulator.portal.imports import Imports
from careloom.systems.hubspot.simulator.portal.rate_limits import Limits
from careloom.systems.hubspot.simulator.portal.record import Record
from careloom.systems.hubspot.simulator.portal.records import Table
from careloom.systems.hubspot.simulator.portal.segments import Segments
from careloom.systems.hubspot.simulator.portal.values import iso
from careloom.systems.hubspot.simulator.responses import invalid
from careloom.systems.hubspot.simulator.settings import PORTAL_ID, Settings

FIRST_RECORD = 30_001
FIRST_CUSTOM_OBJECT = 7_000_001


@dataclass(slots=True, kw_only=True)
class Counts:
    """What came in: requests by endpoint and by answer, those that write, and those cut off."""

    by_template: Counter[str] = field(default_factory=Counter)
    by_status: Counter[str] = field(default_factory=Counter)
    writes: int = 0
    disconnects: int = 0
    at_once: int = 0
    most_at_once: int = 0

    def begin(self) -> None:
        """One more request is under way."""
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)

    def note(self, method: str, template: str, objects: Mapping[str, str], *, writes: bool) -> None:
        """Count one request under its endpoint, objects by their own names and versions left out."""
        for place, name in objects.items():
            template = template.replace(place, name)
        self.by_template[f"{method} {template}"] += 1
        self.writes += writes


@dataclass(slots=True, kw_only=True)
class Portal:
    """Everything the simulator remembers. `clock` gives milliseconds since 1970; `ahead_ms` is added to it."""

    clock: Callable[[], int]
    seed: int = 1
    settings: Settings = field(default_factory=Settings)
    id: int = PORTAL_ID
    ahead_ms: int = 0
    tables: dict[str, Table] = field(default_factory=dict)
    spellings: dict[str, str] = field(default_factory=dict)
    associations: Associations = field(default_factory=Associations)
    segments: Segments = field(default_factory=Segments)
    imports: Imports = field(default_factory=Imports)
    limits: Limits = field(default_factory=Limits)
    faults: Faults = field(default_factory=Faults)
    counts: Counts = field(default_factory=Counts)
    refill: Callable[[Portal], None] | None = None
    rng: random.Random = field(init=False)
    next_custom: int = FIRST_CUSTOM_OBJECT
    _moment: tuple[int, str] = (0, "")
    _first_settings: Settings = field(init=False)

    def __post_init__(self) -> None:
        self._first_settings = deepcopy(self.settings)
        self._fill()

    def reset(self) -> None:
        """Everything as it was at the start."""
        self.settings = deepcopy(self._first_settings)
        self.ahead_ms, self.next_custom = 0, FIRST_CUSTOM_OBJECT
        self.tables, self.spellings, self.associations = {}, {}, Associations()
        self.segments, self.imports = Segments(), Imports()
        self.limits, self.faults, self.counts = Limits(), Faults(), Counts()
        self._fill()

    def _fill(self) -> None:
        """The standard objects, and the records that the portal starts with."""
        self.rng = random.Random(self.seed)  # noqa: S311 (it shuffles answers; nothing is secret)
        for kind in default_kinds().values():
            self.add_kind(kind)
        self.associations.load_defaults(self.kind)
        if self.refill is not None:
            self.refill(self)

    def now_ms(self) -> int:
        """Milliseconds since 1970, as far ahead as the clock was moved."""
        return self.clock() + self.ahead_ms

    def now(self) -> tuple[int, str]:
        """The present moment, in milliseconds and as text."""
        ms = self.now_ms()
        if self._moment[0] != ms:
            self._moment = (ms, iso(ms))
        return self._moment

    def add_kind(self, kind: Kind) -> None:
        """Make an object type known, with no records."""
        self.tables[kind.id] = Table(kind, FIRST_RECORD)
        self.tables[kind.id].fold_unique = self.settings.unique_ignores_case
        for spelling in kind.names:
            self.spellings[spelling] = kind.id

    def drop_kind(self, kind: Kind) -> None:
        """Forget an object type and its records."""
        del self.tables[kind.id]
        for spelling in kind.names:
            del self.spellings[spelling]

    def table(self, spelling: str) -> Table:
        """The records of an object, by any of its names; a refusal if there is no such object."""
        object_type = self.spellings.get(spelling) or self.spellings.get(spelling.lower())
        if object_type is None:
            raise invalid(f"Unable to infer object type from: {spelling}")
        table = self.tables[object_type]
        if table.bin:
            table.empty_bin(self.now_ms())
        return table

    def kind(self, spelling: str) -> Kind:
        """The definition of an object, by any of its names; a refusal if there is no such object."""
        return self.table(spelling).kind

    def current(self, object_type: str, record_id: str) -> Record | None:
        """The live record of an id, merges followed; `object_type` is the object's type id."""
        return self.tables[object_type].current(record_id)

    def custom_kinds(self) -> Iterator[Kind]:
        """The portal's custom objects."""
        return (table.kind for table in self.tables.values() if table.kind.custom)
