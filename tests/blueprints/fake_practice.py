"""A billing office: the blueprint as a project, and the simulated service that it asks for reports."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from careloom.project.model import Report
from careloom.services.reports.fetch import reports_named, run_reports
from careloom.services.reports.outcomes import ReportsRun
from careloom.services.session.progress import Watch
from careloom.services.session.sessions import Session, open_session
from careloom.services.session.settings import read_settings
from careloom.systems.collaboratemd.simulator import RunningCollaborateMD

BLUEPRINT = Path(__file__).parents[2] / "blueprints" / "collaboratemd-reports"
SECRETS = {"COLLABORATEMD_USERNAME": "sim-user", "COLLABORATEMD_PASSWORD": "sim-password"}
ACCOUNTS = ("10028395", "10026936", "10026716", "10023994")
_REMEMBERED = dict[object, bytes]()
FEW = ("ar_aging", "payment_trends")


@dataclass
class Office:
    """The project, and the billing service that it asks."""

    session: Session
    service: RunningCollaborateMD
    folder: Path
    database: str

    def run(self, *names: str, accounts: tuple[str, ...] = (), due_only: bool = False) -> ReportsRun:
        return run_reports(self.session, self.reports(*names, accounts=accounts), Watch(), due_only=due_only)

    def reports(self, *names: str, accounts: tuple[str, ...] = ()) -> list[Report]:
        name_list = (
            [one for name in names for one in reports_named(self.session, name)]
            if names
            else reports_named(self.session)
        )
        return [replace(one, accounts=accounts or one.accounts) for one in name_list]

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        with self.session.store.transaction() as connection:
            return connection.execute(statement).fetchall()  # type: ignore[call-overload, no-any-return]

    def ask_nothing(self, statement: str) -> None:
        with self.session.store.transaction() as connection:
            connection.execute(statement.encode())

    def rows(self, name: str) -> dict[str, int]:
        return dict(self.ask(f"select customer_account, count(*) from reports.{name} group by 1"))

    def asked(self) -> Counter[tuple[str, str]]:
        """How often the service began each report of each account."""
        return Counter((run["report"], account) for run in self.service.control("runs") for account in run["accounts"])


@contextmanager
def billing_office(
    folder: Path,
    database: str,
    service: RunningCollaborateMD,
    rows: int = 40,
    *,
    columns: bool = True,
    unit_tests: bool = False,
) -> Iterator[Office]:
    """The project in a new `folder`, pointed at the service, which begins anew with so many charges of each account.

    `columns`: whether its reports say which columns they must have. `unit_tests`: whether its models bring theirs, which say the
    same in every office.
    """
    service.control("reset")
    service.control("settings", running_seconds=0.0, rows=rows)
    shutil.copytree(BLUEPRINT, folder)
    for file in () if unit_tests else (folder / "models").rglob("_unit_tests.yml"):
        file.unlink()
    project = folder / "careloom.yaml"
    kind = "    kind: collaboratemd\n"
    text = project.read_text().replace(kind, f"{kind}    base_url: {service.url}\n    poll_seconds: 0.02\n")
    project.write_text(text)
    if not columns:
        reports = folder / "reports" / "receivables.yaml"
        reports.write_text(re.sub(r"    columns:\n      \[[^]]*\]\n", "", reports.read_text()))
    with (
        remember_manifest(folder, (database, unit_tests)),
        open_session(folder, read_settings(SECRETS | {"CARELOOM_DATABASE_URL": database})) as session,
    ):
        yield Office(session=session, service=service, folder=folder, database=database)


@contextmanager
def remember_manifest(folder: Path, kind: object) -> Iterator[None]:
    """What dbt read of a former office's models of this `kind`: it goes by that where nothing has changed, as in a second build."""
    manifest = folder / ".careloom" / "dbt" / "target" / "partial_parse.msgpack"
    if kind in _REMEMBERED:
        manifest.parent.mkdir(parents=True)
        manifest.parent.parent.chmod(0o700)
        manifest.write_bytes(_REMEMBERED[kind])
    yield
    if kind not in _REMEMBERED and manifest.is_file():
        _REMEMBERED[kind] = manifest.read_bytes()
