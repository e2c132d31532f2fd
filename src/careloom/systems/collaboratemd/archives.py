"""The archive of a report, unpacked as a stream: CSV files as UTF-8, within limits that no header can lie about.

A member's name is never a path: files are numbered. What makes an archive suspicious holds the report, with one code for
each reason, and leaves nothing behind.
"""

from __future__ import annotations

import codecs
import os
import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from errno import EINVAL
from functools import partial
from itertools import chain
from pathlib import Path
from typing import BinaryIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from careloom.core.errors import Hold
from careloom.systems.collaboratemd.options import LimitOptions

CHUNK = 256 * 1024
_END, _END64 = b"PK\x05\x06", b"PK\x06\x07"
_END_SIZE, _END64_SIZE, _MOST_COMMENT = 22, 20, 65_535
_ENTRY_BYTES = 4096
_RATIO_FLOOR = 1024 * 1024
_ENCRYPTED = 0x1
_PACKED = (b"PK\x03\x04", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!")
_PACKED_NAMES = (".zip", ".gz", ".7z", ".rar")
_BOM = codecs.BOM_UTF8
_ACCOUNT = re.compile(r"(?<!\d)\d{8}(?!\d)")


_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_LITTER = re.compile(r"(?:^|/)(?:__MACOSX/|\._|\.DS_Store$|Thumbs\.db$)")
"""What an operating system packs along: a shadow of each file, with its name and none of its rows."""


_ESCAPED = {0xDC00 + byte: bytes([byte]).decode("latin-1") for byte in range(0x80, 0x100)} | {
    0xDC00 + byte: bytes([byte]).decode("cp1252") for byte in range(0x80, 0xA0) if byte not in b"\x81\x8d\x8f\x90\x9d"
}
"""Bytes that are no UTF-8, as Windows-1252 has them; five that it leaves free, as Latin-1 does."""
_NO_UTF8 = re.compile("[\udc80-\udcff]")
_BEYOND_ASCII = re.compile("[^\x00-\x7f\udc80-\udcff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """`files`: the CSV files in the archive's order. `ignored`: how many members are no CSV. `kinds`: how those end.

    `numbers`: of eight digits in the files' names. `recoded`: characters that alone were no UTF-8 in their files.
    """

    files: tuple[Path, ...]
    ignored: int
    kinds: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()
    recoded: int = 0


@dataclass(slots=True)
class _Room:
    """How many bytes may still be unpacked."""

    left: int

    def take(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise _too_large("more bytes than the system's limits.unpacked_gb admits")


def unpack(archive: Path, folder: Path, limits: LimitOptions) -> Unpacked:
    """The CSV files of `archive` in `folder`, as `1.csv`, `2.csv` and so on. Hold: corrupt-archive, archive-too-large, encrypted-archive, nested-archive, no-csv-in-archive."""
    paths: list[Path] = []
    try:
        with archive.open("rb") as raw, _readable():
            _check_directory(raw, limits)
            unpacked = _unpacked(raw, folder, limits, paths)
    except BaseException:
        for file in paths:
            file.unlink(missing_ok=True)
        raise
    if not unpacked.files:
        kinds = f" ({', '.join(sorted(unpacked.kinds))})" if unpacked.kinds else ""
        raise Hold(
            "no-csv-in-archive",
            f"the report's archive holds no file whose name ends with .csv, but {unpacked.ignored} others{kinds}: have the report "
            "made as CSV",
        )
    return unpacked


def private_file(path: Path) -> BinaryIO:
    """A new file that only its owner may read, in place of whatever stood there."""
    path.unlink(missing_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


@contextmanager
def _readable() -> Iterator[None]:
    """Whatever zipfile raises for what it cannot read is one reason: a RuntimeError is a member that wants a password."""
    refusal = Hold("corrupt-archive", "the report's archive is damaged: ask for the report again")
    try:
        yield
    except (BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, struct.error):
        raise refusal from None
    except OSError as error:
        if error.errno == EINVAL:  # a place before the file's beginning
            raise refusal from None
        raise


def _too_large(why: str) -> Hold:
    return Hold("archive-too-large", f"the report's archive is refused: {why}. Where that is right, raise the limit")


def _check_directory(raw: BinaryIO, limits: LimitOptions) -> None:
    """Refuse a list of members that is too long before zipfile reads it into memory."""
    size = raw.seek(0, os.SEEK_END)
    raw.seek(max(0, size - _END_SIZE - _MOST_COMMENT - _END64_SIZE))
    tail = raw.read()
    position = tail.rfind(_END)
    if position < 0 or position + _END_SIZE > len(tail):
        raise BadZipFile
    if position >= _END64_SIZE and tail[position - _END64_SIZE : position].startswith(_END64):
        raise _too_large("it is a ZIP64")
    entries, directory = struct.unpack("<HL", tail[position + 10 : position + 16])
    if entries > limits.files or directory > limits.files * _ENTRY_BYTES:
        raise _too_large("more files than the system's limits.files admits")


def _unpacked(raw: BinaryIO, folder: Path, limits: LimitOptions, paths: list[Path]) -> Unpacked:
    room = _Room(int(limits.unpacked_gb * 1024**3))
    recoded_count = 0
    with ZipFile(raw) as archive:
        members = [member_info for member_info in archive.infolist() if not member_info.is_dir()]
        if len(members) > limits.files:
            raise _too_large("more files than the system's limits.files admits")
        for member in members:
            _check_member(member)
        files = [member_info for member_info in members if not _LITTER.search(member_info.filename)]
        tables = [member_info for member_info in files if member_info.filename.lower().endswith(".csv")]
        for number, member in enumerate(tables, 1):
            path = folder / f"{number}.csv"
            paths.append(path)
            recoded_count += _write(archive, member, path, limits, room)
    ignored_members = [member_info for member_info in files if member_info not in tables]
    return Unpacked(
        files=tuple(paths),
        ignored=len(ignored_members),
        kinds=frozenset(_kind(member_info) for member_info in ignored_members),
        numbers=frozenset(number for member_info in tables for number in _ACCOUNT.findall(member_info.filename)),
        recoded=recoded_count,
    )


def _kind(member: ZipInfo) -> str:
    """How a member's name ends; never more of it, since it may name somebody."""
    end = Path(member.filename).suffix.lower()
    return end if re.fullmatch(r"\.[a-z0-9]{1,5}", end) else "another kind"


def _check_member(member: ZipInfo) -> None:
    if member.flag_bits & _ENCRYPTED:
        raise Hold("encrypted-archive", "the report's archive is encrypted, which is not expected: ask the vendor")
    if member.compress_type not in {ZIP_STORED, ZIP_DEFLATED}:
        raise BadZipFile
    if member.filename.lower().endswith(_PACKED_NAMES):
        raise _nested()


def _nested() -> Hold:
    return Hold("nested-archive", "the report's archive holds another archive, which is not opened: ask the vendor")


def _write(archive: ZipFile, member: ZipInfo, path: Path, limits: LimitOptions, room: _Room) -> int:
    """One member as UTF-8; how many of its characters were something else while others were beyond ASCII and UTF-8.

    What it is written in is known only at its end; then it is read once more.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    is_utf8, first = True, b""
    with private_file(path) as target:
        for chunk in _chunks(archive, member, limits, room):
            first = first or chunk[:2]
            is_utf8 = is_utf8 and _decodes(decoder, chunk)
            target.write(chunk)
    if first in _UTF_16:
        _recode(path, "utf-16")
        return 0
    if is_utf8 and _decodes(decoder, b"", final=True):
        return 0
    return _recode(path, "utf-8")


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError:
        return False
    return True


def _chunks(archive: ZipFile, member: ZipInfo, limits: LimitOptions, room: _Room) -> Iterator[bytes]:
    limit = max(_RATIO_FLOOR, member.compress_size * limits.ratio)
    size = 0
    with archive.open(member) as stream:
        while chunk := stream.read(CHUNK):
            if size == 0:
                if chunk.startswith(_PACKED):
                    raise _nested()
                chunk = chunk.removeprefix(_BOM)
            size += len(chunk)
            room.take(len(chunk))
            if size > limit:
                raise _too_large("a file unpacks to more times its size than the system's limits.ratio admits")
            yield chunk


def _recode(path: Path, encoding: str) -> int:
    """The same file as UTF-8. Returns how many bytes were not in `encoding`, if characters beyond ASCII were."""
    new_path = path.with_suffix(".recoded")
    decoder = codecs.getincrementaldecoder(encoding)("replace" if encoding == "utf-16" else "surrogateescape")
    foreign, has_utf8 = 0, False
    try:
        with path.open("rb") as raw, private_file(new_path) as target:
            for chunk in chain(iter(partial(raw.read, CHUNK), b""), [b""]):
                text = decoder.decode(chunk, final=not chunk)
                foreign += len(_NO_UTF8.findall(text))
                has_utf8 = has_utf8 or _BEYOND_ASCII.search(text) is not None
                target.write(text.translate(_ESCAPED).encode())
        new_path.replace(path)
    finally:
        new_path.unlink(missing_ok=True)
    return foreign if has_utf8 else 0
