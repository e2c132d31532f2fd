"""A project as the rest of the house sees it: read, checked, and resolved. Nothing here can be half right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from careloom.core.errors import Fault
from careloom.core.phi import Phi
from careloom.core.ports import Query
from careloom.core.reports import ReportType
from careloom.core.schema import NewObject, PropertyType, Sensitivity
from careloom.core.streams import Stream
from careloom.project.nodes import Place, Step, YamlNode
from careloom.project.schedules import Schedule
from careloom.project.schema import RoleName

Role = RoleName
Owner = Literal["source", "destination"]


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """An entry of `systems:`. `options` is an instance of its room's own model."""

    name: str
    kind: str
    options: BaseModel
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """Where alerts are mailed. `smtp` is a URL, or the name of a secret that holds one; `summary`: when what waits is told."""

    recipients: tuple[str, ...]
    sender: str
    smtp: str
    summary: Schedule | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerts:
    """Who hears of a failure."""

    mail: Mail | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class From:
    """What a sync reads. Column names are as written: DuckDB's rule (case does not matter) finds them."""

    system: str
    key: str
    table: str | None = None
    sql: str | None = None
    cursor: str | None = None
    look_back: timedelta = timedelta(hours=1)

    @property
    def query(self) -> Query:
        """The same, as a source is asked for it."""
        return Query(table=self.table, sql=self.sql)


@dataclass(frozen=True, slots=True, kw_only=True)
class To:
    """What a sync writes. `key` is the unique property that carries the source key; `admits` the highest class let in."""

    system: str
    object: str
    key: str
    admits: Phi = Phi.IDENTITY
    create: NewObject | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One property and where its value comes from.

    `source` is the text that was written, `expression` the same as DuckDB's SQL, its columns quoted. `values` turns
    texts into others and `otherwise` says what becomes of a text it does not name. `format` is in strptime's form, for
    dates that are text. `owner` None means a three-way merge. `role` is None where a property says nothing about a
    person's identity. `when_taken` receives the value of a unique property that another record already holds.
    """

    property: str
    source: str
    expression: str
    type: PropertyType | None = None
    label: str = ""
    group: str = ""
    description: str = ""
    options: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)
    otherwise: Literal["hold", "keep", "null"] = "hold"
    format: str | None = None
    phi: Phi = Phi.NONE
    sensitivity: Sensitivity = "non_sensitive"
    owner: Owner | None = None
    when_taken: str = ""
    role: Role | None = None
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class AssociationSpec:
    """A tie to an object that the sync `via` keeps; `expression` gives that sync's source key."""

    to_object: str
    via: str
    key: str
    expression: str
    label: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sync:
    """A declared flow. `fields` keeps the order of the file; `node` is the file itself, for places."""

    name: str
    source: From
    to: To
    fields: Mapping[str, Field]
    match: tuple[tuple[str, ...], ...] = ()
    unmatched: Literal["create", "hold"] = "create"
    missing: Literal["keep", "archive"] = "keep"
    archive_limit: float = 10.0
    accept: Literal["certain", "provisional"] = "certain"
    associations: tuple[AssociationSpec, ...] = ()
    schedule: Schedule | None = None
    file: str
    node: YamlNode = field(repr=False, compare=False)

    def fault(self, path: tuple[Step, ...], code: str, cause: str, fix: str) -> Fault:
        """A fault at the value under `path` of this sync's file."""
        return self.node.place_of(*path).fault(code, cause, fix)


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """A stream that is landed: an entry of `streams/`. `name` is the file's; `stream` the room's, with what the file adds.

    `schedule` reads what changed; `reconcile` compares everything and repairs. `retention`: how long a row that was not
    changed is kept, None for ever.
    """

    name: str
    system: str
    stream: Stream
    schedule: Schedule | None = None
    reconcile: Schedule | None = None
    look_back: timedelta = timedelta(hours=1)
    retention: timedelta | None = None
    file: str

    @property
    def table(self) -> str:
        """The landing table's name, in the schema `clinical`."""
        return self.stream.table or self.stream.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A table that a system makes of each of `accounts` when it is asked: an entry of a file in `reports/`.

    `report` and `filter` are the system's own numbers. `columns`: by their names in the table, without which no file is the
    report. `types`: of columns, where what comes must not decide. `keep`: how many former snapshots of each account stay.
    `watched_in`: the schema in which an earlier pipeline had its table of what was asked for.
    """

    name: str
    system: str
    report: str
    filter: str
    accounts: tuple[str, ...]
    purpose: str = ""
    schedule: Schedule | None = None
    columns: tuple[str, ...] = ()
    types: Mapping[str, ReportType] = field(default_factory=dict)
    keep: int = 8
    watched_in: str = ""
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A statement whose rows are (label, value) or (label, series, value), and the unit of its values.

    `is_ordered`: its series are steps of one scale. `smallest_group`: groups of fewer people are not shown; 0 shows all. `label_limit`: so many
    labels are shown, and how many more there are is told; 0 shows all. `empty`: what is said where there are no rows.
    `after_run`: it is shown when reports were run.
    """

    title: str
    sql: str
    unit: Literal["count", "money", "days", "percent", "score"] = "count"
    is_ordered: bool = False
    smallest_group: int = 0
    label_limit: int = 0
    empty: str = ""
    after_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartPage:
    """A file of `charts/`, by its own name."""

    name: str
    title: str
    description: str = ""
    charts: tuple[Chart, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long careloom's own records of the past are kept; None for ever."""

    inbox: timedelta | None = None
    inbox_digest: timedelta | None = None
    change_log: timedelta | None = None
    sync_log: timedelta | None = None
    account_reports: timedelta | None = None
    runs: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """`service:` of careloom.yaml. `callers`: the e-mail addresses of service accounts that may start syncs.

    `audience`: what their tokens must be made out to; None only on Cloud Run, for the service's own addresses.
    """

    audience: str | None = None
    callers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """`models:` of careloom.yaml: when they are built. `after`: names of streams and reports; None: after any report."""

    schedule: Schedule | None = None
    after: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A whole project. `syncs` is in an order in which every `via` comes before who needs it.

    `digest` is SHA-256 (hex) over the content of all its files; comments, quotes and spaces do not count.
    """

    name: str
    timezone: ZoneInfo
    folder: Path
    systems: Mapping[str, System]
    alerts: Alerts
    syncs: Mapping[str, Sync]
    digest: str
    landings: Mapping[str, Landing] = field(default_factory=dict)
    reports: Mapping[str, Report] = field(default_factory=dict)
    charts: Mapping[str, ChartPage] = field(default_factory=dict)
    publish: tuple[str, ...] = ()
    """The systems that change events are told to."""
    retention: Retention = Retention()
    service: Service = Service()
    models: Models = Models()
    environment: str = ""
    """"" is production."""
    replaced_systems: frozenset[str] = frozenset()
    """The systems that the environment replaces: only those are written to in it."""

    def writes(self, system: str) -> bool:
        """Whether `system` may be written to: in an environment only what is its own."""
        return not self.environment or system in self.replaced_systems
