"""From the files of `reports/` to the reports that are asked for, and every mistake in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from careloom.core.errors import Fault
from careloom.core.rooms import Room
from careloom.project.model import Report, System
from careloom.project.nearest import suggestion
from careloom.project.nodes import YamlNode
from careloom.project.schedules import Schedule
from careloom.project.schema import WrittenReports
from careloom.project.schema_check import validate

ROWS = "_rows"
"""What the table of a report's rows ends with; readers use the view without it."""
SNAPSHOTS = "_snapshots"
"""What the view of a report's former rows ends with."""
STANDING = "account_reports"
"""The view beside the reports' own that shows how far they are."""


def build_reports(
    files: Sequence[YamlNode], systems: Mapping[str, System], rooms: Mapping[str, Room], default: Schedule | None
) -> tuple[dict[str, Report], list[Fault]]:
    """The reports by name, and every fault. `default` is the project's schedule."""
    faults: list[Fault] = []
    reports: dict[str, Report] = {}
    for node in files:
        document, schema_faults = validate(WrittenReports, node)
        faults += schema_faults
        if document is None:
            continue
        faults += _system(document, node, systems, rooms)
        faults += _twice(node, ("accounts",), document.accounts)
        for report in _reports(document, node, default):
            faults += _named(report, node, reports, {*reports, *document.reports})
            reports.setdefault(report.name, report)
    return reports, faults


def _reports(document: WrittenReports, node: YamlNode, default: Schedule | None) -> list[Report]:
    return [
        Report(
            name=name,
            system=document.system,
            report=entry.report,
            filter=entry.filter,
            accounts=tuple(entry.accounts or document.accounts),
            purpose=entry.purpose or "",
            schedule=entry.schedule or document.schedule or default,
            columns=tuple(entry.columns),
            types=dict(entry.types),
            keep=entry.keep or document.keep,
            watched_in=document.watched_in or "",
            file=node.place.file,
        )
        for name, entry in document.reports.items()
    ]


def _system(
    document: WrittenReports, node: YamlNode, systems: Mapping[str, System], rooms: Mapping[str, Room]
) -> list[Fault]:
    name = document.system
    if name not in systems:
        # Without any system that could be read, every name of one would be blamed.
        fix = suggestion(name, systems, "add it to `systems:` in careloom.yaml")
        fault = node.place_of("system").fault("unknown-system", f"there is no system `{name}`", fix)
        return [fault] if systems else []
    room = rooms.get(systems[name].kind)
    if room is None or room.reports is not None:
        return []
    makers = ", ".join(sorted(kind for kind, candidate in rooms.items() if candidate.reports))
    cause = f"the system `{name}` is of kind `{room.kind}`, which makes no reports"
    return [node.place_of("system").fault("no-reports", cause, f"name a system of kind {makers}")]


def _named(report: Report, node: YamlNode, reports: Mapping[str, Report], names: Collection[str]) -> list[Fault]:
    place = node.key_place("reports", report.name)
    faults = _twice(node, ("reports", report.name, "accounts"), report.accounts)
    if report.name in reports:
        cause = f"the report `{report.name}` is already in {reports[report.name].file}"
        faults.append(place.fault("duplicate-report", cause, "give one of them another name"))
    if report.name == STANDING:
        cause = f"`{STANDING}` is the view that shows how far all reports are"
        faults.append(place.fault("report-name", cause, "give it another name"))
    if report.name.endswith(ROWS) and report.name.removesuffix(ROWS) in names:
        cause = f"the rows of the report `{report.name.removesuffix(ROWS)}` have a table of this name"
        faults.append(place.fault("report-name", cause, "give it another name"))
    if report.name.endswith(SNAPSHOTS) and report.name.removesuffix(SNAPSHOTS) in names:
        cause = f"the snapshots of the report `{report.name.removesuffix(SNAPSHOTS)}` have a view of this name"
        faults.append(place.fault("report-name", cause, "give it another name"))
    return faults


def _twice(node: YamlNode, path: tuple[str, ...], accounts: Sequence[str]) -> list[Fault]:
    parent = node.at(*path[:-1])
    if path[-1] not in parent.entries:
        return []
    return [
        node.place_of(*path).fault("duplicate-account", f"the account `{account}` appears twice", "remove one")
        for account, times in Counter(accounts).items()
        if times > 1
    ]
