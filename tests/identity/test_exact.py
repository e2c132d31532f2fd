"""Matching of what is no person: one value, one row, one record."""

from __future__ import annotations

import duckdb
import pytest

from careloom.core.errors import Stop
from careloom.identity.match import MatchSpec, match
from identity.match_cases import PATIENTS, decide

COMPANIES = MatchSpec(
    roles={"phone": "phone", "zip": "zip"},
    tiers=[["domain"], ["name", "zip"], ["phone"]],
    key_property="account_id",
    accept="certain",
    aliases={"domain": ("more_domains",)},
)
RELEASES = MatchSpec(roles={}, tiers=[], key_property="roi_id", accept="certain", aliases={})


def test_one_row_and_one_record_of_a_value_are_one() -> None:
    decisions = decide(
        [{"domain": "Clinic.example ", "name": "Clinic"}],
        [{"domain": "clinic.example"}, {"domain": "other.example"}],
        spec=COMPANIES,
    )
    assert (
        decisions.rows["1"].outcome,
        decisions.rows["1"].remote_id,
        decisions.rows["1"].rule,
        decisions.rows["1"].grade,
    ) == (
        "link",
        "r1",
        "exact:1",
        "certain",
    )


def test_a_value_of_two_records_or_two_rows_goes_to_a_person() -> None:
    values = {"domain": "clinic.example"}
    assert decide([values], [values, values], spec=COMPANIES).rows["1"].reason == "several-records"
    assert {row.reason for row in decide([values, values], [values], spec=COMPANIES).rows.values()} == {
        "two-rows-one-record"
    }


def test_tiers_that_point_at_two_records_go_to_a_person() -> None:
    row = {"domain": "clinic.example", "name": "Clinic", "zip": "78701"}
    decisions = decide([row], [{"domain": "clinic.example"}, {"name": "CLINIC", "zip": "78701-0001"}], spec=COMPANIES)
    assert decisions.rows["1"].reason == "several-records"


def test_a_tier_counts_only_where_all_its_values_are_there() -> None:
    assert decide([{"name": "Clinic"}], [{"name": "Clinic"}], spec=COMPANIES).rows["1"].reason == "no-candidate"
    assert decide([{"domain": "unknown"}], [{"domain": "Unknown"}], spec=COMPANIES).rows["1"].reason == "no-candidate"


def test_a_value_of_more_than_thirty_is_no_evidence() -> None:
    decisions = decide([{"domain": "mail.example"}], [{"domain": "mail.example"}] * 29, spec=COMPANIES)
    assert decisions.rows["1"].candidates == 29
    decisions = decide([{"domain": "mail.example"}], [{"domain": "mail.example"}] * 30, spec=COMPANIES)
    assert decisions.rows["1"].reason == "no-candidate"


def test_a_tier_of_phones_compares_numbers_not_spellings() -> None:
    assert (
        decide([{"phone": "(512) 555-0123"}], [{"phone": "+15125550123"}], spec=COMPANIES).rows["1"].rule == "exact:3"
    )


def test_further_values_of_a_record_count() -> None:
    decisions = decide(
        [{"domain": "old.example"}],
        [{"domain": "new.example", "more_domains": "older.example;OLD.example"}],
        spec=COMPANIES,
    )
    assert decisions.links() == {"1": "r1"}


def test_without_tiers_only_our_key_finds_a_record() -> None:
    decisions = decide([{"key": "7"}, {"key": "8"}], [{"roi_id": "7"}, {"roi_id": "9"}], spec=RELEASES)
    assert decisions.links() == {"7": "r1"}
    assert decisions.rows["8"].reason == "no-candidate"


def test_a_record_with_another_key_is_taken() -> None:
    decisions = decide(
        [{"domain": "clinic.example"}], [{"domain": "clinic.example", "account_id": "55"}], spec=COMPANIES
    )
    assert (decisions.rows["1"].outcome, decisions.rows["1"].reason) == ("review", "taken")


def test_what_people_said_holds_for_companies_too() -> None:
    values = {"domain": "clinic.example"}
    assert decide([values], [values], spec=COMPANIES, ruled=[("1", "r1", "never")]).links() == {}
    assert decide([values], [values, values], spec=COMPANIES, ruled=[("1", "r2", "link")]).links() == {"1": "r2"}


def test_a_missing_column_stops_matching_rather_than_matching_nobody() -> None:
    db = duckdb.connect()
    db.execute(
        "CREATE TABLE ours(key VARCHAR); CREATE TABLE theirs(id VARCHAR); CREATE TABLE linked(key VARCHAR, remote_id VARCHAR)"
    )
    db.execute("CREATE TABLE ruled(key VARCHAR, remote_id VARCHAR, verdict VARCHAR)")
    with pytest.raises(Stop, match=r"ours without the columns .*birthday"):
        match(db, PATIENTS, source="ours", remote="theirs", links="linked", decisions="ruled")


def test_a_key_that_is_twice_among_the_rows_stops_matching() -> None:
    with pytest.raises(Stop, match="ours with 1 rows whose key"):
        decide([{"key": "1"}, {"key": "1"}], [], spec=RELEASES)


def test_nothing_is_left_behind_but_the_answer() -> None:
    db = duckdb.connect()
    db.execute(
        "CREATE TABLE ours(key VARCHAR); CREATE TABLE theirs(id VARCHAR, roi_id VARCHAR); INSERT INTO ours VALUES ('1')"
    )
    db.execute(
        "CREATE TABLE linked(key VARCHAR, remote_id VARCHAR); CREATE TABLE ruled(key VARCHAR, remote_id VARCHAR, verdict VARCHAR)"
    )
    for _ in range(2):
        match(db, RELEASES, source="ours", remote="theirs", links="linked", decisions="ruled")
    remaining_query = "SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'match%' UNION SELECT view_name FROM duckdb_views() WHERE view_name LIKE 'match%'"
    assert sorted(db.execute(remaining_query).fetchall()) == [("match_candidate",), ("match_outcome",)]
