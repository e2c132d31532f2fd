"""What was asked of systems that make reports: one row for each report that was due of an account, until it is loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import class_row, dict_row

from careloom.core.errors import Stop
from careloom.store.database import Store
from careloom.store.statements import statements


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountReport:
    """A report of an account that is under way. `identifier`: the system's, of the run that was asked for; "" if none was.

    `tries`: runs that got no answer for it.
    """

    id: int
    system: str
    name: str
    account: str
    due_at: datetime
    status: str
    identifier: str
    asks: int
    asked_at: datetime | None
    asked_for: str = ""
    tries: int = 0
    tried_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SoFar:
    """What became of a report of an account. `failures`: since it last came to something; `failed_at`: the newest of them."""

    due_at: datetime | None
    failures: int
    failed_at: datetime | None


@dataclass(frozen=True, slots=True)
class AccountReports:
    """The reports of a store."""

    store: Store

    def open(self, system: str, name: str, account: str, due_at: datetime) -> AccountReport:
        """The one that is under way, or a new one: no report is asked for twice while one is due."""
        values = {"system": system, "name": name, "account": account}
        with self.store.transaction() as connection, connection.cursor(row_factory=class_row(AccountReport)) as cursor:
            cursor.execute(_SQL["open"], values | {"due_at": due_at})
            return cursor.execute(_SQL["opened"], values).fetchone() or _gone(name)

    def under_way(self, system: str, name: str, account: str) -> AccountReport | None:
        """The one that was begun and has come to no end."""
        with self.store.transaction() as connection, connection.cursor(row_factory=class_row(AccountReport)) as cursor:
            values = {"system": system, "name": name, "account": account}
            return cursor.execute(_SQL["opened"], values).fetchone()

    def so_far(self, system: str, name: str, account: str, now: datetime) -> SoFar:
        """For when the newest one until `now` was due, whatever became of it, and how often it has failed."""
        with self.store.transaction() as connection, connection.cursor(row_factory=class_row(SoFar)) as cursor:
            values = {"system": system, "name": name, "account": account, "now": now}
            return cursor.execute(_SQL["so_far"], values).fetchone() or SoFar(due_at=None, failures=0, failed_at=None)

    def end_others(self, system: str, reports: Sequence[tuple[str, str, str]]) -> Sequence[tuple[int, str, str]]:
        """End what is under way and is not in `reports` (system, report, account), of `system` and of those that `reports` lacks.

        Returns the id, the report and the account of each. Their rows stay as they are.
        """
        pairs = [(name, account) for owner, name, account in reports if owner == system]
        values = {"system": system, "systems": list({owner for owner, _, _ in reports})}
        values |= {"names": [name for name, _ in pairs], "accounts": [account for _, account in pairs]}
        with self.store.transaction() as connection:
            return connection.execute(_SQL["end_others"], values).fetchall()

    def asked(self, report: AccountReport, identifier: str, asked_for: str) -> None:
        """The system has begun it, and calls it `identifier`. `asked_for`: its own numbers of the report and the filter."""
        self._change("asked", id=report.id, identifier=identifier, asked_for=asked_for)

    def ready(self, report: AccountReport) -> None:
        """It was handed over and is about to be loaded."""
        self._change("ready", id=report.id)

    def again(self, report: AccountReport) -> None:
        """The system has given it up; it is to be asked for again."""
        self._change("again", id=report.id)

    def failed(self, report: AccountReport, code: str, error: str, moment: datetime) -> None:
        """It failed; it is asked for again later. `error` holds no person's data."""
        self._change("failed", id=report.id, code=code, error=error, at=moment)

    def lost(self, report: AccountReport, tries: int, error: str, moment: datetime) -> None:
        """No answer came for it, in `tries` runs by now; it stays under way. `error` holds no person's data."""
        self._change("lost", id=report.id, tries=tries, error=error, at=moment)

    def shown(self, system: str, name: str, account: str) -> int:
        """How many rows readers see of the account; 0 too where they are of before the report was started over."""
        with self.store.transaction() as connection:
            values = {"system": system, "name": name, "account": account}
            row = connection.execute(_SQL["shown"], values).fetchone()
            return int(row[0]) if row else 0

    def accounts(self, system: str) -> frozenset[str]:
        """Every account of which a report was ever asked for."""
        with self.store.transaction() as connection:
            return frozenset(account for (account,) in connection.execute(_SQL["accounts"], {"system": system}))

    def start_over(self, system: str, name: str) -> None:
        """From the next asking on, the report is not compared with what came before; what is under way ends."""
        with self.store.transaction() as connection:
            values = {"system": system, "name": name}
            connection.execute(_SQL["end_open"], values)
            connection.execute(_SQL["start_over"], values)

    def show_in_schema(self, schema: str) -> str:
        """Show `reports.account_reports` in `schema` too; why it cannot be, "" where it is."""
        try:
            with self.store.transaction() as connection:
                kind = connection.execute(_SQL["kind_of"], {"schema": schema}).fetchone()
                if kind is not None and kind[0] != "v":
                    return f"{schema}.account_reports is a table already, which stays as it is: rename it"
                if kind is None:
                    connection.execute(sql.SQL(_SQL["make_schema"]).format(schema=sql.Identifier(schema)))
                    connection.execute(sql.SQL(_SQL["show_in_schema"]).format(schema=sql.Identifier(schema)))
        except psycopg.errors.InsufficientPrivilege:
            return f"{schema}.account_reports cannot be made: the database's user may not create in {schema}"
        return ""

    def newest(self, name: str | None = None) -> Sequence[Mapping[str, Any]]:
        """The newest of each report and account, and since when the rows are shown that readers see."""
        with self.store.transaction() as connection, connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(_SQL["newest"], {"name": name}).fetchall()

    def drifts(self, id_: int) -> Sequence[Mapping[str, Any]]:
        """What was not as before in one of them."""
        with self.store.transaction() as connection, connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(_SQL["drifts"], {"id": id_}).fetchall()

    def to_build(self, project: str) -> bool:
        """Whether rows were loaded since the project's models were last built, or they never were."""
        with self.store.transaction() as connection:
            row = connection.execute(_SQL["to_build"], {"project": project}).fetchone()
            return bool(row and row[0])

    def built(self, project: str, moment: datetime) -> None:
        """The project's models were built whole; the build began at `moment`, by the database's clock."""
        self._change("built", project=project, at=moment)

    def now(self) -> datetime:
        """The database's clock, which all loads are stamped by."""
        with self.store.transaction() as connection:
            row = connection.execute("select clock_timestamp()").fetchone()
            if row is None:
                raise Stop("the database has no clock")
            moment: datetime = row[0]
            return moment

    def _change(self, name: str, **values: Any) -> None:
        with self.store.transaction() as connection:
            connection.execute(_SQL[name], values)


def _gone(name: str) -> AccountReport:
    raise Stop(f"the report {name} was ended by another process while it was begun; only one may ask at a time")


_SQL = statements("account_reports")
