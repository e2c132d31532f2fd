"""What a careless service, a crash and a careless project do to reports and to the models over them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from blueprints.fake_practice import ACCOUNTS, Office, billing_office
from careloom.charts.bars import bar_chart
from careloom.core.errors import CareloomError, Fix, RemoteUnavailable
from careloom.core.reports import Asked, Fetched, ReportAsk
from careloom.engine.reports.columns import column_names, looks_like
from careloom.services.analytics.build import build_after
from careloom.services.reports import fetch as reports_fetch
from careloom.services.reports.fetch import run_reports
from careloom.services.reports.load import write_csv
from careloom.services.reports.outcomes import ReportsRun
from careloom.services.session.progress import Watch
from careloom.services.session.sessions import Session
from careloom.systems.collaboratemd.simulator import RunningCollaborateMD
from careloom.systems.collaboratemd.simulator.layouts import LAYOUTS

PLAIN = "Charge ID,Balance\n1,$5.00\n"


@pytest.fixture(scope="module")
def service() -> Iterator[RunningCollaborateMD]:
    with RunningCollaborateMD("--today", "2026-11-21") as running:
        yield running


@pytest.fixture
def office(tmp_path: Path, database: str, service: RunningCollaborateMD) -> Iterator[Office]:
    with billing_office(tmp_path / "office", database, service, columns=False) as new_office:
        yield new_office


@dataclass
class Scripted:
    """A service that says of each account what it was told to."""

    said: dict[str, str | Fetched] = field(default_factory=dict)
    refusing: dict[str, CareloomError] = field(default_factory=dict)
    asked: list[ReportAsk] = field(default_factory=list)

    def ask(self, wanted: ReportAsk) -> Asked:
        if wanted.account in self.refusing:
            raise self.refusing[wanted.account]
        self.asked.append(wanted)
        return Asked(identifier=str(len(self.asked)))

    def fetch(self, account: str, identifier: str, folder: Path) -> Fetched:
        del identifier
        answer = self.said.get(account, PLAIN)
        if isinstance(answer, Fetched):
            return answer
        (folder / "1.csv").write_text(answer)
        return Fetched(state="ready", files=(folder / "1.csv",))

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Scripted:
    source_double = Scripted()
    monkeypatch.setattr(Session, "report_source", lambda *_: source_double)
    return source_double


def build_code(office: Office, run: ReportsRun) -> int | None:
    models_run = build_after(office.session, Watch())
    return models_run.exit_code if models_run else None


def test_rows_that_the_database_refuses_keep_no_other_account_from_its_report(office: Office, source: Scripted) -> None:
    source.said[ACCOUNTS[0]] = 'Charge ID,Balance\n1,"\u00a01,234.00"\n'
    for _ in range(2):
        with suppress(CareloomError):
            office.run("ar_aging")
    assert {ACCOUNTS[1], ACCOUNTS[2], ACCOUNTS[3]} <= set(office.rows("ar_aging"))


def test_types_that_contradict_one_report_keep_no_other_report_waiting(office: Office, source: Scripted) -> None:
    source.said[ACCOUNTS[0]] = "Charge ID,Balance\n1,n/a\n"
    office.run("ar_aging", accounts=ACCOUNTS[:1])
    aging, payments = office.reports("ar_aging", "payment_trends", accounts=ACCOUNTS[:1])
    two = [replace(aging, types={"balance": "numeric"}), payments]
    source.said[ACCOUNTS[0]] = PLAIN
    for _ in range(3):
        with suppress(CareloomError):
            run_reports(office.session, two, Watch())
    assert office.rows("payment_trends") == {ACCOUNTS[0]: 1}


def test_an_account_whose_request_always_breaks_off_does_not_block_those_behind_it(
    office: Office, source: Scripted
) -> None:
    source.refusing[ACCOUNTS[1]] = RemoteUnavailable("500 for this account", after=60.0)
    for _ in range(3):
        with suppress(CareloomError):
            office.run("ar_aging")
    assert set(office.rows("ar_aging")) == {ACCOUNTS[0], ACCOUNTS[2], ACCOUNTS[3]}


def test_what_a_former_run_had_no_answer_for_comes_last(office: Office, source: Scripted) -> None:
    source.refusing[ACCOUNTS[1]] = RemoteUnavailable("away", after=60.0)
    with suppress(CareloomError):
        office.run("ar_aging")
    source.refusing.clear()
    source.asked.clear()
    office.run("ar_aging")
    assert [source_double.account for source_double in source.asked] == [
        ACCOUNTS[0],
        ACCOUNTS[2],
        ACCOUNTS[3],
        ACCOUNTS[1],
    ]


def test_a_run_that_is_killed_between_loading_and_building_is_built_by_the_next(office: Office) -> None:
    source_double = ACCOUNTS[:1]
    build_code(office, office.run("payment_trends", accounts=source_double))
    assert office.run("ar_aging", accounts=source_double).changed, "and here it is killed"
    build_code(office, office.run("ar_aging", accounts=source_double))
    assert office.ask("select count(*) > 0 from analytics.ar_aging_view") == [(True,)]


def test_models_that_failed_are_built_again(office: Office) -> None:
    model = office.folder / "models" / "models" / "marts" / "broken.sql"
    model.write_text("select 1 as one from nowhere")
    assert build_code(office, office.run("ar_aging", accounts=ACCOUNTS[:1])) == 1
    assert build_code(office, office.run("ar_aging", accounts=ACCOUNTS[:1])) == 1


def test_nobodys_rows_stay_on_the_disk_after_a_crash_and_a_refusal(
    office: Office, source: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as now, suppress(KeyboardInterrupt):
        now.setattr(reports_fetch, "_temporary_folder", killed)
        office.run("ar_aging", accounts=ACCOUNTS[:1])
    source.said[ACCOUNTS[0]] = Fetched(state="refused", message="not for you")
    assert office.run("ar_aging", accounts=ACCOUNTS[:1]).counts["failed"] == 1
    assert not list((office.folder / ".careloom").rglob("*.csv"))


def test_a_clock_that_was_ten_years_ahead_keeps_no_report_from_being_due(office: Office, source: Scripted) -> None:
    few = office.reports("ar_aging", accounts=ACCOUNTS[:1])
    run_reports(replace(office.session, clock=lambda: datetime(2036, 1, 1, tzinfo=UTC)), few, Watch())
    now = replace(office.session, clock=lambda: datetime(2027, 1, 1, tzinfo=UTC))
    assert run_reports(now, few, Watch(), due_only=True).counts["due"] == 1
    assert len(source.asked) == 2


def test_a_run_of_another_filter_is_not_waited_for(office: Office, source: Scripted) -> None:
    source.said[ACCOUNTS[0]] = Fetched(state="waiting")
    (aging,) = office.reports("ar_aging", accounts=ACCOUNTS[:1])
    with office.session.store.transaction() as connection:
        connection.execute(
            "insert into account_reports (system, report_name, customer_account, due_at, status, identifier, asks) "
            "values ('billing', 'ar_aging', %s, now(), 'asked', '77', 1)",
            (ACCOUNTS[0],),
        )
    source.said[ACCOUNTS[0]] = PLAIN
    run_reports(office.session, [replace(aging, filter="888")], Watch())
    assert [source_double.filter for source_double in source.asked] == ["888"]


def test_two_equal_payments_of_a_report_without_numbers_are_two(office: Office, source: Scripted) -> None:
    row = "Acme,$50.00,11/02/2026\n"
    source.said[ACCOUNTS[0]] = f"Payer Name,Payment Amount,Payment Received Date\n{row}{row}"
    assert build_code(office, office.run("payment_trends", accounts=ACCOUNTS[:1])) == 0
    assert office.ask("select sum(payment_amount) from analytics.payment_trends_view") == [(100,)]


def test_what_a_former_load_and_other_accounts_hold_is_not_counted_again(office: Office, source: Scripted) -> None:
    head, row = "Payer Name,Payment Amount,Payment Received Date\n", "Acme,$50.00,11/02/2026\n"
    for times in (2, 3):
        source.said = dict.fromkeys(ACCOUNTS[:2], head + row * times)
        build_code(office, office.run("payment_trends", accounts=ACCOUNTS[:2]))
    assert office.ask("select count(*) from reports.payment_trends_rows") == [(10,)], "the former load is still kept"
    query = "select customer_account, sum(payment_amount) from analytics.payment_trends_view group by 1 order by 1"
    assert office.ask(query) == [(account, 150) for account in sorted(ACCOUNTS[:2])]


def test_a_payment_that_was_sent_twice_with_its_number_is_one(office: Office, source: Scripted) -> None:
    rows = "1,$50.00\n1,$50.00\nA-1,$50.00\nA-1,$50.00\n,$50.00\n,$50.00\n"
    source.said[ACCOUNTS[0]] = f"Payment ID,Payment Amount\n{rows}"
    (payments,) = office.reports("payment_trends", accounts=ACCOUNTS[:1])
    # A number that is none of its column's type stands beside the row, and is the row's number all the same.
    build_code(office, run_reports(office.session, [replace(payments, types={"payment_id": "integer"})], Watch()))
    assert office.ask("select pg_typeof(payment_id)::text, count(*) from reports.payment_trends group by 1") == [
        ("bigint", 6)
    ]
    query = "select payment_id, count(*) from analytics.payment_trends_view group by 1 order by 1"
    assert office.ask(query) == [("1", 1), ("A-1", 1), (None, 2)]
    assert office.ask("select duplicate_rows from analytics.duplicate_rows") == [(2,)]


def test_a_report_with_columns_named_as_those_of_the_models_is_built(office: Office, source: Scripted) -> None:
    source.said[ACCOUNTS[0]] = "Payment ID,Copies,_copies,Account of it,ID of it,Payment Amount\n1,2,3,4,5,$50.00\n"
    assert build_code(office, office.run("payment_trends", accounts=ACCOUNTS[:1])) == 0
    assert office.ask("select sum(payment_amount) from analytics.payment_trends_view") == [(50,)]


def test_models_go_on_over_a_column_that_is_given_its_type_and_let_go_of_the_former_view(
    office: Office, source: Scripted
) -> None:
    source.said[ACCOUNTS[0]] = "Charge ID,Balance Due\n1,n/a\n2,$7.00\n"
    (aging,) = office.reports("ar_aging", accounts=ACCOUNTS[:1])
    assert build_code(office, run_reports(office.session, [aging], Watch())) == 0
    former = "select count(*) from pg_class where starts_with(relname, 'ar_aging-former-')"
    kind = "select distinct pg_typeof(balance_due)::text from reports.ar_aging"
    query = "select sum(balance_due), count(*) from analytics.ar_aging_view"
    assert office.ask(kind) == [("text",)]
    typed = replace(aging, types={"balance_due": "numeric"})
    run = run_reports(office.session, [typed], Watch())
    assert (office.ask(kind), office.ask(query), office.ask(former)) == ([("numeric",)], [(7, 2)], [(1,)])
    assert build_code(office, run) == 0
    run_reports(office.session, [typed], Watch())
    assert (office.ask(query), office.ask(former)) == ([(7, 2)], [(0,)])


def test_no_report_of_the_twelve_is_taken_for_another() -> None:
    names = {layout.name: column_names([head for head, _ in layout.columns]) for layout in LAYOUTS}
    pairs = [
        (name, other_name)
        for name in names
        for other_name in names
        if name != other_name and looks_like(names[name], names[other_name])
    ]
    assert pairs == []


@pytest.mark.parametrize("value", ["Zzyzx", float("nan"), True])
def test_a_chart_over_what_is_no_number_is_told_in_words(value: object) -> None:
    with pytest.raises(Fix, match=r"charts/owed.yaml, 'Balance': .* row 2 .* select a number last") as error:
        bar_chart("Balance", "money", [("b", 1), ("a", value)], place="charts/owed.yaml")
    assert "Zzyzx" not in str(error.value)


def test_a_file_in_a_folder_that_there_is_not_is_told_in_words(office: Office, source: Scripted) -> None:
    del source
    office.run("ar_aging", accounts=ACCOUNTS[:1])
    for path in (office.folder / "nowhere" / "f.csv", office.folder / "reports"):
        with pytest.raises(Fix, match=f"cannot write {path}: .*; name a file in a folder"):
            write_csv(office.session.store, "ar_aging", path, system="billing")
