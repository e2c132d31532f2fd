"""A column that became text gets the type that the project says: all its rows, at once, and under nobody's feet."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from careloom.core.errors import Later
from careloom.services.reports import load
from careloom.services.reports.load import write_csv
from careloom.store import report_tables
from careloom.store.database import open_store
from careloom.store.report_tables import ColumnDrift
from careloom.store.report_types import drop_unread
from services.reports.test_load import Office

HEADER = "Line,Balance,Entered\n"
BROKEN = HEADER + '1,n/a,soon\n2,"$1,234.50",1/5/2026\n3,(12.00),2026-02-28\n4, ,\n5,,\n'
OTHER = HEADER + "6,$7.00,2/30/2026\n"
TYPES = {"balance": "numeric", "entered": "date"}
SHOWN = "select line, balance, entered, unparsed from reports.aging order by line"
FORMER = "select relname from pg_class where relname like 'aging-former-%%' order by 1"


@pytest.fixture
def office(database: str, tmp_path: Path) -> Iterator[Office]:
    store = open_store(database)
    office = Office(store, tmp_path / "reports")
    office.bring(BROKEN, account="1001")
    office.bring(OTHER, account="1002")
    yield office
    store.close()


def test_rows_of_every_account_are_read_again_and_what_cannot_be_stays_as_it_came(office: Office) -> None:
    load = office.bring(OTHER, account="1002", declared_types=TYPES)
    assert office.ask(SHOWN) == [
        (1, None, None, {"balance": "n/a", "entered": "soon"}),
        (2, Decimal("1234.50"), date(2026, 1, 5), None),
        (3, Decimal("-12.00"), date(2026, 2, 28), None),
        (4, None, None, None),
        (5, None, None, None),
        (6, Decimal("7.00"), None, {"entered": "2/30/2026"}),
    ]
    assert load.columns == {"line": "integer", "balance": "numeric", "entered": "date"}
    assert office.ask(FORMER) == []


def test_a_file_that_came_before_is_loaded_anew_and_says_what_cannot_be_read(office: Office) -> None:
    first = office.bring(BROKEN, account="1001", declared_types=TYPES)
    assert not first.is_unchanged
    unread = [ColumnDrift(column=column, code="unparsed-values") for column in ("balance", "entered")]
    assert first.drifts == unread
    assert office.bring(BROKEN, account="1001", declared_types=TYPES).is_unchanged
    assert office.count() == 6


def test_who_stands_on_the_view_goes_on_and_reads_what_it_read(office: Office) -> None:
    office.ask("create view mine as select line, balance, entered from reports.aging")
    office.ask("create view above as select balance || '!' as loud from mine where line = 1")
    office.bring(OTHER, account="1002", declared_types=TYPES)
    assert office.ask("select pg_typeof(balance)::text, balance from mine order by line") == [
        ("text", "n/a"),
        ("text", "1234.50"),
        ("text", "-12.00"),
        ("text", None),
        ("text", None),
        ("text", "7.00"),
    ]
    assert office.ask("select entered from mine where line in (2, 6) order by line") == [
        ("2026-01-05",),
        ("2/30/2026",),
    ]
    assert office.ask("select loud from above") == [("n/a!",)]
    office.bring(HEADER + "9,$9.00,1/1/2026\n", account="1002", declared_types=TYPES)
    assert office.ask("select balance from mine where line = 9") == [("9.00",)]
    assert office.ask("select sum(balance) from reports.aging") == [(Decimal("1231.50"),)]


def test_a_view_that_stepped_aside_goes_when_nobody_stands_on_it(office: Office) -> None:
    office.ask("create view mine as select balance from reports.aging")
    office.bring(OTHER, account="1002", declared_types={"balance": "numeric"})
    office.ask("create view yours as select entered from reports.aging")
    office.bring(OTHER, account="1002", declared_types=TYPES)
    assert office.ask(FORMER) == [("aging-former-1",), ("aging-former-2",)]
    assert office.ask("select count(balance) from mine") == [(4,)]
    assert office.ask("select count(entered) from yours") == [(4,)]
    drop_unread(office.store, "aging")
    assert office.ask(FORMER) == [("aging-former-1",), ("aging-former-2",)]
    office.ask("drop view mine")
    drop_unread(office.store, "aging")
    assert office.ask(FORMER) == [("aging-former-2",)]


def test_who_was_let_in_is_let_in_still(office: Office) -> None:
    office.ask("grant select on reports.aging to public")
    office.ask("grant update (balance) on reports.aging to pg_monitor with grant option")
    office.bring(OTHER, account="1002", declared_types=TYPES)
    assert office.ask("select has_table_privilege('pg_read_all_stats', 'reports.aging', 'select')") == [(True,)]
    privilege = "has_column_privilege('pg_monitor', 'reports.aging', '{}', 'update with grant option')"
    assert office.ask(f"select {privilege.format('balance')}, {privilege.format('entered')}") == [(True, False)]


def test_an_empty_column_that_somebody_reads_gets_the_type_that_is_said(office: Office) -> None:
    office.bring("Code,Paid\n1,\n", name="payments")
    office.ask("create view mine as select paid from reports.payments")
    office.bring("Code,Paid\n1,$5.00\n", name="payments", declared_types={"paid": "numeric"})
    assert office.ask("select paid from reports.payments") == [(Decimal("5.00"),)]
    assert office.ask("select paid from mine") == [("5.00",)]


def test_the_file_of_all_accounts_holds_what_came(office: Office, tmp_path: Path) -> None:
    office.bring(OTHER, account="1002", declared_types=TYPES)
    path = tmp_path / "aging.csv"
    write_csv(office.store, "aging", path, system="billing")
    assert path.read_text().splitlines()[1:4] == [
        "1001,1,n/a,soon",
        "1001,2,1234.50,2026-01-05",
        "1001,3,-12.00,2026-02-28",
    ]


def test_a_load_that_is_killed_on_the_way_leaves_all_as_it_was(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    rows_before = office.ask(SHOWN)
    with monkeypatch.context() as now:
        now.setattr(load.csv, "written_as", killed)
        with pytest.raises(KeyboardInterrupt):
            office.bring(OTHER, account="1002", declared_types=TYPES)
    assert office.ask(SHOWN) == rows_before
    assert not list((office.folder / "work").glob("*"))
    office.bring(OTHER, account="1002", declared_types=TYPES)
    assert office.ask("select sum(balance) from reports.aging") == [(Decimal("1229.50"),)]


def test_a_reader_who_stays_long_puts_it_off_and_nothing_is_half_done(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_tables, "_PAUSE", 0.001)
    monkeypatch.setattr("careloom.store.report_types._TRIES", 2)
    rows_before = office.ask(SHOWN)
    with psycopg.connect(office.store.url) as reader:
        reader.execute("select count(*) from reports.aging")
        with pytest.raises(Later, match="stayed locked"):
            office.bring(OTHER, account="1002", declared_types=TYPES)
        assert office.ask(SHOWN) == rows_before
