"""The lifecycle stage, which HubSpot moves forward only: a step back is answered with success and not taken.

The way round, documented by HubSpot's staff, is to clear the stage in one request and to set it in another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from careloom.core.ports import Outcome
from careloom.systems.hubspot.client.http import Answer
from careloom.systems.hubspot.target.inputs import BatchOutcomes, Input

STAGE = "lifecyclestage"


class Lifecycle:
    """The stages of one batch that were not taken."""

    def __init__(self, account: BatchOutcomes) -> None:
        self._account = account
        self._ignored: list[tuple[Input, str, bool]] = []

    def echoed(self, one: Input, record: str, stage: str | None, *, created: bool) -> None:
        """Compare what was sent with what the answer holds; an answer without the stage proves nothing."""
        if stage and stage != one.write.values[STAGE]:
            self._ignored.append((one, record, created))

    def finish(self, set_stages: Callable[[Sequence[tuple[str, str]]], Answer]) -> None:
        """Clear and set the stages that were ignored; a record whose stage still differs is held."""
        ignored, self._ignored = self._ignored, []
        if not ignored:
            return
        cleared = set_stages([(record, "") for _, record, _ in ignored])
        wanted = [(record, stage) for one, record, _ in ignored if (stage := one.write.values[STAGE])]
        taken = set_stages(wanted) if cleared.ok and wanted else cleared
        now = {
            str(result.get("id")): (result.get("properties") or {}).get(STAGE) or ""
            for result in taken.body.get("results") or ()
        }
        for one, record, _ in ignored:
            if now.get(record) != one.write.values[STAGE]:
                self._account.amend(one, _not_taken(one, record))


def _not_taken(one: Input, record: str) -> Outcome:
    return Outcome(
        key=one.write.key,
        verdict="held",
        remote_id=record,
        code="LIFECYCLE_STAGE_NOT_TAKEN",
        message="HubSpot answered with success and kept its own lifecycle stage",
        property=STAGE,
    )
