"""CollaborateMD's room: what it offers, by the kind "collaboratemd"."""

from __future__ import annotations

from importlib import import_module

from careloom.core.rooms import Room, SimulatorOptions, deferred
from careloom.systems.collaboratemd.options import Options


def simulate(options: SimulatorOptions) -> None:
    """Serve the simulated billing service; its web server is loaded only now."""
    import_module("careloom.systems.collaboratemd.simulator").serve(options)


_REPORTING = "careloom.systems.collaboratemd.reporting"

ROOM = Room(
    kind="collaboratemd",
    options=Options,
    simulate=simulate,
    reports=deferred(_REPORTING, "CollaborateMDReports"),
    report_policy=deferred(_REPORTING, "report_policy"),
)
