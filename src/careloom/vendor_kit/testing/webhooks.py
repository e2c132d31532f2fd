"""What every `Webhooks` promises: only who knows the secret is let in, a repetition is known, and nothing that comes in breaks it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from careloom.core.errors import Hold
from careloom.core.webhooks import Accepted, Reading, StoredEvent, WebhookAnswer, WebhookRequest, Webhooks
from careloom.vendor_kit.status import is_refusal
from careloom.vendor_kit.testing.case import Contract, nothing_leaks

_RECEIVED = datetime(2026, 3, 1, 10, tzinfo=UTC)
_any_way = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhooksCase:
    """One room that is called. `opened` opens it, by its secret; "" is none.

    `signed`: a request with this body, as the vendor sends it with `secret`. `body`, `other_body`: of two events. `secret_headers`: those that
    prove the sender. `signs_body`: whether the proof is of the body, or the secret itself. `stale`: a rightly signed request that is too
    old; None where nothing tells how old one is. `private_texts`: texts of the bodies, and the secret.
    """

    opened: Callable[[str], Webhooks]
    signed: Callable[[bytes, str], WebhookRequest]
    secret: str
    body: bytes
    other_body: bytes
    secret_headers: Sequence[str]
    signs_body: bool
    private_texts: Sequence[str]
    stale: WebhookRequest | None = None

    def accepted(self, request: WebhookRequest) -> Accepted:
        """The event that the room accepts."""
        answer = self.opened(self.secret).receive(request)
        assert isinstance(answer, Accepted), answer
        return answer

    def refused(self, request: WebhookRequest, secret: str | None = None) -> WebhookAnswer:
        """The refusal; fails where the request is let in."""
        answer = self.opened(self.secret if secret is None else secret).receive(request)
        assert isinstance(answer, WebhookAnswer)
        assert is_refusal(answer.status)
        assert answer.reason
        assert not [text for text in self.private_texts if text.encode() in answer.body]
        return answer

    def stored(self, request: WebhookRequest) -> StoredEvent:
        """The request as it is kept."""
        event = self.accepted(request)
        return StoredEvent(id=1, event_id=event.event_id, event=event.event, received_at=_RECEIVED, body=request.body)


class WebhooksContract(Contract):
    """A room's subclass gives the fixture `case`."""

    capability: ClassVar[str] = "webhooks"

    def test_a_signed_event_is_accepted_and_read(self, case: WebhooksCase) -> None:
        """It says something of a record."""
        request = case.signed(case.body, case.secret)
        reading = case.opened(case.secret).read(case.stored(request))
        assert reading.records or reading.thin_events

    def test_the_same_event_again_is_known_and_another_is_another(self, case: WebhooksCase) -> None:
        """By its id, which is all that tells a replay; two readings of it are equal."""
        first, again = (case.accepted(case.signed(case.body, case.secret)) for _ in range(2))
        other = case.accepted(case.signed(case.other_body, case.secret))
        assert first == again
        assert first.event_id != other.event_id
        webhooks, event = case.opened(case.secret), case.stored(case.signed(case.body, case.secret))
        assert webhooks.read(event) == webhooks.read(event)

    def test_a_wrong_or_a_missing_signature_is_refused(self, case: WebhooksCase) -> None:
        """Whatever stands in its place."""
        request = case.signed(case.body, case.secret)
        case.refused(case.signed(case.body, case.secret + "x"))
        for header in case.secret_headers:
            for value in ("", " ", "wrong", "\N{SNOWMAN}", "\udcff", request.headers.get(header, "")[:-1]):
                case.refused(replace(request, headers={**request.headers, header: value}))
        case.refused(replace(request, headers={}))

    def test_without_a_secret_of_ours_nobody_is_let_in(self, case: WebhooksCase) -> None:
        """Not even who signs with nothing."""
        for secret in ("", case.secret):
            case.refused(case.signed(case.body, secret), secret="")

    def test_a_signature_is_of_its_body(self, case: WebhooksCase) -> None:
        """Another body under the same proof is refused, where the vendor signs bodies."""
        request = replace(case.signed(case.body, case.secret), body=case.other_body)
        if case.signs_body:
            case.refused(request)
        else:
            case.accepted(request)

    def test_an_old_request_is_refused_where_its_age_is_signed(self, case: WebhooksCase) -> None:
        """Rightly signed as it is."""
        if case.stale is None:
            pytest.skip("this vendor signs no time: an event's id alone tells a repetition")
        case.refused(case.stale)

    @_any_way
    @given(body=st.binary(max_size=300), method=st.sampled_from(["GET", "POST", "PUT"]), text=st.text(max_size=30))
    def test_nothing_that_comes_in_breaks_it(self, case: WebhooksCase, body: bytes, method: str, text: str) -> None:
        """Signed or not, `receive` answers, and `read` reads or holds."""
        request = case.signed(body, case.secret)
        for coming in (
            replace(request, method=method),
            replace(request, headers=dict.fromkeys(request.headers, text)),
            WebhookRequest(method=method, headers={}, query={"msg": text}, body=body),
        ):
            assert isinstance(case.opened(case.secret).receive(coming), Accepted | WebhookAnswer)
        event = StoredEvent(id=1, event_id="e", event="EVENT", received_at=_RECEIVED, body=body)
        known = replace(event, event=case.accepted(case.signed(case.body, case.secret)).event)
        for stored in (event, known):
            try:
                assert isinstance(case.opened(case.secret).read(stored), Reading)
            except Hold as hold:
                assert hold.code

    def test_nothing_is_said_of_what_came_in(self, case: WebhooksCase) -> None:
        """No log line, no error and no repr holds a person or the secret."""
        webhooks, request = case.opened(case.secret), case.signed(case.body, case.secret)
        with nothing_leaks(case.private_texts) as errors:
            webhooks.receive(request)
            webhooks.receive(replace(request, headers={}))
            event = case.stored(request)
            webhooks.read(event)
            for broken in (b"", case.body[:-2], b"[" + case.body + b"]"):
                try:
                    webhooks.read(replace(event, body=broken))
                except Hold as hold:
                    errors.append(hold)
        assert not [text for text in case.private_texts if text in f"{webhooks!r} {request!r} {event!r}"]

    def test_a_check_tells_whether_anything_could_come_in(self, case: WebhooksCase) -> None:
        """With the secret and without."""
        assert {finding.level for finding in case.opened(case.secret).check()} == {"ok"}
        assert {finding.level for finding in case.opened("").check()} & {"warn", "fault"}
