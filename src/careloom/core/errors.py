"""The one tree of errors, sorted first by what to do next.

CareloomError
├── Fix               a person must change something, then run again
│   ├── UsageFault        the command line asks for something that is not there
│   ├── ProjectFault      the project's files are wrong (carries every fault, with its place)
│   ├── SecretMissing     the files name a secret that this machine does not have
│   └── NotPermitted      a token or a scope is missing, wrong or expired
├── Later             try again; `after` says when
│   └── RemoteUnavailable the other side does not answer, or asks us to wait for long
├── Hold              this one record stops, with its reason; the others continue
└── Stop              a bug, or a promise that was about to be broken

A message says what, where and the next step, and never holds a person's data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One mistake in a project, at its place.

    `line` and `column` count from 1; 0 means the whole file. A room that does not know where its question stands in the
    project leaves `file` empty, and says by `part` what is at fault: the system's url, or what is asked of it.
    """

    file: str
    line: int
    column: int
    code: str
    cause: str
    fix: str
    part: Literal["url", "query"] = "query"

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{f'{place}: ' if place else ''}{self.cause} [{self.code}]\n    fix: {self.fix}"


class CareloomError(Exception):
    """The root; never raised itself."""

    exit_code = 1
    kind = "failure"
    """The machine's name of what kind of failure this is, as `--json` gives it."""


class Fix(CareloomError):
    """A person must change something, then run again."""

    kind = "fix"


class UsageFault(Fix):
    """The command line asks for something that is not there."""

    exit_code = 2
    kind = "usage"


class ProjectFault(Fix):
    """The project is at fault; `faults` lists every one found."""

    exit_code = 3
    kind = "project"

    def __init__(self, *faults: Fault) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults


class SecretMissing(Fix):
    """The project's files name a secret that is nowhere: as little of a project as one whose files are wrong."""

    exit_code = ProjectFault.exit_code


class NotPermitted(Fix):
    """The other side refuses our token, or the token lacks a scope."""

    exit_code = 5
    kind = "not-permitted"


class Later(CareloomError):
    """Nothing is wrong here; try again, after `after` seconds where that is known."""

    exit_code = 6
    kind = "later"

    def __init__(self, message: str, *, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


class RemoteUnavailable(Later):
    """A remote system does not answer, or asks for a wait longer than a run may take."""

    kind = "unavailable"


class Hold(CareloomError):
    """Only one record stops; `code` is the machine's name of the reason."""

    kind = "held"

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Stop(CareloomError):
    """A bug, or a promise that was about to be broken: nothing more is sent."""

    kind = "stopped"


def safe_text(error: BaseException) -> str:
    """What is kept and said of an error: the message of careloom's own, which hold no person's data; of another's only its type."""
    return str(error) if isinstance(error, CareloomError) else f"{type(error).__name__} (see the log)"
