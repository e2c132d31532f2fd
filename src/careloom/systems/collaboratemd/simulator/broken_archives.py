"""Archives that are not what they should be, each by the name of its fault."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping

from careloom.systems.collaboratemd.simulator.files import zip_archive

_BOMB_BYTES = 24 * 1024 * 1024
_MANY = 5000
_WIDE = 10_000


def _corrupt(content: bytes) -> bytes:
    return b"this is no archive" + content[18:-22] + b"\x00" * 22


def _truncate(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _bad_sum(content: bytes) -> bytes:
    """The same archive with one byte of its first member's sum changed, in both places where it stands."""
    archive = bytearray(content)
    archive[14] ^= 0xFF
    archive[content.index(b"PK\x01\x02") + 16] ^= 0xFF
    return bytes(archive)


def _encrypt(content: bytes) -> bytes:
    archive = bytearray(content)
    archive[6] |= 1
    archive[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(archive)


def _bomb(content: bytes) -> bytes:
    del content
    return zip_archive([("bomb.csv", b"Charge ID\r\n" + b"0" * _BOMB_BYTES)])


def _many(content: bytes) -> bytes:
    del content
    return zip_archive([(f"{number}.csv", b"") for number in range(_MANY)])


def _nest(content: bytes) -> bytes:
    return zip_archive([("inner.zip", content)])


def _nested_in_disguise(content: bytes) -> bytes:
    return zip_archive([("inner.csv", content)])


def _traversal(content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        table = archive.read(archive.namelist()[0])
    return zip_archive([("../../../outside.csv", table), ("/absolute.csv", table), ("README.txt", b"not a table")])


def _nothing_inside(content: bytes) -> bytes:
    del content
    return zip_archive([("README.txt", b"not a table")])


def _nuls(content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        name = archive.namelist()[0]
        head, _, table = archive.read(name).partition(b"\r\n")
    return zip_archive([(name, head + b"\r\n" + table.replace(b",", b",\x00", 3))])


def _wide(content: bytes) -> bytes:
    del content
    line = ",".join(f"Column {number}" for number in range(_WIDE))
    return zip_archive([("wide.csv", f"{line}\r\n{','.join('1' * _WIDE)}\r\n".encode())])


BROKEN: Mapping[str, Callable[[bytes], bytes]] = {
    "corrupt-zip": _corrupt,
    "truncated-zip": _truncate,
    "bad-crc": _bad_sum,
    "encrypted-zip": _encrypt,
    "zip-bomb": _bomb,
    "many-files": _many,
    "nested-zip": _nest,
    "nested-in-disguise": _nested_in_disguise,
    "path-traversal": _traversal,
    "no-csv": _nothing_inside,
    "nuls": _nuls,
    "wide": _wide,
}
