"""The words for landing: streams, their columns, the pages in which they are read, and what links them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from careloom.core.phi import Phi
from careloom.core.ports import Finding

SKEW = 300.0
"""Seconds by which a source's clock may be ahead of the database's and its times of change still be believed."""

DELETE_LIMIT = 20.0
"""Percent of a table's live rows that a whole scan may mark deleted."""

ColumnType = Literal["text", "integer", "numeric", "boolean", "date", "timestamp", "jsonb"]
"""`integer` is PostgreSQL's bigint; `timestamp` its timestamptz: a time without a zone is read in the project's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One typed column of a landing table.

    `paths`: dotted paths into the record ("address.city"); the first that is there and not empty gives the value.
    A record that holds none of the top-level names of `paths` says nothing about the column: what is stored stays.
    """

    name: str
    type: ColumnType = "text"
    paths: tuple[str, ...] = ()
    phi: Phi = Phi.NONE
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRule:
    """`column` of this stream's table is to hold the `id` of the one row of `to` that a tier finds.

    `tiers`: pairs (own column, column of `to`) that must all be equal; the first tier of which a row states every column
    decides. More than one row found is no link, and neither is a row that differs in anything that `tiers` or `agree` compare
    and that both sides state: contradicting evidence beats agreeing evidence.
    """

    column: str
    to: str
    tiers: tuple[tuple[tuple[str, str], ...], ...]
    agree: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A keyed set of records and the table that it lands in.

    `key`: dotted path of the record's key; `key_column`: the table's column for it, unique, of type `key_type`.
    `version`: dotted path of a time of change, by which an older record never overwrites a newer one; "" where the system
    has none, and the moment at which the record was read stands in. `changes`: the system can be asked for what changed
    since a time; without, every scan is a whole one and absence means deletion. `out_of`: the stream whose records also
    hold this one's, under `within` (Landed by whoever reads `out_of`). `raw`: the name of the jsonb column that keeps the
    record as it came.
    """

    name: str
    table: str = ""
    key: str
    key_column: str
    key_type: ColumnType = "integer"
    version: str = ""
    changes: bool = False
    columns: tuple[Column, ...]
    links: tuple[LinkRule, ...] = ()
    out_of: str = ""
    raw: str = "raw"
    phi: Phi = Phi.CLINICAL
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record on its way into `stream`. `data` is the record as the system gave it, parsed.

    `observed_at`: when it was read or received (aware). `data` None: the record of `key` was deleted at the source, at `gone_at`
    where the source says when. `root`: of a stream that is `out_of` another, the key of the record that holds this one.
    """

    stream: str
    key: str
    data: Mapping[str, Any] | None
    observed_at: datetime
    gone_at: datetime | None = None
    root: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some records of a scan. `checkpoint`: give it to `scan` to go on behind this page."""

    records: Sequence[Record]
    checkpoint: str
    total: int | None = None
    unreadable: Sequence[Unreadable] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A record that has no usable form (no key, no object): held with its bytes. `code` names the reason, without values."""

    stream: str
    key: str
    code: str
    body: bytes = field(repr=False)


class StreamSource(Protocol):
    """A system whose streams can be landed."""

    def scan(self, stream: str, since: datetime | None, checkpoint: str = "") -> Iterator[Page]:
        """Records changed since a time (inclusive), with deletions where the system tells them; all of them for None.

        A page may also hold records of streams that are `out_of` this one. Later where the system asks for patience.
        """
        ...

    def fetch(self, stream: str, key: str) -> Sequence[Record]:
        """The record of `key` as it is now, with those of streams that are `out_of` this one; data None if it is gone."""
        ...

    def check(self, streams: Sequence[str]) -> Sequence[Finding]:
        """Whether each of `streams` can be read now, by asking for next to nothing; an error is the fault of all of them."""
        ...

    def close(self) -> None:
        """Give back connections; harmless when called twice."""
        ...
