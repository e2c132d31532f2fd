"""Which of CMS's rules on claims hold in a payment year, and what a user sets otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from careloom.core.errors import Fix
from careloom.risk.inputs.lines import KINDS
from careloom.risk.payment_years.calendar import PAYMENT_YEARS

SINCE = {reason: year for year, payment_year in PAYMENT_YEARS.items() for reason in payment_year.claims_left_out}
"""The first payment year that leaves these out."""
COUNTED_KINDS = frozenset({"principal", "other"})
"""CMS's filtering rules say which records count; none that could be read names the fields of a record. What was established by the
end of the encounter counts: an admitting diagnosis and a patient's reason are what was thought before, and an external cause is no
condition. Counting less is the side that costs no repayment."""
SETTABLE = (*SINCE, *KINDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRules:
    """What is left out: `audio_only` lines, `unlinked_chart_review`s, and diagnoses of other kinds than `kinds`."""

    audio_only: bool
    unlinked_chart_review: bool
    kinds: frozenset[str]


def claim_rules(year: int, count: Iterable[str] = (), leave_out: Iterable[str] = ()) -> ClaimRules:
    """The rules of a payment year, but for what is to `count` or to be left out whatever they say.

    Raises:
        Fix: there is no such rule or kind of diagnosis, or one of them is to do both.

    """
    to_count, left_out = frozenset(count), frozenset(leave_out)
    for name in sorted(to_count | left_out):
        if name not in SETTABLE:
            raise Fix(f"there is no {name!r} to count or to leave out; there is: {', '.join(SETTABLE)}")
    if overlap := sorted(to_count & left_out):
        raise Fix(f"{overlap[0]!r} cannot count and be left out; give it once")
    refusals = {name for name, first in SINCE.items() if year >= first} - to_count | left_out
    return ClaimRules(
        audio_only="audio-only" in refusals,
        unlinked_chart_review="unlinked-chart-review" in refusals,
        kinds=(COUNTED_KINDS | to_count & frozenset(KINDS)) - left_out,
    )
