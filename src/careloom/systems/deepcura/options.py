"""What a project writes under `systems:` for Deep Cura. Nothing public states the format: whatever is unsure is a setting."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

CipherName = Literal["scrypt-cbc", "sha256-cbc", "aes-gcm"]


class Options(BaseModel):
    """A Deep Cura account that sends Gridhooks."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    secret: str = Field(min_length=1, description="The shared secret that seals, by the name of its secret.")
    header_secret: str = Field(default="", description="The secret that the header carries; empty: the same.")
    headers: tuple[str, ...] = Field(
        default=("x-deepcura-secret", "authorization"),
        description="The headers that may carry it, lower case; `authorization` as a Bearer token.",
    )
    payload: tuple[str, ...] = Field(
        default=("encrypted_payload", "payload"), description="The names under which the sealed text may come."
    )
    ciphers: tuple[CipherName, ...] = Field(
        default=("aes-gcm", "sha256-cbc", "scrypt-cbc"), min_length=1, description="What is accepted, tried in order."
    )
    legacy_until: date | None = Field(
        default=None, description="The last day on which the legacy cipher, scrypt-cbc, is accepted; none: for ever."
    )
