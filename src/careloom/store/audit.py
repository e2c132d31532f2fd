"""Who looked at people's data and who decided what: rows chained by SHA-256, so that a changed one shows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg

from careloom.store.database import Store

_LOCK = 7_266_135_002
_GENESIS = bytes(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """`rows` were read; `broken` is the number of the first that does not follow from the one before, if any."""

    rows: int
    broken: int | None


def write_audit(store: Store, *, at: datetime, actor: str, action: str, subject: str) -> None:
    """Append one row. `subject` names keys and properties, never values."""
    with store.transaction() as connection:
        append_audit(connection, at=at, actor=actor, action=action, subject=subject)


def append_audit(connection: psycopg.Connection, *, at: datetime, actor: str, action: str, subject: str) -> None:
    """Append one row within a transaction that is open already."""
    connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
    row = connection.execute("select seq, hash from audit order by seq desc limit 1").fetchone()
    seq, previous = (row[0] + 1, row[1]) if row else (1, _GENESIS)
    connection.execute(
        "insert into audit (seq, at, actor, action, subject, previous, hash) values (%s, %s, %s, %s, %s, %s, %s)",
        (seq, at, actor, action, subject, previous, _hash(previous, seq, at, actor, action, subject)),
    )


def verify_audit(store: Store) -> Verification:
    """Recompute the whole chain."""
    previous, rows = _GENESIS, 0
    with store.transaction() as connection, connection.cursor("audit_chain") as cursor:
        cursor.execute("select seq, at, actor, action, subject, previous, hash from audit order by seq")
        for seq, at, actor, action, subject, stated, stored in cursor:
            rows += 1
            expected = _hash(previous, seq, at, actor, action, subject)
            if seq != rows or stated != previous or stored != expected:
                return Verification(rows=rows, broken=rows)
            previous = stored
    return Verification(rows=rows, broken=None)


def _hash(previous: bytes, seq: int, at: datetime, actor: str, action: str, subject: str) -> bytes:
    parts = (str(seq), at.astimezone(UTC).isoformat(), actor, action, subject)
    framed = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)
    return hashlib.sha256(previous + framed).digest()
