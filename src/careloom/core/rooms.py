"""What a vendor's room offers, and what it is given when it is opened.

A room's `room.py` imports the modules that do its work, and nothing of them: asked for its options alone, as `check` asks
all of them, it loads none (see `core.late`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import sleep
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from careloom.core.clock import Clock, system_clock
from careloom.core.listeners import Listener
from careloom.core.ports import Budget, Lane, Source, Writable
from careloom.core.publishers import Publisher
from careloom.core.reports import ReportPolicy, ReportSource
from careloom.core.schema import PLAIN, TextForm
from careloom.core.streams import Stream, StreamSource
from careloom.core.tokens import Token, Tokens
from careloom.core.webhooks import Webhooks


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomContext:
    """What a room is handed, so that it never reads the environment, the clock or the store itself, nor sleeps.

    `folder` is the project's: relative paths start there. `secret` turns "secret:NAME" into its value and gives any
    other text back unchanged. `budget` is None for rooms that only read; `tokens` where no store is open. `database_url`:
    the careloom store's, for rooms that speak through it.
    """

    folder: Path
    timezone: ZoneInfo
    secret: Callable[[str], str]
    budget: Budget | None = None
    lane: Lane = "schedule"
    tokens: Tokens | None = None
    clock: Clock = system_clock
    pause: Callable[[float], None] = sleep
    database_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorOptions:
    """How a vendor's simulator is started: `careloom sim KIND`."""

    host: str = "127.0.0.1"
    port: int = 0
    tier: str = ""
    latency_ms: int = 0
    records: Path | None = None
    seed: int = 1
    hooks_url: str = ""
    """Where the simulator sends its webhooks: ADDRESS/webhooks/SYSTEM of a running `careloom serve`."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Secrets that both sides must share, by the name of the room's option that holds them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """OAuth2's authorization code flow, for `careloom connect SYSTEM`.

    `url(options, context, redirect_uri, state)` is the page that a person opens; `exchange(options, context,
    redirect_uri, code)` turns the code that comes back into the first token pair.
    """

    url: Callable[[Any, RoomContext, str, str], str]
    exchange: Callable[[Any, RoomContext, str, str], Token]


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """One vendor's room. `options` is the schema of its entry under `systems:` (without `kind`).

    `stands`: where the source of these options is, seen from a project's folder: in files of this machine, in files that
    are missing, or elsewhere. What is here can be looked at without a connection.

    `streams`: what can be landed, by name; `stream_source` reads them, `webhooks` hears of them, or a `listener`, which a worker serves. `publisher` tells change events.
    `reports` makes tables when it is asked; `report_policy`, from its options, says how they are waited for.

    `property_names`: the pattern that every property's name follows in what `target` writes; "" where any name will do.
    `associates`, `declares`: what `target` is beside Writable: Associating, Declaring. `text_form`: in which its values travel.

    `simulate` serves the vendor's simulator until it is interrupted; it prints one line with its address once it answers.
    """

    kind: str
    options: type[BaseModel]
    source: Callable[[Any, RoomContext], Source] | None = None
    stands: Callable[[Any, Path], Literal["here", "missing", "elsewhere"]] | None = None
    target: Callable[[Any, RoomContext], Writable] | None = None
    simulate: Callable[[SimulatorOptions], None] | None = None
    streams: Mapping[str, Stream] = field(default_factory=dict)
    stream_source: Callable[[Any, RoomContext], StreamSource] | None = None
    webhooks: Callable[[Any, RoomContext], Webhooks] | None = None
    listener: Callable[[Any, RoomContext], Listener] | None = None
    publisher: Callable[[Any, RoomContext], Publisher] | None = None
    authorization: Authorization | None = None
    reports: Callable[[Any, RoomContext], ReportSource] | None = None
    report_policy: Callable[[Any], ReportPolicy] | None = None
    property_names: str = ""
    associates: bool = False
    declares: bool = False
    text_form: TextForm = PLAIN
