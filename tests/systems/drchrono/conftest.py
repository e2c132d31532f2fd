"""One practice for a module's tests, as each of them would find it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from careloom.systems.drchrono.simulator import RunningDrChrono


@pytest.fixture
def simulator() -> Iterator[RunningDrChrono]:
    """A practice of 40 invented people, without rate limits."""
    with RunningDrChrono("--tier", "unlimited") as running:
        yield running
