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


def create(request_: Request) -> Response:
    """Take an import in."""
    request_.need(_SCOPE)
    import_request, files = _parts(request_)
    imports = request_.portal.imports
    operations = import_request.get("importOperations") or {}
    if not OPERATIONS.issuperset(map(str, operations.values())):
        raise invalid(f"importOperations must be of {sorted(OPERATIONS)}")
    if str(import_request.get("dateFormat", "MONTH_DAY_YEAR")) not in DATE_FORMATS:
        raise invalid(f"dateFormat must be one of {list(DATE_FORMATS)}")
    now = request_.portal.now()[1]
    import_ = Import(
        id=str(imports.next_number),
        owner=request_.token_name,
        request=import_request,
        sheets=_sheets(request_, import_request, files),
        created_at=now,
        updated_at=now,
    )
    imports.add(import_, request_.portal.now_ms())
    return Response(200, payload(import_))


def payload(import_: Import) -> Json:
    """An import as the API answers it."""
    return {
        "id": import_.id,
        "state": import_.state,
        "createdAt": import_.created_at,
        "updatedAt": import_.updated_at,
        "importName": str(import_.request.get("name") or ""),
        "importRequestJson": import_.request,
        "importSource": "API",
        "mappedObjectTypeIds": import_.object_types(),
        "optOutImport": bool(import_.request.get("marketableContactImport") is False),
        "metadata": {
            "counters": dict(import_.counters),
            "fileIds": [str(sheet.file_id) for sheet in import_.sheets],
            "objectLists": import_.lists,
        },
    }


def _parts(request_: Request) -> tuple[Json, dict[str, bytes]]:
    """The request and the files, by name, of a multipart body."""
    if "multipart/form-data" not in request_.content_type:
        raise RefusalError(415, "VALIDATION_ERROR", "HTTP 415 Unsupported Media Type")
    if len(request_.raw) > MOST_IMPORT_BYTES:
        raise RefusalError(429, "RATE_LIMITS", TOO_LARGE_IMPORT)
    message = message_from_bytes(
        b"Content-Type: " + request_.content_type.encode() + b"\r\n\r\n" + request_.raw, policy=HTTP
    )
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


def _sheets(request_: Request, import_request: Json, files: dict[str, bytes]) -> list[Sheet]:
    file_specs = import_request.get("files") or []
    if not file_specs:
        raise invalid("At least one file is required")
    sheets = [_sheet(request_, file_spec, files, index) for index, file_spec in enumerate(file_specs)]
    if sum(len(sheet.rows) for sheet in sheets) > MOST_IMPORT_ROWS:
        raise RefusalError(429, "RATE_LIMITS", TOO_LARGE_IMPORT)
    return sheets


def _sheet(request_: Request, file_spec: Json, files: dict[str, bytes], index: int) -> Sheet:
    name, page = str(file_spec.get("fileName", "")), file_spec.get("fileImportPage") or {}
    if file_spec.get("fileFormat", "CSV") != "CSV":
        raise invalid("The simulator imports files of format CSV only")
    if name not in files:
        raise invalid(f"No file named {name} was sent")
    columns = [_column(request_, mapping) for mapping in page.get("columnMappings") or ()]
    try:
        text = files[name].decode("utf-8-sig")
    except UnicodeDecodeError:
        raise invalid(f"{name} is not encoded as UTF-8") from None
    reader = csv.reader(io.StringIO(text, newline=""))
    rows = [(reader.line_num, cells) for cells in reader if cells]
    file_id = int(request_.portal.imports.next_number) * 100 + index
    return Sheet(file_id, columns, rows[1:] if page.get("hasHeader", True) else rows)


def _column(request_: Request, mapping: Json) -> Column:
    table = request_.portal.table(str(mapping.get("columnObjectTypeId") or "0-1"))
    name, type_ = str(mapping.get("propertyName") or ""), str(mapping.get("columnType") or "")
    if type_ == "HUBSPOT_OBJECT_ID":
        name = name or "hs_object_id"
    elif mapping.get("foreignKeyType") or mapping.get("toColumnObjectTypeId"):
        raise invalid("The simulator does not import associations by key: it ties the records of one row")
    elif name and name not in table.kind.properties:
        raise invalid(f'Property "{name}" does not exist')
    return Column(table.kind.id, name, type_)


# ---------------------------------------------------------------- how it went


def _import(request_: Request) -> Import:
    request_.need(_SCOPE)
    if not request_.places[0].isdigit() or request_.places[0] == "0":
        raise invalid("importId must be positive.")
    import_ = request_.portal.imports.by_id.get(request_.places[0])
    if import_ is None or import_.owner != request_.token_name:
        raise not_found(IMPORT_NOT_FOUND.format(id=request_.places[0]))
    return import_


def read(request_: Request) -> Response:
    """How far one import is."""
    return Response(200, payload(_import(request_)))


def get_page(request_: Request) -> Response:
    """The imports of this app, the newest first."""
    request_.need(_SCOPE)
    own_imports = [
        import_ for import_ in reversed(request_.portal.imports.by_id.values()) if import_.owner == request_.token_name
    ]
    return _page(request_, [payload(import_) for import_ in own_imports])


def errors(request_: Request) -> Response:
    """What an import could not bring in."""
    return _page(request_, _import(request_).errors)


def _page(request_: Request, rows: list[Json]) -> Response:
    limit, after = request_.integer("limit", _PAGE, _PAGE), request_.parameter("after") or "0"
    if not after.isdigit():
        raise invalid("Invalid query parameter: after")
    start = int(after)
    body: Json = {"results": rows[start : start + limit]}
    if start + limit < len(rows):
        end = str(start + limit)
        body["paging"] = {
            "next": {"after": end, "link": f"{request_.base_url}{request_.path}?limit={limit}&after={end}"}
        }
    return Response(200, body)


def cancel(request_: Request) -> Response:
    """End an import that is not done; rows that it has brought in stay."""
    import_ = _import(request_)
    if import_.state not in OPEN:
        raise invalid(f"Import {import_.id} is {import_.state} and cannot be canceled")
    now = request_.portal.now()[1]
    import_.state, import_.updated_at = "CANCELED", now
    return Response(200, {"status": "COMPLETE", "startedAt": now, "completedAt": now})
