"""CollaborateMD's room: what it offers, by the kind "collaboratemd"."""

from __future__ import annotations

from importlib import import_module

from careloom.core.rooms import Room, SimulatorOptions
from careloom.systems.collaboratemd.options import Options
from careloom.systems.collaboratemd.reporting import CollaborateMDReports, report_policy


def simulate(options: SimulatorOptions) -> None:
    """Serve the simulated billing service; its web server is loaded only now."""
    import_module("careloom.systems.collaboratemd.simulator").serve(options)


ROOM = Room(
    kind="collaboratemd",
    options=Options,
    simulate=simulate,
    reports=CollaborateMDReports,
    report_policy=report_policy,
)
