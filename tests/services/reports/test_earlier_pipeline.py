"""The queries by which an earlier pipeline was watched run word for word, and say the truth."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from careloom.store.account_reports import AccountReports
from careloom.store.database import open_store
from services.reports.test_load import Office

COMPLETE = """
SELECT customer_account, report_name, identifier, status
   FROM enhance_health_group.account_reports
   WHERE status = 1;
"""
COUNTED = "SELECT COUNT(*) FROM enhance_health_group.account_reports WHERE status = 1"
BY_ACCOUNT = """
SELECT
    customer_account,
    COUNT(*) as total_reports,
    SUM(CASE WHEN status = 1 THEN 1 ELSE 0 END) as completed_reports
FROM enhance_health_group.account_reports
GROUP BY customer_account;
"""


@pytest.fixture
def office(database: str, tmp_path: Path) -> Iterator[Office]:
    store = open_store(database)
    yield Office(store, tmp_path / "reports")
    store.close()


def test_an_earlier_pipelines_queries_run_word_for_word(office: Office) -> None:
    for account in ("1001", "1002"):
        office.bring("Line,Units\n1,2\n", account=account)
    office.ask("update account_reports set identifier = '77' where customer_account = '1001'")
    office.due("1002")
    office.due("1003")
    office.ask("update account_reports set status = 'failed' where customer_account = '1003'")
    office.due("1004")
    office.ask("update account_reports set status = 'ended' where customer_account = '1004'")
    assert AccountReports(office.store).show_in_schema("enhance_health_group") == ""
    assert office.ask(COMPLETE) == [("1001", "aging", "77", 1)]
    assert office.ask(COUNTED) == [(1,)]
    assert sorted(office.ask(BY_ACCOUNT)) == [("1001", 1, 1), ("1002", 1, 0), ("1003", 1, 0)]
    assert AccountReports(office.store).show_in_schema("enhance_health_group") == "", "again"


def test_an_earlier_pipelines_own_table_is_left_alone(office: Office) -> None:
    office.ask("create schema old")
    office.ask("create table old.account_reports (status integer)")
    assert "is a table already" in AccountReports(office.store).show_in_schema("old")
    assert office.ask("select count(*) from old.account_reports") == [(0,)]
