"""How this process was asked to speak; set once by `main`, before a command is loaded."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Manner:
    """`json`: the command was asked for JSON. `has_printed`: it printed some. `quiet`: no progress is wanted.

    `has_begun`: there is something to bring to an end. `was_interrupted`: Ctrl-C gave up what was under way.
    """

    json: bool = False
    has_printed: bool = False
    quiet: bool = False
    has_begun: bool = False
    was_interrupted: bool = False


MANNER = Manner()
