"""What can be set about the billing service in a box, from outside and while it runs."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime
from typing import Any, Literal

from careloom.vendor_kit.simulator import control

ACCOUNTS = ("10028395", "10026936", "10026716", "10023994")


@dataclass(slots=True, kw_only=True)
class Settings:
    r"""`off`: accounts whose interface is not turned on; `inactive`: those that are no longer active.

    A report is done once it ran for `running_seconds` and was asked after `running_polls` times; then its data is missing
    for `empty_polls` more. `cap_seconds`: after so long it is given up. `rows`: charges of an account; `parts`: CSV files of
    a report. `today`: the day that dates are counted from, YYYY-MM-DD; empty is the clock's. `quirks`: ragged and repeated
    rows. `wrap` breaks base64 into lines, `escape` writes JSON with `\/` and `\u002b`. `username` empty admits any.
    """

    accounts: tuple[str, ...] = ACCOUNTS
    off: tuple[str, ...] = ()
    inactive: tuple[str, ...] = ()
    rows: int = 400
    parts: int = 1
    seed: int = 1
    today: str = ""
    encoding: Literal["cp1252", "utf-8", "utf-8-sig"] = "cp1252"
    quirks: bool = True
    wrap: bool = False
    escape: bool = False
    complete_word: str = "SUCCESS"
    running_seconds: float = 0.2
    running_polls: int = 0
    empty_polls: int = 0
    cap_seconds: float = 900.0
    one_at_a_time: bool = True
    latency_ms: int = 0
    username: str = "sim-user"
    password: str = field(default="sim-password", repr=False)

    def day(self) -> date:
        """The day that dates are counted from."""
        return date.fromisoformat(self.today) if self.today else datetime.now(UTC).date()


def change(settings: Settings, values: dict[str, Any]) -> None:
    """Set what `values` names; KeyError for a name that does not exist, ValueError for a day that is not a date."""
    if values.get("today"):
        date.fromisoformat(values["today"])
    control.change(settings, values)


def public_values(settings: Settings) -> dict[str, Any]:
    """Every setting but the password."""
    return {field_.name: getattr(settings, field_.name) for field_ in fields(settings) if field_.name != "password"}
