"""What every `Publisher` promises: what it says was told was told, in order, and a place that is away is for later."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import ClassVar

import pytest

from careloom.core.errors import CareloomError, Later
from careloom.core.publishers import ChangeEvent, Publisher
from careloom.vendor_kit.testing.case import Contract, error_of, nothing_leaks

_EVENT = ChangeEvent(
    id=1,
    table="patients",
    operation="INSERT",
    record_id="6f9619ff-8b86-d011-b42d-00c04fc964ff",
    vendor_id="17",
    vendor_key="vendor_id",
    timestamp=datetime(2026, 3, 1, 10, tzinfo=UTC),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublisherCase:
    """One room. `unreachable` opens it where nobody answers; `private_texts`: secrets in its options.

    `opened` opens it where its place is, and `heard` gives the operations that came there, in order; None where this machine has
    no such server.
    """

    unreachable: Callable[[], Publisher]
    private_texts: Sequence[str]
    opened: Callable[[], Publisher] | None = None
    heard: Callable[[], Sequence[str]] = lambda: ()


class PublisherContract(Contract):
    """A room's subclass gives the fixture `case`."""

    capability: ClassVar[str] = "publisher"

    def test_what_is_acknowledged_was_told_in_order(self, case: PublisherCase) -> None:
        """Every id, once; nothing for nothing."""
        if case.opened is None:
            pytest.skip("no such server on this machine")
        publisher, operations = case.opened(), ["INSERT", "UPDATE", "DELETE"]
        events = [replace(_EVENT, id=number, operation=operation) for number, operation in enumerate(operations, 1)]
        assert {finding.level for finding in publisher.check()} == {"ok"}
        assert list(publisher.publish(events)) == [1, 2, 3]
        assert list(publisher.publish([])) == []
        assert list(case.heard()) == operations
        publisher.close()
        publisher.close()

    def test_a_place_that_is_away_is_for_later_and_told_without_secrets(self, case: PublisherCase) -> None:
        """Nothing is acknowledged."""
        publisher = case.unreachable()
        with nothing_leaks(case.private_texts) as errors:
            errors.append(error_of(lambda: publisher.publish([_EVENT]), Later))
            try:
                assert "ok" not in {finding.level for finding in publisher.check()}
            except CareloomError as error:
                errors.append(error)
        publisher.close()
        publisher.close()
