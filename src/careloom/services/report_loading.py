"""A report's files into its table: read, typed, written under the run's id; shown when the caller makes the run current."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory

from careloom.core.errors import Fix, Hold, Stop, UsageFault
from careloom.engine import report_reading
from careloom.engine.report_columns import TYPES, ReportType, looks_like
from careloom.engine.report_reading import Crooked, Sheet, Weighed, Weight
from careloom.engine.workbench import workbench
from careloom.store import report_retyping, report_tables
from careloom.store.database import Store
from careloom.store.report_tables import Drift

HOLDS = {
    "nul-character": "a file holds NUL characters, which PostgreSQL's text cannot",
    "not-utf8": "a file is not UTF-8",
    "empty-file": "a file has not even a header",
    "different-headers": "the report's files have different headers",
    "too-many-columns": "the report, or its table with all that came before, has more columns than PostgreSQL takes",
    "unclosed-quote": "a file ends within a quoted cell: cut off, or a quote too many",
    "row-too-long": "a cell or a row has more than 8 MiB",
    "row-too-wide": "a row does not fit into a page of the database",
    "unreadable": "a file cannot be read as CSV, also not when written anew",
    "another-report": "the header is not that of the report that was asked for",
}
"""Why a report is held before it is landed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What `load_report` did. `unchanged`: the files were those of the current run, and nothing was written.

    `columns`: those of the files, with the types that they are read as.
    """

    rows: int
    columns: Mapping[str, str]
    drifts: Sequence[Drift]
    unchanged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Report:
    """Which report, and what is known of its columns."""

    system: str
    name: str
    account: str
    run: int
    digest: str
    declared: dict[str, ReportType]
    known: Mapping[str, str]


def load_report(  # noqa: PLR0913 (what names a run, and where its files are)
    store: Store,
    *,
    system: str,
    name: str,
    account: str,
    run: int,
    files: Sequence[Path],
    declared: Mapping[str, str],
    folder: Path,
) -> Loaded:
    """Write a report's rows under `run`, the id in `account_reports`; `make_current` shows them.

    Repeatable: a former try's rows of the run are replaced. No `files`: the report ran and found no rows. `folder` takes what is written meanwhile. Hold with one of
    `HOLDS`; Fix where `declared` contradicts what is pinned, save for text: such a column is given its type, with all its rows.
    """
    digest, crooked = report_reading.digest_of(files)
    _retype(store, system, name, declared, folder)
    taken = report_tables.take_over(store, run=run, digest=digest)
    known = report_tables.pinned_columns(store, system=system, name=name)
    if taken:
        return Loaded(rows=taken[0], columns=known, drifts=taken[1], unchanged=True)
    report = _Report(
        system=system,
        name=name,
        account=account,
        run=run,
        digest=digest,
        declared=_agreeing(name, declared, known),
        known=known,
    )
    if not files:
        return _load_nothing(store, report)
    if not crooked:
        try:
            return _load(store, report, files, folder, careful=False)
        except Crooked:
            pass
    return _load(store, report, files, folder, careful=True)


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


def _retype(store: Store, system: str, name: str, declared: Mapping[str, str], folder: Path) -> None:
    """Give the columns of the table that are text the types that are declared."""
    wanted = {one: kind for one, kind in declared.items() if report_tables.TYPES.get(kind, "text") != "text"}
    texts = report_retyping.texts_of(store, name) if wanted else set()
    if not texts & set(wanted):
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="types-", dir=folder) as work, workbench(Path(work)) as db:
        for column in sorted(texts & set(wanted)):
            kind = _types(wanted)[column]
            read = partial(report_reading.written_as, db, type=kind)
            report_retyping.retype(store, system=system, name=name, column=column, kind=kind, read=read)


def _agreeing(name: str, declared: Mapping[str, str], known: Mapping[str, str]) -> dict[str, ReportType]:
    """`declared` as types. Fix where one is none, or is not what the column was pinned as."""
    for column, kind in declared.items():
        if kind not in TYPES or kind == report_tables.UNKNOWN:
            raise Fix(
                f"the column {column!r} of the report {name!r} cannot be of type {kind!r}: use one of {TYPES[:-1]}"
            )
        if known.get(column, kind) not in {kind, report_tables.UNKNOWN}:
            raise Fix(
                f"the column {column!r} of the report {name!r} came as {known[column]} and is declared as {kind}: "
                "declare the type that it has, or give the report another name"
            )
    return {column: kind for column, kind in declared.items() if kind in TYPES}  # type: ignore[misc]


def _load(store: Store, report: _Report, files: Sequence[Path], folder: Path, *, careful: bool) -> Loaded:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="report-", dir=folder) as work, workbench(Path(work)) as db:
        sheets = report_reading.sheets_of(files, Path(work), careful=careful)
        _check_identity(report, sheets)
        columns = report_reading.show(db, sheets)
        assumed = _types(report.known) | report.declared
        weighed = report_reading.weigh(db, columns, assumed, careful=careful)
        wanted = {one: weight.type for one, weight in weighed.columns.items()} | report.declared
        pinned = report_tables.shape_table(store, system=report.system, name=report.name, wanted=wanted)
        if any(weight.type not in {pinned[one], "unknown"} for one, weight in weighed.columns.items()):
            # Pinned by another account's load meanwhile, or kept as text for the sake of a view.
            weighed = report_reading.weigh(db, columns, _types(pinned), careful=careful)
        fixed = {"report_run": str(report.run), "customer_account": report.account}
        written = report_tables.write_rows(
            store,
            name=report.name,
            run=report.run,
            digest=report.digest,
            columns=report_reading.written_columns(weighed, fixed),
            chunks=report_reading.chunks(db, weighed, fixed, careful=careful),
        )
    if written != weighed.rows:
        raise Stop(f"the report {report.name!r} has {weighed.rows} rows and {written} were written")
    return Loaded(rows=written, columns={one: pinned[one] for one in columns}, drifts=_drifts(report, weighed))


def _load_nothing(store: Store, report: _Report) -> Loaded:
    """The report ran and found nothing: an empty snapshot, of a table that has its columns if they are known."""
    report_tables.shape_table(store, system=report.system, name=report.name, wanted=report.declared)
    columns = ["report_run", "customer_account", "row_number"]
    report_tables.write_rows(store, name=report.name, run=report.run, digest=report.digest, columns=columns, chunks=())
    return Loaded(rows=0, columns=report.known, drifts=())


def _check_identity(report: _Report, sheets: Sequence[Sheet]) -> None:
    header = {column for sheet in sheets for column in sheet.columns}
    if not looks_like(report.known, header, report.declared):
        raise Hold(
            "another-report",
            f"what came has {len(header & set(report.known))} of the {len(report.known)} columns of the report "
            f"{report.name!r}, so it is another one; check the report's and the filter's number, then load it again",
        )


def _types(known: Mapping[str, str]) -> dict[str, ReportType]:
    return {column: kind for column, kind in known.items() if kind in TYPES}  # type: ignore[misc]


def _drifts(report: _Report, weighed: Weighed) -> list[Drift]:
    known = report.known or report.declared
    gone = [Drift(column=one, code="column-gone") for one in known if one not in weighed.columns]
    new = [Drift(column=one, code="new-column") for one in weighed.columns if report.known and one not in report.known]
    values = [_unread(one, weight) for one, weight in weighed.columns.items() if weight.read < weight.filled]
    return [*gone, *new, *values]


def _unread(column: str, weight: Weight) -> Drift:
    if not weight.read:
        return Drift(column=column, code="changed-type", count=weight.filled)
    return Drift(column=column, code="unparsed-values", count=weight.filled - weight.read)
