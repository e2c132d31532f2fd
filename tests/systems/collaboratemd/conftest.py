"""One billing service for a module's tests, as each of them would find it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from careloom.systems.collaboratemd.simulator import RunningCollaborateMD
from systems.collaboratemd.fake_billing import TODAY


@pytest.fixture(scope="module")
def _running() -> Iterator[RunningCollaborateMD]:
    with RunningCollaborateMD("--running-seconds", "0", "--rows", "60", "--today", TODAY) as running:
        yield running


@pytest.fixture
def simulator(_running: RunningCollaborateMD) -> RunningCollaborateMD:
    """Four accounts of 60 charges, whose reports are done at once."""
    _running.control("reset")
    return _running
