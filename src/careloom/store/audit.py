"""Who looked at people's data and who decided what: rows chained by SHA-256, so that a changed one shows.

The end of the chain is held outside it as well, so that a cut or a removed one shows too: see `anchoring`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import psycopg

from careloom.core.log import LOG
from careloom.store.audit_anchor import Head
from careloom.store.database import Store

_LOCK = 7_266_135_002
_GENESIS = bytes(32)
Loss = Literal["", "end", "whole", "head"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """`rows` were read; `broken_row` is the number of the first that does not follow from the one before, if any.

    `loss`: the chain's end or the whole of it is missing, or the head was changed apart from it. `has_seal`: its head bears the
    seal of this process's key; None where this process has none.
    """

    rows: int
    broken_row: int | None
    loss: Loss = ""
    has_seal: bool | None = None


def write_audit(store: Store, *, moment: datetime, actor: str, action: str, subject: str) -> None:
    """Append one row. `subject` names keys and properties, never values."""
    with store.transaction() as connection:
        append_audit(store, connection, moment=moment, actor=actor, action=action, subject=subject)


def append_audit(
    store: Store, connection: psycopg.Connection, *, moment: datetime, actor: str, action: str, subject: str
) -> None:
    """Append one row within a transaction of `store` that is open already."""
    connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
    row = connection.execute("select seq, hash from audit order by seq desc limit 1").fetchone()
    seq, previous = (row[0] + 1, row[1]) if row else (1, _GENESIS)
    # The writer of the row before has committed it: only they could have held the lock.
    store.anchoring.keep(Head(seq - 1, previous))
    values = {"seq": seq, "at": moment, "actor": actor, "action": action, "subject": subject}
    head = Head(seq, _hash(previous, seq, moment, actor, action, subject))
    _warn(store, connection, Head(seq - 1, previous))
    # The head follows by a trigger. One that is not the row before's stays what it is, and shows: moving it would cover up
    # what was cut.
    connection.execute(_APPEND, {**values, "previous": previous, "hash": head.hash})
    seal = store.anchoring.seal(head)
    connection.execute(_SEAL, {"hash": head.hash, "seal": seal})
    store.anchoring.log(head, seal)


def _warn(store: Store, connection: psycopg.Connection, former: Head) -> None:
    """Say in the log that what is written on to is not what was sealed: the next seal would hide it from the database."""
    row = connection.execute(_HEAD).fetchone()
    if _lost(former, row) or _sealed(store, former, row) is False:
        LOG.error("audit.mismatched", message="the audit's end is not what was sealed", rows=former.rows)


def verify_audit(store: Store) -> Verification:
    """Recompute the whole chain, and compare its end with the heads that are held apart."""
    previous, rows = _GENESIS, 0
    hashes: dict[int, bytes] = {}
    anchor_head = store.anchoring.kept()
    with store.transaction() as connection:
        # The chain and its head as of one moment.
        connection.execute("set transaction isolation level repeatable read")
        with connection.cursor("audit_chain") as cursor:
            cursor.execute("select seq, at, actor, action, subject, previous, hash from audit order by seq")
            for seq, moment, actor, action, subject, previous_hash, stored_hash in cursor:
                rows += 1
                computed_hash = _hash(previous, seq, moment, actor, action, subject)
                if seq != rows or previous_hash != previous or stored_hash != computed_hash:
                    return Verification(rows=rows, broken_row=rows)
                previous = stored_hash
                if anchor_head is not None and rows == anchor_head.rows:
                    hashes[rows] = stored_hash
        row = connection.execute(_HEAD).fetchone()
    loss = _lost(Head(rows, previous), row) or _behind(rows, hashes, anchor_head)
    has_seal = _sealed(store, Head(rows, previous), row)
    if not loss and has_seal is not False:
        store.anchoring.keep(Head(rows, previous))
    return Verification(rows=rows, broken_row=None, loss=loss, has_seal=has_seal)


def _lost(end: Head, row: tuple[int, bytes, bytes | None] | None) -> Loss:
    """What the head in the database says of a chain that ends with `end`."""
    if row is None:
        return "head"
    if row[0] > end.rows:
        return "end" if end.rows else "whole"
    return "" if (row[0], bytes(row[1])) == (end.rows, end.hash) else "head"


def _behind(rows: int, hashes: Mapping[int, bytes], anchor_head: Head | None) -> Loss:
    """What the head in the file says: its row must be there, with its hash."""
    if anchor_head is None or hashes.get(anchor_head.rows) == anchor_head.hash:
        return ""
    return "end" if rows else "whole"


def _sealed(store: Store, head: Head, row: tuple[int, bytes, bytes | None] | None) -> bool | None:
    seal = store.anchoring.seal(head)
    if seal is None or not head.rows:
        return None
    return row is not None and row[2] is not None and hmac.compare_digest(seal, bytes(row[2]))


def _hash(previous: bytes, seq: int, moment: datetime, actor: str, action: str, subject: str) -> bytes:
    parts = (str(seq), moment.astimezone(UTC).isoformat(), actor, action, subject)
    message = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)
    return hashlib.sha256(previous + message).digest()


_APPEND = """
insert into audit (seq, at, actor, action, subject, previous, hash)
values (%(seq)s, %(at)s, %(actor)s, %(action)s, %(subject)s, %(previous)s, %(hash)s)"""
_HEAD = "select rows, hash, seal from audit_head"
_SEAL = "update audit_head set seal = %(seal)s where hash = %(hash)s"
