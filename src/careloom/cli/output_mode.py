"""How this process was asked to speak; set once by `main`, before a command is loaded."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Manner:
    """`json`: the command was asked for JSON. `printed`: it printed some. `quiet`: no progress is wanted.

    `begun`: there is something to bring to an end. `interrupted`: Ctrl-C gave up what was under way.
    """

    json: bool = False
    printed: bool = False
    quiet: bool = False
    begun: bool = False
    interrupted: bool = False


MANNER = Manner()
