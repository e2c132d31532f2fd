"""Archives that are not what they should be, each by the name of its fault."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping

from careloom.systems.collaboratemd.simulator.files import packed

_BOMB_BYTES = 24 * 1024 * 1024
_MANY = 5000
_WIDE = 10_000


def _corrupt(content: bytes) -> bytes:
    return b"this is no archive" + content[18:-22] + b"\x00" * 22


def _truncated(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _bad_sum(content: bytes) -> bytes:
    """The same archive with one byte of its first member's sum changed, in both places where it stands."""
    changed = bytearray(content)
    changed[14] ^= 0xFF
    changed[content.index(b"PK\x01\x02") + 16] ^= 0xFF
    return bytes(changed)


def _encrypted(content: bytes) -> bytes:
    changed = bytearray(content)
    changed[6] |= 1
    changed[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(changed)


def _bomb(content: bytes) -> bytes:
    del content
    return packed([("bomb.csv", b"Charge ID\r\n" + b"0" * _BOMB_BYTES)])


def _many(content: bytes) -> bytes:
    del content
    return packed([(f"{number}.csv", b"") for number in range(_MANY)])


def _nested(content: bytes) -> bytes:
    return packed([("inner.zip", content)])


def _nested_in_disguise(content: bytes) -> bytes:
    return packed([("inner.csv", content)])


def _traversal(content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        table = archive.read(archive.namelist()[0])
    return packed([("../../../outside.csv", table), ("/absolute.csv", table), ("README.txt", b"not a table")])


def _nothing_inside(content: bytes) -> bytes:
    del content
    return packed([("README.txt", b"not a table")])


def _nuls(content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        name = archive.namelist()[0]
        head, _, table = archive.read(name).partition(b"\r\n")
    return packed([(name, head + b"\r\n" + table.replace(b",", b",\x00", 3))])


def _wide(content: bytes) -> bytes:
    del content
    line = ",".join(f"Column {number}" for number in range(_WIDE))
    return packed([("wide.csv", f"{line}\r\n{','.join('1' * _WIDE)}\r\n".encode())])


BROKEN: Mapping[str, Callable[[bytes], bytes]] = {
    "corrupt-zip": _corrupt,
    "truncated-zip": _truncated,
    "bad-crc": _bad_sum,
    "encrypted-zip": _encrypted,
    "zip-bomb": _bomb,
    "many-files": _many,
    "nested-zip": _nested,
    "nested-in-disguise": _nested_in_disguise,
    "path-traversal": _traversal,
    "no-csv": _nothing_inside,
    "nuls": _nuls,
    "wide": _wide,
}
