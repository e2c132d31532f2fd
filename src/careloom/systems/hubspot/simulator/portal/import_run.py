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
    for import_ in [import_ for import_ in portal.imports.by_id.values() if import_.state in OPEN]:
        if import_.state == "DEFERRED" and portal.imports.running() < MOST_IMPORTS_AT_ONCE:
            import_.state, import_.begun_ms = "STARTED", portal.now_ms()
        if import_.state == "DEFERRED" or portal.now_ms() < import_.begun_ms:
            continue
        if portal.now_ms() - import_.begun_ms >= due_ms:
            carry_out(portal, import_)
        elif portal.now_ms() > import_.begun_ms:
            import_.state = "PROCESSING"


def carry_out(portal: Portal, import_: Import) -> None:
    """Import every row; what is wrong with a row is noted and the others continue."""
    for sheet in import_.sheets:
        for line, cells in sheet.rows:
            import_.counters["TOTAL_ROWS"] += 1
            _row(portal, import_, sheet, line, cells)
    import_.counters["UNIQUE_OBJECTS_WRITTEN"] = sum(len(set(ids)) for ids in import_.record_ids.values())
    if import_.request.get("createContactListFromImport"):
        _list_of_contacts(portal, import_)
    import_.state, import_.updated_at = "DONE", portal.now()[1]


def _row(portal: Portal, import_: Import, sheet: Sheet, line: int, cells: list[str]) -> None:
    def note(wrong: WrongCellError) -> None:
        kind = portal.tables[sheet.columns[wrong.column or 0].object_type].kind
        entry: Json = {
            "id": str(len(import_.errors) + 1),
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
        import_.errors.append(entry)

    if len(cells) != len(sheet.columns):
        message = f"Incorrect number of columns: {len(cells)} instead of {len(sheet.columns)}"
        note(WrongCellError("INCORRECT_NUMBER_OF_COLUMNS", message))
        return
    records: list[tuple[Table, Record]] = []
    for object_type in dict.fromkeys(column.object_type for column in sheet.columns if column.property):
        table = portal.tables[object_type]
        try:
            records.append((table, _record(portal, import_, (table, sheet.columns, cells), note)))
        except WrongCellError as wrong:
            note(wrong)
    for (first_table, first), (second_table, second) in combinations(records, 2):
        portal.associations.associate((first_table.kind.id, second_table.kind.id), (first.id, second.id), ())


Source = tuple[Table, Sequence[Column], list[str]]


def _record(portal: Portal, import_: Import, source: Source, note: Callable[[WrongCellError], None]) -> Record:
    """Create or change the record of one object that a row describes."""
    table, columns, cells = source
    own_cells = [(index, column, cells[index].strip()) for index, column in enumerate(columns)]
    own_cells = [row for row in own_cells if row[1].object_type == table.kind.id and row[1].property and row[2]]
    values: dict[str, str] = {}
    for index, column, cell in own_cells:
        if column.type in _IDS:
            continue
        try:
            values.update(_check_cell(portal, table, import_, column.property, cell))
        except WrongCellError as wrong:
            wrong.column, wrong.value = index, cell
            note(wrong)
    record = _existing(table, own_cells)
    operation = (import_.request.get("importOperations") or {}).get(table.kind.id, "UPSERT")
    if record is not None and operation == "CREATE":
        raise WrongCellError("CREATE_ONLY_IMPORT", "A record with these values exists already")
    if record is None and operation == "UPDATE":
        raise WrongCellError("UPDATE_ONLY_IMPORT", "No record with these values exists")
    result = _write_record(portal, table, record, values)
    import_.counters["CREATED_OBJECTS" if record is None else "UPDATED_OBJECTS"] += 1
    import_.counters["PROPERTY_VALUES_EMITTED"] += len(values)
    import_.record_ids.setdefault(table.kind.id, []).append(result.id)
    return result


def _existing(table: Table, own_cells: Sequence[tuple[int, Column, str]]) -> Record | None:
    """The record that a row means: by its id, by a unique property, or by a company's domain."""
    for index, column, cell in own_cells:
        if column.type in _IDS:
            record = table.current(cell)
            if record is None:
                raise WrongCellError("INVALID_RECORD_ID", f"No record with ID {cell} exists", index, cell)
            return record
    for _index, column, cell in own_cells:
        if column.property in table.unique and (record := table.holder(column.property, cell)) is not None:
            return record
        if (table.kind.name, column.property) == ("companies", "domain"):
            domain = cell.lower()
            return next(
                (record for record in table.records.values() if record.values.get("domain", "").lower() == domain), None
            )
    return None


def _check_cell(portal: Portal, table: Table, import_: Import, name: str, cell: str) -> dict[str, str]:
    definition = table.kind.properties.get(name)
    if definition is not None and definition.type in {"date", "datetime"}:
        cell = _iso_date(cell, DATE_FORMATS[import_.request.get("dateFormat", "MONTH_DAY_YEAR")])
    try:
        return record_writes.check_values(portal, table.kind, {name: cell})
    except RefusalError as refusal:
        error = refusal.extra["errors"][0]
        raise WrongCellError(IMPORT_ERRORS.get(error["code"], "FAILED_VALIDATION"), error["message"]) from None


def _iso_date(cell: str, formats: Sequence[str]) -> str:
    for pattern in formats:
        try:
            return datetime.strptime(cell, pattern).date().isoformat()  # noqa: DTZ007 (a day has no zone)
        except ValueError:
            continue
    raise WrongCellError("COULD_NOT_PARSE_DATE", f"{cell} is not a date in the format of this import")


def _write_record(portal: Portal, table: Table, record: Record | None, values: dict[str, str]) -> Record:
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


def _list_of_contacts(portal: Portal, import_: Import) -> None:
    """A list of the contacts that an import has written."""
    now, contacts = portal.now()[1], portal.table("contacts").kind.id
    segment = segments.Segment(
        id=str(portal.segments.next_number),
        name=f"{import_.request.get('name') or 'Import'} {import_.id}",
        object_type=contacts,
        processing=segments.MANUAL,
        branch=None,
        created_at=now,
        updated_at=now,
        filters_updated_at=now,
    )
    portal.segments.add(segment)
    for record_id in dict.fromkeys(import_.record_ids.get(contacts, ())):
        list_members.add_member(portal, segment, record_id)
    import_.lists.append({"listId": segment.id, "objectType": "CONTACT"})
