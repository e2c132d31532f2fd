"""A report's column given another type: a wider one by what came, or the one that the project says; no reader is cut off.

Its rows are read again: nothing that could be read is lost, and what the former type could not read is read now. PostgreSQL
does not let a column that a view shows change its type, and whatever stands on the report's view (the models, an
analyst's own views) must stay. So the view steps aside under another name, where it still shows the former type to those who read it,
and one of the new type takes its place. When no one reads the former one any more (the models were built again), it goes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

import psycopg
from psycopg import sql

from careloom.store.database import Store
from careloom.store.report_tables import (
    LOADED_AT,
    SCHEMA,
    TYPES,
    VIEWS,
    lock_report,
    make_view,
    shown_column,
    table_of,
    with_retries,
)
from careloom.store.statements import statements

Read = Callable[[Sequence[str]], Iterable[tuple[str, str | None]]]
"""Each text with its writing as PostgreSQL takes it for the type; None where it holds nothing, or is not of that type."""

_TRIES = 20
_BATCH = 10_000
_BACK = {
    **{("text", now): "back_to_text" for now in ("bigint", "numeric", "date")},
    ("bigint", "numeric"): "back_to_whole",
    ("bigint", "text"): "back_to_whole_of_text",
    ("numeric", "text"): "back_to_number_of_text",
    ("date", "text"): "back_to_day_of_text",
}
"""What a former view shows of a column, by its type there and its type now."""
_FORMER = dict(zip(VIEWS, ("-former-", "-past-"), strict=True))
"""Between a report's name and a number, in the name of a view that stepped aside. No report's name has a hyphen."""


def types_of(store: Store, name: str) -> dict[str, str]:
    """PostgreSQL's types of the columns of the report's table; none where it was never loaded."""
    with store.transaction() as connection:
        return dict(_columns_of(connection, f"{name}_rows"))


def wrong_pins(store: Store, *, system: str, name: str) -> dict[str, list[str]]:
    """Columns of whole numbers into which other values came: those values, as they came."""
    with store.transaction() as connection:
        columns = connection.execute(_SQL["wrong_pins"], {"system": system, "name": name}).fetchall()
        return {
            column: [
                text
                for (text,) in connection.execute(
                    sql.SQL(_SQL["unread"]).format(table=table_of(name), text=sql.Literal(column))
                ).fetchall()
            ]
            for (column,) in columns
        }


def retype(store: Store, *, system: str, name: str, column: str, kind: str, read: Read) -> None:
    """Make a column one of type `kind`, with all its rows; what cannot be read stays beside its row, as text.

    All is done in one transaction, in which no one writes to the table; readers wait for its last part. The rows' files are
    loaded again when they come again. Later where the table stays locked for long.
    """

    def work() -> None:
        with store.transaction() as connection:
            lock_report(connection, system, name)
            connection.execute(sql.SQL(_SQL["no_writers"]).format(table=table_of(name)))
            _change(connection, system, name, column, kind, read)
            keys = {"system": system, "name": name}
            connection.execute(_SQL["pin"], keys | {"column": column, "type": kind})
            connection.execute(_SQL["load_anew"], keys)

    with_retries(name, work, _TRIES)


def drop_unread(store: Store, name: str) -> None:
    """Remove the former views of a report that nothing stands on any more."""
    with store.transaction() as connection:
        connection.execute(_SQL["patience"])
        for view in [view for suffix in VIEWS for view in _former_views(connection, name, suffix)]:
            # A reader is not waited for: the next run tries again.
            with suppress(psycopg.errors.LockNotAvailable):
                _dropped(connection, view)


def _read_again(connection: psycopg.Connection, name: str, column: str, read: Read) -> None:
    """Put into each cell how its text is written as the new type, or move the text beside the row."""
    names = {"table": table_of(name), "column": sql.Identifier(column)}
    connection.execute(_SQL["make_cells"])
    with connection.cursor("careloom_cells") as distinct, connection.cursor() as cursor:
        distinct.execute(sql.SQL(_SQL["distinct_cells"]).format(**names))
        while batch := distinct.fetchmany(_BATCH):
            with cursor.copy(_SQL["fill_cells"]) as copy:
                for pair in read([came for (came,) in batch]):
                    copy.write_row(pair)
    connection.execute(_SQL["weigh_cells"])
    connection.execute(sql.SQL(_SQL["read_cells"]).format(text=sql.Literal(column), **names))


def _change(connection: psycopg.Connection, system: str, name: str, column: str, kind: str, read: Read) -> None:
    """Give the column its type, and the view; former ones show it as it was."""
    types = dict(_columns_of(connection, f"{name}_rows"))
    if types.get(column, TYPES[kind]) == TYPES[kind]:
        return
    was_text = types[column] == "text"
    if was_text:
        _read_again(connection, name, column, read)
    grants = [
        grant
        for view_suffix in VIEWS
        for grant in connection.execute(_SQL["grants"], {"view": _quoted(name + view_suffix)})
    ]
    former = [(view, suffix) for suffix in VIEWS for view in _stepped_aside(connection, name, suffix)]
    for view, suffix in former:
        _show_former(connection, system, name, view, suffix, blank=column)
    names = {"table": table_of(name), "column": sql.Identifier(column), "text": sql.Literal(column)}
    if not was_text:
        percent = connection.execute(_SQL["is_percent"], {"system": system, "name": name, "column": column}).fetchone()
        connection.execute(sql.SQL(_SQL["as_text"]).format(sign=sql.Literal("%" if percent else ""), **names))
        connection.execute(sql.SQL(_SQL["beside_no_more"]).format(**names))
        if TYPES[kind] != "text":
            _read_again(connection, name, column, read)
    if TYPES[kind] != "text":
        connection.execute(sql.SQL(_SQL["retype"]).format(kind=sql.SQL(TYPES[kind]), **names))
    for view, suffix in former:
        _show_former(connection, system, name, view, suffix)
    columns = [shown_column(shown_name, types) for shown_name in dict.fromkeys([*types, LOADED_AT])]
    for suffix in VIEWS:
        make_view(connection, system, name, view=name + suffix, columns=columns, suffix=suffix)
    for (grant,) in grants:
        connection.execute(grant)


def _stepped_aside(connection: psycopg.Connection, name: str, suffix: str) -> list[str]:
    """The report's views of this kind that somebody stands on, all under other names than the report's."""
    views = [view for view in _former_views(connection, name, suffix) if not _dropped(connection, view)]
    if _columns_of(connection, name + suffix) and not _dropped(connection, name + suffix):
        last = max((int(view.rpartition("-")[2]) for view in views), default=0)
        views.append(f"{name}{_FORMER[suffix]}{last + 1}")
        names = {"view": sql.Identifier(SCHEMA, name + suffix), "former": sql.Identifier(views[-1])}
        connection.execute(sql.SQL(_SQL["step_aside"]).format(**names))
    return views


def _former_views(connection: psycopg.Connection, name: str, suffix: str) -> list[str]:
    rows = connection.execute(_SQL["former_views"], {"prefix": f"{name}{_FORMER[suffix]}"}).fetchall()
    return [view for (view,) in rows]


def _dropped(connection: psycopg.Connection, view: str) -> bool:
    """Remove a view; False if something stands on it."""
    try:
        with connection.transaction():
            connection.execute(sql.SQL("drop view {}").format(sql.Identifier(SCHEMA, view)))
    except psycopg.errors.DependentObjectsStillExist:
        return False
    return True


def _show_former(
    connection: psycopg.Connection, system: str, name: str, view: str, suffix: str, blank: str = ""
) -> None:
    """Let a former view show its columns with the types that they had. `blank`: show none of this one.

    What the former type cannot say is null there, as it was before: it stands beside the row, or is no such value.
    """
    now = dict(_columns_of(connection, f"{name}_rows"))
    columns: list[sql.Composable] = []
    for column, was in _columns_of(connection, view):
        cell: sql.Composable = sql.Identifier(column)
        if column == LOADED_AT and column not in now:
            columns.append(shown_column(column, now))
            continue
        if column == blank:
            cell = sql.SQL("null::{}").format(sql.SQL(was))
        elif was != now[column]:
            cell = sql.SQL(_SQL[_BACK.get((was, now[column]), "back_to_nothing")]).format(
                cell=cell, text=sql.Literal(column), was=sql.SQL(was)
            )
        columns.append(sql.SQL("{} as {}").format(cell, sql.Identifier(column)))
    make_view(connection, system, name, view=view, columns=columns, suffix=suffix)


def _columns_of(connection: psycopg.Connection, relation: str) -> list[tuple[str, str]]:
    """The names and types of a table's or a view's columns; none where there is no such thing."""
    return connection.execute(_SQL["columns_of"], {"relation": _quoted(relation)}).fetchall()


def _quoted(relation: str) -> str:
    return f'{SCHEMA}."{relation}"'


_SQL = statements("report_types")
