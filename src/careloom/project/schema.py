"""The files of a project as they may be written: the schema that checks them and that editors are given.

Every scalar arrives as text; pydantic reads numbers out of it where a number is asked for.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

from careloom.core.reports import ReportType
from careloom.core.streams import ColumnType
from careloom.project.schedules import EXAMPLES, Schedule, ScheduleError, parse_duration, parse_schedule

NAME = r"^[a-z][a-z0-9_-]{0,62}$"
# PostgreSQL cuts names at 63 bytes, and a link's column has a second one beside it, called NAME_linked_at.
COLUMN = r"^[a-z][a-z0-9_]{0,52}$"
_DURATION = "a length of time: `1 hour`, `30 minutes`, `2 days`"
_DATE_PARTS = {
    "YYYY": "%Y",
    "YY": "%y",
    "MONTH": "%B",
    "MON": "%b",
    "MM": "%m",
    "DD": "%d",
    "HH24": "%H",
    "HH12": "%I",
    "HH": "%H",
    "MI": "%M",
    "mm": "%M",
    "SS": "%S",
    "ss": "%S",
    "AM": "%p",
    "PM": "%p",
}
_DATE_PART = re.compile("|".join(_DATE_PARTS))
_STRPTIME = re.compile(r"%[YymdBbHIMSpfzj%]")

Type = Literal["string", "number", "date", "datetime", "bool", "enumeration"]
PhiName = Literal["none", "contact", "identity", "clinical"]
Owner = Literal["source", "destination"]
Sensitive = Literal["non_sensitive", "sensitive", "highly_sensitive"]
RoleName = Literal[
    "none",
    "first_name",
    "middle_name",
    "last_name",
    "suffix",
    "birth_date",
    "sex",
    "email",
    "phone",
    "street",
    "unit",
    "city",
    "state",
    "zip",
]


def _wrong(code: str, cause: str, fix: str) -> PydanticCustomError:
    return PydanticCustomError(code, "{cause}", {"cause": cause, "fix": fix})


def _zone(value: object) -> ZoneInfo:
    try:
        return ZoneInfo(str(value))
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise _wrong("timezone", "there is no such time zone", "use an IANA name: `America/New_York`") from error


def _duration(value: object) -> timedelta:
    try:
        return parse_duration(str(value))
    except ValueError as error:
        raise _wrong("duration", "this is no length of time", f"write {_DURATION}") from error


def _schedule(value: object) -> Schedule:
    try:
        return parse_schedule(str(value))
    except ScheduleError as error:
        raise _wrong("schedule", f"this is no schedule: {error}", f"write {EXAMPLES}") from error


def _percent(value: object) -> float:
    try:
        number = float(str(value).strip().removesuffix("%"))
    except ValueError:
        number = -1
    if not 0 <= number <= 100:  # noqa: PLR2004 - percent
        raise _wrong("percent", "this is no percentage", "write a number from 0 to 100: `10`")
    return number


def strptime_format(value: object) -> str:
    """The strptime form of "MM/DD/YYYY" or of "%m/%d/%Y"; a PydanticCustomError if it is neither."""
    text = str(value)
    pattern = text if "%" in text else _DATE_PART.sub(lambda part: _DATE_PARTS[part[0]], text)
    literal = _STRPTIME.sub("", pattern)
    if "%" in literal or re.search(r"[A-SU-Za-z]", literal) or pattern == literal:
        fix = 'write it with YYYY, MM, DD, HH, MI, SS: "MM/DD/YYYY"'
        raise _wrong("date-format", "this is no date format", fix)
    return pattern


def _field(value: object) -> object:
    return {"from": value} if isinstance(value, str) else value


def _alternatives(value: object) -> object:
    return [value] if isinstance(value, str) else value


Name = Annotated[str, Field(pattern=NAME)]
ColumnName = Annotated[str, Field(pattern=COLUMN)]
Text = Annotated[str, Field(min_length=1)]
Zone = Annotated[ZoneInfo, BeforeValidator(_zone), PlainSerializer(str), WithJsonSchema({"type": "string"})]
Duration = Annotated[
    timedelta, BeforeValidator(_duration), WithJsonSchema({"type": "string", "description": _DURATION})
]
When = Annotated[Schedule, BeforeValidator(_schedule), WithJsonSchema({"type": "string", "description": EXAMPLES})]
_PERCENT_SCHEMA = {
    "anyOf": [{"type": "number", "minimum": 0, "maximum": 100}, {"type": "string", "pattern": "^[0-9.]+ ?%$"}]
}
Percent = Annotated[float, BeforeValidator(_percent), WithJsonSchema(_PERCENT_SCHEMA)]
DateFormat = Annotated[str, BeforeValidator(strptime_format), WithJsonSchema({"type": "string"})]


class Written(BaseModel):
    """What every part of a file shares: no unknown key, no change after reading."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, populate_by_name=False)


class WrittenMail(Written):
    """Where alerts are mailed; `smtp` is `smtp://HOST:PORT`, `smtps://HOST:PORT`, or a secret with such a text."""

    to: Annotated[list[Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")]], Field(min_length=1)]
    from_: Annotated[str, Field(alias="from", pattern=r"^[^@\s]+@[^@\s]+$")]
    smtp: Annotated[str, Field(pattern=r"^(smtps?://|secret:).+")]
    summary: When | None = None


class WrittenAlerts(Written):
    """Who hears of a failure."""

    mail: WrittenMail | None = None


class WrittenRetention(Written):
    """How long careloom's own records of the past are kept; for ever where nothing is said, but for `account_reports` and `runs`."""

    inbox: Duration | None = None
    inbox_digest: Duration | None = None
    change_log: Duration | None = None
    sync_log: Duration | None = None
    account_reports: Duration = timedelta(days=400)
    runs: Duration = timedelta(days=400)


class WrittenService(Written):
    """Who may start syncs over the web: e-mail addresses of service accounts, and what their tokens are made out to."""

    audience: Text | None = None
    callers: list[Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")]] = []


class WrittenModels(Written):
    """When the dbt models are built by themselves: at a schedule, and after what has changed in streams or reports."""

    schedule: When | None = None
    after: list[Text] = []


class WrittenProject(Written):
    """careloom.yaml. `systems` is checked further by the room of each kind; `schedule` serves syncs that name none."""

    project: Name
    timezone: Zone
    systems: dict[Name, dict[str, object]] = Field(min_length=1)
    alerts: WrittenAlerts = WrittenAlerts()
    schedule: When | None = None
    publish: list[Text] = []
    retention: WrittenRetention = WrittenRetention()
    service: WrittenService = WrittenService()
    models: WrittenModels | None = None


class WrittenEnvironment(Written):
    """careloom.NAME.yaml: what is another thing in one environment. `database`: an address, or `secret:NAME`."""

    database: Annotated[str, Field(pattern=r"^(secret:|postgres(ql)?://).+")] | None = None
    systems: dict[Name, dict[str, object]] = {}
    alerts: WrittenAlerts | None = None
    schedule: When | None = None
    publish: list[Text] | None = None
    retention: WrittenRetention | None = None
    service: WrittenService | None = None
    models: WrittenModels | None = None


class WrittenStreamFrom(Written):
    """What is landed: a stream that the system's room offers, or whose records its webhooks bring."""

    system: Text
    stream: Text


class WrittenColumn(Written):
    """A typed column out of the record: a dotted path, or several of which the first that is not empty counts."""

    path: Annotated[
        list[Text], Field(min_length=1), BeforeValidator(_alternatives, json_schema_input_type=Text | list[Text])
    ]
    type: ColumnType = "text"
    phi: PhiName = "clinical"
    description: Text | None = None


class WrittenLink(Written):
    """The one row of another table that belongs to a row: tiers of own column: the other's column, tried in order.

    `agree`: columns that must not differ where both sides state them, beside those of `by`.
    """

    to: ColumnName
    by: Annotated[list[Annotated[dict[ColumnName, ColumnName], Field(min_length=1)]], Field(min_length=1)]
    agree: dict[ColumnName, ColumnName] = {}


class WrittenStream(Written):
    """A file in streams/. `key` to `raw` are for systems that leave it to the project to say what a record is."""

    stream: Name
    from_: Annotated[WrittenStreamFrom, Field(alias="from")]
    table: ColumnName | None = None
    key: Text | None = None
    key_column: ColumnName | None = None
    key_type: Literal["text", "integer"] | None = None
    version: Text | None = None
    raw: ColumnName | None = None
    schedule: When | None = None
    reconcile: When | None = None
    look_back: Duration = timedelta(hours=1)
    retention: Duration | None = None
    rename: dict[ColumnName, ColumnName] = {}
    columns: dict[ColumnName, WrittenColumn] = {}
    links: dict[ColumnName, WrittenLink] = {}


class WrittenReport(Written):
    """One report: the system's own numbers for it, when it is due, and what it is for."""

    report: Text
    filter: Text
    purpose: Text | None = None
    schedule: When | None = None
    accounts: Annotated[list[Text], Field(min_length=1)] | None = None
    columns: list[ColumnName] = []
    types: dict[ColumnName, ReportType] = {}
    keep: Annotated[int, Field(ge=1, le=1000)] | None = None


class WrittenReports(Written):
    """A file in reports/: reports of one system, which it makes of each account when it is asked."""

    system: Text
    accounts: Annotated[list[Text], Field(min_length=1)]
    schedule: When | None = None
    keep: Annotated[int, Field(ge=1, le=1000)] = 8
    watched_in: ColumnName | None = None
    reports: Annotated[dict[ColumnName, WrittenReport], Field(min_length=1)]


class WrittenChart(Written):
    """One chart: a statement whose rows are label and value, or label, series and value, in the order to be drawn."""

    title: Text
    sql: Text
    unit: Literal["count", "money", "days", "percent", "score"] = "count"
    ordered: bool = False
    smallest_group: Annotated[int, Field(ge=0, le=1000)] = 0
    most: Annotated[int, Field(ge=1, le=500)] | None = None
    empty: Text | None = None
    after_run: bool = False


class WrittenCharts(Written):
    """A file in charts/: what `careloom report NAME` shows, NAME being the file's."""

    title: Text
    description: Text | None = None
    charts: Annotated[list[WrittenChart], Field(min_length=1)]


class WrittenFrom(Written):
    """What is read: a table or a statement, its key, and the column by which changes are found."""

    system: Text
    key: Text
    table: Text | None = None
    sql: Text | None = None
    cursor: Text | None = None
    look_back: Duration = timedelta(hours=1)


class WrittenObject(Written):
    """The definition of a custom object that the project brings along."""

    label: Text
    plural_label: Text
    primary: Text
    secondary: list[Text] = []
    searchable: list[Text] = []
    required: list[Text] = []
    associated: list[Text] = []


class WrittenTo(Written):
    """What is written, the unique property that carries the source key, and the highest class of data it admits."""

    system: Text
    object: Text
    key: Text
    admits: PhiName = "identity"
    create: WrittenObject | None = None


class WrittenField(Written):
    """One property: an SQL expression over the source's columns, and what is known about it."""

    from_: Annotated[str, Field(alias="from", min_length=1)]
    type: Type | None = None
    label: Text | None = None
    group: Text | None = None
    description: Text | None = None
    options: list[Text] | None = None
    values: dict[str, str] | None = None
    else_: Annotated[Literal["hold", "keep", "null"] | None, Field(alias="else")] = None
    format: DateFormat | None = None
    phi: PhiName | None = None
    sensitivity: Sensitive = "non_sensitive"
    owner: Owner | None = None
    when_taken: Text | None = None
    role: RoleName | None = None


class WrittenAssociation(Written):
    """A tie to another object: the sync that keeps it, and that sync's source key as an expression over our columns."""

    to: Text
    via: Text
    key: Text
    label: Text | None = None


FieldEntry = Annotated[WrittenField, BeforeValidator(_field, json_schema_input_type=str | WrittenField)]


class WrittenSync(Written):
    """A file in syncs/."""

    sync: Name
    from_: Annotated[WrittenFrom, Field(alias="from")]
    to: WrittenTo
    fields: dict[Text, FieldEntry] = Field(min_length=1)
    match: list[Annotated[list[Text], Field(min_length=1)]] = []
    unmatched: Literal["create", "hold"] = "create"
    missing: Literal["keep", "archive"] = "keep"
    archive_limit: Percent = 10.0
    accept: Literal["certain", "provisional"] = "certain"
    owner: Owner | None = None
    associations: list[WrittenAssociation] = []
    schedule: When | None = None
