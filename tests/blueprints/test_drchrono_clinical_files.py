"""The files of the blueprint: right as they are, right after the change that its comments offer, and as its README says."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from careloom.cli.main import COMMANDS
from careloom.project.loader import load_project
from careloom.systems import rooms

BLUEPRINT = Path(__file__).parents[2] / "blueprints" / "drchrono-clinical"


def test_it_lands_all_that_its_systems_offer_and_what_is_linked_to_comes_first() -> None:
    project = load_project(BLUEPRINT, rooms())
    pairs = {(name, stream) for name, landing in project.systems.items() for stream in rooms()[landing.kind].streams}
    assert {(landing.system, landing.stream.name) for landing in project.landings.values()} == pairs
    order = [landing.table for landing in project.landings.values()]
    for landing in project.landings.values():
        for link in landing.stream.links:
            assert order.index(link.to) < order.index(landing.table)


def test_every_stream_that_can_be_asked_for_is_compared_with_its_source() -> None:
    for landing in load_project(BLUEPRINT, rooms()).landings.values():
        if landing.system == "drchrono" and not landing.stream.out_of:
            assert landing.schedule is not None
            assert landing.reconcile is not None or not landing.stream.changes, landing.name


def test_changing_to_pub_sub_is_a_change_of_two_lines(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    shutil.copytree(BLUEPRINT, folder)
    file = folder / "careloom.yaml"
    text = file.read_text(encoding="utf-8")
    changed_text = text.replace("\n  bus:", "\n  # was:").replace("\n  # bus:", "\n  bus:")
    assert sum(old != new for old, new in zip(text.splitlines(), changed_text.splitlines(), strict=True)) == 2
    file.write_text(changed_text, encoding="utf-8")
    project = load_project(folder, rooms())
    assert project.systems["bus"].kind == "pubsub"
    assert project.publish == ("bus",)


def test_the_readme_names_every_secret_command_and_table() -> None:
    page = (BLUEPRINT / "README.md").read_text(encoding="utf-8")
    text = (BLUEPRINT / "careloom.yaml").read_text(encoding="utf-8")
    for secret in re.findall(r"secret:([\w-]+)", text):
        assert f"`{secret.upper().replace('-', '_')}`" in page
    for command in re.findall(r"(?m)^ *careloom ([a-z]+)", page):
        assert command in COMMANDS
    for old in ("DB_HOST", "DB_PASSWORD", "DRCHRONO_ACCESS_TOKEN", "PUBSUB_TOPIC", "GCP_PROJECT", "PORT"):
        assert f"`{old}`" in page
    for landing in load_project(BLUEPRINT, rooms()).landings.values():
        assert landing.table in page
