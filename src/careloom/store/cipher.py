"""What seals tokens: AES-256-GCM."""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NotSealed = InvalidTag
"""It was not sealed with this key, nonce and context."""


def seal(key: bytes, nonce: bytes, text: bytes, about: bytes) -> bytes:
    """`text` sealed, with its tag behind it; it opens with the same `about` only."""
    return AESGCM(key).encrypt(nonce, text, about)


def unseal(key: bytes, nonce: bytes, ciphertext: bytes, about: bytes) -> bytes:
    """What was sealed. NotSealed if anything differs."""
    return AESGCM(key).decrypt(nonce, ciphertext, about)
