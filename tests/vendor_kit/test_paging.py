"""A listing counts as whole only where its end was said and every page led on."""

from __future__ import annotations

import pytest

from careloom.vendor_kit.call import NotAnAnswer
from careloom.vendor_kit.paging import Listing, PageGuard, items_of, next_cursor, next_link, next_number, pages

BOOK = {"": Listing(items=[1, 2], following="b"), "b": Listing(items=[3], following="c"), "c": Listing(items=[4])}


def test_every_page_is_read_to_the_end_and_from_the_middle() -> None:
    assert [item for page in pages(BOOK.__getitem__) for item in page.items] == [1, 2, 3, 4]
    assert [item for page in pages(BOOK.__getitem__, "b") for item in page.items] == [3, 4]


@pytest.mark.parametrize("following", ["", "b", "c"])
def test_a_page_that_leads_back_is_an_error(following: str) -> None:
    book = {**BOOK, "c": Listing(items=[4], following=following or "c")}
    with pytest.raises(NotAnAnswer, match="read before"):
        list(pages(book.__getitem__))


def test_the_same_items_under_another_position_are_an_error_where_items_can_be_told_apart() -> None:
    book = {**BOOK, "b": Listing(items=[1, 2], following="c")}
    with pytest.raises(NotAnAnswer, match="once more"):
        list(pages(book.__getitem__, id_of=lambda item: item))


def test_a_guard_changes_nothing_by_being_asked() -> None:
    guard = PageGuard()
    assert guard.problem("b") == guard.problem("b") == ""
    assert guard.turn("b")
    assert guard.problem("b") != ""
    assert not guard.turn("")


def test_an_end_that_is_not_said_is_none() -> None:
    assert next_link({"next": None}) == ""
    assert next_link({"next": "/p?2"}) == "/p?2"
    for body in ({}, {"next": 2}, [], None):
        with pytest.raises(NotAnAnswer):
            next_link(body)


def test_cursors_lie_where_the_vendor_puts_them() -> None:
    assert next_cursor({"paging": {"next": {"after": 7}}}, "paging", "next", "after") == "7"
    assert next_cursor({"next_page_token": ""}, "next_page_token") == ""
    assert next_cursor({}, "paging", "next", "after") == ""
    for body in ({"paging": []}, {"paging": {"next": {"after": {}}}}, {"paging": {"next": {"after": True}}}):
        with pytest.raises(NotAnAnswer):
            next_cursor(body, "paging", "next", "after")


def test_page_numbers_end_where_they_are_stated_or_a_page_is_not_full() -> None:
    assert next_number(1, 100, pages=2) == "2"
    assert next_number(2, 100, pages=2) == ""
    assert next_number(1, 100, size=100) == "2"
    assert next_number(2, 0, size=100) == ""
    with pytest.raises(NotAnAnswer):
        next_number(1, 0, pages=2)


def test_items_are_a_list_under_a_name_or_bare() -> None:
    assert items_of({"data": [1]}, "results", "data") == [1]
    assert items_of([1]) == [1]
    for body in ({"data": {}}, None, "<html>"):
        with pytest.raises(NotAnAnswer):
            items_of(body, "data")
