"""How imports are carried out: each whole at the moment at which it is due, when the next request comes.

Three imports run at once; what comes beyond them waits as DEFERRED.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import combinations

from careloom.systems.hubspot.simulator.portal import list_members, record_writes, segments
from careloom.systems.hubspot.simulator.portal.imports import DATE_FORMATS, OPEN, Column, Import, Sheet
from careloom.systems.hubspot.simulator.portal.portal import Portal
from careloom.systems.hubspot.simulator.portal.record import Record
from careloom.systems.hubspot.simulator.portal.records import Table
from careloom.systems.hubspot.simulator.responses import Json, RefusalError
from careloom.systems.hubspot.simulator.settings import IMPORT_ERRORS, MOST_IMPORTS_AT_ONCE

# Columns of these types name the record, and are no values of it.
_IDS = frozenset({"HUBSPOT_OBJECT_ID"})


class WrongCellError(Exception):
    """A row, or one cell of it, that is not imported."""

    def __init__(self, error_type: str, message: str, column: int | None = None, value: str | None = None) -> None:
        super().__init__(error_type)
        self.error_type = error_type
        self.message = message
        self.column = column
        self.value = value


def settle(portal: Portal) -> None:
    """Carry out what is due, and begin what has waited long enough."""
    due_ms = round(portal.settings.import_seconds * 1000)
    for each in [each for each in portal.imports.kept.values() if each.state in OPEN]:
        if each.state == "DEFERRED" and portal.imports.running() < MOST_IMPORTS_AT_ONCE:
            each.state, each.begun_ms = "STARTED", portal.now_ms()
        if each.state == "DEFERRED" or portal.now_ms() < each.begun_ms:
            continue
        if portal.now_ms() - each.begun_ms >= due_ms:
            carry_out(portal, each)
        elif portal.now_ms() > each.begun_ms:
            each.state = "PROCESSING"


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
        return record_writes.checked(portal, table.kind, {name: cell})
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
            record_writes.check_required(table.kind, values)
        record_writes.check_unique(portal, table, values, record.id if record is not None else None, {})
    except RefusalError as refusal:
        lacking = "Some required properties" in refusal.message or "At least one" in refusal.message
        kind = "MISSING_REQUIRED_PROPERTY" if lacking else "DUPLICATE_UNIQUE_PROPERTY_VALUE"
        raise WrongCellError(kind, refusal.message) from None
    if record is None:
        return record_writes.create(portal, table, dict(values))
    record_writes.update(portal, table, record, dict(values))
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
    portal.segments.add(segment)
    for record_id in dict.fromkeys(asked.written.get(contacts, ())):
        list_members.joined(portal, segment, record_id)
    asked.lists.append({"listId": segment.id, "objectType": "CONTACT"})
