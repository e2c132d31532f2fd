"""CollaborateMD's room: what it offers, by the kind "collaboratemd"; what does the work is loaded when it is opened."""

from __future__ import annotations

from careloom.core.reports import ReportPolicy, ReportSource
from careloom.core.rooms import Room, RoomContext, SimulatorOptions
from careloom.systems.collaboratemd import report_source, simulator
from careloom.systems.collaboratemd.options import Options


def open_reports(options: Options, context: RoomContext) -> ReportSource:
    """The account, to ask for reports."""
    return report_source.CollaborateMDReports(options, context)


def report_policy(options: Options) -> ReportPolicy:
    """How the reports of these options are waited for."""
    return report_source.report_policy(options)


def simulate(options: SimulatorOptions) -> None:
    """Serve the simulated billing service."""
    simulator.serve(options)


ROOM = Room(kind="collaboratemd", options=Options, simulate=simulate, reports=open_reports, report_policy=report_policy)
