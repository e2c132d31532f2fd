"""What an object is called: in a project, on the wire, and in the portal's list of custom objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

from careloom.core.errors import NotPermitted, UsageFault
from careloom.systems.hubspot.client import bodies
from careloom.systems.hubspot.client.http import Client
from careloom.systems.hubspot.client.paths import Paths
from careloom.vendor_kit.call import Call

# Objects that every portal has, by the name used here; those addressed by their type id have no name in the paths.
STANDARD: Mapping[str, str] = {
    "contacts": "contacts",
    "companies": "companies",
    "deals": "deals",
    "tickets": "tickets",
    "products": "products",
    "line_items": "line_items",
    "quotes": "quotes",
    "orders": "orders",
    "carts": "carts",
    "invoices": "invoices",
    "subscriptions": "subscriptions",
    "leads": "leads",
    "meetings": "meetings",
    "calls": "calls",
    "emails": "emails",
    "notes": "notes",
    "tasks": "tasks",
    "communications": "communications",
    "services": "0-162",
    "courses": "0-410",
    "listings": "0-420",
    "appointments": "0-421",
}
# How the definition of a custom object names the standard objects that it is tied to.
STANDARD_TYPES: Mapping[str, str] = {
    "contacts": "CONTACT",
    "companies": "COMPANY",
    "deals": "DEAL",
    "tickets": "TICKET",
    "services": "0-162",
    "appointments": "0-421",
}
CONTACTS = "contacts"
_ACTIVITIES = frozenset({"meetings", "calls", "emails", "notes", "tasks", "communications"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomObject:
    """A custom object as the portal lists it; `id` is "2-NNN"."""

    id: str
    name: str
    full_name: str
    required_properties: frozenset[str]

    def called(self, name: str) -> bool:
        """Whether `name` means this object: its name, "p_" and its name, its full name or its id."""
        return name.lower() in {self.name.lower(), f"p_{self.name}".lower(), self.full_name.lower(), self.id}


class Objects:
    """Resolves names; remembers what the portal listed, and looks again before it says that a name is unknown."""

    def __init__(self, client: Client, paths: Paths) -> None:
        self._client = client
        self._paths = paths
        self._lock = Lock()
        self._custom: tuple[CustomObject, ...] = ()

    @staticmethod
    def scope_family(name: str) -> str:
        """Whose scopes an object goes by: activities by those of contacts, every custom object by one for all."""
        standard = name.lower()
        if standard in _ACTIVITIES:
            return CONTACTS
        return standard if standard in STANDARD else "custom"

    def wire_name(self, name: str) -> str:
        """What stands for the object in a path; UsageFault if the portal has no such object."""
        standard = STANDARD.get(name.lower())
        if standard is not None:
            return standard
        if name.startswith("0-"):
            return name
        custom = self.custom(name)
        if custom is None:
            raise UsageFault(f"HubSpot has no object called {name!r}: declare it, or check the name")
        return custom.id

    def custom(self, name: str) -> CustomObject | None:
        """The custom object called `name`, if the portal has one and the token may see it."""
        with self._lock:
            for _ in range(2):
                custom = next((custom_object for custom_object in self._custom if custom_object.called(name)), None)
                if custom is not None:
                    return custom
                self._custom = self._listed()
        return next((custom_object for custom_object in self._custom if custom_object.called(name)), None)

    def forget(self) -> None:
        """Look again the next time: an object was made."""
        with self._lock:
            self._custom = ()

    def _listed(self) -> tuple[CustomObject, ...]:
        try:
            body = self._client.expect(
                Call(
                    method="GET",
                    path=self._paths.schemas(),
                    query={"archived": "false"},
                    gives=bodies.listing(bodies.schema),
                )
            )
        except NotPermitted:  # a portal or token without custom objects has none
            return ()
        return tuple(_custom(result) for result in body.get("results") or ())


def _custom(schema: Mapping[str, Any]) -> CustomObject:
    return CustomObject(
        id=str(schema.get("objectTypeId") or schema["id"]),
        name=str(schema["name"]),
        full_name=str(schema.get("fullyQualifiedName") or schema["name"]),
        required_properties=frozenset(str(name) for name in schema.get("requiredProperties") or ()),
    )
