"""Finds the bad inputs of a batch that was refused as a whole, in few requests.

A batch endpoint may refuse a hundred records for the sake of one and not say which. Halving finds it: at most
1 + 2·log2(n) requests for each bad input, and every good input lands. A prefix that was refused is known to hold a bad
input, so once its first half went through, the other half is halved without being sent whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class BatchBisector(Generic[T, R]):
    """One batch on its way through.

    `send` gives the refusal of a group, or None once every input in it was settled. `blame` settles those inputs that a
    refusal names and gives the others back; None if it names nobody. `condemn` settles an input that was refused alone.
    """

    def __init__(
        self,
        send: Callable[[Sequence[T]], R | None],
        blame: Callable[[Sequence[T], R], Sequence[T] | None],
        condemn: Callable[[T, R], None],
    ) -> None:
        self._send = send
        self._blame = blame
        self._condemn = condemn

    def pass_through(self, inputs: Sequence[T]) -> None:
        """Settle every input."""
        remaining = list(inputs)
        suspects = 0  # so many at the head of `rest` are known to hold a bad one
        size = len(remaining)
        row = 0  # bad inputs found one after another, with none that was good between them
        while remaining:
            size = suspects if suspects == 1 else (suspects + 1) // 2 if suspects else max(1, min(size, len(remaining)))
            group, after = remaining[:size], remaining[size:]
            refusal = self._send(group)
            if refusal is None:
                remaining, suspects, row = after, max(0, suspects - size), 0
                size = size * 2 if suspects == 0 else size
                continue
            if size == 1:
                self._condemn(group[0], refusal)
                row += 1
                # One bad input is likely to be the only one; many in a row are likely to be followed by more.
                remaining, suspects, size = after, 0, len(after) >> 2 * (row - 1)
                continue
            innocent = self._blame(group, refusal)
            if innocent is None:
                suspects = size
            else:
                remaining, suspects, size = [*innocent, *after], 0, len(innocent) + len(after)
