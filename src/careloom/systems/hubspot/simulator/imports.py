"""Imports: files of rows that become records, some time after they were taken in.

Three imports run at once; what comes beyond them waits as DEFERRED. An import is carried out whole at the moment at which
it is due, when the next request comes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from careloom.systems.hubspot.simulator import segments, writing
from careloom.systems.hubspot.simulator.answers import Json, RefusalError
from careloom.systems.hubspot.simulator.records import Record, Table
from careloom.systems.hubspot.simulator.settings import IMPORT_ERRORS, MOST_IMPORTS_AT_ONCE

if TYPE_CHECKING:
    from careloom.systems.hubspot.simulator.portal import Portal

DATE_FORMATS: Mapping[str, tuple[str, ...]] = {
    "MONTH_DAY_YEAR": ("%m/%d/%Y", "%m-%d-%Y"),
    "DAY_MONTH_YEAR": ("%d/%m/%Y", "%d-%m-%Y"),
    "YEAR_MONTH_DAY": ("%Y/%m/%d", "%Y-%m-%d"),
}
OPERATIONS = frozenset({"CREATE", "UPDATE", "UPSERT"})
OPEN = frozenset({"STARTED", "PROCESSING", "DEFERRED"})
# Columns of these types name the record, and are no values of it.
_IDS = frozenset({"HUBSPOT_OBJECT_ID"})


class Column(NamedTuple):
    """What one column of a file holds: a property of an object, or (without a property) nothing that is imported."""

    object_type: str
    property: str
    type: str


class Sheet(NamedTuple):
    """One file: its columns and its rows, each with its line number."""

    file_id: int
    columns: Sequence[Column]
    rows: Sequence[tuple[int, list[str]]]


class WrongCellError(Exception):
    """A row, or one cell of it, that is not imported."""

    def __init__(self, error_type: str, message: str, column: int | None = None, value: str | None = None) -> None:
        super().__init__(error_type)
        self.error_type = error_type
        self.message = message
        self.column = column
        self.value = value


@dataclass(slots=True, kw_only=True)
class Import:
    """One import. `owner` is the token that asked for it: nobody else sees it. `begun_ms` is 0 while it waits."""

    id: str
    owner: str
    request: Json
    sheets: Sequence[Sheet]
    created: str
    updated: str
    state: str = "STARTED"
    begun_ms: int = 0
    counters: Counter[str] = field(default_factory=Counter)
    errors: list[Json] = field(default_factory=list)
    lists: list[Json] = field(default_factory=list)
    written: dict[str, list[str]] = field(default_factory=dict)

    def object_types(self) -> list[str]:
        """The objects that its columns name, in their order."""
        columns = [column for sheet in self.sheets for column in sheet.columns if column.property]
        return list(dict.fromkeys(column.object_type for column in columns))


@dataclass(slots=True, kw_only=True)
class Imports:
    """The portal's imports by id."""

    kept: dict[str, Import] = field(default_factory=dict)
    next_number: int = 1

    def add(self, portal: Portal, asked: Import) -> None:
        """Take an import in: it begins at once, or waits while three others run."""
        running = sum(one.state in {"STARTED", "PROCESSING"} for one in self.kept.values())
        self.kept[asked.id] = asked
        self.next_number += 1
        if running >= MOST_IMPORTS_AT_ONCE:
            asked.state = "DEFERRED"
        else:
            asked.begun_ms = portal.now_ms()

    def settle(self, portal: Portal) -> None:
        """Carry out what is due, and begin what has waited long enough."""
        due_ms = round(portal.settings.import_seconds * 1000)
        for one in [each for each in self.kept.values() if each.state in OPEN]:
            if one.state == "DEFERRED":
                self._begin(portal, one)
            if one.state == "DEFERRED" or portal.now_ms() < one.begun_ms:
                continue
            if portal.now_ms() - one.begun_ms >= due_ms:
                carry_out(portal, one)
            elif portal.now_ms() > one.begun_ms:
                one.state = "PROCESSING"

    def _begin(self, portal: Portal, waiting: Import) -> None:
        running = sum(one.state in {"STARTED", "PROCESSING"} for one in self.kept.values())
        if running < MOST_IMPORTS_AT_ONCE:
            waiting.state, waiting.begun_ms = "STARTED", portal.now_ms()


def carry_out(portal: Portal, asked: Import) -> None:
    """Import every row; what is wrong with one is noted and the others go on."""
    for sheet in asked.sheets:
        for line, cells in sheet.rows:
            asked.counters["TOTAL_ROWS"] += 1
            _row(portal, asked, sheet, line, cells)
    asked.counters["UNIQUE_OBJECTS_WRITTEN"] = sum(len(set(ids)) for ids in asked.written.values())
    if asked.request.get("createContactListFromImport"):
        _list_of_contacts(portal, asked)
    asked.state, asked.updated = "DONE", portal.now()[1]


def _row(portal: Portal, asked: Import, sheet: Sheet, line: int, cells: list[str]) -> None:
    def note(wrong: WrongCellError) -> None:
        kind = portal.tables[sheet.columns[wrong.column or 0].object_type].kind
        entry: Json = {
            "id": str(len(asked.errors) + 1),
            "createdAt": portal.now_ms(),
            "errorType": wrong.error_type,
            "errorMessage": wrong.message,
            "objectType": kind.upper_name if not kind.custom else "OBJECT_DEFINITION",
            "objectTypeId": kind.id,
            "sourceData": {
                "fileId": sheet.file_id,
                "lineNumber": line,
                "rowData": cells,
                "additionalRowData": [],
                "containsEncryptedProperties": False,
            },
        }
        if wrong.column is not None:
            entry["knownColumnNumber"] = wrong.column
        if wrong.value is not None:
            entry |= {"invalidValue": wrong.value, "invalidValueToDisplay": wrong.value}
        asked.errors.append(entry)

    if len(cells) != len(sheet.columns):
        message = f"Incorrect number of columns: {len(cells)} instead of {len(sheet.columns)}"
        note(WrongCellError("INCORRECT_NUMBER_OF_COLUMNS", message))
        return
    written: list[tuple[Table, Record]] = []
    for object_type in dict.fromkeys(column.object_type for column in sheet.columns if column.property):
        table = portal.tables[object_type]
        try:
            written.append((table, _record(portal, asked, (table, sheet.columns, cells), note)))
        except WrongCellError as wrong:
            note(wrong)
    for (one, first), (other, second) in combinations(written, 2):
        portal.ties.tie((one.kind.id, other.kind.id), (first.id, second.id), ())


Source = tuple[Table, Sequence[Column], list[str]]


def _record(portal: Portal, asked: Import, source: Source, note: Callable[[WrongCellError], None]) -> Record:
    """Create or change the record of one object that a row describes."""
    table, columns, cells = source
    mine = [(index, column, cells[index].strip()) for index, column in enumerate(columns)]
    mine = [each for each in mine if each[1].object_type == table.kind.id and each[1].property and each[2]]
    values: dict[str, str] = {}
    for index, column, cell in mine:
        if column.type in _IDS:
            continue
        try:
            values.update(_checked(portal, table, asked, column.property, cell))
        except WrongCellError as wrong:
            wrong.column, wrong.value = index, cell
            note(wrong)
    record = _existing(table, mine)
    operation = (asked.request.get("importOperations") or {}).get(table.kind.id, "UPSERT")
    if record is not None and operation == "CREATE":
        raise WrongCellError("CREATE_ONLY_IMPORT", "A record with these values exists already")
    if record is None and operation == "UPDATE":
        raise WrongCellError("UPDATE_ONLY_IMPORT", "No record with these values exists")
    written = _written(portal, table, record, values)
    asked.counters["CREATED_OBJECTS" if record is None else "UPDATED_OBJECTS"] += 1
    asked.counters["PROPERTY_VALUES_EMITTED"] += len(values)
    asked.written.setdefault(table.kind.id, []).append(written.id)
    return written


def _existing(table: Table, mine: Sequence[tuple[int, Column, str]]) -> Record | None:
    """The record that a row means: by its id, by a unique property, or by a company's domain."""
    for index, column, cell in mine:
        if column.type in _IDS:
            record = table.current(cell)
            if record is None:
                raise WrongCellError("INVALID_RECORD_ID", f"No record with ID {cell} exists", index, cell)
            return record
    for _index, column, cell in mine:
        if column.property in table.unique and (record := table.holder(column.property, cell)) is not None:
            return record
        if (table.kind.name, column.property) == ("companies", "domain"):
            wanted = cell.lower()
            return next((one for one in table.records.values() if one.values.get("domain", "").lower() == wanted), None)
    return None


def _checked(portal: Portal, table: Table, asked: Import, name: str, cell: str) -> dict[str, str]:
    definition = table.kind.properties.get(name)
    if definition is not None and definition.type in {"date", "datetime"}:
        cell = _dated(cell, DATE_FORMATS[asked.request.get("dateFormat", "MONTH_DAY_YEAR")])
    try:
        return writing.checked(portal, table.kind, {name: cell})
    except RefusalError as refusal:
        error = refusal.extra["errors"][0]
        raise WrongCellError(IMPORT_ERRORS.get(error["code"], "FAILED_VALIDATION"), error["message"]) from None


def _dated(cell: str, formats: Sequence[str]) -> str:
    for pattern in formats:
        try:
            return datetime.strptime(cell, pattern).date().isoformat()  # noqa: DTZ007 (a day has no zone)
        except ValueError:
            continue
    raise WrongCellError("COULD_NOT_PARSE_DATE", f"{cell} is not a date in the format of this import")


def _written(portal: Portal, table: Table, record: Record | None, values: dict[str, str]) -> Record:
    try:
        if record is None:
            writing.check_required(table.kind, values)
        writing.check_unique(portal, table, values, record.id if record is not None else None, {})
    except RefusalError as refusal:
        lacking = "Some required properties" in refusal.message or "At least one" in refusal.message
        kind = "MISSING_REQUIRED_PROPERTY" if lacking else "DUPLICATE_UNIQUE_PROPERTY_VALUE"
        raise WrongCellError(kind, refusal.message) from None
    if record is None:
        return writing.create(portal, table, dict(values))
    writing.update(portal, table, record, dict(values))
    return record


def _list_of_contacts(portal: Portal, asked: Import) -> None:
    """A list of the contacts that an import has written."""
    now, contacts = portal.now()[1], portal.table("contacts").kind.id
    segment = segments.Segment(
        id=str(portal.segments.next_number),
        name=f"{asked.request.get('name') or 'Import'} {asked.id}",
        object_type=contacts,
        processing=segments.MANUAL,
        branch=None,
        created=now,
        updated=now,
        filters_updated=now,
    )
    portal.segments.add(portal, segment)
    for record_id in dict.fromkeys(asked.written.get(contacts, ())):
        segments.joined(portal, segment, record_id)
    asked.lists.append({"listId": segment.id, "objectType": "CONTACT"})
