"""`python -m benchmarks.reports [ROWS]`: a report of 40 columns, as a ZIP of CSV, into PostgreSQL; beside pandas and dlt.

Each contender is a process of its own and its seconds are its whole life. pandas (`read_csv`, `to_sql` through psycopg2, as it comes) and dlt (rows of `csv`, as it comes) get a smaller report: their rate does not depend on it.
"""

from __future__ import annotations

import csv
import shutil
import sys
import tempfile
import zipfile
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import duckdb
from psycopg.conninfo import conninfo_to_dict

from benchmarks.measuring import measure
from benchmarks.stage import staged

ROWS, PEER_ROWS, LIMIT = 1_000_000, 50_000, 3600.0
PEERS = {"pandas.to_sql": ("pandas", "sqlalchemy"), "dlt": ("dlt",)}
GOALS = {"pandas.to_sql": 8.0, "dlt": 3.0}
MOST = 600 * 2**20


def main() -> int:
    """Measure, or be one of those measured; 1 if a goal was missed."""
    if len(sys.argv) > 2:
        contender, archive, url = sys.argv[1:]
        _CONTENDERS[contender](Path(archive), url)
        return 0
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    folder = Path(tempfile.mkdtemp(prefix="careloom-bench-"))
    try:
        with staged() as stage:
            ours, peak = _measured("careloom", _archive(folder, rows), rows, stage.server)
            reached = peak < MOST
            for peer, modules in PEERS.items():
                if not all(map(find_spec, modules)):
                    print(f"{peer:14} not installed")
                    continue
                rate, _ = _measured(peer, _archive(folder, PEER_ROWS), PEER_ROWS, stage.server)
                print(f"careloom is {ours / rate:.1f} times as fast as {peer}; the goal is {GOALS[peer]:.0f}")
                reached = reached and ours / rate >= GOALS[peer]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0 if reached else 1


def _measured(contender: str, archive: Path, rows: int, url: str) -> tuple[float, int]:
    """Rows a second, and the contender's peak of memory in bytes."""
    words = [sys.executable, "-m", "benchmarks.reports", contender, archive, url]
    done = measure(words, folder=Path(__file__).parents[1], environment={}, limit=LIMIT)
    if done.code:
        raise SystemExit(done.errors)
    rate, peak = rows / done.seconds, done.peak / 2**20
    print(
        f"{contender:14} {rows:9,} rows {done.seconds:7.1f} s {rate:9,.0f} rows/s {done.processor:6.1f} CPU s {peak:5.0f} MiB"
    )
    return rate, done.peak


def _archive(folder: Path, rows: int) -> Path:
    """Money, credits in brackets, dates, numbers and text; every value invented."""
    cells = [
        f"""'$' || format('{{:,.2f}}', (hash(r * 41 + {n}) % 1000000) / 100.0) as "Amount {n}" """ for n in range(10)
    ]
    cells += [f"""case when r % 7 = {n} then '' else '(' || r % 900 || '.05)' end as "Credit {n}" """ for n in range(3)]
    cells += [
        f"""strftime(date '2020-01-01' + (hash(r + {n}) % 2000)::int, '%m/%d/%Y') as "Day {n}" """ for n in range(7)
    ]
    cells += [f"""(hash(r * 53 + {n}) % 100000)::varchar as "Number {n}" """ for n in range(8)]
    cells += [f"""'Payer, No. ' || hash(r * 59 + {n}) % 500 as "Payer {n}" """ for n in range(12)]
    target, text = folder / f"{rows}.zip", folder / "report.csv"
    duckdb.sql(f"copy (select {', '.join(cells)} from range({rows}) t(r)) to '{text}' (header)")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.write(text, "report.csv")
    text.unlink()
    return target


def _careloom(archive: Path, url: str) -> None:
    from careloom.services.reports.load import load_report  # noqa: PLC0415 each contender loads only its own
    from careloom.store.database import open_store  # noqa: PLC0415
    from careloom.store.migrations import migrate  # noqa: PLC0415
    from careloom.store.report_tables import make_current  # noqa: PLC0415

    migrate(url)
    store = open_store(url)
    with store.transaction() as connection:
        due = (
            "insert into account_reports (system, report_name, customer_account, due_at) values ('s', 'r', 'a', now())"
        )
        run = connection.execute(f"{due} returning id").fetchall()[0][0]
    with zipfile.ZipFile(archive) as opened:
        file = Path(opened.extract("report.csv", archive.parent))
    names = {"system": "s", "name": "r", "account": "a", "run": run}
    loaded = load_report(store, **names, files=[file], declared_types={}, folder=archive.parent)
    with store.transaction() as connection:
        make_current(connection, run, loaded.rows, loaded.drifts)
    store.close()


def _pandas(archive: Path, url: str) -> None:
    import pandas as pd  # noqa: PLC0415 optional dependency
    import sqlalchemy  # noqa: PLC0415 optional dependency

    engine = sqlalchemy.create_engine(url.replace("postgresql:", "postgresql+psycopg2:", 1))
    pd.read_csv(archive).to_sql("report", engine, if_exists="replace", index=False)


def _dlt(archive: Path, url: str) -> None:
    import dlt  # noqa: PLC0415 optional dependency

    with zipfile.ZipFile(archive) as opened:
        file = Path(opened.extract("report.csv", archive.parent))
    with file.open(newline="", encoding="utf-8") as rows:
        info = conninfo_to_dict(url)
        credentials = {
            "host": quote(str(info["host"]), safe=""),
            "port": int(info["port"] or 5432),
            "username": info["user"],
            "password": "none is asked for",
            "database": info["dbname"],
        }
        destination = dlt.destinations.postgres(credentials)
        pipeline = dlt.pipeline("report", destination=destination, dataset_name="dlt_report", progress=None)
        pipeline.run(csv.DictReader(rows), table_name="report")


_CONTENDERS = {"careloom": _careloom, "pandas.to_sql": _pandas, "dlt": _dlt}

if __name__ == "__main__":
    sys.exit(main())
