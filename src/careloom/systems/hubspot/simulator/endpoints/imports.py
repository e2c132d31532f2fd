"""The imports API: take in CSV files with the meaning of their columns, and tell how the import went."""

from __future__ import annotations

import csv
import io
from email import message_from_bytes
from email.policy import HTTP
from typing import Any

import orjson

from careloom.systems.hubspot.simulator.body_shapes import check
from careloom.systems.hubspot.simulator.endpoints.request import Request
from careloom.systems.hubspot.simulator.portal.imports import DATE_FORMATS, OPEN, OPERATIONS, Column, Import, Sheet
from careloom.systems.hubspot.simulator.responses import Json, RefusalError, Response, invalid, not_found
from careloom.systems.hubspot.simulator.settings import (
    IMPORT_NOT_FOUND,
    MOST_IMPORT_BYTES,
    MOST_IMPORT_ROWS,
    TOO_LARGE_IMPORT,
)

_SCOPE = "crm.import"
_PAGE = 100


def create(call: Request) -> Response:
    """Take an import in."""
    call.need(_SCOPE)
    request, files = _parts(call)
    imports = call.portal.imports
    operations = request.get("importOperations") or {}
    if not OPERATIONS.issuperset(map(str, operations.values())):
        raise invalid(f"importOperations must be of {sorted(OPERATIONS)}")
    if str(request.get("dateFormat", "MONTH_DAY_YEAR")) not in DATE_FORMATS:
        raise invalid(f"dateFormat must be one of {list(DATE_FORMATS)}")
    now = call.portal.now()[1]
    asked = Import(
        id=str(imports.next_number),
        owner=call.token_name,
        request=request,
        sheets=_sheets(call, request, files),
        created=now,
        updated=now,
    )
    imports.add(asked, call.portal.now_ms())
    return Response(200, payload(asked))


def payload(asked: Import) -> Json:
    """An import as the API answers it."""
    return {
        "id": asked.id,
        "state": asked.state,
        "createdAt": asked.created,
        "updatedAt": asked.updated,
        "importName": str(asked.request.get("name") or ""),
        "importRequestJson": asked.request,
        "importSource": "API",
        "mappedObjectTypeIds": asked.object_types(),
        "optOutImport": bool(asked.request.get("marketableContactImport") is False),
        "metadata": {
            "counters": dict(asked.counters),
            "fileIds": [str(sheet.file_id) for sheet in asked.sheets],
            "objectLists": asked.lists,
        },
    }


def _parts(call: Request) -> tuple[Json, dict[str, bytes]]:
    """The request and the files, by name, of a multipart body."""
    if "multipart/form-data" not in call.content_type:
        raise RefusalError(415, "VALIDATION_ERROR", "HTTP 415 Unsupported Media Type")
    if len(call.raw) > MOST_IMPORT_BYTES:
        raise RefusalError(429, "RATE_LIMITS", TOO_LARGE_IMPORT)
    message = message_from_bytes(b"Content-Type: " + call.content_type.encode() + b"\r\n\r\n" + call.raw, policy=HTTP)
    request: Any = None
    files: dict[str, bytes] = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        content = content if isinstance(content, bytes) else b""
        if name == "importRequest":
            request = _read_request(content)
        elif name == "files":
            files[part.get_filename() or ""] = content
    if not isinstance(request, dict):
        raise invalid("importRequest is required")
    check(request)
    return request, files


def _read_request(content: bytes) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise invalid(f"Invalid input JSON on line 1, column {error.pos}: {error.msg}") from None


def _sheets(call: Request, request: Json, files: dict[str, bytes]) -> list[Sheet]:
    described = request.get("files") or []
    if not described:
        raise invalid("At least one file is required")
    sheets = [_sheet(call, each, files, index) for index, each in enumerate(described)]
    if sum(len(sheet.rows) for sheet in sheets) > MOST_IMPORT_ROWS:
        raise RefusalError(429, "RATE_LIMITS", TOO_LARGE_IMPORT)
    return sheets


def _sheet(call: Request, described: Json, files: dict[str, bytes], index: int) -> Sheet:
    name, page = str(described.get("fileName", "")), described.get("fileImportPage") or {}
    if described.get("fileFormat", "CSV") != "CSV":
        raise invalid("The simulator imports files of format CSV only")
    if name not in files:
        raise invalid(f"No file named {name} was sent")
    columns = [_column(call, each) for each in page.get("columnMappings") or ()]
    try:
        text = files[name].decode("utf-8-sig")
    except UnicodeDecodeError:
        raise invalid(f"{name} is not encoded as UTF-8") from None
    reader = csv.reader(io.StringIO(text, newline=""))
    rows = [(reader.line_num, cells) for cells in reader if cells]
    file_id = int(call.portal.imports.next_number) * 100 + index
    return Sheet(file_id, columns, rows[1:] if page.get("hasHeader", True) else rows)


def _column(call: Request, mapping: Json) -> Column:
    table = call.portal.table(str(mapping.get("columnObjectTypeId") or "0-1"))
    name, type_ = str(mapping.get("propertyName") or ""), str(mapping.get("columnType") or "")
    if type_ == "HUBSPOT_OBJECT_ID":
        name = name or "hs_object_id"
    elif mapping.get("foreignKeyType") or mapping.get("toColumnObjectTypeId"):
        raise invalid("The simulator does not import associations by key: it ties the records of one row")
    elif name and name not in table.kind.properties:
        raise invalid(f'Property "{name}" does not exist')
    return Column(table.kind.id, name, type_)


# ---------------------------------------------------------------- how it went


def _import(call: Request) -> Import:
    call.need(_SCOPE)
    if not call.places[0].isdigit() or call.places[0] == "0":
        raise invalid("importId must be positive.")
    asked = call.portal.imports.kept.get(call.places[0])
    if asked is None or asked.owner != call.token_name:
        raise not_found(IMPORT_NOT_FOUND.format(id=call.places[0]))
    return asked


def read(call: Request) -> Response:
    """How far one import is."""
    return Response(200, payload(_import(call)))


def listed(call: Request) -> Response:
    """The imports of this app, the newest first."""
    call.need(_SCOPE)
    own = [one for one in reversed(call.portal.imports.kept.values()) if one.owner == call.token_name]
    return _page(call, [payload(one) for one in own])


def errors(call: Request) -> Response:
    """What an import could not bring in."""
    return _page(call, _import(call).errors)


def _page(call: Request, rows: list[Json]) -> Response:
    limit, after = call.whole("limit", _PAGE, _PAGE), call.one("after") or "0"
    if not after.isdigit():
        raise invalid("Invalid query parameter: after")
    start = int(after)
    body: Json = {"results": rows[start : start + limit]}
    if start + limit < len(rows):
        end = str(start + limit)
        body["paging"] = {"next": {"after": end, "link": f"{call.base_url}{call.path}?limit={limit}&after={end}"}}
    return Response(200, body)


def cancel(call: Request) -> Response:
    """End an import that is not done; rows that it has brought in stay."""
    asked = _import(call)
    if asked.state not in OPEN:
        raise invalid(f"Import {asked.id} is {asked.state} and cannot be canceled")
    now = call.portal.now()[1]
    asked.state, asked.updated = "CANCELED", now
    return Response(200, {"status": "COMPLETE", "startedAt": now, "completedAt": now})
