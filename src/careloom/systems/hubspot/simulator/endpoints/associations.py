"""The associations API (v4 and the dated versions): ties between records, and the labels they may carry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from careloom.systems.hubspot.simulator.endpoints.request import Request
from careloom.systems.hubspot.simulator.portal.associations import THEIRS, AssociationType
from careloom.systems.hubspot.simulator.responses import Json, RefusalError, Response, invalid, not_found
from careloom.systems.hubspot.simulator.settings import (
    ASSOCIATION_ARCHIVE_STATUS,
    MOST_ASSOCIATION_PAGE,
    MOST_LABELS,
    MOST_TIES_READ,
    MOST_TIES_WRITTEN,
    PARTIAL_STATUS,
)

Ends = tuple[str, str]


def ends_of(request: Request, first: int, second: int) -> Ends:
    """The two objects that the path names, by their type ids; the arguments are their places in it."""
    return request.portal.table(request.places[first]).kind.id, request.portal.table(request.places[second]).kind.id


def ids_of(request: Request, ends: Ends, from_id: str, to_id: str) -> tuple[str, str]:
    """The live ids of both records, merges followed; 404 where one is gone."""
    records = [
        request.portal.tables[end].current(record_id) for end, record_id in zip(ends, (from_id, to_id), strict=True)
    ]
    for record, end, record_id in zip(records, ends, (from_id, to_id), strict=True):
        if record is None:
            raise not_found(f"No {end} with ID {record_id} exists")
    return records[0].id, records[1].id  # type: ignore[union-attr]


def _types(request: Request, ends: Ends, specs: Iterable[Json]) -> list[AssociationType]:
    types = []
    for spec in specs:
        type_ = request.portal.associations.type_of_spec(spec)
        if type_ is None or (type_.from_object, type_.to_object) != ends:
            raise invalid(f"Association type {spec.get('associationTypeId')} is not valid from {ends[0]} to {ends[1]}")
        types.append(type_)
    return types


def _labels(types: Iterable[AssociationType]) -> list[str]:
    return [type_.label for type_ in types if type_.label is not None]


def _association_body(ends: Ends, ids: tuple[str, str], labels: list[str]) -> Json:
    return {
        "fromObjectTypeId": ends[0],
        "fromObjectId": ids[0],
        "toObjectTypeId": ends[1],
        "toObjectId": ids[1],
        "labels": labels,
    }


def _specs(request: Request, types: Iterable[int]) -> list[Json]:
    tie_types = [request.portal.associations.types[number] for number in sorted(types)]
    return [{"category": type_.category, "typeId": type_.id, "label": type_.label} for type_ in tie_types]


def answer(request: Request, status: int, results: list[Json], errors: list[Json]) -> Response:
    """The answer to a batch of ties."""
    now = request.portal.now()[1]
    body: Json = {"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now}
    if errors:
        body |= {"numErrors": len(errors), "errors": errors}
        status = PARTIAL_STATUS.get(request.version, 207)
    return Response(status, body)


# ---------------------------------------------------------------- one tie


def put_default(request: Request) -> Response:
    """Tie two records without a label."""
    ends = ends_of(request, 0, 2)
    ids = ids_of(request, ends, request.places[1], request.places[3])
    request.portal.associations.associate(ends, ids, ())
    return answer(request, 200, _default_bodies(request, ends, ids), [])


def _default_bodies(request: Request, ends: Ends, ids: tuple[str, str]) -> list[Json]:
    type_ = request.portal.associations.default(*ends)
    return [
        {
            "from": {"id": from_id},
            "to": {"id": to_id},
            "associationSpec": {"associationCategory": type_.category, "associationTypeId": number},
        }
        for from_id, to_id, number in ((ids[0], ids[1], type_.id), (ids[1], ids[0], type_.inverse))
    ]


def put_labels(request: Request) -> Response:
    """Set the labels of a tie: those that are not named any more are taken away."""
    ends = ends_of(request, 0, 2)
    ids = ids_of(request, ends, request.places[1], request.places[3])
    types = _types(request, ends, request.list_body())
    label_types = {type_.id for type_ in types}
    default = request.portal.associations.default(*ends).id
    request.portal.associations.disassociate(
        ends, ids, request.portal.associations.types_of(ends, ids) - label_types - {default}
    )
    request.portal.associations.associate(ends, ids, label_types)
    return Response(201, _association_body(ends, ids, _labels(types)))


def delete(request: Request) -> Response:
    """Remove every tie between two records."""
    ends = ends_of(request, 0, 2)
    request.portal.associations.disassociate(ends, (request.places[1], request.places[3]))
    return Response(204)


def get_page(request: Request) -> Response:
    """What one record is tied to, up to 500 at a time."""
    ends = ends_of(request, 0, 2)
    record = request.table.current(request.places[1])
    if record is None:
        raise not_found(f"No {ends[0]} with ID {request.places[1]} exists")
    limit, after = (
        request.integer("limit", MOST_ASSOCIATION_PAGE, MOST_ASSOCIATION_PAGE),
        _number(request.parameter("after")),
    )
    return Response(200, _page(request, request.portal.associations.of_record(ends, record.id), after, limit))


def _number(after: Any) -> int:
    if after in {None, ""}:
        return 0
    if not str(after).isdigit():
        raise invalid("Invalid query parameter: after")
    return int(after)


def _page(request: Request, ties: Mapping[str, set[int]], after: int, limit: int) -> Json:
    ids = sorted(ties, key=int)
    page = [record_id for record_id in ids if int(record_id) >= after]
    body: Json = {
        "results": [
            {"toObjectId": request.object_id(record_id), "associationTypes": _specs(request, ties[record_id])}
            for record_id in page[:limit]
        ]
    }
    if len(page) > limit:
        body["paging"] = {
            "next": {"after": page[limit], "link": f"{request.base_url}{request.path}?after={page[limit]}"}
        }
    return body


# ---------------------------------------------------------------- many ties


def end_of(entry: Json, side: str) -> str:
    """The id of one end of an input, "" where it names none."""
    end = entry.get(side)
    return str(end.get("id", "")) if isinstance(end, dict) else ""


def _record_ids(request: Request, entry: Json) -> tuple[str, str]:
    return ids_of(request, ends_of(request, 0, 1), end_of(entry, "from"), end_of(entry, "to"))


def _error_entry(refusal: RefusalError, entry: Json) -> Json:
    ends = [end_of(entry, side) for side in ("from", "to")]
    return refusal.entry({"fromObjectId": ends[:1], "toObjectId": ends[1:]})


def create_many(request: Request) -> Response:
    """Tie many pairs of records, each with its labels."""
    ends, results, errors = ends_of(request, 0, 1), [], []
    for entry in request.inputs(MOST_TIES_WRITTEN):
        try:
            types = _types(request, ends, entry.get("types") or ())
            ids = _record_ids(request, entry)
        except RefusalError as refusal:
            errors.append(_error_entry(refusal, entry))
            continue
        request.portal.associations.associate(ends, ids, [type_.id for type_ in types])
        results.append(_association_body(ends, ids, _labels(types)))
    return answer(request, 201, results, errors)


def default_many(request: Request) -> Response:
    """Tie many pairs of records without labels."""
    ends, results, errors = ends_of(request, 0, 1), [], []
    for entry in request.inputs(MOST_TIES_WRITTEN):
        try:
            ids = _record_ids(request, entry)
        except RefusalError as refusal:
            errors.append(_error_entry(refusal, entry))
            continue
        request.portal.associations.associate(ends, ids, ())
        results.extend(_default_bodies(request, ends, ids))
    return answer(request, 200, results, errors)


def archive_many(request: Request) -> Response:
    """Remove every tie between many pairs of records; ties that are not there are passed over."""
    ends = ends_of(request, 0, 1)
    for entry in request.inputs(MOST_TIES_WRITTEN):
        targets: Any = entry.get("to") or []
        for target in targets if isinstance(targets, list) else [targets]:
            request.portal.associations.disassociate(
                ends, (str((entry.get("from") or {}).get("id")), str(target.get("id")))
            )
    status = ASSOCIATION_ARCHIVE_STATUS.get(request.version, 204)
    return Response(status) if status == 204 else answer(request, status, [], [])  # noqa: PLR2004


def archive_labels(request: Request) -> Response:
    """Remove single labels; removing the unlabelled type removes all."""
    ends = ends_of(request, 0, 1)
    for entry in request.inputs(MOST_TIES_WRITTEN):
        types = _types(request, ends, entry.get("types") or ())
        request.portal.associations.disassociate(ends, _record_ids(request, entry), [type_.id for type_ in types])
    return Response(204)


def read_many(request: Request) -> Response:
    """What many records are tied to; records without ties are named in `errors`."""
    ends, results, errors = ends_of(request, 0, 1), [], []
    for entry in request.inputs(MOST_TIES_READ):
        record = request.table.current(str(entry.get("id")))
        ties = request.portal.associations.of_record(ends, record.id) if record is not None else {}
        if record is None or not ties:
            message = f"No associations found from {ends[0]} {entry.get('id')} to {ends[1]}"
            errors.append(
                {
                    "status": "error",
                    "category": "OBJECT_NOT_FOUND",
                    "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
                    "message": message,
                    "context": {"fromObjectId": [str(entry.get("id"))]},
                }
            )
            continue
        page = _page(request, ties, _number(entry.get("after")), MOST_ASSOCIATION_PAGE)
        body: Json = {"from": {"id": record.id}, "to": page["results"]}
        if "paging" in page:
            body["paging"] = page["paging"]
        results.append(body)
    return answer(request, 200, results, errors)


# ---------------------------------------------------------------- labels


def labels(request: Request) -> Response:
    """The association types from one object to another."""
    types = request.portal.associations.between(*ends_of(request, 0, 1))
    return Response(200, {"results": _specs(request, [type_.id for type_ in types])})


def create_label(request: Request) -> Response:
    """Make a label, and its inverse (which may be spelled otherwise)."""
    ends, body = ends_of(request, 0, 1), request.body
    label, name = body.get("label"), body.get("name")
    labels = [type_ for type_ in request.portal.associations.between(*ends) if type_.category == THEIRS]
    if not label or not name:
        raise invalid("Invalid input JSON: 'label' and 'name' are required")
    if any(type_.name == name or type_.label == label for type_ in labels):
        raise RefusalError(409, "OBJECT_ALREADY_EXISTS", f"An association label named {label} already exists.")
    if len(labels) >= MOST_LABELS:
        raise invalid(f"There can be at most {MOST_LABELS} labels between two objects")
    type_ = request.portal.associations.add_type(ends, THEIRS, (label, body.get("inverseLabel") or label), name)
    numbers = list(dict.fromkeys((type_.id, type_.inverse)))
    return Response(200, {"results": _specs(request, numbers)})


def change_label(request: Request) -> Response:
    """Change what a label says."""
    ties = request.portal.associations
    type_ = ties.type_of_spec(request.body)
    if type_ is None or type_.category != THEIRS:
        raise not_found()
    ties.types[type_.id] = type_._replace(label=request.body.get("label") or type_.label)
    return Response(204)


def delete_label(request: Request) -> Response:
    """Remove a label from the portal, and from every tie that carries it."""
    ties = request.portal.associations
    type_ = ties.type_of_spec({"associationTypeId": request.places[2]})
    if type_ is None or type_.category != THEIRS:
        raise not_found()
    numbers = {type_.id, type_.inverse}
    for cells in ties.by_ends.values():
        for types_by_record in cells.values():
            for types in types_by_record.values():
                types.difference_update(numbers)
    for number in numbers:
        ties.types.pop(number, None)
    return Response(204)
