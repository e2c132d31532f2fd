"""What a person must know before the first run: what is missing, where, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from careloom.core.errors import CareloomError, ProjectFault
from careloom.core.ports import Finding
from careloom.core.rooms import Room
from careloom.project.loader import load_project
from careloom.project.model import Project, Sync
from careloom.services.loom import make_ready
from careloom.services.migrating import waiting
from careloom.services.opening import HIDDEN, Opened, database_url
from careloom.services.safeguards import audit_findings, caller_findings, role_findings
from careloom.services.sealing import anchoring_of
from careloom.services.settings import Settings
from careloom.store.database import open_store
from careloom.store.migrations import migrate
from careloom.systems.rooms import rooms


def check_up(folder: Path, settings: Settings) -> Iterator[Finding]:
    """Project, database, each system, each sync: one finding a line, faults with their fix."""
    kinds: dict[str, Room] = rooms()
    try:
        project = load_project(folder, kinds)
    except ProjectFault as error:
        yield from (_fault("project", str(fault), "") for fault in error.faults)
        return
    yield Finding(
        level="ok", what="project", detail=f"{project.name}: syncs {', '.join(project.syncs)}; {project.timezone.key}"
    )
    yield from _alerts(project, settings)
    yield from caller_findings(project, settings)
    try:
        url = database_url(folder, settings)
        yield from _database(folder, url, settings)
        store = open_store(url)
    except CareloomError as error:
        yield _fault("database", str(error), "")
        return
    store.anchoring = anchoring_of(folder / HIDDEN, settings, url)
    yield from role_findings(store, settings)
    yield from audit_findings(store)
    opened = Opened(project=project, settings=settings, store=store)
    try:
        yield from _systems(opened)
        for sync in project.syncs.values():
            yield from _sync(opened, sync)
    finally:
        opened.close()
        store.close()


def _database(folder: Path, url: str, settings: Settings) -> Iterator[Finding]:
    if settings.database_url is None:
        migrate(url)
        yield Finding(
            level="warn",
            what="database",
            detail=f"embedded PostgreSQL in {HIDDEN}/",
            fix="for production set CARELOOM_DATABASE_URL to a managed PostgreSQL",
        )
        return
    names = waiting(folder, settings)
    if names:
        yield _fault("database", f"{len(names)} migrations wait", "careloom migrate")
    else:
        yield Finding(level="ok", what="database", detail="reached, up to date")


def _alerts(project: Project, settings: Settings) -> Iterator[Finding]:
    mail = project.alerts.mail
    if mail is None:
        yield Finding(
            level="warn", what="alerts", detail="nobody hears of a failure", fix="set alerts: in careloom.yaml"
        )
        return
    try:
        settings.secret(mail.smtp)
    except CareloomError as error:
        yield _fault("alerts", str(error), "")
    else:
        yield Finding(level="ok", what="alerts", detail=f"mail to {len(mail.to)} recipients")


def _systems(opened: Opened) -> Iterator[Finding]:
    written = {sync.to.system for sync in opened.project.syncs.values()}
    for name in opened.project.systems:
        if name not in written:
            continue
        try:
            for finding in opened.target(name).check():
                yield Finding(
                    level=finding.level, what=f"{name}: {finding.what}", detail=finding.detail, fix=finding.fix
                )
        except CareloomError as error:
            yield _fault(name, str(error), "")


def _sync(opened: Opened, sync: Sync) -> Iterator[Finding]:
    try:
        loom = make_ready(opened, sync)
    except ProjectFault as error:
        yield from (_fault(f"sync {sync.name}", str(fault), "") for fault in error.faults)
    except CareloomError as error:
        yield _fault(f"sync {sync.name}", str(error), "")
    else:
        yield Finding(
            level="ok",
            what=f"sync {sync.name}",
            detail=f"{len(loom.columns)} source columns, {len(loom.fields)} fields"
            + (f", {sync.schedule.text}" if sync.schedule else ", no schedule"),
        )
        for line in loom.lacking:
            yield Finding(
                level="warn",
                what=f"sync {sync.name}",
                detail=f"{sync.to.system} lacks {line}",
                fix="the first apply or run creates it",
            )


def _fault(what: str, detail: str, fix: str) -> Finding:
    return Finding(level="fault", what=what, detail=detail, fix=fix)
