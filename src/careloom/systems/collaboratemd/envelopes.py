"""An answer of the Web API, read as it comes: status, message and identifier are kept, the base64 of `Data` is passed on decoded.

The answer may be hundreds of megabytes, nearly all of them in `Data`; no more than a chunk of it is ever in memory. XML
names are taken without their namespace, since `Data` has none where its neighbours have one.
"""

from __future__ import annotations

import json
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from xml.etree.ElementTree import ParseError

import orjson
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from careloom.vendor_kit.call import NotAnAnswer

_MOST_WORDS = 64 * 1024
_MOST_QUIET = 1024 * 1024
_MOST_DEPTH = 32
_SPACE = b" \t\r\n"
_ESCAPE, _UNICODE_ESCAPE = 2, 6


class Damaged(Exception):
    """The answer begins as one should, and then breaks off or holds what cannot be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One answer without its data. `data_bytes`: how many bytes of `Data`, decoded, were passed on."""

    status: str
    message: str = field(repr=False)
    identifier: str
    data_bytes: int


class _Reader(Protocol):
    def feed(self, chunk: bytes) -> None: ...

    def words(self) -> Mapping[str, str]: ...


class _Base64:
    """Decodes base64 that comes in pieces, with line breaks anywhere."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._carry = b""
        self._padded = False
        self.written = 0

    def feed(self, text: bytes) -> None:
        clean = self._carry + text.translate(None, _SPACE)
        length = len(clean) - len(clean) % 4
        self._carry = clean[length:]
        if not length:
            return
        if self._padded:
            raise Damaged("its data goes on after the end")
        try:
            raw = a2b_base64(clean[:length], strict_mode=True)
        except Base64Error:
            raise Damaged("its data is no base64") from None
        self._padded = clean[length - 1 : length] == b"="
        self._write(raw)
        self.written += len(raw)

    def finish(self) -> int:
        if self._carry:
            raise Damaged("its data is cut short")
        return self.written


def read_envelope(chunks: Iterable[bytes], write: Callable[[bytes], object]) -> Envelope:
    """The answer that comes in `chunks`; `write` gets the decoded bytes of its `Data`, piece by piece."""
    data = _Base64(write)
    reader: _Reader | None = None
    for chunk in chunks:
        piece = chunk if reader else chunk.lstrip(b"\xef\xbb\xbf" + _SPACE)
        if piece and reader is None:
            reader = _reader_of(piece[:1], data)
        if piece and reader is not None:
            reader.feed(piece)
    words = reader.words() if reader else {}
    if not words.get("status", "").strip():
        raise NotAnAnswer
    return Envelope(
        status=" ".join(words["status"].upper().replace("_", " ").split()),
        message=words.get("statusmessage", "").strip(),
        identifier=words.get("identifier", "").strip(),
        data_bytes=data.finish(),
    )


def _reader_of(first: bytes, data: _Base64) -> _Reader:
    if first == b"<":
        return _Xml(data)
    if first == b"{":
        return _Json(data)
    raise NotAnAnswer


class _Xml:
    def __init__(self, data: _Base64) -> None:
        self._target = _XmlTarget(data)
        self._parser = DefusedXMLParser(target=self._target, forbid_dtd=True)

    def feed(self, chunk: bytes) -> None:
        self._target.quiet += len(chunk)
        self._parsed(lambda: self._parser.feed(chunk))
        if self._target.quiet > _MOST_QUIET:
            raise Damaged("it holds a tag without an end")

    def words(self) -> Mapping[str, str]:
        self._parsed(self._parser.close)
        return self._target.words

    def _parsed(self, step: Callable[[], object]) -> None:
        try:
            step()
        except (ParseError, DefusedXmlException):
            if self._target.words.get("status"):
                raise Damaged("its XML is broken") from None
            raise NotAnAnswer from None


class _XmlTarget:
    """What the parser tells of each element. `quiet`: bytes since it last told anything; it keeps a tag until its end."""

    def __init__(self, data: _Base64) -> None:
        self.words: dict[str, str] = {}
        self.quiet = 0
        self._data = data
        self._open: list[str] = []

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        del attributes
        self.quiet = 0
        if self._open and self._open[-1] == "data":
            raise Damaged("its data is no text")
        self._open.append(tag.rpartition("}")[2].lower())
        if len(self._open) > _MOST_DEPTH:
            raise Damaged("its XML is too deep")

    def end(self, tag: str) -> None:
        del tag
        self.quiet = 0
        self._open.pop()

    def data(self, text: str) -> None:
        self.quiet = 0
        name = self._open[-1] if self._open else ""
        if name == "data":
            self._data.feed(text.encode("ascii", "replace"))
        elif name in {"status", "statusmessage", "identifier"}:
            self.words[name] = self.words.get(name, "") + text
            if len(self.words[name]) > _MOST_WORDS:
                raise Damaged("it is longer than an answer")

    def close(self) -> None:
        """End."""


class _Json:
    """Keeps everything but the value of `Data`, and parses that at the end."""

    def __init__(self, data: _Base64) -> None:
        self._data = data
        self._rest = b""
        self._kept = bytearray()
        self._key = b""
        self._between = b""
        self._depth = 0
        self._in_string = self._in_data = False

    def feed(self, chunk: bytes) -> None:
        self._rest += chunk
        while self._rest and (self._string() if self._in_string else self._outside()):
            pass
        if len(self._kept) > _MOST_WORDS:
            raise Damaged("it is longer than an answer")

    def words(self) -> Mapping[str, str]:
        try:
            members = orjson.loads(bytes(self._kept))
        except orjson.JSONDecodeError:
            raise Damaged("its JSON is broken") from None
        if any(name.lower() == "data" and value not in (None, "") for name, value in members.items()):
            raise Damaged("its data is no text")
        return {name.lower(): str(value) for name, value in members.items() if isinstance(value, str | int)}

    def _outside(self) -> bool:
        """Take what stands before the next string."""
        piece, quote, self._rest = self._rest.partition(b'"')
        self._kept += piece + quote
        self._between += piece
        self._depth += sum(piece.count(bracket) for bracket in (b"{", b"[")) - sum(
            piece.count(bracket) for bracket in (b"}", b"]")
        )
        if quote:
            is_value = self._between.strip(_SPACE) == b":"
            self._in_string = True
            self._in_data = is_value and self._depth == 1 and self._key.lower() == b"data"
            self._between = self._key = b""
        return bool(quote)

    def _string(self) -> bool:
        """Take what there is of a string; whether its end was reached."""
        end = _closing(self._rest)
        length = end if end >= 0 else _whole(self._rest)
        body, self._rest = self._rest[:length], self._rest[length:]
        if self._in_data:
            self._data.feed(_unescaped(body))
        else:
            self._kept += body
            self._key += body
        if end < 0:
            return False
        self._rest = self._rest[1:]
        self._kept += b'"'
        self._in_string = False
        return True


def _closing(text: bytes) -> int:
    """Where the string ends, or -1; `text` begins at no half of an escape."""
    position = text.find(b'"')
    while position >= 0 and _escaped(text, position):
        position = text.find(b'"', position + 1)
    return position


def _escaped(text: bytes, position: int) -> bool:
    start = position
    while start and text[start - 1 : start] == b"\\":
        start -= 1
    return (position - start) % 2 == 1


def _whole(text: bytes) -> int:
    """How much of `text` may be taken so that no escape is cut in two."""
    last = text.rfind(b"\\", max(0, len(text) - _UNICODE_ESCAPE))
    if last < 0 or _escaped(text, last):
        return len(text)
    length = _UNICODE_ESCAPE if text[last + 1 : last + 2] == b"u" else _ESCAPE
    return last if last + length > len(text) else len(text)


def _unescaped(text: bytes) -> bytes:
    if b"\\" not in text:
        return text
    try:
        value: Any = json.loads(b'"' + text + b'"', strict=False)
    except ValueError:
        raise Damaged("its data is no base64") from None
    return str(value).encode("ascii", "replace")
