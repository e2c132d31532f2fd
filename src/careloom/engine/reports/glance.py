"""What the bytes of a report's CSV files say before anything is read: whether they are new, and how they must be read."""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from careloom.core.errors import Hold

RULES = 5
"""Counted up whenever the same file would be read into other rows than before."""

_BLOCK = 4 * 2**20
_CROOKED = (b' "', b'" ', b'\t"', b'"\t')
_EDGE = 32
_EMPTY_FIRST = tuple(b"\n" + mark for mark in (b",", b";", b"\t", b"|", b'"",', b'"";', b" "))
_SUMS = tuple(b"\n" + quote + word for quote in (b"", b'"') for word in (b"total", b"grand", b"sub", b"report", b"sum"))


class Glance(NamedTuple):
    """What the bytes of a report's files say before anything is read.

    `digest`: of the bytes and the rules of reading. `needs_rewrite`: a file must be straightened. `sums`: a row may be empty, or the
    sum of others.
    """

    digest: str
    needs_rewrite: bool
    sums: bool


def digest_of(files: Sequence[Path]) -> Glance:
    """What the files' bytes say.

    Hold where a file is not UTF-8 or holds NUL characters, which no text in PostgreSQL can.
    """
    digest, needs_rewrite, nuls, sums = hashlib.blake2b(str(RULES).encode(), digest_size=32), False, 0, False
    for path in files:
        decoder, last = codecs.getincrementaldecoder("utf-8")(), b""
        digest.update(path.stat().st_size.to_bytes(8, "big"))
        with path.open("rb") as file:
            # DuckDB takes an empty first line for the header.
            needs_rewrite = needs_rewrite or file.read(4).removeprefix(codecs.BOM_UTF8)[:1] in {b"\r", b"\n"}
            file.seek(0)
            while block := file.read(_BLOCK):
                digest.update(block)
                nuls += block.count(0)
                needs_rewrite = needs_rewrite or any(
                    mark in block or mark in last[-1:] + block[:1] for mark in _CROOKED
                )
                # A line that ends with CR alone is one to Python's reader only.
                needs_rewrite = needs_rewrite or (b"\r" in block and b"\r" in block.replace(b"\r\n", b"")[:-1])
                if not block.isascii() or decoder.getstate()[0]:
                    _decoded(decoder, block)
                sums = sums or _may_hold_sums(last + block)
                last = block[-_EDGE:]
            _decoded(decoder, b"", final=True)
    if nuls:
        raise Hold("nul-character", f"the report holds {nuls} NUL characters, which the store cannot keep")
    return Glance(digest=digest.hexdigest(), needs_rewrite=needs_rewrite, sums=sums or needs_rewrite)


def _may_hold_sums(block: bytes) -> bool:
    return any(mark in block for mark in _EMPTY_FIRST) or any(mark in block.lower() for mark in _SUMS)


def _decoded(decoder: codecs.IncrementalDecoder, block: bytes, *, final: bool = False) -> None:
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError:
        # `from None`: the error carries the bytes.
        raise Hold("not-utf8", "a file of the report is not UTF-8 text") from None
