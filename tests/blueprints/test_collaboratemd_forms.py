"""The models' macros read a cell of text as careloom itself does where it finds a column's type: form by form, on both engines."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from itertools import product
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from blueprints.test_collaboratemd_model_edges import MODELS
from careloom.engine.reports.columns import ReportType, reads, value
from sizes import size
from warm_python import warm_python

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("models")]

NBSP = "\u00a0"
AROUND = f" \t{NBSP}"
MOST = 10**13
"""The models hold amounts below it."""
AMOUNTS = size(
    ("5", "1,234.50", ".5", "1234567", "9999999999999.9999"),
    whole=("5", "7.25", "1,234.50", "5.", ".5", "0", "0.00", "1234567", "1,234,567,890,123", "9999999999999.9999"),
)
BEFORE = (
    "",
    "-",
    "+",
    "$",
    "-$",
    "$-",
    "+$",
    "$+",
    "$ ",
    f"${NBSP}",
    "(",
    "($",
    "$(",
    "($ ",
    " ",
    "\t",
    NBSP,
    "- ",
    "--",
)
AFTER = (
    "",
    "-",
    " -",
    ")",
    " CR",
    "CR",
    f"{NBSP}cr",
    " DR",
    "dr",
    "%",
    " %",
    "%)",
    " %)",
    " ",
    NBSP,
    "\r",
    "\t",
    " C",
    "-)",
)
ODD = (
    *(
        "",
        " ",
        "n/a",
        "$",
        "-",
        "%",
        "007",
        "00.5",
        "1E5",
        "1.234,50",
        "1,23",
        "12,34,567",
        "1,2345",
        "12345678901234567890",
    ),
    *(
        "99999999999999",
        "(5",
        "5)",
        "$5$",
        "5 5",
        "-7-",
        "(-5)",
        "0x1F",
        "NaN",
        "Infinity",
        "\u0665",
        "=1+1",
        "3.0",
        "3.000",
        "-0",
        "+0",
    ),
)
DAYS = (
    *(
        "1/5/2026",
        "01/05/2026",
        "1/2/26",
        "1/2/69",
        "1/2/68",
        "1/2/00",
        "2026-01-05",
        "12/31/1899",
        "2/29/2024",
        "2/29/23",
        "2/29/2023",
    ),
    *(
        "02/30/2026",
        "13/1/2026",
        "1/32/2026",
        "0/1/2026",
        "1/0/2026",
        "1/2/0026",
        "1/2/0000",
        "0000-01-01",
        "0001-01-01",
        "9999-12-31",
    ),
    *("2026-1-5", "2026/01/05", "1-2-2026", "1/2/026", "1/2/202", "20260105", "5 Jan 2026", "11/31/2026"),
)
MIDNIGHTS = (
    *(
        "",
        " ",
        NBSP,
        "\t",
        " 12:00:00 AM",
        " 12:00 AM",
        f" 12:00{NBSP}am",
        " 12:00:00AM",
        "T00:00:00",
        "T00:00",
        " 0:00",
        " 00:00:00.000",
    ),
    *("T00:00:00Z", " 00:00:00+00:00", "T00:00:00-0000", " 00:00 UTC", " soon", "T", "t00:00:00"),
)
TIMES = (" 08:00", " 8:00", " 1:00 PM", "T13:45:00.123", "T08:00:00Z", " 12:00:00 PM", " 00:00:01", "T00:00:00+05:00")
"""Behind a day these keep a column text; the models take the day of it."""
FORMS = sorted(
    {
        *("".join(parts) for parts in product(BEFORE, AMOUNTS, AFTER)),
        *ODD,
        *(
            f"{around}{day}{time}"
            for around in size(("", NBSP), whole=("", " ", NBSP))
            for day in DAYS
            for time in MIDNIGHTS + TIMES
        ),
    }
)
Read = Mapping[str, tuple[Decimal | None, int | None, date | None, date | None]]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dbt project with the macros of the blueprint and one model that reads every form."""
    folder = tmp_path_factory.mktemp("forms") / "project"
    (folder / "models").mkdir(parents=True)
    shutil.copytree(MODELS / "macros", folder / "macros", ignore=shutil.ignore_patterns("view_that_stays.sql"))
    (folder / "dbt_project.yml").write_text("{name: forms, version: '1.0', config-version: 2, profile: careloom}\n")
    (folder / "models" / "forms_read.sql").write_text(
        "select came, {{ money('came') }} as amount, {{ count_of('came') }} as whole, {{ as_date('came') }} as day, "
        "{{ as_date('date_of_birth') }} as birth from (select came, came as date_of_birth from forms.given) as given\n"
    )
    return folder


def run(project: Path, name: str, output: dict[str, Any]) -> None:
    folder = project.parent / name
    folder.mkdir()
    profile = {"careloom": {"target": "it", "outputs": {"it": output | {"threads": 1, "schema": "forms"}}}}
    (folder / "profiles.yml").write_text(json.dumps(profile))
    places = ["--project-dir", str(project), "--profiles-dir", str(folder), "--target-path", str(folder / "target")]
    command = [str(warm_python()), "-m", "dbt.cli.main", "run", *places, "--log-path", str(folder / "logs")]
    process = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"DO_NOT_TRACK": "1"}
    )
    assert process.returncode == 0, process.stdout[-2000:]


SAID = "select came, amount, whole, day, birth from forms.forms_read"


@pytest.fixture(scope="module")
def on_duckdb(project: Path) -> Read:
    path = project.parent / "warehouse.duckdb"
    with duckdb.connect(str(path)) as db:
        db.execute("create schema forms")
        db.execute("create table forms.given as select unnest($1::varchar[]) as came", [FORMS])
    run(project, "duckdb", {"type": "duckdb", "path": str(path)})
    with duckdb.connect(str(path)) as db:
        return {came: tuple(values) for came, *values in db.execute(SAID).fetchall()}  # type: ignore[misc]


@pytest.fixture(scope="module")
def on_postgres(project: Path, server_url: str) -> Iterator[Read]:
    name = "forms_of_cells"
    with psycopg.connect(server_url, autocommit=True) as server:
        server.execute(f"drop database if exists {name}")
        server.execute(f"create database {name}")
    with psycopg.connect(server_url.replace(":///careloom?", f":///{name}?"), autocommit=True) as connection:
        connection.execute("create schema forms")
        connection.execute("create table forms.given (came text)")
        connection.execute("insert into forms.given select unnest(%s::text[])", [FORMS])
        info = connection.info
        run(
            project,
            "postgres",
            {
                "type": "postgres",
                "host": info.host,
                "port": info.port,
                "user": info.user,
                "password": "",
                "dbname": name,
            },
        )
        yield {came: tuple(values) for came, *values in connection.execute(SAID).fetchall()}
    with psycopg.connect(server_url, autocommit=True) as server:
        server.execute(f"drop database {name} with (force)")


def test_both_engines_read_every_form_as_careloom_does(on_duckdb: Read, on_postgres: Read) -> None:
    wanted = careloom_reading()
    for engine, found in {"duckdb": on_duckdb, "postgres": on_postgres}.items():
        assert set(found) == set(wanted)
        differing = {came: (wanted[came], found[came]) for came in FORMS if found[came] != wanted[came]}
        assert differing == {}, (engine, len(differing), dict(list(differing.items())[:8]))
    counts = [sum(values[place] is not None for values in wanted.values()) for place in range(4)]
    assert counts[0] > 400
    assert min(counts[1:]) > 50


def careloom_reading() -> Read:
    """What careloom's own reader makes of each form, within what the models hold: 13 digits before the point, 4 behind it."""
    plain = {came: came.strip(AROUND) for came in FORMS}
    counts = {came: re.sub(r"[.]0*$", "", text) for came, text in plain.items()}
    days = {
        came: next((text.removesuffix(time) for time in TIMES if text.endswith(time)), came)
        for came, text in plain.items()
    }
    numbers, percents = by_form("numeric", FORMS), by_form("percent", FORMS)
    wholes = by_form("integer", counts.values())
    dates, births = by_form("date", days.values()), by_form("date", days.values(), column="date_of_birth")
    read = {}
    for came in FORMS:
        whole, day, birth = wholes[counts[came]], dates[days[came]], births[days[came]]
        read[came] = (
            amount(numbers[came] or percents[came]),
            int(whole) if whole and abs(int(whole)) < MOST else None,
            date.fromisoformat(day) if day else None,
            date.fromisoformat(birth) if birth else None,
        )
    return read


def amount(text: str | None) -> Decimal | None:
    exact = Decimal(text.strip()) if text else Decimal(MOST)
    return exact.quantize(Decimal("0.0001"), ROUND_HALF_UP) if abs(exact) < MOST else None


def by_form(kind: ReportType, forms: Iterable[str], column: str = "came") -> Mapping[str, str | None]:
    with duckdb.connect() as db:
        db.execute(f"create table cells as select unnest($1::varchar[]) as {column}", [sorted(set(forms))])
        statement = f"select {column}, case when {reads(column, kind)} then {value(column, kind)} end from cells"
        return dict(db.execute(statement).fetchall())
