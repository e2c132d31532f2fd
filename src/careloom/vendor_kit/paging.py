"""Reading a listing page by page: by cursor, page number or the next page's address. A page that comes twice is an error.

What a listing lacks looks deleted. So a listing counts as whole only where its end was said, and every page led on.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from careloom.vendor_kit.call import NotAnAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One page as it came. `following`: where the next one is, in the listing's own way of saying; "" at the end.

    `total`: of all pages, where it is stated. `escapes`: a text may hold NUL.
    """

    items: Sequence[Any] = field(repr=False)
    following: str = ""
    total: int | None = None
    escapes: bool = False


@dataclass(slots=True)
class PageGuard:
    """Watches over one listing: each page leads on, and none comes twice."""

    position: str = ""
    _before: set[str] = field(default_factory=set)
    _last: tuple[Hashable, ...] = ()

    def problem(self, following: str, ids: Sequence[Hashable] = ()) -> str:
        """What is wrong with a page that names its next one so and holds these ids; "" if nothing. It changes nothing."""
        if following and (following == self.position or following in self._before):
            return "a next page that was read before"
        if self._last and tuple(ids) == self._last:
            return "the page before once more"
        return ""

    def turn(self, following: str, ids: Sequence[Hashable] = ()) -> bool:
        """Go on to the next page; False if this was the last."""
        self._before.add(self.position)
        self._last = tuple(ids)
        self.position = following
        return bool(following)


def pages(
    ask: Callable[[str], Listing], position: str = "", *, id_of: Callable[[Any], Hashable] | None = None
) -> Iterator[Listing]:
    """Every page from `position` on, which is what `ask` is given. NotAnAnswer where one does not lead on.

    `id_of`: what tells items apart, so that a page that comes again under another position is seen too.
    """
    guard = PageGuard(position)
    while True:
        listing = ask(guard.position)
        ids = [id_of(item) for item in listing.items] if id_of is not None else []
        if problem := guard.problem(listing.following, ids):
            raise NotAnAnswer(problem)
        yield listing
        if not guard.turn(listing.following, ids):
            return


def items_of(body: object, *names: str) -> list[Any]:
    """The list under the first of `names` that is there; a bare list without names. NotAnAnswer where there is none."""
    if not names and isinstance(body, list):
        return body
    for name in names:
        items = body.get(name) if isinstance(body, Mapping) else None
        if isinstance(items, list):
            return items
    raise NotAnAnswer("no list of " + (" or ".join(f"`{name}`" for name in names) or "items"))


def next_link(body: object, name: str = "next") -> str:
    """The next page's address, "" at the end. NotAnAnswer where the end is not said: then nothing shows that it is one."""
    link = body.get(name, False) if isinstance(body, Mapping) else False
    if link is None or isinstance(link, str):
        return link or ""
    raise NotAnAnswer(f"no `{name}`, which is null at the end")


def next_cursor(body: object, *path: str) -> str:
    """The cursor under the members of `path`, "" where one of them is absent, null or empty. NotAnAnswer where it is no text."""
    value: object = body
    for name in path:
        if value is None:
            return ""
        if not isinstance(value, Mapping):
            raise NotAnAnswer(f"`{'.'.join(path)}` that does not lead on")
        value = value.get(name)
    if value is None or value == "":
        return ""
    if isinstance(value, str) or type(value) is int:
        return str(value)
    raise NotAnAnswer(f"`{'.'.join(path)}` that is no cursor")


def next_number(number: int, count: int, *, pages: int | None = None, size: int | None = None) -> str:
    """The number of the page after `number`, "" at the end: by the stated number of `pages`, else by a page that is not full.

    NotAnAnswer where a page before the end is empty.
    """
    is_last = number >= pages if pages is not None else count < (size or 1)
    if not is_last and not count:
        raise NotAnAnswer("an empty page before the end")
    return "" if is_last else str(number + 1)
