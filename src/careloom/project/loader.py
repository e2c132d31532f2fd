"""Reads a project folder as a whole: a Project that is right in all that needs no connection, or all its faults."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path

from careloom.core.errors import Fault, ProjectFault
from careloom.core.rooms import Room
from careloom.project import charts as chart_pages
from careloom.project.build import build_sync
from careloom.project.checks import check_sync, in_order, secrets_in_clear
from careloom.project.dbt_project import check_dbt_project
from careloom.project.model import Alerts, Mail, Project, Retention, Service, Sync, System
from careloom.project.models import build_models
from careloom.project.nearest import suggestion
from careloom.project.nodes import Place, YamlNode
from careloom.project.overlay import Overlay, read_overlay
from careloom.project.reports import build_reports
from careloom.project.schedules import Schedule
from careloom.project.schema import WrittenAlerts, WrittenProject, WrittenSync
from careloom.project.schema_check import validate
from careloom.project.streams import build_landings
from careloom.project.yaml_file import read_file

PROJECT_FILE = "careloom.yaml"
SYNCS = "syncs"
STREAMS = "streams"
REPORTS = "reports"
CHARTS = "charts"


def load_project(folder: Path, rooms: Mapping[str, Room], environment: str = "") -> Project:
    """The project in `folder`, as it is in `environment` ("": production); `rooms` are those of `systems.rooms()`.

    ProjectFault with every fault of every file; UsageFault where there is no such environment.
    """
    faults: list[Fault] = []
    nodes, files = _read(folder, faults)
    overlay = _overlay(folder, environment, nodes, faults)
    document = _project(nodes.get(PROJECT_FILE), faults)
    systems = _systems(nodes.get(PROJECT_FILE), rooms, faults)
    syncs: dict[str, Sync] = {}
    for node in _of(nodes, SYNCS):
        sync = _sync(node, document.schedule if document else None, faults)
        _add(sync, syncs, faults)
    landings, wrong = build_landings(
        _of(nodes, STREAMS), files[STREAMS], systems, rooms, document.schedule if document else None
    )
    faults.extend(wrong)
    reports, wrong = build_reports(_of(nodes, REPORTS), systems, rooms, document.schedule if document else None)
    faults.extend(wrong)
    # A stream or a report that could not be read is no mistake of who names it.
    names = [*landings, *reports] if len(landings) == files[STREAMS] and not wrong else None
    models = build_models(document.models if document else None, nodes.get(PROJECT_FILE), folder, names, faults)
    charts = {
        page.name: page for node in _of(nodes, CHARTS) if (page := chart_pages.build_charts(node, faults)) is not None
    }
    for sync in syncs.values():
        sync_faults = check_sync(sync, systems, rooms)
        # Without any system that could be read, every name of one would be blamed.
        faults.extend(fault for fault in sync_faults if systems or fault.code != "unknown-system")
    syncs_in_order, order_faults = in_order(syncs)
    # An association to a sync that could not be read is no mistake of its own.
    unread = len(syncs) < files[SYNCS]
    faults.extend(_publishers(nodes.get(PROJECT_FILE), document, systems, rooms))
    if overlay is not None:
        faults.extend(overlay.faults(syncs.values(), document.publish if document else ()))
    faults.extend(check_dbt_project(folder, document.timezone.key) if document else ())
    faults.extend(fault for fault in order_faults if not (unread and fault.code == "unknown-sync"))
    if faults or document is None:
        raise ProjectFault(*_sort(faults))
    return Project(
        name=document.project,
        timezone=document.timezone,
        folder=folder.resolve(),
        systems=systems,
        alerts=_alerts(document.alerts),
        syncs=syncs_in_order,
        digest=_digest(nodes, environment),
        landings=landings,
        reports=reports,
        charts=charts,
        publish=tuple(document.publish),
        retention=Retention(**dict(document.retention)),
        models=models,
        service=Service(audience=document.service.audience, callers=tuple(document.service.callers)),
        environment=environment,
        replaced_systems=overlay.systems if overlay else frozenset(),
    )


def _overlay(folder: Path, environment: str, nodes: dict[str, YamlNode], faults: list[Fault]) -> Overlay | None:
    """The environment's own file, laid over careloom.yaml in `nodes`."""
    base = nodes.get(PROJECT_FILE)
    if not environment:
        return None
    node, wrong = read_overlay(folder, environment)
    faults.extend(wrong)
    if node is None or base is None:
        return None
    overlay = Overlay(name=environment, node=node, base=base)
    nodes[PROJECT_FILE] = overlay.merge()
    return overlay


def _of(nodes: Mapping[str, YamlNode], folder: str) -> list[YamlNode]:
    return [node for name, node in nodes.items() if name.startswith(f"{folder}/")]


def _publishers(
    node: YamlNode | None, document: WrittenProject | None, systems: Mapping[str, System], rooms: Mapping[str, Room]
) -> Iterator[Fault]:
    if node is None or document is None:
        return
    for number, name in enumerate(document.publish):
        place = node.place_of("publish", number)
        if name not in systems:
            fix = suggestion(name, systems, "add it to `systems:`")
            yield place.fault("unknown-system", f"there is no system `{name}`", fix)
        elif (room := rooms.get(systems[name].kind)) is not None and room.publisher is None:
            cause = f"the system `{name}` is of kind `{room.kind}`, which takes no change events"
            takers = ", ".join(sorted(kind for kind, candidate in rooms.items() if candidate.publisher))
            yield place.fault("no-publisher", cause, f"name a system of kind {takers}")
        elif name in document.publish[:number]:
            yield place.fault(
                "no-publisher", f"`{name}` appears twice", "remove one: each change would be published twice"
            )


def _sort(faults: list[Fault]) -> list[Fault]:
    unique = {(fault.file, fault.line, fault.column, fault.code, fault.cause): fault for fault in faults}
    return sorted(unique.values(), key=lambda fault: (fault.file != PROJECT_FILE, fault.file, fault.line, fault.column))


def _read(folder: Path, faults: list[Fault]) -> tuple[dict[str, YamlNode], dict[str, int]]:
    """Each readable file as nodes, and how many files there are in each folder, readable or not."""
    if folder.is_file():
        fix = f"give the folder that it is in: -p {folder.parent}"
        raise ProjectFault(Place(file=folder.name).fault("no-folder", "is a file, not a project's folder", fix))
    if not folder.is_dir():
        place = Place(file=PROJECT_FILE)
        fix = "go to a project folder, or make one with `careloom init`"
        raise ProjectFault(place.fault("no-folder", "its folder does not exist", fix))
    nodes: dict[str, YamlNode] = {}
    names = {part: _files(folder, part, faults) for part in (SYNCS, STREAMS, REPORTS, CHARTS)}
    for name in [PROJECT_FILE, *chain.from_iterable(names.values())]:
        node, file_faults = read_file(folder, name)
        faults.extend(file_faults)
        if node is None:
            continue
        if node.kind != "map":
            faults.append(
                node.place.fault("wrong-type", "the file must be keys with values", "write `key: value` lines")
            )
        else:
            nodes[name] = node
    return nodes, {part: len(file_faults) for part, file_faults in names.items()}


def _files(folder: Path, part: str, faults: list[Fault]) -> list[str]:
    try:
        files = sorted(path.name for path in (folder / part).iterdir() if not path.name.startswith("."))
    except FileNotFoundError:
        return []
    except OSError as error:
        faults.append(
            Place(file=part).fault("unreadable", f"cannot be read: {error.strerror}", "check its permissions")
        )
        return []
    faults.extend(
        Place(file=f"{part}/{name}").fault(
            "file-name", "only `.yaml` files are read here", f"rename it to `{name[:-4]}.yaml`"
        )
        for name in files
        if name.endswith(".yml")
    )
    return [f"{part}/{name}" for name in files if name.endswith(".yaml")]


def _project(node: YamlNode | None, faults: list[Fault]) -> WrittenProject | None:
    if node is None:
        return None
    document, schema_faults = validate(WrittenProject, node)
    faults.extend(schema_faults)
    faults.extend(secrets_in_clear(node))
    return document


def _systems(node: YamlNode | None, rooms: Mapping[str, Room], faults: list[Fault]) -> dict[str, System]:
    """Every system whose entry is a mapping; those with faults too, so that syncs which name them are not blamed."""
    systems: dict[str, System] = {}
    entries = node.at("systems").entries if node is not None and "systems" in node.entries else {}
    for name, entry in entries.items():
        if entry.kind != "map":
            systems[name] = System(name=name, kind="", options=_NOTHING, place=entry.place)
            continue
        kind = entry.entries.get("kind")
        if kind is None or not kind.text:
            faults.append(
                entry.place.fault("missing-key", "`kind` is missing", f"add `kind:`, one of {', '.join(sorted(rooms))}")
            )
        elif kind.text not in rooms:
            fix = suggestion(kind.text, rooms, f"write one of {', '.join(sorted(rooms))}")
            faults.append(kind.place.fault("unknown-kind", f"there is no kind of system `{kind.text}`", fix))
        systems[name] = _system(name, entry, rooms.get(kind.text or "") if kind else None, faults)
    return systems


def _system(name: str, entry: YamlNode, room: Room | None, faults: list[Fault]) -> System:
    without_kind = {key: node for key, node in entry.entries.items() if key != "kind"}
    options_node = YamlNode(kind="map", place=entry.place, entries=without_kind, keys=entry.keys)
    options = None
    if room is not None:
        options, option_faults = validate(room.options, options_node)
        faults.extend(option_faults)
    # Without options the project is at fault and never leaves this module.
    return System(name=name, kind=room.kind if room else "", options=options or _NOTHING, place=entry.place)


_NOTHING = WrittenAlerts()


def _sync(node: YamlNode, default: Schedule | None, faults: list[Fault]) -> Sync | None:
    document, schema_faults = validate(WrittenSync, node)
    faults.extend(schema_faults)
    if document is None:
        return None
    sync, wrong = build_sync(document, node, default)
    faults.extend(wrong)
    return sync


def _add(sync: Sync | None, syncs: dict[str, Sync], faults: list[Fault]) -> None:
    if sync is None:
        return
    if sync.name in syncs:
        cause = f"the sync `{sync.name}` is already in {syncs[sync.name].file}"
        faults.append(sync.fault(("sync",), "duplicate-sync", cause, "give one of them another name"))
        return
    syncs[sync.name] = sync


def _alerts(section: WrittenAlerts) -> Alerts:
    mail = section.mail
    if mail is None:
        return Alerts()
    return Alerts(mail=Mail(recipients=tuple(mail.to), sender=mail.from_, smtp=mail.smtp, summary=mail.summary))


def _digest(nodes: Mapping[str, YamlNode], environment: str) -> str:
    plain: dict[str, object] = {name: node.plain() for name, node in nodes.items()}
    if environment:
        plain["environment"] = environment
    content = json.dumps(plain, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()
