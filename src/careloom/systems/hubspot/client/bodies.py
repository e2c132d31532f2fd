"""What a success of each endpoint looks like.

An answer that looks otherwise is no answer: it proves nothing, least of all that something is absent. A check gives "" for a body that is what the API gives, else what is wrong with it, in words that quote nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import TypeGuard

from careloom.vendor_kit.call import Check
from careloom.vendor_kit.paging import PageGuard

Entry = Callable[[object], str]

NO_CONTENT = 204
_NOT_JSON = "a body that is not JSON"
_UNFINISHED = frozenset({"PENDING", "PROCESSING", "CANCELED"})


def listing(entry: Entry, *, least: int = 0) -> Check:
    """A check of `{"results": [...]}` with at least so many results, each of which `entry` finds nothing wrong with."""

    def check(_status: int, body: object) -> str:
        return _results(body, entry, least)

    return check


def batch(_status: int, body: object) -> str:
    """A batch of records read or written; `errors`, where there are any, is a list."""
    return _results(body, record, 0) or _errors(body)


def associated(_status: int, body: object) -> str:
    """A batch of associations made."""
    return _results(body, _tie, 0) or _errors(body)


def nothing(status: int, _body: object) -> str:
    """Records archived: 204. Whatever else is answered, whether they are gone is seen by looking."""
    return "" if status == NO_CONTENT else "something other than 204"


def removed(status: int, body: object) -> str:
    """Associations removed: no body at all and 204, or a body that says how the batch went."""
    if status == NO_CONTENT:
        return ""
    if not isinstance(body, dict):
        return _NOT_JSON
    if "results" in body and (problem := _results(body, _tie, 0)):
        return problem
    return _errors(body) or ("" if isinstance(body.get("status"), str) else "no `status` of the batch")


def single(_status: int, body: object) -> str:
    """One record."""
    return _NOT_JSON if body is None else record(body)


def search_page(after: str) -> Check:
    """A check of a page of a search that was asked for from the offset `after` ("" for the first)."""

    def check(_status: int, body: object) -> str:
        problem = _results(body, record, 0)
        if problem or not isinstance(body, dict):
            return problem or _NOT_JSON
        total = body.get("total")
        if not _count(total) or total < len(body["results"]):
            return "no `total` that fits the results"
        problem, following = _following(body)
        if following and not (following.isdecimal() and int(following) > int(after or 0) and body["results"]):
            return "a next page that does not lead on"
        return problem

    return check


class Pages:
    """The pages of one listing: each leads on, and none comes twice."""

    def __init__(self, entry: Entry, after: str = "") -> None:
        self._entry = entry
        self._guard = PageGuard(after)

    @property
    def after(self) -> str:
        """Where the page to be asked for begins."""
        return self._guard.position

    def check(self, _status: int, body: object) -> str:
        """Whether `body` is the page asked for; asking again changes nothing here."""
        problem = _results(body, self._entry, 0)
        if problem or not isinstance(body, dict):
            return problem or _NOT_JSON
        problem, following = _following(body)
        return problem or self._guard.problem(following, _ids(body["results"]))

    def turn(self, body: Mapping[str, object]) -> bool:
        """Go on to the next page; False if this was the last."""
        _, following = _following(body)
        return self._guard.turn(following, _ids(body["results"]))


def named(value: object) -> str:
    """A definition: it has a name."""
    return "" if _name(value, "name") else "a definition without a name"


def definition(value: object) -> str:
    """A property definition: its name, its type, and a value for each of its options."""
    if not (_name(value, "name") and _name(value, "type")):
        return "a property without a name or a type"
    options = _member(value, "options") or []
    fits = isinstance(options, list) and all(isinstance(_member(option, "value"), str) for option in options)
    return "" if fits else "an option without a value"


def schema(value: object) -> str:
    """The definition of a custom object: its name, and what stands for it in a path."""
    fits = _name(value, "name") and (_identifier(_member(value, "objectTypeId")) or _identifier(_member(value, "id")))
    return "" if fits else "an object definition without a name or an id"


def identified(value: object) -> str:
    """An entry with an id: an owner."""
    return "" if _identifier(_member(value, "id")) else "an entry without an id"


def pipeline(value: object) -> str:
    """A pipeline and its stages."""
    stages = _member(value, "stages") or []
    fits = isinstance(stages, list) and all(not identified(stage) for stage in stages)
    return identified(value) or ("" if fits else "a stage without an id")


def label(value: object) -> str:
    """An association type."""
    return "" if _count(_member(value, "typeId")) else "an association without a type"


def one(entry: Entry) -> Check:
    """A check of a body that is itself such an entry."""

    def check(_status: int, body: object) -> str:
        return _NOT_JSON if body is None else entry(body)

    return check


def account(value: object) -> str:
    """The portal's details."""
    return "" if _count(_member(value, "portalId")) else "no `portalId`"


def granted(value: object) -> str:
    """What a token may do."""
    scopes = _member(value, "scopes")
    is_list_of_text = isinstance(scopes, list) and all(isinstance(scope, str) for scope in scopes)
    return "" if is_list_of_text else "no `scopes`"


def anything(_status: int, body: object) -> str:
    """Any JSON object: where nothing is concluded from what it lacks."""
    return _NOT_JSON if body is None else _an_object(body)


def record(value: object) -> str:
    """A record: its id, its properties as texts or nulls, and its moments, as far as it states them."""
    if not isinstance(value, dict):
        return "a result that is not an object"
    if not _identifier(value.get("id")):
        return "a record without an id"
    properties = value.get("properties")
    if not isinstance(properties, dict):
        return "a record without properties"
    if not all(property_value is None or isinstance(property_value, str) for property_value in properties.values()):
        return "a property value that is not a text"
    if not all(_moment(value.get(name)) for name in ("updatedAt", "archivedAt")):
        return "a moment that is not a date and time"
    return ""


def refusal(body: object) -> bool:
    """Whether these are HubSpot's words for a refusal: every member is optional, but one of these is always there."""
    if not isinstance(body, dict):
        return False
    is_error = body.get("status") == "error" or any(isinstance(body.get(name), str) for name in _MARKS)
    return is_error and isinstance(body.get("errors", []), list)


_MARKS = ("category", "correlationId", "errorType")


def _results(body: object, entry: Entry, least: int) -> str:
    if body is None:
        return _NOT_JSON
    if not isinstance(body, dict):
        return "JSON that is not an object"
    results = body.get("results")
    if not isinstance(results, list):
        return "no list of `results`"
    if len(results) < least:
        return "no results at all"
    if body.get("status") in _UNFINISHED:
        return "a batch that is not complete"
    return next((problem for result in results if (problem := entry(result))), "")


def _errors(body: object) -> str:
    errors = body.get("errors") if isinstance(body, dict) else None
    if errors is None:
        return ""
    fits = isinstance(errors, list) and all(isinstance(entry, dict) for entry in errors)
    return "" if fits else "`errors` that are not a list of objects"


def _following(body: Mapping[str, object]) -> tuple[str, str]:
    """What is wrong with a body's paging, and where its next page starts ("" at the end)."""
    paging = body.get("paging")
    if paging is None:
        return "", ""
    if not isinstance(paging, dict):
        return "`paging` that is not an object", ""
    following = paging.get("next")
    if following is None:
        return "", ""
    after = following.get("after") if isinstance(following, dict) else None
    if not _identifier(after):
        return "a next page without `after`", ""
    return "", str(after)


def _ids(results: object) -> tuple[str, ...]:
    entries: Collection[object] = results if isinstance(results, list) else ()
    return tuple(str(entry.get("id")) for entry in entries if isinstance(entry, dict))


def _an_object(value: object) -> str:
    return "" if isinstance(value, dict) else "an entry that is not an object"


def _tie(value: object) -> str:
    ends = [_member(value, side) for side in ("from", "to")]
    fits = isinstance(value, dict) and all(end is None or isinstance(end, dict | list) for end in ends)
    return "" if fits else "an association that is not an object"


def _member(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None


def _name(value: object, member: str) -> bool:
    text = _member(value, member)
    return isinstance(text, str) and bool(text)


def _identifier(value: object) -> bool:
    return bool(value) and (isinstance(value, str) or _count(value))


def _count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _moment(value: object) -> bool:
    if value is None or value == "":
        return True
    try:
        datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        return False
    return True
