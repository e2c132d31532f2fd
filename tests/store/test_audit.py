"""The audit only grows, and shows what was changed behind its back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import psycopg
import pytest

from careloom.store.audit import verify_audit, write_audit
from careloom.store.database import Store, open_store

MOMENT = datetime(2026, 5, 1, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    opened = open_store(database)
    for number in range(5):
        write_audit(opened, at=MOMENT, actor="ops", action="held --reveal", subject=f"people/K{number}")
    yield opened
    opened.close()


def behind_its_back(store: Store, statement: str) -> None:
    with store.transaction() as connection:
        connection.execute("alter table audit disable trigger audit_append_only")
        connection.execute(statement.encode())
        connection.execute("alter table audit enable trigger audit_append_only")


def test_an_untouched_chain_is_whole(store: Store) -> None:
    found = verify_audit(store)
    assert (found.rows, found.broken) == (5, None)


def test_moments_of_any_zone_verify(store: Store) -> None:
    write_audit(store, at=MOMENT.astimezone(timezone(timedelta(hours=5))), actor="ops", action="x", subject="y")
    assert verify_audit(store).broken is None


@pytest.mark.parametrize("statement", ["update audit set actor = 'else'", "delete from audit", "truncate audit"])
def test_it_can_be_neither_changed_nor_shortened(store: Store, statement: str) -> None:
    with pytest.raises(psycopg.errors.RaiseException, match="append-only"), store.transaction() as connection:
        connection.execute(statement.encode())


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("update audit set subject = 'people/K9' where seq = 3", 3),
        ("update audit set actor = 'nobody' where seq = 1", 1),
        ("update audit set at = at + interval '1 microsecond' where seq = 5", 5),
        ("update audit set previous = decode(repeat('00', 32), 'hex') where seq = 4", 4),
        ("delete from audit where seq = 2", 2),
        ("delete from audit where seq = 1", 1),
        ("update audit set action = action || subject, subject = '' where seq = 2", 2),
    ],
)
def test_whatever_was_changed_behind_its_back_shows_where(store: Store, statement: str, broken: int) -> None:
    behind_its_back(store, statement)
    assert verify_audit(store).broken == broken


def test_two_writers_at_once_make_one_chain(store: Store, database: str) -> None:
    other = open_store(database)
    try:
        for number in range(6):
            write_audit((store, other)[number % 2], at=MOMENT, actor="ops", action="x", subject=str(number))
        found = verify_audit(other)
    finally:
        other.close()
    assert (found.rows, found.broken) == (11, None)
