"""Reports into their tables: whole, typed, shown all at once, and nothing of what came is lost."""

from __future__ import annotations

import csv
import io
import random
import stat
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from careloom.core.errors import Fix, Hold
from careloom.engine.reports.csv import MOST_COLUMNS
from careloom.services.reports.load import HOLDS, Loaded, load_report, write_csv
from careloom.store import report_tables
from careloom.store.database import Store, open_store
from careloom.store.report_tables import ColumnDrift, forget_old, make_current
from careloom.systems.collaboratemd.simulator.layouts import LAYOUTS
from sizes import size

HEADER = "Line,Balance,Entered,Rate,Code,Notes\n"
FIRST = '101,"$1,234.50",1/5/2026,12.5%,0123,=1+1\n102,(12.00),02/28/2026,3%,99213,\n103,,,,,"a\nb"\n'


class Office:
    """One report of several accounts, as whoever runs reports keeps it."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store, self.folder = store, folder
        self.folder.mkdir()
        self.number = 0

    def due(self, account: str = "1001", name: str = "aging") -> int:
        return self.ask(
            "insert into account_reports (system, report_name, customer_account, due_at, status) "
            "values ('billing', %s, %s, now(), 'ready') returning id",
            name,
            account,
        )[0][0]

    def files(self, *texts: str) -> list[Path]:
        self.number += 1
        paths = [self.folder / f"{self.number}-{place}.csv" for place in range(len(texts))]
        for path, text in zip(paths, texts, strict=True):
            path.write_bytes(text.encode())
        return paths

    def load(
        self,
        *texts: str,
        run: int,
        account: str = "1001",
        name: str = "aging",
        declared_types: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Loaded:
        return load_report(
            self.store,
            system="billing",
            name=name,
            account=account,
            run=run,
            files=self.files(*texts),
            declared_types=declared_types or {},
            folder=self.folder / "work",
            **options,
        )

    def bring(self, *texts: str, account: str = "1001", name: str = "aging", **options: Any) -> Loaded:
        """A report that came, was loaded and is shown."""
        run = self.due(account, name)
        try:
            load = self.load(*texts, run=run, account=account, name=name, **options)
        except BaseException:
            self.ask("update account_reports set status = 'failed' where id = %s returning id", run)
            raise
        with self.store.transaction() as connection:
            make_current(connection, run, load.rows, load.drifts)
        return load

    def ask(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with self.store.transaction() as connection:
            cursor = connection.execute(statement, values)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    def count(self, relation: str = "reports.aging") -> int:
        return self.ask(f"select count(*) from {relation}")[0][0]


@pytest.fixture
def office(database: str, tmp_path: Path) -> Iterator[Office]:
    store = open_store(database)
    yield Office(store, tmp_path / "reports")
    store.close()


def test_every_value_arrives_typed_and_exact(office: Office) -> None:
    load = office.bring(HEADER + FIRST)
    assert (load.rows, load.drifts, load.is_unchanged) == (3, [], False)
    assert load.columns == {
        "line": "integer",
        "balance": "numeric",
        "entered": "date",
        "rate": "percent",
        "code": "text",
        "notes": "text",
    }
    columns = "row_number, customer_account, line, balance, entered, rate, code, notes, unparsed"
    assert office.ask(f"select {columns} from reports.aging order by row_number") == [
        (1, "1001", 101, Decimal("1234.50"), date(2026, 1, 5), Decimal("12.5"), "0123", "=1+1", None),
        (2, "1001", 102, Decimal("-12.00"), date(2026, 2, 28), Decimal(3), "99213", None, None),
        (3, "1001", 103, None, None, None, None, "a\nb", None),
    ]


def test_rows_are_seen_when_they_are_made_current_and_not_before(office: Office) -> None:
    office.bring(HEADER + FIRST)
    run = office.due()
    load = office.load(HEADER + "104,$1.00,1/6/2026,1%,1,x\n", run=run)
    assert office.ask("select line from reports.aging order by 1") == [(101,), (102,), (103,)]
    with office.store.transaction() as connection:
        make_current(connection, run, load.rows, load.drifts)
        assert office.count() == 3
    assert office.ask("select line from reports.aging") == [(104,)]
    assert office.ask("select status, rows from account_reports where current") == [("loaded", 1)]


def test_each_account_has_its_own_snapshot(office: Office) -> None:
    office.bring(HEADER + FIRST, account="1001")
    office.bring(HEADER + FIRST, account="1002")
    office.bring(HEADER, account="1001")
    assert office.ask("select distinct customer_account from reports.aging") == [("1002",)]
    assert office.ask("select status from account_reports where current order by customer_account") == [
        ("empty",),
        ("loaded",),
    ]


def test_the_same_files_again_write_nothing(office: Office) -> None:
    office.bring(HEADER + FIRST + "104,later,,,,\n")
    again = office.bring(HEADER + FIRST + "104,later,,,,\n")
    third = office.bring(HEADER + FIRST + "104,later,,,,\n")
    assert again.is_unchanged
    assert (third.is_unchanged, third.rows, third.drifts) == (True, 4, again.drifts)
    assert (office.count("reports.aging_rows"), office.count()) == (4, 4)
    forget_old(office.store, "billing", "aging", keep=0)
    assert office.count() == 4


def test_files_that_were_current_once_but_are_no_more_are_written_again(office: Office) -> None:
    office.bring(HEADER + FIRST)
    office.bring(HEADER)
    assert not office.bring(HEADER + FIRST).is_unchanged
    assert office.count() == 3


def test_a_load_that_was_broken_off_is_done_anew_once(office: Office) -> None:
    run = office.due()
    office.load(HEADER + FIRST, run=run)
    office.load(HEADER + FIRST, run=run)
    assert office.count("reports.aging_rows") == 3


def test_a_report_without_rows_is_an_empty_snapshot(office: Office) -> None:
    office.bring(HEADER + FIRST)
    assert office.bring().rows == 0
    assert office.count() == 0
    assert office.bring().is_unchanged


def test_a_report_that_never_had_rows_has_a_table_with_its_declared_columns(office: Office) -> None:
    office.bring(declared_types={"balance": "numeric"})
    assert office.ask("select balance from reports.aging") == []


def test_a_value_that_its_declared_type_cannot_read_is_kept_as_it_came(office: Office) -> None:
    types = {"balance": "numeric", "entered": "date"}
    office.bring(HEADER + FIRST, declared_types=types)
    load = office.bring(HEADER + '104,"see ""note""\n",13/13/2026,2%,x,\n105,$2.00,soon,,,\n', declared_types=types)
    assert office.ask("select balance, entered, unparsed from reports.aging order by row_number") == [
        (None, None, {"balance": 'see "note"\n', "entered": "13/13/2026"}),
        (Decimal("2.00"), None, {"entered": "soon"}),
    ]
    expected_drifts = [
        ColumnDrift(column="balance", code="unparsed-values", count=1),
        ColumnDrift(column="entered", code="changed-type", count=2),
    ]
    assert load.drifts == expected_drifts
    assert office.ask("select column_name, code, count from report_drift order by 1") == [
        ("balance", "unparsed-values", 1),
        ("entered", "changed-type", 2),
    ]


def test_columns_come_and_go_and_what_reads_the_view_goes_on(office: Office) -> None:
    office.bring(HEADER + FIRST)
    office.ask("create view totals as select sum(balance) as total from reports.aging")
    load = office.bring("Extra,Line,Balance,Entered,Rate,Notes\n7,101,$5.00,1/5/2026,1%,x\n")
    assert load.drifts == [
        ColumnDrift(column="code", code="column-gone"),
        ColumnDrift(column="extra", code="new-column"),
    ]
    assert office.ask("select code, extra from reports.aging") == [(None, 7)]
    assert office.ask("select total from totals") == [(Decimal("5.00"),)]
    again = office.bring("Extra,Line,Balance,Entered,Rate,Notes\n8,101,$5.00,1/5/2026,1%,x\n")
    assert again.drifts == [ColumnDrift(column="code", code="column-gone")]


def test_an_empty_column_gets_its_type_when_its_first_value_comes(office: Office) -> None:
    office.bring(HEADER + "101,,,,,\n", account="1001")
    office.bring(HEADER + FIRST, account="1002")
    assert office.ask("select sum(balance), max(entered) from reports.aging") == [
        (Decimal("1222.50"), date(2026, 2, 28))
    ]
    assert office.count() == 4


@pytest.mark.parametrize(
    "hold", ["create view v as select balance from reports.aging", "grant select on reports.aging to public"]
)
def test_an_empty_column_that_somebody_reads_already_stays_text(office: Office, hold: str) -> None:
    office.bring(HEADER + "101,,,,,\n")
    office.ask(hold)
    office.bring(HEADER + FIRST)
    assert office.ask("select balance from reports.aging order by row_number") == [
        ("$1,234.50",),
        ("(12.00)",),
        (None,),
    ]


def test_a_declared_type_wins_over_what_the_values_look_like(office: Office) -> None:
    load = office.bring(HEADER + FIRST, declared_types={"line": "text", "notes": "numeric"})
    assert office.ask("select line, notes, unparsed from reports.aging order by row_number limit 1") == [
        ("101", None, {"notes": "=1+1"})
    ]
    assert load.drifts == [ColumnDrift(column="notes", code="changed-type", count=2)]
    office.bring(HEADER + FIRST + "9,,,,,\n", declared_types={"balance": "text", "notes": "text"})
    assert office.ask("select balance from reports.aging order by row_number limit 2") == [("$1,234.50",), ("(12.00)",)]
    with pytest.raises(Fix, match="balance"):
        office.bring(HEADER + FIRST, declared_types={"balance": "money"})


def test_the_rows_of_another_report_are_held(office: Office) -> None:
    office.bring(HEADER + FIRST)
    with pytest.raises(Hold) as error:
        office.bring("User,Minutes\nsomebody,5\n")
    assert error.value.code == "another-report"
    with pytest.raises(Hold) as error:
        office.bring("User,Minutes\nsomebody,5\n", name="time", required_columns=["task", "user"])
    assert error.value.code == "column-missing"
    assert "2 columns and 1 of the 2 that `columns:` names; it lacks task" in str(error.value)
    assert office.count() == 3


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a,b\n1,\0\n", "nul-character"),
        (",".join(f"c{number}" for number in range(size(MOST_COLUMNS + 1, whole=10_000))) + "\n", "too-many-columns"),
        (
            ",".join(f"c{number} id" for number in range(900))
            + "\n"
            + ",".join(f"secret {number}" for number in range(900)),
            "row-too-wide",
        ),
        ('a,b\n"secret', "unclosed-quote"),
    ],
)
def test_a_report_that_no_table_can_hold_is_held_and_the_former_one_stays(office: Office, text: str, code: str) -> None:
    office.bring("a,b\n1,2\n", account="1001")
    with pytest.raises(Hold) as error:
        office.bring(text, account="1001", name="aging" if code != "row-too-wide" else "wide")
    assert error.value.code == code
    assert code in HOLDS
    assert "secret" not in str(error.value)
    assert error.value.__cause__ is None
    assert office.count() == 1
    assert not list((office.folder / "work").glob("*"))


def test_columns_add_up_over_the_years_and_the_table_says_when_it_is_full(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    former, new, most = size((60, 12, 70), whole=(1490, 80, report_tables.MOST_COLUMNS))
    monkeypatch.setattr(report_tables, "MOST_COLUMNS", most)
    names = [f"c{number}" for number in range(former)]  # all empty: nothing to weigh
    office.bring(",".join(names) + "\n")
    with pytest.raises(Hold) as error:
        office.bring(",".join(names[:-new] + [f"d{number}" for number in range(new)]) + "\n")
    assert error.value.code == "too-many-columns"


def test_accounts_are_loaded_side_by_side_even_where_each_brings_new_columns(office: Office) -> None:
    def one(number: int) -> Loaded:
        rows = "".join(f"{row},$1.00,1/5/2026,1%,a,,{row}\n" for row in range(2000))
        return office.bring(HEADER.strip() + f",Extra {number}\n{rows}", account=str(number))

    with ThreadPoolExecutor(4) as pool:
        load = list(pool.map(one, range(6)))
    assert [account_load.rows for account_load in load] == [2000] * 6
    sums = ", ".join(f"sum(extra_{number})" for number in range(6))
    assert office.ask(f"select {sums} from reports.aging") == [(1_999_000,) * 6]
    assert office.ask("select sum(balance) from reports.aging") == [(Decimal("12000.00"),)]


def test_totals_are_those_of_the_file_to_the_cent(office: Office) -> None:
    chance = random.Random(7)
    cents = [chance.randrange(-(10**9), 10**9) for _ in range(5000)]
    amounts = [f"(${-number / 100:,.2f})" if number < 0 else f"${number / 100:,.2f}" for number in cents]
    office.bring(HEADER + "".join(f'1,"{money}",,,,\n' for money in amounts))
    assert office.ask("select sum(balance) * 100 from reports.aging") == [(sum(cents),)]


@pytest.mark.parametrize("layout", LAYOUTS, ids=[layout.name for layout in LAYOUTS])
def test_a_customers_report_gets_the_types_of_its_columns(office: Office, layout: Any) -> None:
    cells = {
        "money": "$1,234.50",
        "date": "01/31/2026",
        "percent": "12.5%",
        "count": "7",
        "hours": "7.25",
        "id": "12345",
    }
    types = {
        "money": "numeric",
        "date": "date",
        "percent": "percent",
        "count": "integer",
        "hours": "numeric",
        "id": "text",
    }
    kinds = [kind for _, kind in layout.columns]
    path = office.folder / "x.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([[head for head, _ in layout.columns], [cells.get(kind, "Word") for kind in kinds]])
    load = office.bring(path.read_text(), name=layout.name)
    assert list(load.columns.values()) == [types.get(kind, "text") for kind in kinds]


def test_old_runs_are_forgotten_but_the_newest(office: Office) -> None:
    for number in range(5):
        office.bring(HEADER + f"{number},,,,,\n", account="1001")
        office.bring(HEADER + f"{number},,,,,\n", account="1002")
    assert forget_old(office.store, "billing", "aging", keep=2) == 4
    assert office.ask("select line, count(*) from reports.aging_rows group by 1 order by 1") == [
        (2, 2),
        (3, 2),
        (4, 2),
    ]
    assert forget_old(office.store, "billing", "aging", keep=2) == 0
    assert forget_old(office.store, "billing", "never", keep=2) == 0


def test_all_accounts_come_out_as_one_file_in_which_no_formula_runs(office: Office, tmp_path: Path) -> None:
    types = {"balance": "numeric", "entered": "date"}
    office.bring(HEADER + FIRST, account="1001", declared_types=types)
    office.bring(HEADER + "104,=evil(),soon,1%,+1,@x\n105,-5,,,-1,ok\n", account="1002", declared_types=types)
    path = tmp_path / "aging.csv"
    write_csv(office.store, "aging", path, system="billing")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    rows = list(csv.reader(io.StringIO(path.read_bytes().decode(), newline="")))
    assert rows[0] == ["customer_account", "line", "balance", "entered", "rate", "code", "notes"]
    assert rows[1:] == [
        ["1001", "101", "1234.50", "2026-01-05", "12.5", "0123", "'=1+1"],
        ["1001", "102", "-12.00", "2026-02-28", "3", "99213", ""],
        ["1001", "103", "", "", "", "", "a\nb"],
        ["1002", "104", "'=evil()", "soon", "1", "'+1", "'@x"],
        ["1002", "105", "-5", "", "", "'-1", "ok"],
    ]
    write_csv(office.store, "aging", path, system="billing", safe=False)
    assert [row[6] for row in csv.reader(io.StringIO(path.read_bytes().decode(), newline=""))][1] == "=1+1"
    assert list(tmp_path.glob(".report-*")) == []


@pytest.mark.parametrize("name", ["Aging", 'a"; drop', "x" * 54, "1st", ""])
def test_a_name_that_is_none_of_a_table_is_refused(office: Office, name: str) -> None:
    with pytest.raises(Fix):
        office.load("a,b\n1,2\n", run=office.due(name=name), name=name)


def test_a_reader_who_holds_the_table_delays_new_columns_and_loses_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.bring(HEADER + FIRST)
    monkeypatch.setattr(report_tables, "_PAUSE", 0.01)
    with ThreadPoolExecutor(1) as pool, psycopg.connect(office.store.url) as reader:
        reader.execute("select * from reports.aging").fetchall()
        loading = pool.submit(office.bring, HEADER.strip() + ",Extra\n1,,,,,,1\n")
        waiting_seconds = _waiting(office)
        reader.commit()
        assert loading.result().rows == 1
    assert waiting_seconds


def _waiting(office: Office) -> Sequence[tuple[Any, ...]]:
    statement = "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like 'alter table%%'"
    for _ in range(2000):
        if rows := office.ask(statement):
            return rows
    return []
