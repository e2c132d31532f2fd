"""The tables of reports: `reports.NAME_rows` holds the rows of every run, the view `reports.NAME` those of the current ones.

The view `reports.NAME_snapshots` shows those of all runs that were ever current and are kept. Both say when a row's snapshot came.

Tables and views are only ever widened, at their end, so that all that reads them continues to work. Rows are written under their run's
id and no one sees them until `make_current` says that this run is the one.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, LiteralString, TypeVar

import psycopg
from psycopg import sql

from careloom.core.errors import Fix, Hold, Later, Stop
from careloom.store.database import Store
from careloom.store.migrations import SCHEMA as OWN_SCHEMA
from careloom.store.statements import statements

SCHEMA = "reports"
MOST_COLUMNS = 1550
"""Of one table, over all that came; PostgreSQL's own limit is 1,600."""
DriftCode = Literal[
    "new-column",
    "column-gone",
    "changed-type",
    "unparsed-values",
    "widened-to-numeric",
    "widened-to-text",
    "started-over",
    "recoded-characters",
    "total-rows",
    "empty-rows",
    "title-lines",
    "another-delimiter",
]
WHOLE = "*"
"""The column of a drift that is of the whole report."""
UNKNOWN = "unknown"
TYPES: Mapping[str, LiteralString] = {
    "text": "text",
    "integer": "bigint",
    "numeric": "numeric",
    "percent": "numeric",
    "date": "date",
    UNKNOWN: "text",
}
"""PostgreSQL's type for each of a report's."""
_PINS: Mapping[str, str] = {"text": "text", "bigint": "integer", "numeric": "numeric", "date": "date"}
_T = TypeVar("_T")
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,52}")
SNAPSHOTS = "_snapshots"
VIEWS = ("", SNAPSHOTS)
"""What the views of a report end with: that of the current rows, and that of all that are kept."""
LOADED_AT = "loaded_at"
"""The views' column that says when the row's snapshot last came."""
_TRIES, _PAUSE = 400, 0.2
_FORMULA = r"^[=+@\t\r-]"


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnDrift:
    """What a report brought that was not as before; `count` is of values where the code speaks of values, else 1."""

    column: str
    code: DriftCode
    count: int = 1


# ---------------------------------------------------------------- shape


def pinned_columns(store: Store, *, system: str, name: str) -> dict[str, str]:
    """The report's columns as they were pinned, in their order: name and type. Empty for one that never came."""
    with store.transaction() as connection:
        return _pinned(connection, system, name)


def former_header(store: Store, *, run: int) -> Sequence[str]:
    """The columns of the report's last files, as far as they are to be compared with those of `run`; none where it starts over."""
    with store.transaction() as connection:
        row = connection.execute(_SQL["former_header"], {"run": run}).fetchone()
        return list(row[0]) if row else []


def unlearn(store: Store, *, system: str, name: str, header: Sequence[str]) -> None:
    """Forget the columns of the report that are not in `header`; they stay in the table, where nothing is written into them."""
    with store.transaction() as connection:
        connection.execute(_SQL["unlearn"], {"system": system, "name": name, "header": list(header)})


def shape_table(store: Store, *, system: str, name: str, column_types: Mapping[str, str]) -> dict[str, str]:
    """Make or widen the report's table and view for columns of these types; returns all columns as they are pinned now.

    A column that was pinned keeps its type, whatever is wanted. Later where the table stays locked for long.
    """
    table_of(name)

    def shape() -> dict[str, str]:
        with store.transaction() as connection:
            return _shape(connection, system, name, column_types)

    return with_retries(name, shape)


def with_retries(name: str, work: Callable[[], _T], tries: int = _TRIES) -> _T:
    """What `work` gives, which is tried again where a table was locked; Later where it stays so."""
    for _ in range(tries):
        try:
            return work()
        except Later as error:
            if not isinstance(error.__cause__, psycopg.errors.LockNotAvailable):
                raise
            # Another account of this report is being loaded; readers go first.
            time.sleep(_PAUSE)
    raise Later(f"the table of the report {name!r} stayed locked while another account was loaded; run again")


def table_of(name: str) -> sql.Identifier:
    """The table of a report's rows. Fix if the report's name cannot be that of a table."""
    if not _NAME.fullmatch(name):
        raise Fix(
            f"the report name {name!r} cannot name a table: use a-z, 0-9 and _, at most 53 characters, no digit first"
        )
    return sql.Identifier(SCHEMA, f"{name}_rows")


def lock_report(connection: psycopg.Connection, system: str, name: str) -> None:
    """Until the end of the transaction no other changes the report's table; who finds it locked does not wait long."""
    connection.execute(_SQL["patience"])
    connection.execute(_SQL["lock"], {"system": system, "name": name})


def _shape(connection: psycopg.Connection, system: str, name: str, column_types: Mapping[str, str]) -> dict[str, str]:
    keys = {"system": system, "name": name}
    lock_report(connection, system, name)
    former_pins = _pinned(connection, system, name)
    table_columns = _columns(connection, f"{SCHEMA}.{name}_rows")
    # A column that was forgotten is in the table still, with the type that it had.
    former_types = {
        column: _PINS[table_columns[column]]
        for column, kind in column_types.items()
        if column in table_columns and column not in former_pins
    }
    column_types = {
        column: kind if TYPES[kind] == TYPES[former_types.get(column, kind)] else former_types[column]
        for column, kind in column_types.items()
    }
    new_types = {
        column: kind for column, kind in column_types.items() if kind != UNKNOWN and former_pins.get(column) == UNKNOWN
    }
    fresh = {column: kind for column, kind in column_types.items() if column not in former_pins}
    if len(table_columns) + len(fresh) > MOST_COLUMNS:
        raise Hold("too-many-columns", f"the report's table would have {len(table_columns) + len(fresh)} columns")
    for column, kind in fresh.items():
        connection.execute(_SQL["pin"], keys | {"column": column, "type": kind})
    for column, kind in new_types.items():
        type_ = kind if _retyped(connection, name, column, kind) else "text"
        connection.execute(_SQL["pin"], keys | {"column": column, "type": type_})
    if fresh or new_types or not table_columns or not _up_to_date(connection, name):
        pins = _pinned(connection, system, name)
        _widen(connection, name, pins)
        for suffix in VIEWS:
            _view(connection, system, name, suffix)
    return _pinned(connection, system, name)


def _widen(connection: psycopg.Connection, name: str, pins: Mapping[str, str]) -> None:
    connection.execute(sql.SQL(_SQL["make_table"]).format(table=table_of(name)))
    index = sql.Identifier(f"{name}_rows_run")
    connection.execute(sql.SQL(_SQL["make_index"]).format(index=index, table=table_of(name)))
    table_columns = _columns(connection, f"{SCHEMA}.{name}_rows")
    additions = [_column(column, kind) for column, kind in pins.items() if column not in table_columns]
    if additions:
        connection.execute(sql.SQL("alter table {} {}").format(table_of(name), sql.SQL(", ").join(additions)))


def _column(name: str, kind: str) -> sql.Composed:
    return sql.SQL("add column {} {}").format(sql.Identifier(name), sql.SQL(TYPES[kind]))


def _retyped(connection: psycopg.Connection, name: str, column: str, kind: str) -> bool:
    """Replace a column that has never held a value by one of type `kind`; False if it must stay text.

    It must where something reads the view (the view would have to go first), or somebody was given rights on it.
    """
    views = {"view": f"{SCHEMA}.{name}", "snapshots": f"{SCHEMA}.{name}{SNAPSHOTS}"}
    if connection.execute(_SQL["granted"], views).fetchone():
        return False
    try:
        with connection.transaction():
            for suffix in VIEWS:
                connection.execute(sql.SQL("drop view if exists {}").format(sql.Identifier(SCHEMA, name + suffix)))
            names = {"table": table_of(name), "column": sql.Identifier(column), "kind": sql.SQL(TYPES[kind])}
            connection.execute(sql.SQL("alter table {table} drop column {column}").format(**names))
            connection.execute(sql.SQL("alter table {table} add column {column} {kind}").format(**names))
    except psycopg.errors.DependentObjectsStillExist:
        return False
    return True


def _up_to_date(connection: psycopg.Connection, name: str) -> bool:
    """Whether the report's views are as this release makes them."""
    return all(LOADED_AT in _columns(connection, f"{SCHEMA}.{name}{suffix}") for suffix in VIEWS)


def _view(connection: psycopg.Connection, system: str, name: str, suffix: str) -> None:
    table_columns = _columns(connection, f"{SCHEMA}.{name}_rows")
    # A view is widened at its end only: what it shows already keeps its place.
    names = [*_columns(connection, f"{SCHEMA}.{name}{suffix}"), *table_columns, LOADED_AT]
    columns = [shown_column(column, table_columns) for column in dict.fromkeys(names)]
    make_view(connection, system, name, view=name + suffix, columns=columns, suffix=suffix)


def shown_column(column: str, table_columns: Iterable[str]) -> sql.Composable:
    """A column of a report's view, whose table has the columns `table_columns`."""
    if column == LOADED_AT and LOADED_AT not in table_columns:
        return sql.SQL('"came-at" as {}').format(sql.Identifier(LOADED_AT))
    return sql.Identifier(column)


def make_view(
    connection: psycopg.Connection,
    system: str,
    name: str,
    *,
    view: str,
    columns: Sequence[sql.Composable],
    suffix: str = "",
) -> None:
    """Make `view`, or put another statement in its place, over the rows of the report `name`: as the view does that ends with `suffix`."""
    connection.execute(
        sql.SQL(_SQL["make_snapshots_view" if suffix else "make_view"]).format(
            view=sql.Identifier(SCHEMA, view),
            columns=sql.SQL(", ").join(columns),
            table=table_of(name),
            schema=sql.Identifier(OWN_SCHEMA),
            system=sql.Literal(system),
            name=sql.Literal(name),
        )
    )


def _pinned(connection: psycopg.Connection, system: str, name: str) -> dict[str, str]:
    return dict(connection.execute(_SQL["pinned"], {"system": system, "name": name}).fetchall())


def _columns(connection: psycopg.Connection, table: str) -> dict[str, str]:
    """The table's columns in their order, and PostgreSQL's types of them."""
    return dict(connection.execute(_SQL["columns_of"], {"table": table}).fetchall())


def _listed(columns: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


# ---------------------------------------------------------------- rows


def write_rows(
    store: Store,
    *,
    name: str,
    run: int,
    digest: str,
    columns: Sequence[str],
    chunks: Iterable[bytes],
    header: Sequence[str] | None = None,
) -> int:
    """Write a run's rows in one transaction, in place of what a former try left; returns how many.

    `header`: the columns of its files, with which the next ones are compared.

    `chunks` are what COPY takes in CSV. Hold where a row is wider than a page of the database.
    """
    with store.transaction() as connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL(_SQL["forget_run"]).format(table=table_of(name)), {"run": run})
        statement = sql.SQL(_SQL["copy_in"]).format(table=table_of(name), columns=_listed(columns))
        try:
            with cursor.copy(statement) as copy:
                for chunk in chunks:
                    copy.write(chunk)
        except psycopg.errors.ProgramLimitExceeded as error:
            raise Hold("row-too-wide", _too_wide(len(columns), str(error.diag.message_primary))) from None
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            # `from None`: the database's words quote the row.
            raise Stop(f"the database refused a row of the report {name!r} ({type(error).__name__})") from None
        count = cursor.rowcount
        values = {"run": run, "digest": digest, "header": None if header is None else list(header)}
        connection.execute(_SQL["rows_are_own"], values)
        return count


def _too_wide(columns: int, words: str) -> str:
    """Why a row does not fit, out of PostgreSQL's words, which name two sizes and no value."""
    sizes = re.fullmatch(r"row is too big: size (\d+), maximum size (\d+)", words)
    detail = f": {int(sizes[1]):,} bytes, {int(sizes[2]):,} are possible" if sizes else ""
    return f"a row of the report's {columns:,} columns does not fit into a page of the database{detail}"


def take_over(store: Store, *, run: int, digest: str) -> tuple[int, list[ColumnDrift]] | None:
    """Let `run` show the rows of its account's current run, if that was loaded from files of the same digest.

    Returns how many rows they are, and what of their drift still holds; None where something changed.
    """
    with store.transaction() as connection:
        row = connection.execute(_SQL["take_over"], {"run": run, "digest": digest}).fetchone()
        if row is None:
            return None
        drifts = connection.execute(_SQL["drift_of"], {"run": row[0]}).fetchall()
        return int(row[1]), [ColumnDrift(column=column, code=code, count=count) for column, code, count in drifts]


def make_current(
    connection: psycopg.Connection, account_report_id: int, rows: int, drifts: Sequence[ColumnDrift]
) -> None:
    """Show this run's rows instead of the account's former ones, in the caller's transaction, and note its drift."""
    run = {"run": account_report_id}
    connection.execute(_SQL["step_down"], run)
    if not connection.execute(_SQL["step_up"], run | {"rows": rows}).rowcount:
        raise Stop(f"there is no report {account_report_id} whose rows could be shown")
    connection.execute(_SQL["no_drift"], run)
    for drift in drifts:
        values = {"column": drift.column, "code": drift.code, "count": drift.count}
        connection.execute(_SQL["drift"], run | values)


def forget_old(store: Store, system: str, name: str, *, keep: int) -> int:
    """Remove the rows of former runs, but for the newest `keep` of each account; returns how many rows. One run at a time."""
    with store.transaction() as connection:
        values = {"system": system, "name": name, "keep": keep}
        runs = [run for (run,) in connection.execute(_SQL["forgettable"], values).fetchall()]
    forgotten = 0
    for run in runs:
        with store.transaction() as connection:
            statement = sql.SQL(_SQL["forget_run"]).format(table=table_of(name))
            forgotten += connection.execute(statement, {"run": run}).rowcount
            connection.execute(_SQL["forgotten"], {"run": run})
    return forgotten


# ---------------------------------------------------------------- out


def csv_of(store: Store, *, system: str, name: str, safe: bool) -> Iterator[bytes]:
    """All accounts' current rows as CSV with a header, in pieces; a value that could not be read stands as it came.

    `safe`: a single quote goes before a text that a spreadsheet would run as a formula.
    """
    pins = pinned_columns(store, system=system, name=name)
    if not pins:
        raise Fix(f"no report {name!r} was loaded yet; load it first")
    account: sql.Composable = sql.Identifier("customer_account")
    cells = [sql.SQL("{} as {}").format(_harmless(account) if safe else account, account)]
    cells += [_cell(column, kind, safe=safe) for column, kind in pins.items()]
    view = sql.Identifier(SCHEMA, name)
    statement = sql.SQL(_SQL["copy_out"]).format(columns=sql.SQL(", ").join(cells), view=view)
    with store.transaction() as connection, connection.cursor().copy(statement) as copy:
        yield from map(bytes, copy)


def _cell(column: str, kind: str, *, safe: bool) -> sql.Composed:
    name = sql.Identifier(column)
    came = sql.SQL("(unparsed ->> {})").format(sql.Literal(column))
    if TYPES[kind] == "text":
        cell: sql.Composable = sql.SQL("coalesce({}, {})").format(name, came)
        return sql.SQL("{} as {}").format(_harmless(cell) if safe else cell, name)
    return sql.SQL("coalesce({}::text, {}) as {}").format(name, _harmless(came) if safe else came, name)


def _harmless(cell: sql.Composable) -> sql.Composed:
    return sql.SQL("case when {0} ~ {1} then '''' || {0} else {0} end").format(cell, sql.Literal(_FORMULA))


_SQL = statements("report_tables")
