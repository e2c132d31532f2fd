"""What an answer means. HTTP says 200 whatever happened: the status, and often only the message, tell.

Messages are the vendor's prose and may quote anything, so none is passed on: known ones are told in our own words.
"""

from __future__ import annotations

import re

from careloom.core.errors import Hold, RemoteUnavailable
from careloom.core.reports import Asked, State
from careloom.systems.collaboratemd.envelopes import Envelope

READY = frozenset({"SUCCESS", "REPORT COMPLETE"})
RUNNING = "REPORT RUNNING"
TIMED_OUT = "REPORT TIMED OUT"
NOT_FOUND = "NOT FOUND"

_ANOTHER = re.compile(r"(?:still|already) running", re.IGNORECASE)
_NO_ROWS = re.compile(r"no records (?:were )?found", re.IGNORECASE)
_IDENTIFIER = re.compile(r"0*[1-9][0-9]{0,18}")
_WORD = re.compile(r"[A-Z]+(?: [A-Z]+){0,3}")
_LONGEST_WORD = 40
_REFUSALS = (
    (re.compile(r"interface is not turned on", re.IGNORECASE), "the account's API interface is not turned on"),
    (re.compile(r"no longer active", re.IGNORECASE), "the account is no longer active"),
    (re.compile(r"facility is inactive", re.IGNORECASE), "the account's facility is inactive"),
    (re.compile(r"not available for this customer", re.IGNORECASE), "the report is not available for this account"),
    (re.compile(r"invalid criteria", re.IGNORECASE), "the report's filter is not valid for this account"),
)
_STATUSES = {
    "INVALID CRITERIA": "the report's filter is not valid for this account",
    "ERROR": "the report ended in an error that CollaborateMD does not explain in known words",
    NOT_FOUND: "CollaborateMD knows no such account, report or filter",
}
_OTHERWISE: dict[str, tuple[State, str]] = {
    **{status: ("refused", reason) for status, reason in _STATUSES.items()},
    # Results are kept for a while only: the run is gone, but nothing says that a new one would fail too.
    NOT_FOUND: ("timed-out", "the vendor no longer knows the run"),
}


def asked(envelope: Envelope) -> Asked:
    """What came of a request to run a report.

    A busy system answers with the identifier of what runs: that may be another's report, or our own, whose first answer was
    lost. Nothing in the answer tells which. Later where it is busy and does not say with what; Hold: corrupt-answer.
    """
    refusal = _refusal(envelope.message)
    has_identifier = _IDENTIFIER.fullmatch(envelope.identifier) is not None
    if not refusal and has_identifier and envelope.status in READY | {RUNNING}:
        runs_another = envelope.status == RUNNING and _ANOTHER.search(envelope.message) is not None
        return Asked(identifier=envelope.identifier, another=runs_another)
    reason = refusal or _STATUSES.get(envelope.status)
    if reason:
        return Asked(refused=reason)
    if envelope.status in {RUNNING, TIMED_OUT}:
        raise RemoteUnavailable("CollaborateMD is busy with a report that it does not name; ask again", after=60.0)
    raise Hold(
        "corrupt-answer", f"CollaborateMD's answer, {_word(envelope.status)}, names no run: ask for the report again"
    )


def state(envelope: Envelope) -> tuple[State, str]:
    """How far a run is, without regard to whether its data came. SUCCESS is `ready`."""
    if envelope.status == RUNNING:
        return "waiting", "the report is running"
    # The vendor's word for nothing counts where the run has ended, and there alone.
    if envelope.status in READY | {"ERROR"} and _NO_ROWS.search(envelope.message):
        return "no-rows", "the report found no records"
    if envelope.status == TIMED_OUT:
        return "timed-out", "the vendor gave the report up after its time"
    refusal = _refusal(envelope.message)
    if refusal or envelope.status in READY:
        return ("refused", refusal) if refusal else ("ready", "")
    unknown: tuple[State, str] = ("waiting", f"the vendor says {_word(envelope.status)}, which is not known here")
    return _OTHERWISE.get(envelope.status, unknown)


def _word(status: str) -> str:
    """The status as it came, where it is a few words of letters; anything else might be about somebody."""
    if len(status) <= _LONGEST_WORD and _WORD.fullmatch(status):
        return f'"{status}"'
    return "a status that is no word"


def _refusal(message: str) -> str:
    return next((sentence for pattern, sentence in _REFUSALS if pattern.search(message)), "")
