"""What holds the end of the audit where the audit itself cannot: a seal under a key, a file beside, a line in the log.

A chain shows what was changed in its middle. Of a chain whose end was cut off, or which was removed as a whole, what is left is
a good chain. So its head (how many rows, and the last one's hash) is kept apart as well:

- in the table `audit_head`, sealed by HMAC under a key that is not in the database: who may do everything there still cannot
  seal a shorter one. What they can do is to put an older head back that they had kept.
- in a file of the project's `.careloom/`, where that folder stays: the head as it was before the newest row.
- in the log, a line for each row. Logs usually go where no user of the database can reach them.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from careloom.core.log import LOG

_PURPOSE = b"careloom audit head"


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain: the number of its rows, and the hash of the last."""

    rows: int
    hash: bytes


def _no_key() -> bytes | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditAnchor:
    """Where heads are held. `key`: what seals are made with, None where this process has none."""

    key: Callable[[], bytes | None] = _no_key
    file: Path | None = None

    def seal(self, head: Head) -> bytes | None:
        """The head's seal; None without a key."""
        key = self.key()
        if key is None:
            return None
        purpose = hmac.new(key, _PURPOSE, hashlib.sha256).digest()
        return hmac.new(purpose, f"{head.rows}|".encode() + head.hash, hashlib.sha256).digest()

    def log(self, head: Head, seal: bytes | None) -> None:
        """Say the head where logs go. The seal stands for it: it tells nothing of what was audited."""
        digest = (seal or hashlib.sha256(head.hash).digest()).hex()
        LOG.info("audit.grew", message="the audit grew", rows=head.rows, head=digest, sealed=seal is not None)

    def keep(self, head: Head) -> None:
        """Write a head that is committed into the file, as far as that can be written."""
        if self.file is None or not head.rows:
            return
        draft = self.file.with_name(f"{self.file.name}.{os.getpid()}")
        with suppress(OSError):
            draft.write_text(f"{head.rows} {head.hash.hex()}\n", encoding="ascii")
            draft.replace(self.file)

    def kept(self) -> Head | None:
        """The head in the file; None where there is none."""
        if self.file is None:
            return None
        try:
            rows, digest = self.file.read_text(encoding="ascii").split()
            return Head(int(rows), bytes.fromhex(digest))
        except (OSError, ValueError):
            return None


def anchor_file(folder: Path, url: str) -> Path:
    """The file in `folder` for the database at `url`: another database has an audit of its own."""
    parts = conninfo_to_dict(url)
    # An embedded server's socket may move with its folder; its database is still the same one.
    host = str(parts.get("host", ""))
    place = "|".join(["" if host.startswith("/") else host, str(parts.get("port", "")), str(parts.get("dbname", ""))])
    return folder / f"audit-{hashlib.sha256(place.encode()).hexdigest()[:12]}.head"
