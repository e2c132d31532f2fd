"""Which part of the portal answers which path, under every version of the API."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from careloom.systems.hubspot.simulator.endpoints import (
    account,
    associations,
    associations_v3,
    batches,
    imports,
    lists,
    objects,
    pipelines,
    properties,
    schemas,
    search,
)
from careloom.systems.hubspot.simulator.endpoints.request import Request
from careloom.systems.hubspot.simulator.responses import Response
from careloom.systems.hubspot.simulator.settings import API_VERSIONS, DATED_VERSIONS

Handler = Callable[[Request], Response]

# How a path's template is spelled in the counts: the open parts, in order.
_OBJECT, _ID = "{objectType}", "{id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One endpoint. `area` and `pattern` make its template; `writes`: whether it changes records or definitions."""

    method: str
    area: str
    pattern: tuple[str, ...]
    handler: Handler
    scope: str = ""
    writes: bool = False
    searches: bool = False

    @property
    def template(self) -> str:
        """The path without its version, as it is counted."""
        return "/".join(("", *_ROOTS[self.area], *self.pattern))

    def has(self, version: str) -> bool:
        """Whether a version of the API has this endpoint: v4 is associations only, and v3 has no labels."""
        last = self.pattern[-1] if self.pattern else ""
        if version in DATED_VERSIONS:
            return last != "types"
        if "associations" not in {self.area, *self.pattern} or self.area == "schemas" or last == "types":
            return version == "v3"
        is_unlabelled = last in {"create", "read", "archive"} and "labels" not in self.pattern
        listing = self.method == "GET" and last == "{toObjectType}"
        return version == "v4" or (version == "v3" and (is_unlabelled or listing))


_ROOTS: Mapping[str, tuple[str, ...]] = {
    "objects": ("crm", "objects"),
    "properties": ("crm", "properties"),
    "schemas": ("crm-object-schemas", "schemas"),
    "associations": ("crm", "associations"),
    "owners": ("crm", "owners"),
    "pipelines": ("crm", "pipelines"),
    "account-info": ("account-info",),
    "lists": ("crm", "lists"),
    "imports": ("crm", "imports"),
    "private-apps": ("oauth", "v2", "private-apps"),
    "limits": ("crm", "limits"),
}


def _route(line: str, handler: Handler, scope: str, *, writes: bool = False, searches: bool = False) -> Route:
    method, path = line.split(" ")
    area, *pattern = path.split("/")
    return Route(
        method=method,
        area=area,
        pattern=tuple(pattern),
        handler=handler,
        scope=scope,
        writes=writes,
        searches=searches,
    )


def _by_version(v3: Handler, current: Handler) -> Handler:
    """What answers under v3, and under v4 and the dated versions: the two have different shapes."""
    return lambda request: (v3 if request.version == "v3" else current)(request)


def _properties() -> list[Route]:
    props = "properties/{objectType}"
    return [
        _route(f"POST {props}/batch/create", properties.create_many, "define", writes=True),
        _route(f"POST {props}/batch/read", properties.read_many, "read"),
        _route(f"POST {props}/batch/archive", properties.archive_many, "define", writes=True),
        _route(f"GET {props}/groups", properties.groups, "read"),
        _route(f"POST {props}/groups", properties.create_group, "define", writes=True),
        _route(f"GET {props}/groups/{{name}}", properties.group, "read"),
        _route(f"PATCH {props}/groups/{{name}}", properties.change_group, "define", writes=True),
        _route(f"DELETE {props}/groups/{{name}}", properties.archive_group, "define", writes=True),
        _route(f"GET {props}", properties.get_all, "read"),
        _route(f"POST {props}", properties.create, "define", writes=True),
        _route(f"GET {props}/{{name}}", properties.get, "read"),
        _route(f"PATCH {props}/{{name}}", properties.change, "define", writes=True),
        _route(f"DELETE {props}/{{name}}", properties.archive, "define", writes=True),
    ]


def _pipelines() -> list[Route]:
    every, item = "pipelines/{objectType}", "pipelines/{objectType}/{id}"
    stage = f"{item}/stages/{{stageId}}"
    return [
        _route(f"GET {every}", pipelines.get_all, "read"),
        _route(f"POST {every}", pipelines.create, "define", writes=True),
        _route(f"GET {item}", pipelines.read, "read"),
        _route(f"PUT {item}", pipelines.replace, "define", writes=True),
        _route(f"PATCH {item}", pipelines.change, "define", writes=True),
        _route(f"DELETE {item}", pipelines.delete, "define", writes=True),
        _route(f"GET {item}/stages", pipelines.stages, "read"),
        _route(f"POST {item}/stages", pipelines.create_stage, "define", writes=True),
        _route(f"GET {stage}", pipelines.read_stage, "read"),
        _route(f"PUT {stage}", pipelines.change_stage, "define", writes=True),
        _route(f"PATCH {stage}", pipelines.change_stage, "define", writes=True),
        _route(f"DELETE {stage}", pipelines.delete_stage, "define", writes=True),
    ]


def _associations() -> list[Route]:
    record, target = "objects/{objectType}/{id}", "{toObjectType}/{toId}"
    pair = "associations/{fromObjectType}/{toObjectType}"
    return [
        _route(f"PUT {record}/associations/default/{target}", associations.put_default, "write", writes=True),
        _route(f"PUT {record}/associations/{target}", associations.put_labels, "write", writes=True),
        _route(f"DELETE {record}/associations/{target}", associations.delete, "write", writes=True),
        _route(
            f"GET {record}/associations/{{toObjectType}}",
            _by_version(associations_v3.get_page, associations.get_page),
            "read",
        ),
        _route(f"GET {pair}/types", associations_v3.types, "read"),
        _route(
            f"POST {pair}/batch/create",
            _by_version(associations_v3.create_many, associations.create_many),
            "write",
            writes=True,
        ),
        _route(f"POST {pair}/batch/associate/default", associations.default_many, "write", writes=True),
        _route(
            f"POST {pair}/batch/archive",
            _by_version(associations_v3.archive_many, associations.archive_many),
            "write",
            writes=True,
        ),
        _route(f"POST {pair}/batch/labels/archive", associations.archive_labels, "write", writes=True),
        _route(f"POST {pair}/batch/read", _by_version(associations_v3.read_many, associations.read_many), "read"),
        _route(f"GET {pair}/labels", associations.labels, "read"),
        _route(f"POST {pair}/labels", associations.create_label, "write", writes=True),
        _route(f"PUT {pair}/labels", associations.change_label, "write", writes=True),
        _route(f"DELETE {pair}/labels/{{typeId}}", associations.delete_label, "write", writes=True),
    ]


def _all_routes() -> list[Route]:
    record = "objects/{objectType}/{id}"
    return [
        _route("POST objects/{objectType}/batch/create", batches.create, "write", writes=True),
        _route("POST objects/{objectType}/batch/read", batches.read, "read"),
        _route("POST objects/{objectType}/batch/update", batches.update, "write", writes=True),
        _route("POST objects/{objectType}/batch/upsert", batches.upsert, "write", writes=True),
        _route("POST objects/{objectType}/batch/archive", batches.archive, "write", writes=True),
        _route("POST objects/{objectType}/search", search.search, "read", searches=True),
        _route("POST objects/{objectType}/merge", objects.merge, "write", writes=True),
        _route("POST objects/{objectType}/gdpr-delete", objects.gdpr_delete, "write", writes=True),
        _route("GET objects/{objectType}", objects.get_page, "read"),
        _route("POST objects/{objectType}", objects.create, "write", writes=True),
        _route(f"GET {record}", objects.read, "read"),
        _route(f"PATCH {record}", objects.change, "write", writes=True),
        _route(f"DELETE {record}", objects.archive, "write", writes=True),
        *_associations(),
        *_properties(),
        _route("GET schemas", schemas.get_all, ""),
        _route("POST schemas", schemas.create, "", writes=True),
        _route("GET schemas/{objectType}", schemas.get, ""),
        _route("PATCH schemas/{objectType}", schemas.change, "", writes=True),
        _route("DELETE schemas/{objectType}", schemas.delete, "", writes=True),
        _route("POST schemas/{objectType}/associations", schemas.create_association, "", writes=True),
        *_account(),
        *_lists(),
        _route("GET imports", imports.get_page, ""),
        _route("POST imports", imports.create, "", writes=True),
        _route("GET imports/{id}", imports.read, ""),
        _route("GET imports/{id}/errors", imports.errors, ""),
        _route("POST imports/{id}/cancel", imports.cancel, "", writes=True),
        _route("GET limits/custom-object-types", account.custom_objects, ""),
    ]


def _account() -> list[Route]:
    return [
        _route("GET owners", account.owners, ""),
        _route("GET owners/{id}", account.owner, ""),
        *_pipelines(),
        _route("GET account-info/details", account.details, ""),
        _route("POST private-apps/get/access-token-info", account.token_info, ""),
        _route("GET account-info/api-usage/daily/private-apps", account.usage, ""),
    ]


def _lists() -> list[Route]:
    item, members = "lists/{id}", "lists/{id}/memberships"
    return [
        _route("GET lists", lists.read_many, ""),
        _route("POST lists", lists.create, "", writes=True),
        _route("POST lists/search", lists.search, ""),
        _route(f"GET {item}", lists.read, ""),
        _route(f"DELETE {item}", lists.delete, "", writes=True),
        _route(f"PUT {item}/restore", lists.restore, "", writes=True),
        _route(f"PUT {item}/update-list-name", lists.rename, "", writes=True),
        _route(f"PUT {item}/update-list-filters", lists.change_filters, "", writes=True),
        _route("GET lists/object-type-id/{objectType}/name/{name}", lists.read_by_name, ""),
        _route(f"GET {members}", lists.memberships, ""),
        _route(f"DELETE {members}", lists.clear, "", writes=True),
        _route(f"GET {members}/join-order", lists.join_order, ""),
        _route(f"PUT {members}/add", lists.add, "", writes=True),
        _route(f"PUT {members}/remove", lists.remove, "", writes=True),
        _route(f"PUT {members}/add-and-remove", lists.add_and_remove, "", writes=True),
        _route(f"PUT {members}/add-from/{{sourceId}}", lists.add_from, "", writes=True),
        _route("GET lists/records/{objectType}/{id}/memberships", lists.of_record, ""),
        _route("POST lists/records/memberships/batch/read", lists.of_records, ""),
    ]


ROUTES: Mapping[tuple[str, str, int], Sequence[Route]] = {
    key: [route for route in _all_routes() if (route.method, route.area, len(route.pattern)) == key]
    for key in {(route.method, route.area, len(route.pattern)) for route in _all_routes()}
}


def resolve(method: str, path: str) -> tuple[Route, str, list[str]] | None:
    """The endpoint of a path, its version, and what the open parts hold; None if there is none."""
    parts = [part for part in path.split("/") if part]
    location = _area(parts)
    if location is None:
        return None
    area, version, open_parts = location
    for route in ROUTES.get((method, area, len(open_parts)), ()):
        pairs = list(zip(route.pattern, open_parts, strict=True))
        if route.has(version) and all(template == part or template.startswith("{") for template, part in pairs):
            return route, version, [part for template, part in pairs if template.startswith("{")]
    return None


def _area(parts: list[str]) -> tuple[str, str, list[str]] | None:
    match parts:
        case ["crm", version, area, *rest] if version in API_VERSIONS and area in _ROOTS:
            return area, version, rest
        case ["crm", area, version, *rest] if version in API_VERSIONS and area in _ROOTS:
            return area, version, rest
        case ["crm-object-schemas", version, "schemas", *rest] if version in API_VERSIONS:
            return "schemas", version, rest
        case ["account-info", version, *rest] if version in API_VERSIONS:
            return "account-info", version, rest
        case ["oauth", "v2", "private-apps", *rest]:
            return "private-apps", "v3", rest  # none of the CRM's versions; it answers beside each of them
    return None
