"""What `careloom demo` needs to know of this blueprint: which simulator plays the portal, and who judges the links."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

SIMULATOR = "hubspot"
RECORDS = "contacts.jsonl"
PEOPLE = "patients"
"""The sync whose links are judged against the truth."""

_SWITCHED_OFF = '# base_url: "http://127.0.0.1:8901"'


def connect(folder: Path, url: str) -> dict[str, str]:
    """Point the project at the simulator; returns the environment that holds its secrets."""
    file = folder / "careloom.yaml"
    text = file.read_text(encoding="utf-8")
    alerts = text.index("# Who is told when a run fails")
    file.write_text(text[:alerts].replace(_SWITCHED_OFF, f'base_url: "{url}"'), encoding="utf-8")
    return {"HUBSPOT_TOKEN": "pat-na1-demonstration"}


def judge(folder: Path, links: Mapping[str, tuple[str, str]]) -> dict[str, int]:
    """Links by key (remote id, rule) against the truth: how many are right, wrong, and not made though they could be."""
    truth: dict[str, list[str]] = json.loads((folder / "truth.json").read_text(encoding="utf-8"))["contacts"]
    matched = {key: remote for key, (remote, rule) in links.items() if rule != "created"}
    wrong = sum(remote not in truth.get(key, []) for key, remote in matched.items())
    missed = sum(bool(contacts) and key not in matched for key, contacts in truth.items())
    return {"right": len(matched) - wrong, "wrong": wrong, "left to a person": missed}
