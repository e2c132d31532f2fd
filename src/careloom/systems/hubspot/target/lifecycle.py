"""The lifecycle stage, which HubSpot moves forward only: a step back is answered with success and not taken.

The way round, documented by HubSpot's staff, is to clear the stage in one request and to set it in another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from careloom.core.ports import Outcome
from careloom.systems.hubspot.target.inputs import BatchOutcomes, Input
from careloom.vendor_kit.call import Answer

STAGE = "lifecyclestage"


class Lifecycle:
    """The stages of one batch that were not taken."""

    def __init__(self, account: BatchOutcomes) -> None:
        self._account = account
        self._ignored: list[tuple[Input, str, bool]] = []

    def echoed(self, write_input: Input, record: str, stage: str | None, *, is_new: bool) -> None:
        """Compare what was sent with what the answer holds; an answer without the stage proves nothing."""
        if stage and stage != write_input.write.values[STAGE]:
            self._ignored.append((write_input, record, is_new))

    def finish(self, set_stages: Callable[[Sequence[tuple[str, str]]], Answer]) -> None:
        """Clear and set the stages that were ignored; a record whose stage still differs is held."""
        entries, self._ignored = self._ignored, []
        if not entries:
            return
        clearing = set_stages([(record, "") for _, record, _ in entries])
        stages = [(record, stage) for write_input, record, _ in entries if (stage := write_input.write.values[STAGE])]
        answer = set_stages(stages) if clearing.ok and stages else clearing
        now = {
            str(result.get("id")): (result.get("properties") or {}).get(STAGE) or ""
            for result in answer.body.get("results") or ()
        }
        for write_input, record, _ in entries:
            if now.get(record) != write_input.write.values[STAGE]:
                self._account.amend(write_input, _not_taken(write_input, record))


def _not_taken(write_input: Input, record: str) -> Outcome:
    return Outcome(
        key=write_input.write.key,
        verdict="held",
        remote_id=record,
        code="LIFECYCLE_STAGE_NOT_TAKEN",
        message="HubSpot answered with success and kept its own lifecycle stage",
        property=STAGE,
    )
