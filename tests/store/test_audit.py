"""The audit only grows, and shows what was changed behind its back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import psycopg
import pytest

from careloom.store.audit import append_audit, verify_audit, write_audit
from careloom.store.audit_anchor import AuditAnchor
from careloom.store.database import Store, open_store

MOMENT = datetime(2026, 5, 1, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    store = open_store(database)
    for number in range(5):
        write_audit(store, moment=MOMENT, actor="ops", action="held --reveal", subject=f"people/K{number}")
    yield store
    store.close()


def behind_its_back(store: Store, statement: str) -> None:
    with store.transaction() as connection:
        connection.execute("alter table audit disable trigger audit_append_only")
        connection.execute(statement.encode())
        connection.execute("alter table audit enable trigger audit_append_only")


def test_an_untouched_chain_is_whole(store: Store) -> None:
    verification = verify_audit(store)
    assert (verification.rows, verification.broken_row) == (5, None)


def test_moments_of_any_zone_verify(store: Store) -> None:
    write_audit(store, moment=MOMENT.astimezone(timezone(timedelta(hours=5))), actor="ops", action="x", subject="y")
    assert verify_audit(store).broken_row is None


@pytest.mark.parametrize("statement", ["update audit set actor = 'else'", "delete from audit", "truncate audit"])
def test_it_can_be_neither_changed_nor_shortened(store: Store, statement: str) -> None:
    with pytest.raises(psycopg.errors.RaiseException, match="append-only"), store.transaction() as connection:
        connection.execute(statement.encode())


@pytest.mark.parametrize(
    ("statement", "row"),
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
def test_whatever_was_changed_behind_its_back_shows_where(store: Store, statement: str, row: int) -> None:
    behind_its_back(store, statement)
    assert verify_audit(store).broken_row == row


def run_statements(store: Store, *statements: str) -> None:
    with store.transaction() as connection:
        for table in ("audit", "audit_head"):
            connection.execute(f"alter table {table} disable trigger all".encode())
        for statement in statements:
            connection.execute(statement.encode())
        for table in ("audit", "audit_head"):
            connection.execute(f"alter table {table} enable trigger all".encode())


FORGED = (
    "update audit_head set (rows, hash) = (select seq, hash from audit order by seq desc limit 1)",
    "update audit_head set seal = decode(repeat('00', 32), 'hex')",
)


@pytest.mark.parametrize(
    ("statements", "lost"),
    [
        (["delete from audit where seq > 3"], "end"),
        (["delete from audit where seq = 5"], "end"),
        (["delete from audit"], "whole"),
        (["truncate audit"], "whole"),
        (["delete from audit", "delete from audit_head"], "head"),
        (["delete from audit where seq > 3", FORGED[0]], ""),
    ],
)
def test_a_cut_end_and_a_removed_whole_show(store: Store, statements: list[str], lost: str) -> None:
    run_statements(store, *statements)
    verification = verify_audit(store)
    assert (verification.broken_row, verification.loss) == (None, lost)


@pytest.mark.parametrize("forging", [FORGED[:1], FORGED])
def test_without_the_key_nobody_can_seal_a_shorter_chain(
    store: Store, forging: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    store.anchoring = AuditAnchor(key=lambda: b"k" * 32)
    write_audit(store, moment=MOMENT, actor="ops", action="x", subject="y")
    assert verify_audit(store).has_seal is True
    store.anchoring = AuditAnchor(key=lambda: b"l" * 32)
    assert verify_audit(store).has_seal is False
    store.anchoring = AuditAnchor(key=lambda: b"k" * 32)
    run_statements(store, "delete from audit where seq > 3", *forging)
    assert verify_audit(store).has_seal is False
    write_audit(store, moment=MOMENT, actor="ops", action="x", subject="y")
    assert "the audit's end is not what was sealed" in capsys.readouterr().out


def test_even_with_an_old_head_put_back_the_file_beside_shows_what_is_gone(store: Store, tmp_path: Path) -> None:
    store.anchoring = AuditAnchor(file=tmp_path / "audit.head")
    assert verify_audit(store).loss == ""
    run_statements(store, "delete from audit where seq > 3", FORGED[0])
    assert verify_audit(store).loss == "end"
    run_statements(store, "delete from audit", "update audit_head set rows = 0, hash = decode(repeat('00', 32), 'hex')")
    assert verify_audit(store).loss == "whole"
    write_audit(store, moment=MOMENT, actor="ops", action="x", subject="y")
    assert verify_audit(store).loss == "end"


def test_a_row_that_is_rolled_back_is_no_loss(store: Store, tmp_path: Path) -> None:
    store.anchoring = AuditAnchor(key=lambda: b"k" * 32, file=tmp_path / "audit.head")
    with store.transaction() as connection:
        append_audit(store, connection, moment=MOMENT, actor="ops", action="x", subject="y")
        connection.rollback()
    assert (verify_audit(store).rows, verify_audit(store).loss) == (5, "")


def test_each_row_is_logged_with_a_head_that_tells_nothing_of_it(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    store.anchoring = AuditAnchor(key=lambda: b"k" * 32)
    write_audit(store, moment=MOMENT, actor="ops", action="x", subject="people/K7")
    output = capsys.readouterr().out
    assert "the audit grew" in output
    assert "rows=6" in output
    assert "K7" not in output


def test_two_writers_at_once_make_one_chain(store: Store, database: str) -> None:
    second_store = open_store(database)
    try:
        for number in range(6):
            write_audit((store, second_store)[number % 2], moment=MOMENT, actor="ops", action="x", subject=str(number))
        verification = verify_audit(second_store)
    finally:
        second_store.close()
    assert (verification.rows, verification.broken_row) == (11, None)
