"""What every `StreamSource` promises: a scan ends, resumes, survives the vendor's bad days, and never takes rubbish for truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import pytest

from careloom.core.errors import CareloomError, Fix, Hold, Later
from careloom.core.streams import Page, Record, StreamSource
from careloom.vendor_kit.testing.case import Contract, error_of, nothing_leaks
from careloom.vendor_kit.testing.gateway import HTML, Gateway, GatewayRequest, Reply

NONSENSE = (
    HTML,
    Reply(200, b""),
    Reply(200, b"{"),
    Reply(200, [1, 2]),
    Reply(200, "null", {"Content-Type": "application/json"}),
    Reply(200, {"message": "down for maintenance"}),
    Reply(204),
)
"""What comes in the API's place when it has a bad day."""


@dataclass(slots=True, kw_only=True)
class StreamSourceCase:
    """One room behind a gateway. `opened` opens it; `wrong` with credentials that the vendor refuses.

    `stream` has several pages; `keys` are those of all its records, `absent` is a key of none. `private_texts`: texts of its records
    and secrets that nobody may see. `limited`: what the vendor answers where too much was asked; `waits` what was waited.
    `is_data`: which requests ask for data, and not for a token. `half_lists`: lists of the vendor's own form of which nothing says that
    they are whole.
    """

    gateway: Gateway
    opened: Callable[[], StreamSource]
    wrong: Callable[[], StreamSource]
    stream: str
    keys: Sequence[str]
    absent: str
    private_texts: Sequence[str]
    limited: Reply
    waits: list[float] = field(default_factory=list)
    is_data: Callable[[GatewayRequest], bool] = lambda _request: True
    half_lists: Sequence[Reply] = ()

    def pages(self, checkpoint: str = "") -> list[Page]:
        """All pages of a whole scan."""
        source = self.opened()
        try:
            return list(source.scan(self.stream, None, checkpoint))
        finally:
            source.close()

    def found(self, pages: Sequence[Page]) -> list[str]:
        """The keys in some pages."""
        return [
            record.key
            for page in pages
            for record in page.records
            if record.stream == self.stream and record.data is not None
        ]


class StreamSourceContract(Contract):
    """A room's subclass gives the fixture `case`."""

    capability: ClassVar[str] = "stream_source"

    @pytest.fixture(autouse=True)
    def _healed(self, case: StreamSourceCase) -> None:
        case.gateway.heal()
        case.waits.clear()

    def test_a_whole_scan_gives_every_record_once(self, case: StreamSourceCase) -> None:
        """Page by page, to the end that the vendor says."""
        pages = case.pages()
        assert sorted(case.found(pages)) == sorted(case.keys)
        assert sum(bool(page.records) for page in pages) > 1, "the case needs a stream of several pages"

    def test_a_scan_that_was_cut_goes_on_behind_any_page(self, case: StreamSourceCase) -> None:
        """In another process: only the checkpoint is left."""
        pages = case.pages()
        for count, page in enumerate(pages[:-1], 1):
            continuation = case.pages(page.checkpoint)
            assert set(case.found(pages[:count])) | set(case.found(continuation)) == set(case.keys)

    @pytest.mark.parametrize("step", ["cut", Reply(500), Reply(502), Reply(503), HTML])
    def test_a_moments_failure_is_not_noticed(self, case: StreamSourceCase, step: Reply) -> None:
        """The same request is sent again."""
        case.gateway.play("pass", step, of=case.is_data)
        assert sorted(case.found(case.pages())) == sorted(case.keys)
        assert case.waits

    def test_an_outage_is_for_later_and_what_was_read_stands(self, case: StreamSourceCase) -> None:
        """The next run continues behind the last page."""
        source = case.opened()
        scan = source.scan(case.stream, None)
        read = [next(scan)]
        while not read[-1].records:
            read.append(next(scan))
        case.gateway.always(Reply(500))
        with nothing_leaks(case.private_texts) as errors:
            errors.append(error_of(lambda: list(scan), Later))
        case.gateway.heal()
        source.close()
        continuation = case.pages(read[-1].checkpoint)
        assert set(case.found(read)) | set(case.found(continuation)) == set(case.keys)

    @pytest.mark.parametrize("nonsense", NONSENSE, ids=lambda reply: f"{reply.status} {str(reply.body)[:9]}")
    def test_nonsense_is_never_an_end_a_record_or_an_absence(self, case: StreamSourceCase, nonsense: Reply) -> None:
        """A list that lacks records would make them look deleted."""
        source = case.opened()
        read: list[Page | Record] = []
        case.gateway.play(*[nonsense] * 50, of=case.is_data)
        with nothing_leaks(case.private_texts) as errors:
            errors.append(error_of(lambda: read.extend(source.scan(case.stream, None)), CareloomError))
            errors.append(error_of(lambda: read.extend(source.fetch(case.stream, case.keys[0])), CareloomError))
        source.close()
        assert all(isinstance(error, Later) for error in errors)
        assert not [item for item in read if not isinstance(item, Page) or item.records]

    def test_a_list_whose_end_is_not_said_is_no_end(self, case: StreamSourceCase) -> None:
        """It may be cut: what it lacks would look deleted."""
        for reply in case.half_lists:
            source = case.opened()
            case.gateway.always(reply)
            error_of(lambda source=source: list(source.scan(case.stream, None)), Later)  # type: ignore[misc]
            source.close()

    def test_a_rate_limit_is_waited_out(self, case: StreamSourceCase) -> None:
        """As long as the vendor asks for, in the middle of a scan."""
        case.gateway.play("pass", case.limited, of=case.is_data)
        assert sorted(case.found(case.pages())) == sorted(case.keys)
        assert max(case.waits) > 0

    def test_a_rate_limit_without_end_is_for_later(self, case: StreamSourceCase) -> None:
        """And says when."""
        source = case.opened()
        case.gateway.always(case.limited)
        error = error_of(lambda: list(source.scan(case.stream, None)), Later)
        source.close()
        assert isinstance(error, Later)
        assert error.after

    def test_wrong_credentials_are_a_persons_to_mend(self, case: StreamSourceCase) -> None:
        """Once said, not tried for ever, and never shown."""
        source, first_request = case.wrong(), len(case.gateway.requests)
        with nothing_leaks(case.private_texts) as errors:
            errors.append(error_of(lambda: list(source.scan(case.stream, None)), Fix))
        source.close()
        assert len(case.gateway.requests) - first_request <= 4  # the call, a new token, the call again
        assert not case.waits

    def test_a_record_is_fetched_as_it_is_and_a_gone_one_is_a_deletion(self, case: StreamSourceCase) -> None:
        """By its key."""
        source = case.opened()
        (record,) = [record for record in source.fetch(case.stream, case.keys[0]) if record.stream == case.stream]
        (deletion,) = [record for record in source.fetch(case.stream, case.absent) if record.stream == case.stream]
        source.close()
        assert (record.key, record.data is None) == (case.keys[0], False)
        assert (deletion.key, deletion.data) == (case.absent, None)

    @pytest.mark.parametrize("key", ["../x", "1/2", "1?x=2", "", "\0", "x" * 500])
    def test_a_key_cannot_lead_elsewhere(self, case: StreamSourceCase, key: str) -> None:
        """It stands in a path."""
        source = case.opened()
        try:
            records = source.fetch(case.stream, key)
        except (Hold, Fix, Later):
            return
        finally:
            source.close()
        assert all(record.data is None for record in records)

    def test_no_log_line_holds_a_person_or_a_secret(self, case: StreamSourceCase) -> None:
        """On good days too."""
        with nothing_leaks(case.private_texts):
            case.pages()
            source = case.opened()
            source.fetch(case.stream, case.keys[0])
            assert not [text for text in case.private_texts if text in repr(source)]
            source.close()

    def test_a_check_tells_what_can_be_read_and_what_cannot(self, case: StreamSourceCase) -> None:
        """Of one stream; by asking for next to nothing."""
        source, first_request = case.opened(), len(case.gateway.requests)
        assert {finding.level for finding in source.check([case.stream])} == {"ok"}
        assert len(case.gateway.requests) - first_request <= 4
        source.close()
        wrong = case.wrong()
        try:
            assert "fault" in {finding.level for finding in wrong.check([case.stream])}
        except Fix:
            pass
        finally:
            wrong.close()

    def test_closing_twice_is_harmless(self, case: StreamSourceCase) -> None:
        """As the port says."""
        source = case.opened()
        source.close()
        source.close()
