"""The associations API as v3 has it: ties named by words such as contact_to_company instead of by numbers and labels."""

from __future__ import annotations

from careloom.systems.hubspot.simulator.endpoints.associations import answer, end_of, ends_of, ids_of
from careloom.systems.hubspot.simulator.endpoints.request import Request
from careloom.systems.hubspot.simulator.portal.associations import AssociationType
from careloom.systems.hubspot.simulator.responses import Json, RefusalError, Response, invalid, not_found
from careloom.systems.hubspot.simulator.settings import MOST_TIES_READ, MOST_TIES_WRITTEN

Ends = tuple[str, str]
_PRIMARY = "Primary"


def _types_by_name(request: Request, ends: Ends) -> dict[str, AssociationType]:
    """The types from one object to another by their names. Where there is a primary one, that has the plain name."""
    from_name, to_name = (request.portal.tables[end].kind.upper_name.lower() for end in ends)
    types = request.portal.associations.between(*ends)
    plain = next((type_ for type_ in types if type_.label == _PRIMARY), None) or request.portal.associations.default(
        *ends
    )
    types_by_name = {}
    for type_ in types:
        ending = "" if type_ is plain else "_unlabeled" if type_.label is None else f"_{type_.id}"
        types_by_name[f"{from_name}_to_{to_name}{ending}"] = type_
    return types_by_name


def rows(request: Request, ends: Ends, record_id: str) -> list[Json]:
    """What a record is tied to: an id stands once for each of its types."""
    names = {type_.id: name for name, type_ in _types_by_name(request, ends).items()}
    types_by_record = request.portal.associations.of_record(ends, record_id)
    return [
        {"id": to_id, "type": names[number]}
        for to_id in sorted(types_by_record, key=int)
        for number in sorted(types_by_record[to_id])
    ]


def get_page(request: Request) -> Response:
    """What one record is tied to."""
    ends = ends_of(request, 0, 2)
    record = request.table.current(request.places[1])
    if record is None:
        raise not_found(f"No {ends[0]} with ID {request.places[1]} exists")
    return Response(200, {"results": rows(request, ends, record.id)})


def types(request: Request) -> Response:
    """The types from one object to another."""
    types_by_name = _types_by_name(request, ends_of(request, 0, 1))
    return Response(200, {"results": [{"id": str(type_.id), "name": name} for name, type_ in types_by_name.items()]})


def read_many(request: Request) -> Response:
    """What many records are tied to; those that are tied to nothing are left out."""
    ends, results = ends_of(request, 0, 1), []
    for entry in request.inputs(MOST_TIES_READ):
        record_id = str(entry.get("id"))
        if ties := rows(request, ends, record_id):
            results.append({"from": {"id": record_id}, "to": ties})
    return answer(request, 200, results, [])


def create_many(request: Request) -> Response:
    """Tie many pairs of records, each by the name or the number of a type."""
    ends, results, errors = ends_of(request, 0, 1), [], []
    for entry in request.inputs(MOST_TIES_WRITTEN):
        try:
            type_ = _type(request, ends, entry)
            ids = _pair(request, ends, entry)
        except RefusalError as refusal:
            errors.append(refusal.entry({}))
            continue
        request.portal.associations.associate(ends, ids, [type_.id])
        results.append({"from": {"id": ids[0]}, "to": {"id": ids[1]}, "type": entry["type"]})
    return answer(request, 201, results, errors)


def archive_many(request: Request) -> Response:
    """Remove ties of one type between many pairs of records."""
    ends = ends_of(request, 0, 1)
    for entry in request.inputs(MOST_TIES_WRITTEN):
        ids = (end_of(entry, "from"), end_of(entry, "to"))
        request.portal.associations.disassociate(ends, ids, [_type(request, ends, entry).id])
    return Response(204)


def _type(request: Request, ends: Ends, entry: Json) -> AssociationType:
    name, types_by_name = str(entry.get("type")), _types_by_name(request, ends)
    type_ = types_by_name.get(name) or next(
        (candidate for candidate in types_by_name.values() if str(candidate.id) == name), None
    )
    if type_ is None:
        raise invalid(f"{name} is not a valid association type between {ends[0]} and {ends[1]}")
    return type_


def _pair(request: Request, ends: Ends, entry: Json) -> tuple[str, str]:
    return ids_of(request, ends, end_of(entry, "from"), end_of(entry, "to"))
