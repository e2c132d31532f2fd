"""The associations API (v4 and the dated versions): ties between records, and the labels they may carry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from careloom.systems.hubspot.simulator.endpoints.request import Request
from careloom.systems.hubspot.simulator.portal.associations import THEIRS, TieType
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


def ends_of(call: Request, first: int, second: int) -> Ends:
    """The two objects that the path names, by their type ids; the arguments are their places in it."""
    return call.portal.table(call.places[first]).kind.id, call.portal.table(call.places[second]).kind.id


def ids_of(call: Request, ends: Ends, from_id: str, to_id: str) -> tuple[str, str]:
    """The live ids of both records, merges followed; 404 where one is gone."""
    records = [call.portal.tables[end].current(one) for end, one in zip(ends, (from_id, to_id), strict=True)]
    for record, end, one in zip(records, ends, (from_id, to_id), strict=True):
        if record is None:
            raise not_found(f"No {end} with ID {one} exists")
    return records[0].id, records[1].id  # type: ignore[union-attr]


def _types(call: Request, ends: Ends, specs: Iterable[Json]) -> list[TieType]:
    found = []
    for spec in specs:
        one = call.portal.ties.asked_type(spec)
        if one is None or (one.from_object, one.to_object) != ends:
            raise invalid(f"Association type {spec.get('associationTypeId')} is not valid from {ends[0]} to {ends[1]}")
        found.append(one)
    return found


def _labels(types: Iterable[TieType]) -> list[str]:
    return [one.label for one in types if one.label is not None]


def _made(ends: Ends, ids: tuple[str, str], labels: list[str]) -> Json:
    return {
        "fromObjectTypeId": ends[0],
        "fromObjectId": ids[0],
        "toObjectTypeId": ends[1],
        "toObjectId": ids[1],
        "labels": labels,
    }


def _specs(call: Request, types: Iterable[int]) -> list[Json]:
    found = [call.portal.ties.types[number] for number in sorted(types)]
    return [{"category": one.category, "typeId": one.id, "label": one.label} for one in found]


def answer(call: Request, status: int, results: list[Json], errors: list[Json]) -> Response:
    """The answer to a batch of ties."""
    now = call.portal.now()[1]
    body: Json = {"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now}
    if errors:
        body |= {"numErrors": len(errors), "errors": errors}
        status = PARTIAL_STATUS.get(call.version, 207)
    return Response(status, body)


# ---------------------------------------------------------------- one tie


def put_default(call: Request) -> Response:
    """Tie two records without a label."""
    ends = ends_of(call, 0, 2)
    ids = ids_of(call, ends, call.places[1], call.places[3])
    call.portal.ties.tie(ends, ids, ())
    return answer(call, 200, _default_made(call, ends, ids), [])


def _default_made(call: Request, ends: Ends, ids: tuple[str, str]) -> list[Json]:
    one = call.portal.ties.default(*ends)
    return [
        {
            "from": {"id": here},
            "to": {"id": there},
            "associationSpec": {"associationCategory": one.category, "associationTypeId": number},
        }
        for here, there, number in ((ids[0], ids[1], one.id), (ids[1], ids[0], one.inverse))
    ]


def put_labelled(call: Request) -> Response:
    """Set the labels of a tie: those that are not named any more are taken away."""
    ends = ends_of(call, 0, 2)
    ids = ids_of(call, ends, call.places[1], call.places[3])
    types = _types(call, ends, call.listed_body())
    labelled = {one.id for one in types}
    default = call.portal.ties.default(*ends).id
    call.portal.ties.untie(ends, ids, call.portal.ties.found(ends, ids) - labelled - {default})
    call.portal.ties.tie(ends, ids, labelled)
    return Response(201, _made(ends, ids, _labels(types)))


def delete(call: Request) -> Response:
    """Remove every tie between two records."""
    ends = ends_of(call, 0, 2)
    call.portal.ties.untie(ends, (call.places[1], call.places[3]))
    return Response(204)


def listed(call: Request) -> Response:
    """What one record is tied to, up to 500 at a time."""
    ends = ends_of(call, 0, 2)
    record = call.table.current(call.places[1])
    if record is None:
        raise not_found(f"No {ends[0]} with ID {call.places[1]} exists")
    limit, after = call.whole("limit", MOST_ASSOCIATION_PAGE, MOST_ASSOCIATION_PAGE), _number(call.one("after"))
    return Response(200, _page(call, call.portal.ties.of(ends, record.id), after, limit))


def _number(after: Any) -> int:
    if after in {None, ""}:
        return 0
    if not str(after).isdigit():
        raise invalid("Invalid query parameter: after")
    return int(after)


def _page(call: Request, found: Mapping[str, set[int]], after: int, limit: int) -> Json:
    ids = sorted(found, key=int)
    page = [one for one in ids if int(one) >= after]
    body: Json = {
        "results": [
            {"toObjectId": call.object_id(one), "associationTypes": _specs(call, found[one])} for one in page[:limit]
        ]
    }
    if len(page) > limit:
        body["paging"] = {"next": {"after": page[limit], "link": f"{call.base_url}{call.path}?after={page[limit]}"}}
    return body


# ---------------------------------------------------------------- many ties


def end_of(one: Json, side: str) -> str:
    """The id of one end of an input, "" where it names none."""
    end = one.get(side)
    return str(end.get("id", "")) if isinstance(end, dict) else ""


def _each(call: Request, one: Json) -> tuple[str, str]:
    return ids_of(call, ends_of(call, 0, 1), end_of(one, "from"), end_of(one, "to"))


def _failed(refusal: RefusalError, one: Json) -> Json:
    ends = [end_of(one, side) for side in ("from", "to")]
    return refusal.entry({"fromObjectId": ends[:1], "toObjectId": ends[1:]})


def create_many(call: Request) -> Response:
    """Tie many pairs of records, each with its labels."""
    ends, results, errors = ends_of(call, 0, 1), [], []
    for one in call.inputs(MOST_TIES_WRITTEN):
        try:
            types = _types(call, ends, one.get("types") or ())
            ids = _each(call, one)
        except RefusalError as refusal:
            errors.append(_failed(refusal, one))
            continue
        call.portal.ties.tie(ends, ids, [each.id for each in types])
        results.append(_made(ends, ids, _labels(types)))
    return answer(call, 201, results, errors)


def default_many(call: Request) -> Response:
    """Tie many pairs of records without labels."""
    ends, results, errors = ends_of(call, 0, 1), [], []
    for one in call.inputs(MOST_TIES_WRITTEN):
        try:
            ids = _each(call, one)
        except RefusalError as refusal:
            errors.append(_failed(refusal, one))
            continue
        call.portal.ties.tie(ends, ids, ())
        results.extend(_default_made(call, ends, ids))
    return answer(call, 200, results, errors)


def archive_many(call: Request) -> Response:
    """Remove every tie between many pairs of records; ties that are not there are passed over."""
    ends = ends_of(call, 0, 1)
    for one in call.inputs(MOST_TIES_WRITTEN):
        targets: Any = one.get("to") or []
        for target in targets if isinstance(targets, list) else [targets]:
            call.portal.ties.untie(ends, (str((one.get("from") or {}).get("id")), str(target.get("id"))))
    status = ASSOCIATION_ARCHIVE_STATUS.get(call.version, 204)
    return Response(status) if status == 204 else answer(call, status, [], [])  # noqa: PLR2004


def archive_labels(call: Request) -> Response:
    """Remove single labels; removing the unlabelled type removes all."""
    ends = ends_of(call, 0, 1)
    for one in call.inputs(MOST_TIES_WRITTEN):
        types = _types(call, ends, one.get("types") or ())
        call.portal.ties.untie(ends, _each(call, one), [each.id for each in types])
    return Response(204)


def read_many(call: Request) -> Response:
    """What many records are tied to; records without ties are named in `errors`."""
    ends, results, errors = ends_of(call, 0, 1), [], []
    for one in call.inputs(MOST_TIES_READ):
        record = call.table.current(str(one.get("id")))
        found = call.portal.ties.of(ends, record.id) if record is not None else {}
        if record is None or not found:
            message = f"No associations found from {ends[0]} {one.get('id')} to {ends[1]}"
            errors.append(
                {
                    "status": "error",
                    "category": "OBJECT_NOT_FOUND",
                    "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
                    "message": message,
                    "context": {"fromObjectId": [str(one.get("id"))]},
                }
            )
            continue
        page = _page(call, found, _number(one.get("after")), MOST_ASSOCIATION_PAGE)
        body: Json = {"from": {"id": record.id}, "to": page["results"]}
        if "paging" in page:
            body["paging"] = page["paging"]
        results.append(body)
    return answer(call, 200, results, errors)


# ---------------------------------------------------------------- labels


def labels(call: Request) -> Response:
    """The association types from one object to another."""
    found = call.portal.ties.between(*ends_of(call, 0, 1))
    return Response(200, {"results": _specs(call, [one.id for one in found])})


def create_label(call: Request) -> Response:
    """Make a label, and its inverse (which may be spelled otherwise)."""
    ends, given = ends_of(call, 0, 1), call.body
    label, name = given.get("label"), given.get("name")
    held = [one for one in call.portal.ties.between(*ends) if one.category == THEIRS]
    if not label or not name:
        raise invalid("Invalid input JSON: 'label' and 'name' are required")
    if any(one.name == name or one.label == label for one in held):
        raise RefusalError(409, "OBJECT_ALREADY_EXISTS", f"An association label named {label} already exists.")
    if len(held) >= MOST_LABELS:
        raise invalid(f"There can be at most {MOST_LABELS} labels between two objects")
    made = call.portal.ties.add_type(ends, THEIRS, (label, given.get("inverseLabel") or label), name)
    numbers = list(dict.fromkeys((made.id, made.inverse)))
    return Response(200, {"results": _specs(call, numbers)})


def change_label(call: Request) -> Response:
    """Change what a label says."""
    ties = call.portal.ties
    one = ties.asked_type(call.body)
    if one is None or one.category != THEIRS:
        raise not_found()
    ties.types[one.id] = one._replace(label=call.body.get("label") or one.label)
    return Response(204)


def delete_label(call: Request) -> Response:
    """Remove a label from the portal, and from every tie that carries it."""
    ties = call.portal.ties
    one = ties.asked_type({"associationTypeId": call.places[2]})
    if one is None or one.category != THEIRS:
        raise not_found()
    numbers = {one.id, one.inverse}
    for cells in ties.tied.values():
        for others in cells.values():
            for types in others.values():
                types.difference_update(numbers)
    for number in numbers:
        ties.types.pop(number, None)
    return Response(204)
