"""Reading ahead: in order, never far, an error where it happened, and nobody left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from careloom.core.streams import Page
from careloom.services.landing.prefetch import prefetch_pages


class Pages:
    """A source of pages that says how far it was read and whether it was closed."""

    def __init__(self, most: int, error: BaseException | None = None) -> None:
        self.most, self.error = most, error
        self.given, self.closed, self.reader = 0, 0, ""
        self.moved = threading.Condition()

    def all(self) -> Iterator[Page]:
        try:
            while self.given < self.most:
                with self.moved:
                    self.given, self.reader = self.given + 1, threading.current_thread().name
                    self.moved.notify_all()
                yield Page(records=[], checkpoint=str(self.given))
            if self.error is not None:
                raise self.error
        finally:
            self.closed += 1

    def wait_for(self, given: int) -> None:
        with self.moved:
            assert self.moved.wait_for(lambda: self.given >= given, 20)


def test_pages_come_in_order_while_the_next_is_read_and_never_more_than_two_ahead() -> None:
    source, seen = Pages(9), []
    with prefetch_pages(source.all(), lambda: False) as pages:
        for page in pages:
            seen.append(page.checkpoint)
            source.wait_for(min(9, len(seen) + 1))
            assert source.given <= len(seen) + 2
    assert seen == [str(number) for number in range(1, 10)]
    assert source.reader == "careloom reading ahead"


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), SystemExit(3)])
def test_an_error_is_raised_behind_the_pages_that_came_before_it(error: BaseException) -> None:
    source, seen = Pages(3, error), []
    with prefetch_pages(source.all(), lambda: False) as pages, pytest.raises(type(error)):
        seen.extend(page.checkpoint for page in pages)
    assert source.closed == 1
    # What an `extend` that failed had taken in is there all the same.
    assert seen == ["1", "2", "3"]


@pytest.mark.parametrize("used", [0, 1, 3])
def test_whoever_leaves_early_leaves_no_reader_behind(used: int) -> None:
    source = Pages(1000)
    with prefetch_pages(source.all(), lambda: False) as pages:
        for _ in range(used):
            next(pages)
    assert source.closed == 1
    assert source.given <= used + 2
    assert "careloom reading ahead" not in {one.name for one in threading.enumerate()}


def test_a_source_that_lets_wait_is_left_when_that_is_over() -> None:
    answer = threading.Event()

    def slow() -> Iterator[Page]:
        yield Page(records=[], checkpoint="1")
        answer.wait(20)
        yield Page(records=[], checkpoint="2")

    over = threading.Event()
    threading.Timer(0.1, over.set).start()
    threading.Timer(2.0, answer.set).start()
    with prefetch_pages(slow(), over.is_set) as pages:
        assert [page.checkpoint for page in pages] == ["1"]
        assert not answer.is_set()
