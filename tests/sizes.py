"""How much the costly tests do: a sample in `make test`, everything in `make test-all`.

A sample passes through every kind of place that the whole does, so that what is wrong fails in both; the whole goes through
more of each kind.
"""

from __future__ import annotations

import os
from typing import TypeVar

_Size = TypeVar("_Size")

WHOLE = os.environ.get("TESTS") == "whole"


def size(sample: _Size, *, whole: _Size) -> _Size:
    """`sample`, or `whole` where everything is asked for (`TESTS=whole`)."""
    return whole if WHOLE else sample
