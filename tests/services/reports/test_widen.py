"""What was learnt of a report's columns is widened by what comes, without loss, and can be unlearnt."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from careloom.core.errors import Hold
from careloom.store.account_reports import AccountReports
from careloom.store.database import open_store
from careloom.store.report_tables import ColumnDrift
from services.reports.test_load import Office

FIRST = "Line,Units,Rate,Entered\n1,5,3%,1/5/2026\n2,6,4%,1/6/2026\n"


@pytest.fixture
def office(database: str, tmp_path: Path) -> Iterator[Office]:
    store = open_store(database)
    yield Office(store, tmp_path / "reports")
    store.close()


def kind(office: Office, column: str) -> str:
    return office.ask(f"select pg_typeof({column})::text from reports.aging limit 1")[0][0]


def test_whole_numbers_become_amounts_and_text_without_loss_and_every_former_row_stays(office: Office) -> None:
    office.bring(FIRST, account="1001")
    office.ask("create view mine as select sum(units) as units from reports.aging")
    load = office.bring("Line,Units,Rate,Entered\n3,5.25,5%,1/7/2026\n", account="1002")
    assert load.drifts == [ColumnDrift(column="units", code="widened-to-numeric")]
    assert (kind(office, "units"), office.ask("select sum(units) from reports.aging")) == (
        "numeric",
        [(Decimal("16.25"),)],
    )
    assert office.ask("select units from mine") == [(11,)], "who stood on the view reads what it could say"
    half = "Line,Units,Rate,Entered\n3,half,5%,1/7/2026\n4,7,5%,1/7/2026\n"
    load = office.bring(half, account="1002")
    assert load.drifts == [ColumnDrift(column="units", code="widened-to-text")]
    query = "select units, unparsed from reports.aging order by customer_account, row_number"
    assert office.ask(query) == [("5", None), ("6", None), ("half", None), ("7", None)]
    assert office.bring(half, account="1002").rows == 2


def test_a_percent_and_a_day_become_text_as_they_are_written(office: Office) -> None:
    office.bring(FIRST, account="1001")
    office.bring("Line,Units,Rate,Entered\n3,1,none,soon\n", account="1002")
    assert office.ask("select rate, entered from reports.aging order by customer_account, row_number") == [
        ("3%", "2026-01-05"),
        ("4%", "2026-01-06"),
        ("none", "soon"),
    ]


@pytest.mark.parametrize(("first", "second"), [("12", "00123"), ("12", "12345678901234567890"), ("5", "1E5")])
def test_an_id_is_what_came_whatever_it_looks_like(office: Office, first: str, second: str) -> None:
    office.bring(f"Claim ID,Seat\n{first},{first}\n", account="1001")
    assert (kind(office, "claim_id"), kind(office, "seat")) == ("text", "bigint")
    office.bring(f"Claim ID,Seat\n{second},{second}\n", account="1002")
    rows = office.ask("select claim_id, seat from reports.aging order by customer_account")
    assert rows == [(first, first), (second, second)]


def test_whole_dollars_are_no_whole_numbers(office: Office) -> None:
    office.bring("Line,Balance\n1,5\n2,6\n")
    assert kind(office, "balance") == "numeric"
    load = office.bring("Line,Balance\n1,5.25\n")
    assert (load.drifts, office.ask("select balance from reports.aging")) == ([], [(Decimal("5.25"),)])


def as_an_earlier_release(office: Office) -> None:
    """Whole numbers for ids and money, and cents beside the row."""
    office.bring(
        "Charge ID,Balance,Units\n7,5,1\n", declared_types=dict.fromkeys(("charge_id", "balance", "units"), "integer")
    )
    office.bring(
        "Charge ID,Balance,Units\n00123,5.25,1.5\n",
        account="1002",
        declared_types=dict.fromkeys(("charge_id", "balance", "units"), "integer"),
    )
    assert office.ask("select charge_id, balance, units from reports.aging where customer_account = '1002'") == [
        (None, None, None)
    ]


def test_what_an_earlier_release_pinned_wrongly_is_mended_by_the_next_load(office: Office) -> None:
    as_an_earlier_release(office)
    office.bring("Charge ID,Balance,Units\n7,5,1\n")
    assert office.ask("select charge_id, balance, units, unparsed from reports.aging order by customer_account") == [
        ("7", Decimal(5), Decimal(1), None),
        ("00123", Decimal("5.25"), Decimal("1.5"), None),
    ]


def test_a_type_that_is_declared_repairs_a_column_whatever_it_was(office: Office) -> None:
    as_an_earlier_release(office)
    types = {"charge_id": "text", "balance": "numeric", "units": "text"}
    office.bring("Charge ID,Balance,Units\n7,5,1\n", declared_types=types)
    assert office.ask("select charge_id, balance, units from reports.aging order by customer_account") == [
        ("7", Decimal(5), "1"),
        ("00123", Decimal("5.25"), "1.5"),
    ]


def test_amounts_may_not_vanish_without_a_word(office: Office) -> None:
    office.bring("Line,Payer,Facility,Status,Code,Balance\n1,a,b,c,d,$5.00\n")
    for text, code in (
        ("Line,Payer,Facility,Status,Code\n1,a,b,c,d\n", "column-missing"),
        ("Line,Payer,Facility,Status,Code,Balance\n1,a,b,c,d,see note\n", "amounts-unreadable"),
        ("Payer,Facility\na,b\n", "another-report"),
    ):
        with pytest.raises(Hold) as error:
            office.bring(text)
        assert error.value.code == code
        assert "--start-over" in str(error.value)
    assert office.ask("select balance from reports.aging") == [(Decimal("5.00"),)]


def test_a_first_file_that_is_not_the_report_is_refused_and_the_right_one_is_loaded(office: Office) -> None:
    required_columns = ["claim", "balance", "payer"]
    for text in ("Claim,Units\n1,2\n", "title\n", "a\nb\n", "Claim Balance Payer\n1 2 3\n"):
        with pytest.raises(Hold) as error:
            office.bring(text, required_columns=required_columns)
        assert error.value.code == "column-missing"
    with pytest.raises(Hold) as error:
        office.bring("everything in one cell\n1 2 3\n")
    assert error.value.code == "one-column"
    assert office.bring("Claim,Balance,Payer\n1,$5.00,Acme\n", required_columns=required_columns).rows == 1


def test_a_report_that_is_started_over_takes_what_comes_and_readers_see_the_former_until_then(office: Office) -> None:
    office.bring("User,Minutes,Task,Balance\na,5,b,n/a\n", account="1001")
    office.bring("User,Minutes,Task,Balance\na,5,b,n/a\n", account="1002")
    with pytest.raises(Hold, match="--start-over"):
        office.bring("Claim,Balance,Payer\n1,$5.00,Acme\n", account="1001")
    AccountReports(office.store).start_over("billing", "aging")
    assert office.ask('select "user" from reports.aging') == [("a",), ("a",)]
    load = office.bring("Claim,Balance,Payer\n1,$5.00,Acme\n", account="1001")
    assert load.drifts == [ColumnDrift(column="*", code="started-over")]
    query = 'select customer_account, "user", claim, balance, unparsed from reports.aging order by 1'
    assert office.ask(query) == [
        ("1001", None, "1", Decimal("5.00"), None),
        ("1002", "a", None, None, {"balance": "n/a"}),
    ]
    office.bring("Claim,Balance,Payer\n2,$6.00,Acme\n", account="1002")
    assert office.ask("select sum(balance) from reports.aging") == [(Decimal("11.00"),)]
    with pytest.raises(Hold):
        office.bring("User,Minutes,Task,Balance\na,5,b,$1.00\n", account="1001")


def test_another_number_of_the_report_or_its_filter_begins_anew_by_itself(office: Office) -> None:
    office.bring("User,Minutes,Task\na,5,b\n")
    office.ask("update account_reports set asked_for = '1/1' returning id")
    run = office.due()
    office.ask("update account_reports set asked_for = '2/1' where id = %s returning id", run)
    load = office.load("Claim,Balance,Payer\n1,$5.00,Acme\n", run=run)
    assert load.drifts == [ColumnDrift(column="*", code="started-over")]


def test_what_is_laid_out_otherwise_is_read_and_told(office: Office) -> None:
    text = "AR Aging\n\nClaim;Balance;Payer\n1;$5.00;Acme\n;;\n2;$6.00;Acme\nTotal;$11.00;\n"
    load = office.bring(text)
    assert office.ask("select claim, balance, payer from reports.aging order by row_number") == [
        ("1", Decimal("5.00"), "Acme"),
        ("2", Decimal("6.00"), "Acme"),
    ]
    assert {(drift.code, drift.count) for drift in load.drifts} == {
        ("title-lines", 1),
        ("another-delimiter", 1),
        ("empty-rows", 1),
        ("total-rows", 1),
    }
    assert office.bring(text).drifts == load.drifts
