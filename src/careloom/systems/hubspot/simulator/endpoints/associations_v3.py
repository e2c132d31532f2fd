"""The associations API as v3 has it: ties named by words such as contact_to_company instead of by numbers and labels."""

from __future__ import annotations

from careloom.systems.hubspot.simulator.endpoints.associations import answer, end_of, ends_of, ids_of
from careloom.systems.hubspot.simulator.endpoints.request import Request
from careloom.systems.hubspot.simulator.portal.associations import TieType
from careloom.systems.hubspot.simulator.responses import Json, RefusalError, Response, invalid, not_found
from careloom.systems.hubspot.simulator.settings import MOST_TIES_READ, MOST_TIES_WRITTEN

Ends = tuple[str, str]
_PRIMARY = "Primary"


def _named(call: Request, ends: Ends) -> dict[str, TieType]:
    """The types from one object to another by their names. Where there is a primary one, that has the plain name."""
    here, there = (call.portal.tables[end].kind.upper_name.lower() for end in ends)
    types = call.portal.ties.between(*ends)
    plain = next((one for one in types if one.label == _PRIMARY), None) or call.portal.ties.default(*ends)
    named = {}
    for one in types:
        ending = "" if one is plain else "_unlabeled" if one.label is None else f"_{one.id}"
        named[f"{here}_to_{there}{ending}"] = one
    return named


def rows(call: Request, ends: Ends, record_id: str) -> list[Json]:
    """What a record is tied to: an id stands once for each of its types."""
    names = {one.id: name for name, one in _named(call, ends).items()}
    held = call.portal.ties.of(ends, record_id)
    return [{"id": other, "type": names[number]} for other in sorted(held, key=int) for number in sorted(held[other])]


def listed(call: Request) -> Response:
    """What one record is tied to."""
    ends = ends_of(call, 0, 2)
    record = call.table.current(call.places[1])
    if record is None:
        raise not_found(f"No {ends[0]} with ID {call.places[1]} exists")
    return Response(200, {"results": rows(call, ends, record.id)})


def types(call: Request) -> Response:
    """The types from one object to another."""
    named = _named(call, ends_of(call, 0, 1))
    return Response(200, {"results": [{"id": str(one.id), "name": name} for name, one in named.items()]})


def read_many(call: Request) -> Response:
    """What many records are tied to; those that are tied to nothing are left out."""
    ends, results = ends_of(call, 0, 1), []
    for given in call.inputs(MOST_TIES_READ):
        record_id = str(given.get("id"))
        if tied := rows(call, ends, record_id):
            results.append({"from": {"id": record_id}, "to": tied})
    return answer(call, 200, results, [])


def create_many(call: Request) -> Response:
    """Tie many pairs of records, each by the name or the number of a type."""
    ends, results, errors = ends_of(call, 0, 1), [], []
    for given in call.inputs(MOST_TIES_WRITTEN):
        try:
            one = _type(call, ends, given)
            ids = _pair(call, ends, given)
        except RefusalError as refusal:
            errors.append(refusal.entry({}))
            continue
        call.portal.ties.tie(ends, ids, [one.id])
        results.append({"from": {"id": ids[0]}, "to": {"id": ids[1]}, "type": given["type"]})
    return answer(call, 201, results, errors)


def archive_many(call: Request) -> Response:
    """Remove ties of one type between many pairs of records."""
    ends = ends_of(call, 0, 1)
    for given in call.inputs(MOST_TIES_WRITTEN):
        ids = (end_of(given, "from"), end_of(given, "to"))
        call.portal.ties.untie(ends, ids, [_type(call, ends, given).id])
    return Response(204)


def _type(call: Request, ends: Ends, given: Json) -> TieType:
    asked, named = str(given.get("type")), _named(call, ends)
    one = named.get(asked) or next((each for each in named.values() if str(each.id) == asked), None)
    if one is None:
        raise invalid(f"{asked} is not a valid association type between {ends[0]} and {ends[1]}")
    return one


def _pair(call: Request, ends: Ends, given: Json) -> tuple[str, str]:
    return ids_of(call, ends, end_of(given, "from"), end_of(given, "to"))
