"""The ways in which a Gridhook may be sealed. No public page fixes one, so each is named and chosen in the project.

scrypt-cbc   AES-256-CBC, key by scrypt (Node's default cost) with the salt "salt", the initialisation vector all zero. It proves
             nothing about who wrote a message and equal messages look equal: for senders that know nothing better.
sha256-cbc   AES-256-CBC, key SHA-256 of the secret, the vector in front.
aes-gcm      AES-256-GCM, key SHA-256 of the secret, a 12-byte nonce in front, the tag at the end.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.padding import PKCS7

from careloom.systems.deepcura.options import CipherName

LEGACY: CipherName = "scrypt-cbc"
_BLOCK, _NONCE = 16, 12
_ZERO = bytes(_BLOCK)


class NotOurs(Exception):
    """The text was not sealed by this cipher with this key; nothing says in what it failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealing:
    """One cipher with its key."""

    name: CipherName
    key: bytes = field(repr=False)

    @property
    def proves(self) -> bool:
        """Whether what it opens was sealed with this key, and not merely made to look so by chance."""
        return self.name == "aes-gcm"

    def open(self, text: str) -> bytes:
        """What was sealed. NotOurs, whatever is wrong."""
        try:
            return _OPENERS[self.name](self.key, base64.b64decode(text, validate=True))
        except (ValueError, InvalidTag, binascii.Error):
            raise NotOurs from None

    def seal(self, content: bytes) -> str:
        """`content` as a sender would seal it."""
        return base64.b64encode(_SEALERS[self.name](self.key, content)).decode()


def sealing(name: CipherName, secret: str) -> Sealing:
    """The cipher called `name` with the key that `secret` gives; scrypt takes tens of milliseconds, so do it once."""
    if name == LEGACY:
        key = hashlib.scrypt(secret.encode(), salt=b"salt", n=16384, r=8, p=1, dklen=32)
    else:
        key = hashlib.sha256(secret.encode()).digest()
    return Sealing(name=name, key=key)


def _cbc_open(key: bytes, vector: bytes, sealed: bytes) -> bytes:
    if not sealed or len(sealed) % _BLOCK:
        raise ValueError
    decryptor = Cipher(algorithms.AES(key), modes.CBC(vector)).decryptor()
    unpadder = PKCS7(_BLOCK * 8).unpadder()
    return unpadder.update(decryptor.update(sealed) + decryptor.finalize()) + unpadder.finalize()


def _cbc_seal(key: bytes, vector: bytes, content: bytes) -> bytes:
    padder = PKCS7(_BLOCK * 8).padder()
    padded_content = padder.update(content) + padder.finalize()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(vector)).encryptor()
    return encryptor.update(padded_content) + encryptor.finalize()


def _with_vector(key: bytes, content: bytes) -> bytes:
    vector = os.urandom(_BLOCK)
    return vector + _cbc_seal(key, vector, content)


def _gcm_seal(key: bytes, content: bytes) -> bytes:
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, content, None)


_OPENERS: dict[CipherName, Callable[[bytes, bytes], bytes]] = {
    "scrypt-cbc": lambda key, sealed: _cbc_open(key, _ZERO, sealed),
    "sha256-cbc": lambda key, sealed: _cbc_open(key, sealed[:_BLOCK], sealed[_BLOCK:]),
    "aes-gcm": lambda key, sealed: AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], None),
}
_SEALERS: dict[CipherName, Callable[[bytes, bytes], bytes]] = {
    "scrypt-cbc": lambda key, content: _cbc_seal(key, _ZERO, content),
    "sha256-cbc": _with_vector,
    "aes-gcm": _gcm_seal,
}
