"""Every room runs the suite of each capability that it declares, so that a promise of the kit is a promise of each vendor."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module, util
from pathlib import Path

import pytest

from careloom.core.rooms import Room
from careloom.systems import rooms
from careloom.vendor_kit import testing
from careloom.vendor_kit.testing.case import Contract

SYSTEMS = Path(__file__).parents[1] / "systems"
SUITES = {
    suite.capability: suite.__name__
    for module in pkgutil.iter_modules(testing.__path__)
    for suite in vars(import_module(f"{testing.__name__}.{module.name}")).values()
    if isinstance(suite, type) and issubclass(suite, Contract) and suite.capability
}


def declared_capabilities(room: Room) -> set[str]:
    """The capabilities that a room declares, as far as there are suites; each optional field of a room is one."""
    return {capability for capability in SUITES if getattr(room, capability)}


def run_by(folder: Path) -> Iterator[tuple[str, str]]:
    """The (kind, capability) of each suite that the tests in a folder run."""
    for path in sorted(folder.glob("test_*.py")):
        spec = util.spec_from_file_location(f"contracts_of_{folder.name}_{path.stem}", path)
        if "Contract" not in path.read_text(encoding="utf-8") or spec is None or spec.loader is None:
            continue
        module = util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for name, tested in vars(module).items():
            if name.startswith("Test") and isinstance(tested, type) and issubclass(tested, Contract):
                yield tested.kind, tested.capability


def lacking(room: Room, folder: Path) -> list[str]:
    """What a room's tests lack, each in a line that says how to mend it."""
    present = {capability for kind, capability in run_by(folder) if kind == room.kind}
    return [
        f"{folder.name}: the room declares `{capability}` and its tests do not run it: "
        f"add a class Test…({SUITES[capability]}) with kind = {room.kind!r} to {folder.name}/test_contract.py"
        for capability in sorted(declared_capabilities(room) - present)
    ]


def test_there_is_a_suite_for_each_capability_of_a_room() -> None:
    names = {"source", "target", "stream_source", "webhooks", "listener", "publisher", "reports"}
    assert set(SUITES) == names | {"associates", "declares"}


@pytest.mark.parametrize("kind", sorted(rooms()))
def test_a_room_runs_the_suite_of_each_capability_that_it_declares(kind: str) -> None:
    assert not lacking(rooms()[kind], SYSTEMS / kind)


def test_a_room_that_does_not_is_told_what_is_missing(tmp_path: Path) -> None:
    folder = tmp_path / "deepcura"
    folder.mkdir()
    (line,) = lacking(rooms()["deepcura"], folder)
    assert "declares `webhooks`" in line
    assert "WebhooksContract" in line
