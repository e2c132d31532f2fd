"""The key that token pairs and the end of the audit are sealed with: out of the environment, or a file of an embedded store."""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from contextlib import suppress
from pathlib import Path

from careloom.core.errors import Fix
from careloom.services.session.settings import Settings
from careloom.store.audit_anchor import AuditAnchor, anchor_file

KEY_BYTES = 32
_SECRET = "careloom-seal-key"  # noqa: S105 - the secret's name, not the secret
_VARIABLES = ("CARELOOM_SEAL_KEY", "CARELOOM_SEAL_KEY_FILE")


def seal_key(hidden_folder: Path, settings: Settings) -> bytes:
    """The key that tokens are sealed with: CARELOOM_SEAL_KEY; for an embedded store else a file in `hidden_folder`, made once.

    Fix if the store is not embedded and there is no key: a file on one of its workers would be another key on the next.
    """
    if settings.database_url is None and not any(settings.environment.get(name) for name in _VARIABLES):
        return _key_in(hidden_folder / "seal.key")
    try:
        text = settings.secret(settings.secret(f"secret:{_SECRET}"))
    except Fix:
        raise Fix(
            "there is no key to seal tokens with: set CARELOOM_SEAL_KEY, the same for every worker, to 32 random bytes in "
            "base64 (openssl rand -base64 32), or CARELOOM_SEAL_KEY_FILE to a file that holds them"
        ) from None
    return _check(text)


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
        # A link is made whole or not at all, and never over another's: the first process has made the key.
        with suppress(FileExistsError):
            os.link(draft, file)
        draft.unlink()
    return _check(file.read_text(encoding="ascii"))


def _check(text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise Fix("CARELOOM_SEAL_KEY is not 32 bytes in base64; make one with: openssl rand -base64 32")
    return key


def audit_anchor_of(hidden_folder: Path, settings: Settings, url: str) -> AuditAnchor:
    """What holds the end of the audit of the database at `url`: the same key, and a file in `hidden_folder`."""
    key: list[bytes | None] = []

    def key_or_none() -> bytes | None:
        if not key:
            try:
                key.append(seal_key(hidden_folder, settings))
            except Fix:
                key.append(None)
        return key[0]

    return AuditAnchor(key=key_or_none, file=anchor_file(hidden_folder, url))
