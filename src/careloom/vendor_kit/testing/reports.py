"""What every `ReportSource` promises: a report is asked for once, fetched whole, and a page in its place is no report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import pytest

from careloom.core.errors import CareloomError, Fix, Hold, Later
from careloom.core.reports import Fetched, ReportAsk, ReportSource
from careloom.vendor_kit.testing.case import Contract, error_of, nothing_leaks
from careloom.vendor_kit.testing.gateway import HTML, Gateway, Reply, Step


@dataclass(slots=True, kw_only=True)
class ReportsCase:
    """One room behind a gateway, whose reports are done at once, but take the seconds that `busy` says. `runs`: how many the vendor was made to run since its runs were `emptied`.

    `ask` is a report that has rows; `private_texts`: texts of its rows and secrets that nobody may see.
    """

    gateway: Gateway
    opened: Callable[[], ReportSource]
    wrong: Callable[[], ReportSource]
    ask: ReportAsk
    emptied: Callable[[], object]
    runs: Callable[[], int]
    busy: Callable[[float], object]
    private_texts: Sequence[str]
    waits: list[float] = field(default_factory=list)

    def fetched(self, folder: Path) -> Fetched:
        """What one request for the report and one for its results give."""
        source = self.opened()
        try:
            return source.fetch(self.ask.account, source.ask(self.ask).identifier, folder)
        finally:
            source.close()


class ReportsContract(Contract):
    """A room's subclass gives the fixture `case`."""

    capability: ClassVar[str] = "reports"

    @pytest.fixture(autouse=True)
    def _healed(self, case: ReportsCase) -> None:
        case.gateway.heal()
        case.emptied()
        case.waits.clear()

    def test_a_report_is_asked_for_and_fetched_as_private_files(self, case: ReportsCase, tmp_path: Path) -> None:
        """With rows in them."""
        result = case.fetched(tmp_path / "made")
        assert result.state == "ready"
        assert result.files
        assert all(file.stat().st_mode & 0o077 == 0 and file.stat().st_size for file in result.files)

    @pytest.mark.parametrize("step", ["lose", "cut", Reply(500), HTML])
    def test_a_request_whose_answer_was_lost_starts_no_second_run(self, case: ReportsCase, step: Step) -> None:
        """The vendor runs one at a time, and one is enough."""
        source = case.opened()
        case.busy(600.0)
        case.gateway.play(step)
        identifier = source.ask(case.ask).identifier
        assert source.ask(case.ask).identifier == identifier
        case.busy(0.0)
        assert case.runs() == 1
        source.close()

    @pytest.mark.parametrize("nonsense", [HTML, Reply(200, b""), Reply(200, [1]), Reply(200, {"message": "down"})])
    def test_nonsense_is_no_report_and_no_end(self, case: ReportsCase, nonsense: Reply, tmp_path: Path) -> None:
        """Neither when it is asked for nor when it is fetched."""
        source = case.opened()
        identifier = source.ask(case.ask).identifier
        case.gateway.always(nonsense)
        with nothing_leaks(case.private_texts) as errors:
            errors.append(error_of(lambda: source.ask(case.ask), CareloomError))
            errors.append(
                error_of(lambda: source.fetch(case.ask.account, identifier, tmp_path / "made"), CareloomError)
            )
        source.close()
        assert all(isinstance(error, Later | Hold) for error in errors)
        assert not list((tmp_path / "made").glob("*"))

    def test_an_outage_is_for_later(self, case: ReportsCase) -> None:
        """After waits that grow."""
        source = case.opened()
        case.gateway.always(Reply(503))
        error_of(lambda: source.ask(case.ask), Later)
        source.close()
        assert case.waits

    def test_wrong_credentials_are_a_persons_to_mend(self, case: ReportsCase) -> None:
        """Asked once, and never shown."""
        source, first_request = case.wrong(), len(case.gateway.requests)
        with nothing_leaks(case.private_texts) as errors:
            errors.append(error_of(lambda: source.ask(case.ask), Fix))
        assert len(case.gateway.requests) == first_request + 1
        assert "fault" in {finding.level for finding in source.check([case.ask])}
        source.close()

    def test_no_log_line_holds_a_person_or_a_secret(self, case: ReportsCase, tmp_path: Path) -> None:
        """On good days too; and a check is well."""
        with nothing_leaks(case.private_texts):
            case.fetched(tmp_path / "made")
            source = case.opened()
            assert {finding.level for finding in source.check([case.ask])} == {"ok"}
            assert not [text for text in case.private_texts if text in repr(source)]
            source.close()
            source.close()
