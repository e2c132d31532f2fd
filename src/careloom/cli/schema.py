"""`careloom schema`."""

from __future__ import annotations

from careloom.cli.showing import print_json
from careloom.project.json_schema import json_schema
from careloom.systems.rooms import rooms


def command() -> None:
    """Print the JSON Schema of careloom.yaml and of syncs/*.yaml."""
    print_json(json_schema(rooms()))
