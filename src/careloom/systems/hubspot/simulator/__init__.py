"""A HubSpot portal in a box: the CRM API with its limits, refusals and quirks, for tests, demos and users."""

from __future__ import annotations

from typing import TYPE_CHECKING

from careloom.core.late import offered

if TYPE_CHECKING:
    from careloom.systems.hubspot.simulator.server.process import RunningSimulator, serve

__all__ = ["RunningSimulator", "serve"]

__getattr__ = offered(__name__, {"server.process": ("RunningSimulator", "serve")})
