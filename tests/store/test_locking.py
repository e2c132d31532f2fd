"""One at a time, and the next one at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext, suppress

import psycopg
import pytest

from careloom.store import locks
from careloom.store.database import Store, open_store
from careloom.store.locks import advisory_lock


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    store = open_store(database)
    yield store
    store.close()


def test_only_one_holds_a_lock(store: Store) -> None:
    with advisory_lock(store, "scan", "people") as first, advisory_lock(store, "scan", "people") as second:
        assert (first, second) == (True, False)
    with advisory_lock(store, "scan", "people"), advisory_lock(store, "scan", "pills") as other:
        assert other


def test_a_lock_is_free_before_the_server_has_seen_its_holder_go(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy server a closed connection lives on for a moment: here it lives on for good."""
    with psycopg.connect(store.url, autocommit=True) as lingering:
        with monkeypatch.context() as patch:
            patch.setattr(locks, "own_connection", lambda _store: nullcontext(lingering))
            with suppress(ZeroDivisionError), advisory_lock(store, "scan", "people"):
                raise ZeroDivisionError
        with advisory_lock(store, "scan", "people") as ours:
            assert ours
