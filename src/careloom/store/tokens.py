"""Token pairs in the store, sealed: who reads the database, or a backup of it, holds no token."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

import orjson

from careloom.core.errors import Fix, Later, Stop
from careloom.core.tokens import Token
from careloom.store import cipher
from careloom.store.database import Store
from careloom.store.locks import advisory_lock
from careloom.store.statements import statements

NONCE_BYTES = 12
_SQL = statements("tokens")
PATIENCE = 90.0
"""Seconds for which another's refresh is waited for."""


@dataclass(slots=True, kw_only=True)
class EncryptedTokens:
    """The token pair of one system; implements `core.tokens.Tokens`. `key` is asked for when it is first needed."""

    database: Store
    system: str
    key: Callable[[], bytes]
    _lock: Lock = field(default_factory=Lock, repr=False)

    def current(self) -> Token | None:
        """The pair as it stands. Fix if it was sealed with another key."""
        with self.database.transaction() as connection:
            row = connection.execute(_SQL["read"], {"system": self.system}).fetchone()
        if row is None:
            return None
        generation, ciphertext = row
        return self._open(bytes(ciphertext), generation)

    def refreshed(self, stale: Token, refresh: Callable[[Token], Token]) -> Token:
        """A pair newer than `stale`. Later if another worker's refresh does not end."""
        # Threads of this process queue here, so that each of them does not hold a connection while it waits.
        with self._lock, advisory_lock(self.database, "token", self.system, patience=PATIENCE) as has_lock:
            if not has_lock:
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

    def _open(self, ciphertext: bytes, generation: int) -> Token:
        try:
            text = cipher.unseal(
                self.key(), ciphertext[:NONCE_BYTES], ciphertext[NONCE_BYTES:], self._about(generation)
            )
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
