"""A store and a running service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from careloom.store.database import Store, open_store
from web.served import Running, paper_project, serve


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    new_store = open_store(database)
    yield new_store
    new_store.close()


@pytest.fixture
def service(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    with serve(store, paper_project(tmp_path), monkeypatch) as running:
        yield running
