"""What an object looks like now, sensitive properties included where the token may see them."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

from careloom.core.errors import NotPermitted, UsageFault
from careloom.core.schema import ObjectShape
from careloom.systems.hubspot.client import bodies
from careloom.systems.hubspot.client.http import Client, refused
from careloom.systems.hubspot.client.paths import Paths
from careloom.systems.hubspot.target.objects import STANDARD, Objects
from careloom.systems.hubspot.target.properties import shape_of
from careloom.vendor_kit.call import Call
from careloom.vendor_kit.status import NOT_FOUND

_SENSITIVITIES = ("sensitive", "highly_sensitive")
_UNKNOWN_OBJECT = 400


class SchemaCache:
    """Reads definitions; remembers which properties are unique, which deliveries ask for every batch."""

    def __init__(self, client: Client, paths: Paths, objects: Objects) -> None:
        self._client = client
        self._paths = paths
        self._objects = objects
        self._lock = Lock()
        self._unique: dict[str, frozenset[str]] = {}

    def read(self, name: str) -> ObjectShape | None:
        """The object as the portal defines it at this moment; None if there is none called so."""
        try:
            object_type = self._objects.wire_name(name)
        except UsageFault:
            return None
        definitions = self._definitions(object_type)
        if definitions is None:
            return None
        custom = self._objects.custom(name) if object_type not in STANDARD.values() else None
        shape = shape_of(name, object_type, definitions.values(), custom.required_properties if custom else frozenset())
        with self._lock:
            self._unique[name] = frozenset(
                definition.name for definition in shape.properties.values() if definition.unique
            )
        return shape

    def unique(self, name: str) -> frozenset[str]:
        """The object's unique properties, as last read; UsageFault if there is no such object."""
        with self._lock:
            names = self._unique.get(name)
        if names is None:
            if self.read(name) is None:
                raise UsageFault(f"HubSpot has no object called {name!r}")
            return self._unique[name]
        return names

    def forget(self, name: str) -> None:
        """Read anew the next time."""
        with self._lock:
            self._unique.pop(name, None)

    def _definitions(self, object_type: str) -> dict[str, Mapping[str, Any]] | None:
        path = self._paths.properties(object_type)
        call = Call(
            method="GET",
            path=path,
            query={"archived": "false"},
            gives=bodies.listing(bodies.definition, least=1),
        )
        answer = self._client.send(call)
        if answer.status in (_UNKNOWN_OBJECT, NOT_FOUND):
            return None
        if not answer.ok:
            raise refused(call, answer)
        definitions = {str(definition["name"]): definition for definition in answer.body.get("results") or ()}
        with ThreadPoolExecutor(len(_SENSITIVITIES), thread_name_prefix="definitions") as pool:
            for sensitive in pool.map(lambda sensitivity: self._sensitive(path, sensitivity), _SENSITIVITIES):
                definitions |= sensitive
        return definitions

    def _sensitive(self, path: str, sensitivity: str) -> dict[str, Mapping[str, Any]]:
        """Properties that the list hides unless asked for; none where the portal or the token does not admit them."""
        call = Call(
            method="GET",
            path=path,
            query={"archived": "false", "dataSensitivity": sensitivity},
            gives=bodies.listing(bodies.definition),
        )
        try:
            answer = self._client.send(call)
        except NotPermitted:
            return {}
        results = answer.body.get("results") or () if answer.ok else ()
        return {str(definition["name"]): {"dataSensitivity": sensitivity, **definition} for definition in results}
