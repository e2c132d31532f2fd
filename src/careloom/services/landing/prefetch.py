"""Reading on while what was read is landed: a thread is a page ahead, and never more than two."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import copy_context
from dataclasses import dataclass, field
from queue import Empty, Queue
from threading import Event, Thread

from careloom.core.streams import Page

_LEAVING = 5.0
"""Seconds that a reader is waited for which is no longer needed; one that waits for its source ends later by itself."""

_LOOK = 1.0
"""Seconds between two looks at whether waiting for the source is still wanted."""


@contextmanager
def prefetch_pages(pages: Iterator[Page], should_stop: Callable[[], bool]) -> Iterator[Iterator[Page]]:
    """`pages` in their order, each read while the one before is worked on.

    An error of the source is raised behind the pages that came before it. Where the source lets wait and `should_stop` says so, they
    end. When the block is left, `pages` are closed.
    """
    reader = _PageReader(pages=pages, should_stop=should_stop)
    thread = Thread(target=copy_context().run, args=(reader.run,), name="careloom reading ahead", daemon=True)
    thread.start()
    try:
        yield reader.results()
    finally:
        reader.leave.set()
        with suppress(Empty):
            reader.read.get_nowait()
        thread.join(_LEAVING)


@dataclass(frozen=True, slots=True)
class _End:
    """Nothing follows: because of `error`, or because all was read."""

    error: BaseException | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _PageReader:
    pages: Iterator[Page]
    should_stop: Callable[[], bool]
    read: Queue[Page | _End] = field(default_factory=lambda: Queue(1))
    leave: Event = field(default_factory=Event)

    def run(self) -> None:
        """Read; the thread's part."""
        end = _End()
        try:
            for page in self.pages:
                self.read.put(page)
                if self.leave.is_set():
                    break
        except BaseException as error:  # noqa: BLE001 (it is raised where the page would have been used)
            end = _End(error)
        self._close()
        if not self.leave.is_set():
            self.read.put(end)

    def results(self) -> Iterator[Page]:
        """The pages that were read, in order, until the last."""
        while True:
            try:
                item = self.read.get(timeout=_LOOK)
            except Empty:
                if self.should_stop():
                    return
                continue
            if not isinstance(item, _End):
                yield item
                continue
            if item.error is not None:
                raise item.error
            return

    def _close(self) -> None:
        close = getattr(self.pages, "close", None)
        if close is not None:
            close()
