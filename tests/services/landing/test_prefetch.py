"""Reading ahead: in order, never far, an error where it happened, and nobody left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from careloom.core.streams import Page
from careloom.services.landing.prefetch import prefetch_pages


class Pages:
    """A source of pages that says how far it was read and whether it was closed."""

    def __init__(self, size: int, error: BaseException | None = None) -> None:
        self.most, self.error = size, error
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

    def wait_for(self, count: int) -> None:
        with self.moved:
            assert self.moved.wait_for(lambda: self.given >= count, 20)


def test_pages_come_in_order_while_the_next_is_read_and_never_more_than_two_ahead() -> None:
    source, checkpoints = Pages(9), []
    with prefetch_pages(source.all(), lambda: False) as pages:
        for page in pages:
            checkpoints.append(page.checkpoint)
            source.wait_for(min(9, len(checkpoints) + 1))
            assert source.given <= len(checkpoints) + 2
    assert checkpoints == [str(number) for number in range(1, 10)]
    assert source.reader == "careloom reading ahead"


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), SystemExit(3)])
def test_an_error_is_raised_behind_the_pages_that_came_before_it(error: BaseException) -> None:
    source, checkpoints = Pages(3, error), []
    with prefetch_pages(source.all(), lambda: False) as pages, pytest.raises(type(error)):
        checkpoints.extend(page.checkpoint for page in pages)
    assert source.closed == 1
    # What an `extend` that failed had taken in is there all the same.
    assert checkpoints == ["1", "2", "3"]


@pytest.mark.parametrize("page_count", [0, 1, 3])
def test_whoever_leaves_early_leaves_no_reader_behind(page_count: int) -> None:
    source = Pages(1000)
    with prefetch_pages(source.all(), lambda: False) as pages:
        for _ in range(page_count):
            next(pages)
    assert source.closed == 1
    assert source.given <= page_count + 2
    assert "careloom reading ahead" not in {thread.name for thread in threading.enumerate()}


def test_a_source_that_lets_wait_is_left_when_that_is_over() -> None:
    answer = threading.Event()

    def slow() -> Iterator[Page]:
        yield Page(records=[], checkpoint="1")
        answer.wait(20)
        yield Page(records=[], checkpoint="2")

    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    threading.Timer(2.0, answer.set).start()
    with prefetch_pages(slow(), stop.is_set) as pages:
        assert [page.checkpoint for page in pages] == ["1"]
        assert not answer.is_set()
