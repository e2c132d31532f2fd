"""Token pairs in the store, sealed: who reads the database, or a backup of it, holds no token."""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Lock

import orjson

from careloom.core.errors import Fix, Later, Stop
from careloom.core.hooks import Token
from careloom.services import cipher
from careloom.services.settings import Settings
from careloom.store.anchoring import Anchoring, anchor_file
from careloom.store.database import Store
from careloom.store.locking import alone
from careloom.store.statements import statements

KEY_BYTES = 32
NONCE_BYTES = 12
PATIENCE = 90.0
"""Seconds for which another's refresh is waited for."""
_SECRET = "careloom-seal-key"  # noqa: S105 - the secret's name, not the secret
_VARIABLES = ("CARELOOM_SEAL_KEY", "CARELOOM_SEAL_KEY_FILE")


@dataclass(slots=True, kw_only=True)
class SealedTokens:
    """The token pair of one system; implements `core.hooks.Tokens`. `key` is asked for when it is first needed."""

    database: Store
    system: str
    key: Callable[[], bytes]
    _ours: Lock = field(default_factory=Lock, repr=False)

    def current(self) -> Token | None:
        """The pair as it stands. Fix if it was sealed with another key."""
        with self.database.transaction() as connection:
            row = connection.execute(_SQL["read"], {"system": self.system}).fetchone()
        if row is None:
            return None
        generation, sealed = row
        return self._open(bytes(sealed), generation)

    def refreshed(self, stale: Token, refresh: Callable[[Token], Token]) -> Token:
        """A pair newer than `stale`. Later if another worker's refresh does not end."""
        # Threads of this process queue here, so that each of them does not hold a connection while it waits.
        with self._ours, alone(self.database, "token", self.system, patience=PATIENCE) as ours:
            if not ours:
                raise Later(f"another worker is still refreshing the token of {self.system!r}; try again in a minute")
            newest = self.current() or stale
            if newest.access != stale.access:
                return newest
            fresh = refresh(newest)
            self.store(fresh)
            return fresh

    def store(self, token: Token) -> None:
        """Keep `token` as the newest pair."""
        with self.database.transaction() as connection:
            row = connection.execute(_SQL["generation"], {"system": self.system}).fetchone()
            generation = int(row[0]) if row else 1
            values = {
                "system": self.system,
                "generation": generation,
                "sealed": self._seal(token, generation),
                "expires_at": token.expires_at,
            }
            if connection.execute(_SQL["write"], values).rowcount != 1:
                raise Stop(f"two at once stored a token of {self.system!r}; run: careloom connect {self.system}")

    def _seal(self, token: Token, generation: int) -> bytes:
        text = orjson.dumps(
            {"access": token.access, "refresh": token.refresh, "expires_at": token.expires_at.isoformat()}
        )
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + cipher.seal(self.key(), nonce, text, self._about(generation))

    def _open(self, sealed: bytes, generation: int) -> Token:
        try:
            text = cipher.unseal(self.key(), sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], self._about(generation))
        except cipher.NotSealed:
            raise Fix(
                f"the token of {self.system!r} was sealed with another key; give CARELOOM_SEAL_KEY its former value, or "
                f"run: careloom connect {self.system}"
            ) from None
        pair = orjson.loads(text)
        return Token(
            access=pair["access"], refresh=pair["refresh"], expires_at=datetime.fromisoformat(pair["expires_at"])
        )

    def _about(self, generation: int) -> bytes:
        """What a sealed pair belongs to: moved to another system or back in time, it does not open."""
        return f"{self.system}|{generation}".encode()


_SQL = statements("tokens")


# ---------------------------------------------------------------- the key


def seal_key(hidden: Path, settings: Settings) -> bytes:
    """The key that tokens are sealed with: CARELOOM_SEAL_KEY; for an embedded store else a file in `hidden`, made once.

    Fix if the store is not embedded and there is no key: a file on one of its workers would be another key on the next.
    """
    if settings.database_url is None and not any(settings.environment.get(name) for name in _VARIABLES):
        return _key_in(hidden / "seal.key")
    try:
        text = settings.secret(settings.secret(f"secret:{_SECRET}"))
    except Fix:
        raise Fix(
            "there is no key to seal tokens with: set CARELOOM_SEAL_KEY, the same for every worker, to 32 random bytes in "
            "base64 (openssl rand -base64 32), or CARELOOM_SEAL_KEY_FILE to a file that holds them"
        ) from None
    return _checked(text)


def _key_in(file: Path) -> bytes:
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(handle, base64.b64encode(secrets.token_bytes(KEY_BYTES)))
            os.fsync(handle)
        finally:
            os.close(handle)
        # A link is made whole or not at all, and never over another's: whoever is first has made the key.
        with suppress(FileExistsError):
            os.link(draft, file)
        draft.unlink()
    return _checked(file.read_text(encoding="ascii"))


def _checked(text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise Fix("CARELOOM_SEAL_KEY is not 32 bytes in base64; make one with: openssl rand -base64 32")
    return key


def anchoring_of(hidden: Path, settings: Settings, url: str) -> Anchoring:
    """What holds the end of the audit of the database at `url`: the same key, and a file in `hidden`."""
    key: list[bytes | None] = []

    def known() -> bytes | None:
        if not key:
            try:
                key.append(seal_key(hidden, settings))
            except Fix:
                key.append(None)
        return key[0]

    return Anchoring(key=known, file=anchor_file(hidden, url))
