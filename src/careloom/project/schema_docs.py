"""What each key of the project language means, put beside it in its JSON Schema, so that an editor shows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]


def keys(schema: Schema, root: Schema, prefix: str = "") -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Every key below `schema`: its path ("from.system", "fields.*.type", "associations[].to"), its schema, if required."""
    for name, node in schema.get("properties", {}).items():
        path = f"{prefix}{name}"
        yield path, node, name in schema.get("required", ())
        below = resolve(node, root)
        if below.get("type") == "object" and "properties" in below:
            yield from keys(below, root, f"{path}.")
        elif below.get("type") == "array" and "properties" in (inner := resolve(below["items"], root)):
            yield from keys(inner, root, f"{path}[].")
        elif path in ("fields", "reports"):
            values = below.get("additionalProperties") or next(iter(below["patternProperties"].values()))
            yield from keys(resolve(values, root), root, f"{path}.*.")


def resolve(node: Schema, root: Schema) -> Schema:
    """`node` without its reference, and without "or null" and "or a text"."""
    if "$ref" in node:
        return resolve(root["definitions"][node["$ref"].rsplit("/", 1)[-1]], root)
    choices = [choice for choice in node.get("anyOf", ()) if choice.get("type") != "null"]
    objects = [choice for choice in choices if "$ref" in choice]
    return resolve((objects or choices)[0], root) if len(choices) == 1 or objects else node


def describe(schema: dict[str, Any], meanings: Mapping[str, str]) -> None:
    """Put the meaning of each key beside it."""
    for path, node, _ in list(keys(schema, schema)):
        if path in meanings:
            node["description"] = meanings[path]
