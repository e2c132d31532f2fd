"""The statements that the room sends, built as sqlglot expressions: a query checked, its table found, `since` pushed down."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlglot import exp, parse
from sqlglot.errors import SqlglotError

from careloom.core.ports import Query, Since
from careloom.systems.sql.faults import fault, unknown_column, unknown_table

CHANGES = (exp.DML, exp.DDL, exp.Create, exp.Drop, exp.Alter, exp.Command, exp.Into, exp.Lock, exp.Copy, exp.Set)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table as the database spells it; `default` if its schema need not be written."""

    schema: str
    name: str
    default: bool = False

    def __str__(self) -> str:
        return self.name if self.default or not self.schema else f"{self.schema}.{self.name}"


def relation(query: Query, dialect: str, tables: Iterable[Table] | None, *, folds: bool) -> exp.Query:
    """What `query` selects, as an expression that can stand in FROM (a SELECT of the table, or the statement itself).

    `tables` may be None for a statement. `folds`: names are the same in upper and lower case.
    """
    if (query.table is None) == (query.sql is None):
        raise fault("no-query", "a stream reads either a table or a statement", "write exactly one of table: and sql:")
    if query.sql is not None:
        return only_select(query.sql, dialect)
    target = find_table(query.table or "", list(tables or ()), dialect, folds=folds)
    table = exp.table_(target.name, db=target.schema or None, quoted=True)
    return exp.select("*").from_(table)


def only_select(sql: str, dialect: str) -> exp.Query:
    """`sql` parsed. ProjectFault unless it is one statement that only reads."""
    try:
        statements = [statement for statement in parse(sql, dialect=dialect) if statement is not None]
    except SqlglotError as error:
        place = getattr(error, "errors", None) or [{}]
        place_text = f" at line {place[0]['line']}, column {place[0]['col']}" if place[0].get("line") else ""
        raise fault("bad-sql", f"the statement cannot be read as {dialect}{place_text}", "correct it") from None
    if len(statements) != 1:
        raise fault("not-a-select", f"{len(statements)} statements where one belongs", "write a single SELECT")
    statement = statements[0]
    if not isinstance(statement, exp.Query) or statement.find(*CHANGES) is not None:
        raise fault("not-a-select", "the statement does more than read", "write a single SELECT")
    check_distinct([name for name in statement.named_selects if name and name != "*"])
    return statement


def find_table(reference: str, tables: Sequence[Table], dialect: str, *, folds: bool) -> Table:
    """The table that `reference` names: as spelled, else as the database folds unquoted names, else regardless of case.

    `folds` false leaves the last step out. Without a schema, default schemas come first. ProjectFault if there is none,
    or if several fit.
    """
    schema, name = _parts(reference, dialect)
    for fold in (str, str.lower, str.casefold) if folds else (str, str.lower):
        fit = [
            table
            for table in tables
            if _same(table.name, name, fold) and (not schema or _same(table.schema, schema, fold))
        ]
        fit = [table for table in fit if table.default] or fit
        if len(fit) == 1:
            return fit[0]
        if fit:
            many = ", ".join(f"{table.schema}.{table.name}" for table in fit)
            raise fault("ambiguous-table", f"{reference} may be any of {many}", "write the schema before the name")
    raise unknown_table(reference, [str(table) for table in tables])


def _same(table_name: str, name: str, fold: object) -> bool:
    # The middle step folds only what was asked, as PostgreSQL does; the last one folds both.
    if fold is str.casefold:
        return table_name.casefold() == name.casefold()
    return table_name == (name.lower() if fold is str.lower else name)


def _parts(name: str, dialect: str) -> tuple[str, str]:
    try:
        table = exp.to_table(name, dialect=dialect)
    except SqlglotError:
        return "", name
    schema = ".".join(part for part in (table.catalog, table.db) if part)
    return schema, table.name


def limited(inner: exp.Query, dialect: str) -> str:
    """The statement that gives the columns of `inner` and no rows."""
    return exp.select("*").from_(inner.subquery("q")).limit(0).sql(dialect=dialect, comments=False)


def column_named(name: str, columns: Iterable[str]) -> str:
    """The column that `name` means, as the source spells it. ProjectFault if there is none."""
    names = list(columns)
    if name in names:
        return name
    fit = [column for column in names if column.casefold() == name.casefold()]
    if len(fit) == 1:
        return fit[0]
    raise unknown_column(name, names)


def check_distinct(columns: Sequence[str]) -> None:
    """ProjectFault if two columns have one name: a record could not hold both."""
    folded_names: set[str] = set()
    for column in columns:
        if column.casefold() in folded_names:
            raise fault("same-column", f"two columns are called {column}", "give one of them another name with AS")
        folded_names.add(column.casefold())


def point(since: Since, *, aware: bool) -> str:
    """`since.value` as a database compares it: a moment in UTC, with its zone if the column has one; else unchanged."""
    try:
        moment = datetime.fromisoformat(since.value)
    except ValueError:
        return since.value
    if len(since.value) == len("2026-01-01"):
        return since.value
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC)
    text = moment.replace(tzinfo=None).isoformat(sep=" ")
    return f"{text}+00:00" if aware else text
