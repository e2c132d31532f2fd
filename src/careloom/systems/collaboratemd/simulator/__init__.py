"""A CollaborateMD partner's reports in a box: their API, its one report at a time, and its faults; for tests, demos and users."""

from __future__ import annotations

from careloom.systems.collaboratemd.simulator.running import RunningCollaborateMD, serve

__all__ = ["RunningCollaborateMD", "serve"]
