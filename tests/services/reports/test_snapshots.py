"""When a report's rows came, and those that came before: columns and views that analysts stand on."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from careloom.core.errors import Hold
from careloom.store.database import open_store
from careloom.store.report_tables import forget_old
from careloom.store.report_types import drop_unread
from services.reports.test_load import Office

FIRST = "Line,Balance\n1,$5.00\n2,$6.00\n"
SECOND = "Line,Balance\n1,$4.00\n"
COLUMNS = "select attname from pg_attribute where attrelid = to_regclass('{}') and attnum > 0 and not attisdropped order by attnum"


@pytest.fixture
def office(database: str, tmp_path: Path) -> Iterator[Office]:
    store = open_store(database)
    yield Office(store, tmp_path / "reports")
    store.close()


def columns(office: Office, view: str) -> list[str]:
    return [name for (name,) in office.ask(COLUMNS.format(view))]


def test_every_row_says_when_its_accounts_snapshot_last_came(office: Office) -> None:
    office.bring(FIRST, account="1001")
    office.bring(SECOND, account="1002")
    office.ask("update account_reports set loaded_at = '2026-11-01 05:00+00' where customer_account = '1002'")
    query = "select customer_account, loaded_at = '2026-11-01 05:00+00', count(*) from reports.aging group by 1, 2 order by 1"
    assert office.ask(query) == [("1001", False, 2), ("1002", True, 1)]
    assert office.bring(SECOND, account="1002").is_unchanged
    assert office.ask(query) == [("1001", False, 2), ("1002", False, 1)]


def test_a_new_column_comes_after_it_and_whoever_stands_on_the_view_goes_on(office: Office) -> None:
    office.bring(FIRST)
    office.ask("create view mine as select line, loaded_at from reports.aging")
    columns_before = columns(office, "reports.aging")
    assert columns_before[-1] == "loaded_at"
    office.bring("Line,Balance,Payer,Loaded At\n1,$5.00,Acme,yesterday\n")
    for view in ("reports.aging", "reports.aging_snapshots"):
        assert columns(office, view) == [*columns_before, "payer", "loaded_at_2"]
    assert office.ask("select line, loaded_at is not null from mine") == [(1, True)]
    assert office.ask("select loaded_at_2 from reports.aging") == [("yesterday",)]


def test_views_of_an_earlier_release_get_it_with_the_next_load(office: Office) -> None:
    office.bring(FIRST)
    office.ask("drop view reports.aging, reports.aging_snapshots")
    office.ask("create view reports.aging as select * from reports.aging_rows where report_run = 1")
    office.ask("create view mine as select * from reports.aging")
    office.bring(SECOND)
    assert office.ask("select balance, loaded_at is not null from reports.aging") == [(Decimal(4), True)]
    assert office.ask("select count(*) from reports.aging_snapshots") == [(3,)]
    assert office.ask("select count(*) from mine") == [(1,)]


def test_former_snapshots_are_there_until_they_are_forgotten_and_one_that_is_being_loaded_is_not(
    office: Office,
) -> None:
    office.bring(FIRST)
    office.bring(SECOND)
    office.bring(SECOND)
    office.load("Line,Balance\n1,$1.00\n", run=office.due())
    query = "select report_run, count(*), sum(balance), count(distinct loaded_at) from reports.aging_snapshots group by 1 order by 1"
    assert office.ask(query) == [(1, 2, Decimal(11), 1), (2, 1, Decimal(4), 1)]
    # The one that came twice without a change is one, of the time at which it last came.
    assert office.ask("select count(*) from reports.aging a join reports.aging_snapshots s using (loaded_at)") == [(1,)]
    forget_old(office.store, "billing", "aging", keep=0)
    assert office.ask(query) == [(2, 1, Decimal(4), 1)]


def test_who_stands_on_former_snapshots_goes_on_when_a_column_gets_another_type(office: Office) -> None:
    office.bring("Line,Note\n1,$5.00\n")
    office.bring("Line,Note\n1,none\n2,$6.00\n")
    office.ask("create view mine as select report_run, note, loaded_at from reports.aging_snapshots")
    office.ask("grant select on reports.aging_snapshots to public")
    office.bring("Line,Note\n1,$7.00\n", declared_types={"note": "numeric"})
    assert office.ask("select note from mine order by report_run, note desc") == [
        ("5.00",),
        ("none",),
        ("6.00",),
        ("7.00",),
    ]
    assert office.ask("select count(loaded_at) from mine") == [(4,)]
    assert office.ask("select note from reports.aging_snapshots order by report_run, line") == [
        (Decimal(5),),
        (None,),
        (Decimal(6),),
        (Decimal(7),),
    ]
    assert office.ask("select has_table_privilege('pg_monitor', 'reports.aging_snapshots', 'select')") == [(True,)]
    former = "select relname from pg_class where relname like 'aging-%%' order by 1"
    assert office.ask(former) == [("aging-past-1",)]
    drop_unread(office.store, "aging")
    assert office.ask(former) == [("aging-past-1",)]
    office.ask("drop view mine")
    drop_unread(office.store, "aging")
    assert office.ask(former) == []


def test_a_row_that_no_page_holds_is_told_with_its_size(office: Office) -> None:
    wide = ",".join(f"c{number} id" for number in range(1_100)) + "\n" + ",".join(["seventy"] * 1_100) + "\n"
    with pytest.raises(Hold, match=r"1,104 columns does not fit .*: [89],\d{3} bytes, 8,1\d\d are possible"):
        office.bring(wide)
