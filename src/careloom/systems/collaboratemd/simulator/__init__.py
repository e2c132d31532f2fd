"""A CollaborateMD partner's reports in a box: their API, its one report at a time, and its faults; for tests, demos and users."""

from __future__ import annotations

from typing import TYPE_CHECKING

from careloom.core.late import offered

if TYPE_CHECKING:
    from careloom.systems.collaboratemd.simulator.process import RunningCollaborateMD, serve

__all__ = ["RunningCollaborateMD", "serve"]

__getattr__ = offered(__name__, {"process": ("RunningCollaborateMD", "serve")})
