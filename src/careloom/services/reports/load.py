"""A report's files into its table: read, typed, written under the run's id; shown when the caller makes the run current."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory

import duckdb

from careloom.core.errors import Fix, Hold, Stop, UsageFault
from careloom.engine.reports import csv
from careloom.engine.reports.columns import TYPES, ReportType, kinds_of, widened
from careloom.engine.reports.csv import ColumnStats, MisreadRow, SheetStats
from careloom.engine.reports.glance import Glance, digest_of
from careloom.engine.reports.layouts import Layout, layout_of
from careloom.engine.workspace import open_workspace
from careloom.services.reports.identity import check_columns
from careloom.store import report_tables, report_types
from careloom.store.database import Store
from careloom.store.report_tables import WHOLE, ColumnDrift

HOLDS = {
    "nul-character": "a file holds NUL characters, which PostgreSQL's text cannot",
    "not-utf8": "a file is not UTF-8",
    "empty-file": "a file has not even a header",
    "different-headers": "the report's files have different headers",
    "too-many-columns": "the report, or its table with all that came before, has more columns than PostgreSQL takes",
    "unclosed-quote": "a file ends within a quoted cell: cut off, or a quote too many",
    "row-too-long": "a cell or a row has more than 8 MiB",
    "row-too-wide": "a row does not fit into a page of the database",
    "unreadable": "a file cannot be read as CSV, not even rewritten",
    "another-report": "the header is not that of the report that was asked for",
    "column-missing": "a column that the project names, or one of amounts that was there before, is not there",
    "one-column": "the file has one column, and nothing says that this is right",
    "shifted-cells": "quotes do not close where they should",
    "amounts-unreadable": "a column of amounts has none any more",
}
"""Why a report is held before it is landed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What `load_report` did. `is_unchanged`: the files were those of the current run, and nothing was written.

    `columns`: those of the files, with the types that they are read as.
    """

    rows: int
    columns: Mapping[str, str]
    drifts: Sequence[ColumnDrift]
    is_unchanged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _ReportLoad:
    """Which report, and what is known of its columns.

    `former`: those of its last files; without any nothing is known, and the types are learnt from what comes.
    """

    system: str
    name: str
    account: str
    run: int
    digest: str
    declared_types: dict[str, ReportType]
    required_columns: Sequence[str]
    pinned_types: Mapping[str, str]
    former: Sequence[str]
    recoded_count: int

    @property
    def begins_anew(self) -> bool:
        """It has columns of before that are not to be compared with."""
        return bool(self.pinned_types) and not self.former

    @property
    def keys(self) -> dict[str, str]:
        return {"system": self.system, "name": self.name}


def load_report(  # noqa: PLR0913 (what names a run, and where its files are)
    store: Store,
    *,
    system: str,
    name: str,
    account: str,
    run: int,
    files: Sequence[Path],
    declared_types: Mapping[str, str],
    folder: Path,
    required_columns: Sequence[str] = (),
    recoded_count: int = 0,
) -> Loaded:
    """Write a report's rows under `run`, the id in `account_reports`; `make_current` shows them.

    Repeatable: a former try's rows of the run are replaced. No `files`: the report ran and found no rows. `folder` takes what
    is written meanwhile. `required_columns`: columns without which no file is the report. `declared_types`: types that columns have, whatever
    comes; any other column is widened by what its type cannot read. Hold with one of `HOLDS`; Fix where `declared_types` names a type
    that there is not.
    """
    glance = digest_of(files)
    types = _types_of(name, declared_types)
    _retype(store, system, name, types, folder)
    former = report_tables.former_header(store, run=run)
    former_load = (
        report_tables.take_over(store, run=run, digest=glance.digest) if set(required_columns) <= set(former) else None
    )
    pinned_columns = report_tables.pinned_columns(store, system=system, name=name)
    if former_load:
        return Loaded(rows=former_load[0], columns=pinned_columns, drifts=former_load[1], is_unchanged=True)
    report = _ReportLoad(
        system=system,
        name=name,
        account=account,
        run=run,
        digest=glance.digest,
        declared_types=types,
        required_columns=required_columns,
        pinned_types=pinned_columns,
        former=former,
        recoded_count=recoded_count,
    )
    if not files:
        return _load_nothing(store, report)
    expected_columns = set(required_columns) | set(former)
    layouts = [layout_of(path, expected_columns, needs_rewrite=glance.needs_rewrite) for path in files]
    if not glance.needs_rewrite:
        try:
            return _load(store, report, files, layouts, folder, glance, careful=False)
        except MisreadRow:
            layouts = [layout_of(path, expected_columns, needs_rewrite=True) for path in files]
    return _load(store, report, files, layouts, folder, glance, careful=True)


def write_csv(store: Store, name: str, path: Path, *, system: str, safe: bool = True) -> None:
    """All accounts' current rows of a report as one CSV file, readable by its owner only; it appears when it is whole.

    `safe`: a text that begins with = + - @ or a control character gets a single quote before it, so that no spreadsheet
    runs it as a formula. Without, every cell is exactly what the system sent. UsageFault where the file cannot be written.
    """
    try:
        _write_csv(store, name, path, system=system, safe=safe)
    except OSError as error:
        fix = "name a file in a folder that there is, and that you may write to"
        raise UsageFault(f"cannot write {path}: {error.strerror}; {fix}") from None


def _write_csv(store: Store, name: str, path: Path, *, system: str, safe: bool) -> None:
    with NamedTemporaryFile("wb", dir=path.parent, prefix=".report-", delete=False) as file:
        try:
            for piece in report_tables.csv_of(store, system=system, name=name, safe=safe):
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def _types_of(name: str, types: Mapping[str, str]) -> dict[str, ReportType]:
    """`types` as ReportTypes. Fix where one is not a type that columns can have."""
    for column, kind in types.items():
        if kind not in TYPES or kind == report_tables.UNKNOWN:
            raise Fix(
                f"the column {column!r} of the report {name!r} cannot be of type {kind!r}: use one of {TYPES[:-1]}"
            )
    return _types(types)


def _retype(store: Store, system: str, name: str, declared_types: Mapping[str, ReportType], folder: Path) -> None:
    """Give the columns of the table the types that are declared, and those that an earlier release took for whole numbers theirs."""
    column_types = report_types.types_of(store, name)
    new_types: dict[str, ReportType] = {
        column: kind for column, kind in declared_types.items() if column_types.get(column, _pg(kind)) != _pg(kind)
    }
    pinned_types = report_tables.pinned_columns(store, system=system, name=name) if column_types else {}
    integer_columns = [
        column for column, kind in pinned_types.items() if kind == "integer" and column not in declared_types
    ]
    new_types |= {column: kind for column in integer_columns if (kind := _of_name(column))}
    unread = report_types.wrong_pins(store, system=system, name=name) if set(integer_columns) - set(new_types) else {}
    if not new_types and not unread:
        return
    with _desk(folder) as db:
        for column in sorted(set(unread) - set(new_types) - set(declared_types)):
            values = csv.written_as(db, unread[column], "numeric")
            new_types[column] = "numeric" if all(value for _, value in values) else "text"
        for column, kind in sorted(new_types.items()):
            _retyped(store, db, {"system": system, "name": name}, column, kind)


def _of_name(column: str) -> ReportType | None:
    """What a column of whole numbers should have been by its name; None where it is right."""
    kinds = kinds_of(column)
    return None if "integer" in kinds else "numeric" if kinds else "text"


def _retyped(
    store: Store, db: duckdb.DuckDBPyConnection, keys: Mapping[str, str], column: str, kind: ReportType
) -> None:
    read = partial(csv.written_as, db, type=kind)
    report_types.retype(store, system=keys["system"], name=keys["name"], column=column, kind=kind, read=read)


def _pg(kind: str) -> str:
    return report_tables.TYPES[kind]


@contextmanager
def _desk(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="types-", dir=folder) as work, open_workspace(Path(work)) as db:
        yield db


def _load(
    store: Store,
    report: _ReportLoad,
    files: Sequence[Path],
    layouts: Sequence[Layout],
    folder: Path,
    glance: Glance,
    *,
    careful: bool,
) -> Loaded:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="report-", dir=folder) as work, open_workspace(Path(work)) as db:
        sheets = csv.sheets_of(files, Path(work), careful=careful, layouts=layouts)
        header = list(dict.fromkeys(column for sheet in sheets for column in sheet.columns))
        check_columns(
            report.name,
            header,
            required_columns=report.required_columns,
            former=report.former,
            types=report.pinned_types,
        )
        columns = csv.show(db, sheets, sums=glance.sums)
        aside = csv.aside(db, columns) if glance.sums else {}
        stats, drifts = _typed_columns(store, db, report, columns, folder, careful=careful)
        constants = {"report_run": str(report.run), "customer_account": report.account}
        row_count = report_tables.write_rows(
            store,
            name=report.name,
            run=report.run,
            digest=report.digest,
            columns=csv.written_columns(stats, constants),
            chunks=csv.chunks(db, stats, constants, careful=careful),
            header=columns,
        )
    if row_count != stats.rows:
        raise Stop(f"the report {report.name!r} has {stats.rows} rows and {row_count} were written")
    if report.begins_anew:
        report_tables.unlearn(store, system=report.system, name=report.name, header=columns)
    all_drifts = [*_of_files(report, layouts, aside), *drifts]
    return Loaded(
        rows=row_count, columns={column: weight.type for column, weight in stats.columns.items()}, drifts=all_drifts
    )


def _typed_columns(
    store: Store,
    db: duckdb.DuckDBPyConnection,
    report: _ReportLoad,
    columns: Sequence[str],
    folder: Path,
    *,
    careful: bool,
) -> tuple[SheetStats, list[ColumnDrift]]:
    """The types of the report's columns, all of which are in its table by now; and what is not as before."""
    assumed_types = report.declared_types if report.begins_anew else _types(report.pinned_types) | report.declared_types
    stats = csv.column_stats(db, columns, assumed_types, careful=careful)
    _check_money(report, stats)
    wider = _wider(db, report, stats, careful=careful)
    if wider:
        with _desk(folder) as desk:
            for column, kind in wider.items():
                _retyped(store, desk, report.keys, column, kind)
        stats = csv.column_stats(db, columns, assumed_types | wider, careful=careful)
    new_types = {name: weight.type for name, weight in stats.columns.items()} | report.declared_types
    pinned_types = report_tables.shape_table(store, system=report.system, name=report.name, column_types=new_types)
    if any(weight.type not in {pinned_types[name], "unknown"} for name, weight in stats.columns.items()):
        # Pinned by another account's load meanwhile, or kept as text for the sake of a view.
        stats = csv.column_stats(db, columns, _types(pinned_types), careful=careful)
    drifts = _drifts(report, stats)
    if not report.begins_anew:
        drifts += [ColumnDrift(column=name, code=f"widened-to-{kind}") for name, kind in wider.items()]  # type: ignore[arg-type]
    return stats, drifts


def _wider(
    db: duckdb.DuckDBPyConnection, report: _ReportLoad, stats: SheetStats, *, careful: bool
) -> dict[str, ReportType]:
    """Columns that were not declared and hold what their type cannot read, with the type that reads all; for a report that is started over, with any other type."""
    pinned_types = {
        column: kind
        for column, kind in _types(report.pinned_types).items()
        if kind != "unknown" and column not in report.declared_types
    }
    if report.begins_anew:
        now = {column: weight.type for column, weight in stats.columns.items()}
        return {
            column: kind
            for column, kind in now.items()
            if kind != "unknown" and column in pinned_types and _pg(kind) != _pg(pinned_types[column])
        }
    odd = [
        column
        for column, weight in stats.columns.items()
        if column in pinned_types and weight.read < weight.value_count
    ]
    if not odd:
        return {}
    again = csv.column_stats(db, odd, {}, careful=careful)
    return {column: widened(pinned_types[column], again.columns[column].type) for column in odd}


def _check_money(report: _ReportLoad, stats: SheetStats) -> None:
    """Hold where a column of amounts has none any more."""
    unreadable_columns = [
        column
        for column, weight in stats.columns.items()
        if column in report.former
        and report.pinned_types.get(column) == "numeric"
        and weight.value_count
        and not weight.read
    ]
    if unreadable_columns and not report.begins_anew:
        raise Hold(
            "amounts-unreadable",
            f"nothing in {', '.join(unreadable_columns)} can be read as an amount any more; where that is right: "
            f"careloom reports {report.name} --start-over",
        )


def _load_nothing(store: Store, report: _ReportLoad) -> Loaded:
    """The report ran and found nothing: an empty snapshot, of a table that has its columns if they are known."""
    report_tables.shape_table(store, system=report.system, name=report.name, column_types=report.declared_types)
    columns = ["report_run", "customer_account", "row_number"]
    report_tables.write_rows(store, name=report.name, run=report.run, digest=report.digest, columns=columns, chunks=())
    return Loaded(rows=0, columns=report.pinned_types, drifts=())


def _types(kinds: Mapping[str, str]) -> dict[str, ReportType]:
    return {column: kind for column, kind in kinds.items() if kind in TYPES}  # type: ignore[misc]


def _of_files(report: _ReportLoad, layouts: Sequence[Layout], aside: Mapping[str, int]) -> list[ColumnDrift]:
    """What was not by the rule in the files, and was read as it was meant."""
    counts = {
        "started-over": int(report.begins_anew),
        "recoded-characters": report.recoded_count,
        "title-lines": sum(layout.titles for layout in layouts),
        "another-delimiter": sum(layout.delimiter != "," for layout in layouts),
        **aside,
    }
    return [ColumnDrift(column=WHOLE, code=code, count=count) for code, count in sorted(counts.items()) if count]  # type: ignore[arg-type]


def _drifts(report: _ReportLoad, stats: SheetStats) -> list[ColumnDrift]:
    known_types: Mapping[str, str] = {} if report.begins_anew else report.pinned_types or report.declared_types
    missing_columns = [
        ColumnDrift(column=column, code="column-gone") for column in known_types if column not in stats.columns
    ]
    new = [
        ColumnDrift(column=column, code="new-column")
        for column in stats.columns
        if report.former and column not in report.pinned_types
    ]
    values = [_unread(column, weight) for column, weight in stats.columns.items() if weight.read < weight.value_count]
    return [*missing_columns, *new, *values]


def _unread(column: str, weight: ColumnStats) -> ColumnDrift:
    if not weight.read:
        return ColumnDrift(column=column, code="changed-type", count=weight.value_count)
    return ColumnDrift(column=column, code="unparsed-values", count=weight.value_count - weight.read)
