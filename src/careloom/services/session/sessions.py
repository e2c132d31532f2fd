"""A project made ready to run: its store opened, its systems at hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, Literal

from careloom.core.clock import Clock, system_clock
from careloom.core.errors import Fix
from careloom.core.listeners import Listener
from careloom.core.ports import Lane, Source, Writable
from careloom.core.publishers import Publisher
from careloom.core.reports import ReportPolicy, ReportSource
from careloom.core.rooms import RoomContext
from careloom.core.schema import TextForm
from careloom.core.streams import Stream, StreamSource
from careloom.core.webhooks import Webhooks
from careloom.project.loader import load_project
from careloom.project.model import Project
from careloom.project.overlay import overlay_name
from careloom.services.session import places
from careloom.services.session.environments import hidden_folder, in_environment
from careloom.services.session.read_only_target import read_only
from careloom.services.session.seal_key import audit_anchor_of, seal_key
from careloom.services.session.settings import Settings
from careloom.store.budget import PostgresBudget
from careloom.store.database import Store, open_store
from careloom.store.migrations import migrate
from careloom.store.server.embedded import ensure_server
from careloom.store.server.restart import kept_running
from careloom.store.tokens import EncryptedTokens
from careloom.systems import rooms

Trigger = Literal["hand", "schedule", "worker"]
"""Who asks for what is done: a person (or a scheduler that only knows the command), a schedule, or the worker."""


_WITHOUT_CONNECTIONS = frozenset({"webhooks", "listener"})
"""Parts of a room that have nothing to close."""


@dataclass(slots=True, kw_only=True)
class Session:
    """An open project, which threads may share. Systems are opened when first asked for, and closed with it.

    `clock`: the database's, which all that is compared with what another process wrote is measured by, whichever machine does so;
    any other is a test's.
    """

    project: Project
    settings: Settings
    store: Store
    lane: Lane = "schedule"
    trigger: Trigger = "hand"
    clock: Clock = system_clock
    _parts: dict[tuple[str, str], Any] = field(default_factory=dict)
    _opening: Lock = field(default_factory=Lock, repr=False)

    def __post_init__(self) -> None:
        if self.clock is system_clock:
            self.clock = self.store.clock

    @property
    def work(self) -> Path:
        """Where spill files may go."""
        return self.hidden / "work"

    @property
    def hidden(self) -> Path:
        """Where careloom keeps what it needs for this project, apart for each environment."""
        return hidden_folder(self.project.folder, self.settings)

    def source(self, name: str) -> Source:
        """The system called `name`, to read from. Fix if its kind cannot be read."""
        system = self.project.systems[name]
        with places.give_place(self.project, system):
            source: Source = self._part(name, "source", "cannot be read from")
        return places.PlacedSource(source=source, project=self.project, system=system)

    def target(self, name: str) -> Writable:
        """The system called `name`, to write to. Fix if its kind cannot be written."""
        target: Writable = self._part(name, "target", "cannot be written to")
        return target if self.project.writes(name) else read_only(target, self.refusal(name))

    def text_form(self, name: str) -> TextForm:
        """The text in which values travel to the system called `name`."""
        return rooms()[self.project.systems[name].kind].text_form

    def refusal(self, name: str) -> str:
        """Why the system called `name` is not written to in this environment."""
        environment = self.project.environment
        return (
            f"nothing was sent: {name!r} is production's, since the environment {environment!r} does not replace it; put "
            f"`{name}:` under `systems:` in {overlay_name(environment)}"
        )

    def require_own(self, name: str) -> None:
        """Fix where the system called `name` may not be written to in this environment."""
        if not self.project.writes(name):
            raise Fix(self.refusal(name))

    def stream_source(self, name: str) -> StreamSource:
        """The system called `name`, to land streams from. Fix if its kind has none that can be asked for."""
        source: StreamSource = self._part(name, "stream_source", "has no streams that can be asked for")
        return source

    def streams(self, name: str) -> Mapping[str, Stream]:
        """The streams that the system called `name` offers, as its room declares them."""
        return rooms()[self.project.systems[name].kind].streams

    def tells_when_asked(self, name: str) -> bool:
        """Whether the system called `name` has streams that can be asked for; others only call us."""
        return rooms()[self.project.systems[name].kind].stream_source is not None

    def webhooks(self, name: str) -> Webhooks:
        """The system called `name`, as one that calls us. Fix if its kind does not."""
        webhooks: Webhooks = self._part(name, "webhooks", "sends no webhooks")
        return webhooks

    def calling_systems(self) -> frozenset[str]:
        """The names of the systems that call us."""
        systems = self.project.systems
        return frozenset(name for name, system in systems.items() if rooms()[system.kind].webhooks is not None)

    def listener(self, name: str) -> Listener:
        """The system called `name`, as one that connects to us. Fix if its kind does not."""
        listener: Listener = self._part(name, "listener", "does not connect to us")
        return listener

    def listening_systems(self) -> list[str]:
        """The systems that are listened to."""
        return [name for name, system in self.project.systems.items() if rooms()[system.kind].listener is not None]

    def event_reader(self, name: str) -> Webhooks | Listener:
        """Who can say what an event of the system called `name` says. Fix if it sends none."""
        is_listener = rooms()[self.project.systems[name].kind].listener is not None
        return self.listener(name) if is_listener else self.webhooks(name)

    def publisher(self, name: str) -> Publisher:
        """The system called `name`, to tell change events to. Fix if its kind takes none."""
        self.require_own(name)
        publisher: Publisher = self._part(name, "publisher", "takes no change events")
        return publisher

    def report_source(self, name: str) -> ReportSource:
        """The system called `name`, to ask for reports. Fix if its kind makes none."""
        source: ReportSource = self._part(name, "reports", "makes no reports")
        return source

    def report_policy(self, name: str) -> ReportPolicy:
        """How the reports of the system called `name` are waited for."""
        system = self.project.systems[name]
        policy = rooms()[system.kind].report_policy
        return policy(system.options) if policy else ReportPolicy()

    def on_lane(self, lane: Lane) -> Session:
        """The same project, whose systems draw on rate budgets in `lane`; to be closed by itself, before this one."""
        return Session(
            project=self.project,
            settings=self.settings,
            store=self.store,
            lane=lane,
            trigger=self.trigger,
            clock=self.clock,
        )

    def _part(self, name: str, part: str, lack: str) -> Any:
        with self._opening:
            if (name, part) not in self._parts:
                system = self.project.systems[name]
                opener = getattr(rooms()[system.kind], part)
                if opener is None:
                    raise Fix(f"system {name!r} is of kind {system.kind!r}, which {lack}")
                self._parts[name, part] = opener(system.options, self.room_context(name))
            return self._parts[name, part]

    def close(self) -> None:
        """Close every system that was opened."""
        for (_, part), opened_part in self._parts.items():
            if part not in _WITHOUT_CONNECTIONS:
                opened_part.close()

    def room_context(self, name: str) -> RoomContext:
        """What the room of the system called `name` is handed."""
        return RoomContext(
            folder=self.project.folder,
            timezone=self.project.timezone,
            secret=self.settings.secret,
            budget=PostgresBudget(self.store.pool, name),
            lane=self.lane,
            tokens=EncryptedTokens(database=self.store, system=name, key=lambda: seal_key(self.hidden, self.settings)),
            clock=self.clock,
            database_url=self.store.url,
        )


def store_url(folder: Path, settings: Settings) -> str:
    """The store's address: the configured one, or the embedded server of the project in `folder`, started if need be."""
    environment_settings = in_environment(folder, settings)
    return environment_settings.database_url or ensure_server(hidden_folder(folder, environment_settings))


@contextmanager
def open_session(
    folder: Path, settings: Settings, *, lane: Lane = "schedule", trigger: Trigger = "hand"
) -> Iterator[Session]:
    """Load the project in `folder` and open its store. The embedded store is migrated on the way."""
    with ExitStack() as stack:
        project = load_project(folder, rooms(), settings.env)
        settings = in_environment(folder, settings)
        folder_of_store = hidden_folder(folder, settings)
        url = store_url(folder, settings)
        if settings.database_url is None:
            stack.enter_context(kept_running(folder_of_store))
            migrate(url, settings.env)
        store = open_store(url, settings.env)
        stack.callback(store.close)
        store.anchoring = audit_anchor_of(folder_of_store, settings, url)
        session = Session(project=project, settings=settings, store=store, lane=lane, trigger=trigger)
        stack.callback(session.close)
        yield session
