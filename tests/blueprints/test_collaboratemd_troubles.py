"""One account, or one report, that can never be had: every other one is loaded, in every run, and somebody is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from blueprints.fake_practice import ACCOUNTS, Office, billing_office
from blueprints.test_collaboratemd_standing import call_in
from careloom.core.errors import CareloomError, NotPermitted, RemoteUnavailable
from careloom.services.session.sessions import open_session
from careloom.systems.collaboratemd.client import RetryPolicy
from careloom.systems.collaboratemd.simulator import RunningCollaborateMD
from sizes import size

FIRST, SECOND, THIRD = THREE = ACCOUNTS[:3]


@pytest.fixture(scope="module")
def service() -> Iterator[RunningCollaborateMD]:
    with RunningCollaborateMD("--today", "2026-11-21") as running:
        yield running


@pytest.fixture
def office(
    tmp_path: Path, database: str, service: RunningCollaborateMD, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Office]:
    monkeypatch.setattr(RetryPolicy, "__init__", _at_once(RetryPolicy.__init__))
    with billing_office(tmp_path / "office", database, service) as new_office:
        yield new_office


def _at_once(former):  # type: ignore[no-untyped-def]
    """Calls are repeated without waits between them."""
    return lambda self, **more: former(self, **({"first_wait": 0.0, "longest_wait": 0.0} | more))


def deny(office: Office, **statuses: int) -> None:
    """`results_of_10026936=403`: such calls get this status; 0 is a connection that closes, 200 a page of a gateway."""
    where = {"results": "/v1/customer/{}/reports/results/", "run": "/v1/customer/{}/reports/1"}
    values = {}
    for name, status in statuses.items():
        what, _, account = name.partition("_of_")
        values[where[what].format(account)] = status
    office.service.control("deny", **values)


STATUSES = (400, 401, 403, 404, 429, 500, 200, 204, 0)
EVERYWHERE = [(where, status) for where in ("run", "results") for status in STATUSES]


@pytest.mark.parametrize(("where", "status"), size(EVERYWHERE[::4], whole=EVERYWHERE))
def test_an_account_that_is_never_answered_keeps_no_other_from_its_reports_in_any_run(
    office: Office, where: str, status: int
) -> None:
    deny(office, **{f"{where}_of_{SECOND}": status})
    for number in range(3):
        office.service.control("settings", seed=number + 2)
        run_result = office.run("ar_aging", "payment_trends", accounts=THREE)
        loaded_pairs = {
            (outcome.report, outcome.account) for outcome in run_result.outcomes if outcome.ended == "loaded"
        }
        assert loaded_pairs == {
            (name, account) for name in ("ar_aging", "payment_trends") for account in (FIRST, THIRD)
        }
        assert run_result.trouble is None
        assert run_result.exit_code == (4 if 300 <= status < 429 or number == 2 else 3)
    assert {(outcome.report, outcome.account) for outcome in run_result.outcomes if outcome.ended == "failed"} == {
        ("ar_aging", SECOND),
        ("payment_trends", SECOND),
    }
    output = call_in(office, "reports", "--failed").out
    for name in ("ar_aging", "payment_trends"):
        assert f"{name} of {SECOND}: " in output
    assert FIRST not in output
    office.service.control("mend")
    office.service.control("deny")
    result = office.run("ar_aging", "payment_trends", accounts=THREE)
    assert (result.counts["failed"], result.counts["waiting"]) == (0, 0)
    assert set(office.rows("ar_aging")) == set(THREE)


def test_a_results_page_that_is_broken_for_ever_fails_and_the_report_is_asked_for_anew(office: Office) -> None:
    deny(office, **{f"results_of_{FIRST}": 200})
    for _ in range(3):
        office.run("ar_aging", accounts=(FIRST, SECOND))
    assert office.asked()["ar_aging", FIRST] == 1
    output = call_in(office, "reports", "--failed").out
    assert "no-answer: in 3 runs there was no answer" in output
    assert "a page that is no answer of the Web API" in output
    office.run("ar_aging", accounts=(FIRST, SECOND))
    assert office.asked()["ar_aging", FIRST] == 2


def test_a_single_report_of_a_single_account_that_is_never_answered_fails_too(office: Office) -> None:
    deny(office, **{f"results_of_{FIRST}": 500})
    endings = []
    for _ in range(4):
        try:
            result = office.run("ar_aging", accounts=(FIRST,))
            endings.append(result.outcomes[0].ended)
        except RemoteUnavailable:
            endings.append("away")
    assert endings[2] == "failed"


def test_what_can_never_be_had_is_asked_for_after_all_others(office: Office) -> None:
    deny(office, **{f"run_of_{FIRST}": 403, f"run_of_{SECOND}": 500})
    office.run("ar_aging", accounts=THREE)
    office.service.control("mend")
    deny(office, **{f"run_of_{THIRD}": 403})
    accounts = [
        outcome.account for outcome in office.run("ar_aging", accounts=THREE).outcomes if outcome.ended == "failed"
    ]
    loaded_accounts = [
        outcome.account for outcome in office.run("ar_aging", accounts=THREE).outcomes if outcome.ended != "failed"
    ]
    assert (accounts, loaded_accounts) == ([THIRD], [FIRST, SECOND]), "the others come first, and in both runs"


def test_those_that_failed_are_asked_in_turn_the_one_that_rested_longest_first(office: Office) -> None:
    deny(office, **{f"run_of_{FIRST}": 403, f"run_of_{SECOND}": 403})
    asked: list[str] = []
    for accounts in ((FIRST, THIRD), (SECOND, THIRD), THREE):
        asked = [
            outcome.account
            for outcome in office.run("ar_aging", accounts=accounts).outcomes
            if outcome.ended == "failed"
        ]
    assert asked == [FIRST, SECOND]


def test_a_system_that_answers_nobody_ends_the_run_after_one_call_for_each_account(office: Office) -> None:
    office.service.control("settings", password="another")
    with pytest.raises(NotPermitted, match="username and password; where they serve for other accounts"):
        office.run(*("ar_aging", "payment_trends", "gross_billing"))
    assert office.service.control("calls") == {"401": len(ACCOUNTS)}
    assert "not-permitted" in call_in(office, "reports", "--failed").out


def test_what_was_loaded_before_the_system_went_away_is_told_and_can_be_built(office: Office) -> None:
    office.run("ar_aging", accounts=THREE)
    for account in THREE:
        deny(office, **{f"run_of_{account}": 500})
    office.service.control("settings", seed=9)
    (id_,) = office.ask("select id from account_reports order by id desc limit 1")[0]
    with pytest.raises(CareloomError):
        office.run("payment_trends", "gross_billing", accounts=THREE)
    assert id_ < office.ask("select max(id) from account_reports")[0][0]
    office.service.control("reset")
    office.service.control("settings", running_seconds=0.0, rows=40)
    result = office.run("payment_trends", "gross_billing", accounts=THREE)
    assert result.counts["loaded"] == 6


def test_success_without_data_replaces_no_snapshot_and_may_begin_one(office: Office) -> None:
    with_grace = (
        (office.folder / "careloom.yaml").read_text().replace("poll_seconds", "grace_polls: 0\n    poll_seconds")
    )
    (office.folder / "careloom.yaml").write_text(with_grace)
    office.run("ar_aging", accounts=(FIRST,))
    former_rows = office.rows("ar_aging")
    office.service.control("fault", kind="never-data", times=9)
    with open_session(office.folder, office.session.settings) as session:
        office.session = session
        result = office.run("ar_aging", accounts=(FIRST,))
        assert [(outcome.ended, outcome.code) for outcome in result.outcomes] == [("failed", "no-data")]
        assert office.rows("ar_aging") == former_rows
        result = office.run("payment_trends", accounts=(FIRST,))
        assert [outcome.ended for outcome in result.outcomes] == ["empty"]
        office.service.control("mend")
        office.service.control("fault", kind="no-rows")
        assert office.run("ar_aging", accounts=(FIRST,)).counts["empty"] == 1, "the vendor's own word"


def test_a_file_that_is_named_after_another_account_is_held(office: Office) -> None:
    office.run("ar_aging", accounts=(FIRST, SECOND))
    former_rows = office.rows("ar_aging")
    office.service.control("settings", rows=90)
    office.service.control("fault", kind="other-account", account=FIRST)
    result = office.run("ar_aging", accounts=(FIRST, SECOND))
    assert [outcome.code for outcome in result.outcomes if outcome.ended == "failed"] == ["another-account"]
    assert office.rows("ar_aging")[FIRST] == former_rows[FIRST]


def test_a_status_that_nobody_knows_is_told_by_its_word(office: Office) -> None:
    office.service.control("settings", complete_word="PENDING")
    text = (
        (office.folder / "careloom.yaml")
        .read_text()
        .replace("poll_seconds", "ceiling_minutes: 0.001\n    poll_seconds")
    )
    (office.folder / "careloom.yaml").write_text(text)
    result = call_in(office, "run", "reports")
    del result
    output = call_in(office, "reports", "--failed").out
    assert '"PENDING"' in " ".join(output.split())
    assert "gave it up" not in output
