"""What every `Listener` promises: its frames come whole however they are cut, and nothing that comes in breaks it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from careloom.core.errors import Hold
from careloom.core.listeners import FrameFault, Listener
from careloom.core.webhooks import Accepted, Reading, StoredEvent
from careloom.vendor_kit.testing.case import Contract, nothing_leaks

_RECEIVED = datetime(2026, 3, 1, 10, tzinfo=UTC)
_any_way = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerCase:
    """One room that is connected to. `framed` puts a message into its frame; `message` and `other_message` are of two events.

    `thanks` tells whether a reply acknowledges. `private_texts`: texts of the messages.
    """

    opened: Callable[[], Listener]
    framed: Callable[[bytes], bytes]
    message: bytes
    other_message: bytes
    thanks: Callable[[bytes], bool]
    private_texts: Sequence[str]

    def stored(self) -> StoredEvent:
        """The message as it is kept."""
        event = self.opened().receive(self.message)
        assert event is not None
        return StoredEvent(id=1, event_id=event.event_id, event=event.event, received_at=_RECEIVED, body=self.message)


class ListenerContract(Contract):
    """A room's subclass gives the fixture `case`."""

    capability: ClassVar[str] = "listener"

    def test_frames_come_whole_wherever_they_are_cut(self, case: ListenerCase) -> None:
        """Two in one, or one in two."""
        stream = case.framed(case.message) + case.framed(case.other_message)
        for place in range(len(stream)):
            listener = case.opened()
            first, remainder = listener.split(stream[:place])
            second, remainder = listener.split(remainder + stream[place:])
            assert [*first, *second] == [case.message, case.other_message]
            assert remainder == b""

    def test_an_acknowledgement_and_a_refusal_are_told_apart(self, case: ListenerCase) -> None:
        """By whoever sent it."""
        listener = case.opened()
        assert case.thanks(listener.reply(case.message, is_kept=True))
        refusal = listener.reply(case.message, is_kept=False)
        assert not refusal or not case.thanks(refusal)

    def test_the_same_message_is_the_same_event_and_says_something(self, case: ListenerCase) -> None:
        """Another is another."""
        listener = case.opened()
        assert listener.receive(case.message) == listener.receive(case.message)
        assert listener.receive(case.message) != listener.receive(case.other_message)
        reading = listener.read(case.stored())
        assert reading.records or reading.thin_events

    @_any_way
    @given(st.binary(max_size=300))
    def test_nothing_that_comes_in_breaks_it(self, case: ListenerCase, received: bytes) -> None:
        """A frame that is none ends its connection; a message that is none is refused."""
        listener = case.opened()
        try:
            messages, _ = listener.split(received)
        except FrameFault:
            messages = []
        for message in [*messages, received]:
            assert isinstance(listener.receive(message), Accepted | None)
            assert isinstance(listener.reply(message, is_kept=False), bytes)
            try:
                event = StoredEvent(id=1, event_id="e", event="EVENT", received_at=_RECEIVED, body=message)
                assert isinstance(listener.read(event), Reading)
            except Hold as hold:
                assert hold.code

    def test_nothing_is_said_of_what_came_in(self, case: ListenerCase) -> None:
        """No log line, no error and no repr holds a person."""
        with nothing_leaks(case.private_texts) as errors:
            listener = case.opened()
            listener.receive(case.message)
            try:
                listener.read(case.stored())
            except Hold as hold:
                errors.append(hold)
        assert not [text for text in case.private_texts if text in f"{listener!r} {case.stored()!r}"]
        assert "fault" not in {finding.level for finding in listener.check()}
