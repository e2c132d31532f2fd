"""A DrChrono practice in a box: its API, its limits and quirks, and its webhooks; for tests, demos and users."""

from __future__ import annotations

from typing import TYPE_CHECKING

from careloom.core.late import offered

if TYPE_CHECKING:
    from careloom.systems.drchrono.simulator.process import RunningDrChrono, serve

__all__ = ["RunningDrChrono", "serve"]

__getattr__ = offered(__name__, {"process": ("RunningDrChrono", "serve")})
