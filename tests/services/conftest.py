"""One simulated portal for a file of tests, empty again for each of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from careloom.systems.hubspot.simulator import RunningSimulator
from services.sync_project import Clinic


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with RunningSimulator() as running:
        yield running


@pytest.fixture
def clinic(simulator: RunningSimulator, database: str, tmp_path: Path) -> Clinic:
    simulator.control("POST", "reset", {})
    simulator.control("POST", "settings", {"search_lag": 0, "tier": "unlimited", "latency_ms": 0})
    clinic = Clinic(tmp_path, database, simulator)
    clinic.write()
    return clinic
