"""What a person must know before the first run: what is missing, where, and what to do about it.

Everything that the project names is tried, whichever command would need it; nothing is written anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from careloom.core.errors import CareloomError, ProjectFault, SecretMissing
from careloom.core.ports import Finding, Query
from careloom.core.reports import ReportAsk
from careloom.core.rooms import Room
from careloom.project import loader, model
from careloom.services.analytics import build
from careloom.services.operate import migrate, safeguards
from careloom.services.session import environments, progress, seal_key, sessions, streams
from careloom.services.session import settings as environment
from careloom.services.sync import prepare as preparation
from careloom.store import database, migrations, rights
from careloom.systems import rooms

_SECRET = "secret:"  # noqa: S105 what the name of a secret begins with


def check_up(folder: Path, settings: environment.Settings) -> Iterator[Finding]:
    """Project, secrets, database, each system, each flow: one finding a line, faults with their fix, each cause once."""
    kinds: dict[str, Room] = rooms()
    try:
        project = loader.load_project(folder, kinds, settings.env)
        settings = environments.in_environment(folder, settings)
    except ProjectFault as error:
        yield from (_fault("project", str(fault)) for fault in error.faults)
        return
    except SecretMissing as error:
        yield _fault("environment", str(error))
        return
    if settings.env:
        own_systems = ", ".join(sorted(project.replaced_systems)) or "none"
        yield Finding(level="ok", what="environment", detail=f"{settings.env}; its own systems: {own_systems}")
    yield Finding(level="ok", what="project", detail=_project_summary(project))
    yield from _alerts(project, settings)
    yield from safeguards.caller_findings(project, settings)
    secrets = _Secrets(project=project, settings=settings)
    lacking = list(secrets.findings())
    yield from lacking
    try:
        url = sessions.store_url(folder, settings)
        yield from _database(folder, url, settings)
        store = database.open_store(url, settings.env)
    except CareloomError as error:
        yield _fault("database", str(error))
        return
    store.anchoring = seal_key.audit_anchor_of(environments.hidden_folder(folder, settings), settings, url)
    yield from safeguards.role_findings(store, settings)
    yield from safeguards.audit_findings(store)
    session = sessions.Session(project=project, settings=settings, store=store)
    try:
        yield from _store(session)
        causes = {finding.detail for finding in lacking}
        yield from _CheckUp(
            session=session, kinds=kinds, blocked_systems=secrets.blocked_systems, causes=causes
        ).findings()
    finally:
        session.close()
        store.close()


def _project_summary(project: model.Project) -> str:
    parts = [f"{project.name}", project.timezone.key]
    for kind, names in (("syncs", project.syncs), ("streams", project.landings), ("reports", project.reports)):
        if names:
            parts.append(f"{kind} {', '.join(names)}")
    return "; ".join(parts)


def _alerts(project: model.Project, settings: environment.Settings) -> Iterator[Finding]:
    mail = project.alerts.mail
    if mail is None:
        fix = "set alerts: in careloom.yaml"
        yield Finding(level="warn", what="alerts", detail="no one hears of a failure", fix=fix)
        return
    try:
        settings.secret(mail.smtp)
    except CareloomError as error:
        yield _fault("alerts", str(error))
    else:
        yield Finding(level="ok", what="alerts", detail=f"mail to {len(mail.recipients)} recipients")


# ---------------------------------------------------------------- secrets


@dataclass(slots=True, kw_only=True)
class _Secrets:
    """The secrets that the project's systems name. `blocked`: the systems that lack one, which cannot be tried."""

    project: model.Project
    settings: environment.Settings
    blocked_systems: set[str] = field(default_factory=set)

    def findings(self) -> Iterator[Finding]:
        for name, users in self._named().items():
            try:
                self.settings.secret(name)
            except CareloomError as error:
                self.blocked_systems.update(system for system, _ in users)
                yield _fault(", ".join(f"{system}.{option}" for system, option in users), str(error))

    def _named(self) -> dict[str, list[tuple[str, str]]]:
        """The systems' options that each secret stands in, in the order of the file."""
        users: dict[str, list[tuple[str, str]]] = {}
        for system in self.project.systems.values():
            for option, value in _texts(system):
                if value.startswith(_SECRET):
                    users.setdefault(value, []).append((system.name, option))
        return users


def _texts(system: model.System) -> Iterator[tuple[str, str]]:
    values: list[tuple[str, object]] = [*system.options.model_dump().items()]
    while values:
        option, value = values.pop(0)
        if isinstance(value, str):
            yield option, value
        elif isinstance(value, dict):
            values += [(f"{option}.{name}", text) for name, text in value.items()]
        elif isinstance(value, list | tuple):
            values += [(option, text) for text in value]


# ---------------------------------------------------------------- the store


def _database(folder: Path, url: str, settings: environment.Settings) -> Iterator[Finding]:
    if settings.database_url is None:
        migrations.migrate(url, settings.env)
        yield Finding(
            level="warn",
            what="database",
            detail=f"embedded PostgreSQL in {environments.hidden_folder(folder, settings).relative_to(folder)}/",
            fix="for production set CARELOOM_DATABASE_URL to a managed PostgreSQL",
        )
        return
    names = migrate.waiting(folder, settings)
    if names:
        yield _fault("database", f"{len(names)} migrations wait", "careloom migrate")
    else:
        yield Finding(level="ok", what="database", detail="reached, up to date")


def _store(session: sessions.Session) -> Iterator[Finding]:
    """What the database's role may do, the chain of the audit, and the key that tokens are sealed with."""
    schemas = [*(["clinical"] if session.project.landings else []), *(["reports"] if session.project.reports else [])]
    lacking = rights.lacking_rights(session.store, schemas)
    if lacking:
        fix = "grant it, or connect as the role that ran careloom migrate"
        yield _fault("database role", f"may not write: {', '.join(lacking)}", fix)
    else:
        yield Finding(level="ok", what="database role", detail="may write what the project needs")
    kinds = rooms()
    if any(kinds[system.kind].authorization for system in session.project.systems.values()):
        yield from _seal(session)


def _seal(session: sessions.Session) -> Iterator[Finding]:
    if session.settings.database_url is None:
        return  # the key of an embedded store is made when it is first needed
    try:
        seal_key.seal_key(session.hidden, session.settings)
    except CareloomError as error:
        yield _fault("seal key", str(error))
    else:
        yield Finding(level="ok", what="seal key", detail="tokens can be sealed")


# ---------------------------------------------------------------- systems and flows


@dataclass(slots=True, kw_only=True)
class _CheckUp:
    """Each system, then what flows between them. `causes`: faults that were said already, which are not said again."""

    session: sessions.Session
    kinds: dict[str, Room]
    blocked_systems: set[str]
    causes: set[str]

    def findings(self) -> Iterator[Finding]:
        for finding in self._all():
            if finding.level != "fault" or finding.detail not in self.causes:
                yield finding
            if finding.level == "fault":
                self.causes.add(finding.detail)

    def _all(self) -> Iterator[Finding]:
        for system in self.session.project.systems.values():
            if system.name not in self.blocked_systems:
                yield from self._system(system)
        for sync in self.session.project.syncs.values():
            if not {sync.source.system, sync.to.system} & self.blocked_systems:
                yield from _try(f"sync {sync.name}", partial(self._sync, sync))
        yield from self._schedules()
        yield from _try("models", lambda: build.check_models(self.session, progress.Watch()))

    def _system(self, system: model.System) -> Iterator[Finding]:
        """Each part of a system that the project uses; all that it has, where nothing uses it."""
        room, used_parts = self.kinds[system.kind], self._uses(system.name)
        parts: dict[str, Callable[[], Sequence[Finding]]] = {
            "source": lambda: self._reached(system.name),
            "target": lambda: self.session.target(system.name).check(self._objects(system.name)),
            "stream_source": lambda: self.session.stream_source(system.name).check(self._streams(system.name)),
            "webhooks": lambda: self.session.webhooks(system.name).check(),
            "listener": lambda: self.session.listener(system.name).check(),
            "publisher": lambda: self.session.publisher(system.name).check(),
            "reports": lambda: self.session.report_source(system.name).check(self._asks(system.name)),
        }
        room_parts = [part for part in parts if getattr(room, part) is not None]
        if not used_parts:
            fix = "remove it from careloom.yaml, or use it"
            yield Finding(level="warn", what=system.name, detail="nothing in this project uses it", fix=fix)
        for part in room_parts:
            if part in used_parts or not used_parts:
                for finding in _try(system.name, parts[part]):
                    subject = finding.what if finding.what == system.name else f"{system.name}: {finding.what}"
                    yield replace(finding, what=subject)

    def _uses(self, name: str) -> set[str]:
        project = self.session.project
        used_parts: set[str] = set()
        for sync in project.syncs.values():
            used_parts |= {
                part for part, system in (("source", sync.source.system), ("target", sync.to.system)) if system == name
            }
        if any(flow.system == name for flow in project.landings.values()):
            used_parts |= {"stream_source", "webhooks", "listener"}
        if name in project.publish:
            used_parts.add("publisher")
        if any(flow.system == name for flow in project.reports.values()):
            used_parts.add("reports")
        return used_parts

    def _objects(self, name: str) -> list[str]:
        return sorted({sync.to.object for sync in self.session.project.syncs.values() if sync.to.system == name})

    def _reached(self, name: str) -> Sequence[Finding]:
        self.session.source(name).columns(Query(sql="select 1 as reached"))
        return [Finding(level="ok", what=name, detail="reached")]

    def _streams(self, name: str) -> list[str]:
        landings = self.session.project.landings
        scannable = [landings[stream] for stream in streams.scannable(self.session)]
        return [landing.stream.name for landing in scannable if landing.system == name]

    def _asks(self, name: str) -> list[ReportAsk]:
        reports = [report for report in self.session.project.reports.values() if report.system == name]
        return [
            ReportAsk(account=account, report=report.report, filter=report.filter)
            for report in reports
            for account in report.accounts
        ]

    def _sync(self, sync: model.Sync) -> Sequence[Finding]:
        context = preparation.prepare_sync(self.session, sync)
        subject = f"sync {sync.name}"
        schedule = sync.schedule.text if sync.schedule else "no schedule"
        detail = f"{len(context.columns)} source columns, {len(context.fields)} fields, {schedule}"
        fix = "the first apply or run creates it"
        lacking = [
            Finding(level="warn", what=subject, detail=f"{sync.to.system} lacks {line}", fix=fix)
            for line in context.lacking
        ]
        return [Finding(level="ok", what=subject, detail=detail), *lacking]

    def _schedules(self) -> Iterator[Finding]:
        """When streams and reports are read; their systems were tried above."""
        for landing in self.session.project.landings.values():
            can_be_asked = self.session.tells_when_asked(landing.system)
            schedule = landing.schedule.text if landing.schedule else "no schedule" if can_be_asked else "only called"
            yield Finding(level="ok", what=f"stream {landing.name}", detail=f"lands in {landing.table}, {schedule}")
        for report in self.session.project.reports.values():
            schedule = report.schedule.text if report.schedule else "no schedule"
            detail = f"number {report.report}, filter {report.filter}, {len(report.accounts)} accounts, {schedule}"
            yield Finding(level="ok", what=f"report {report.name}", detail=detail)


def _try(subject: str, check: Callable[[], Sequence[Finding]]) -> Iterator[Finding]:
    """What `check` finds; what stops it is a finding too."""
    try:
        yield from check()
    except ProjectFault as error:
        yield from (_fault(subject, str(fault)) for fault in error.faults)
    except CareloomError as error:
        yield _fault(subject, str(error))
    except Exception as error:  # noqa: BLE001 one that cannot be tried keeps no other from being tried
        yield _fault(subject, f"{type(error).__name__}, which is a bug: please report it")


def _fault(subject: str, detail: str, fix: str = "") -> Finding:
    return Finding(level="fault", what=subject, detail=detail, fix=fix)
