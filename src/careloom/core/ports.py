"""The ports through which the engine and the services speak to any system, without learning its name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    import pyarrow as pa

from careloom.core.errors import Fix
from careloom.core.schema import ObjectDeclaration, ObjectShape

# ---------------------------------------------------------------- reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What to read: a table by its name, or a statement in the source's own dialect; exactly one of them."""

    table: str | None = None
    sql: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """Only rows whose `column` is at or after `value` (ISO text, look-back already subtracted)."""

    column: str
    value: str


class Source(Protocol):
    """A system that lets us read streams."""

    def columns(self, query: Query) -> Mapping[str, str]:
        """Column names, in order and spelled as the source spells them, each with its DuckDB type name.

        ProjectFault if there is no such table or the statement is wrong.
        """
        ...

    def read(self, query: Query, since: Since | None = None) -> Iterator[pa.RecordBatch]:
        """Every row of `query`, as batches of one schema, from one consistent snapshot where the source has them."""
        ...

    def close(self) -> None:
        """Give back connections; harmless when called twice."""
        ...


# ---------------------------------------------------------------- writing

WriteKind = Literal["create", "update", "archive"]
Verdict = Literal["ok", "held", "later", "taken", "missing"]
Lane = Literal["event", "schedule", "backfill"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One record on its way out. `values` are in the target's own text form; "" clears a property.

    `seen`: for some of the values, what each is meant to replace ("" for none). A create carries its key property inside `values`, so that repeating it cannot make a second record.
    """

    key: str
    remote_id: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    seen: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Writes of one kind to one object; at most `Writable.batch_size` of them. `key_property` addresses creates."""

    object: str
    kind: WriteKind
    key_property: str
    writes: Sequence[Write]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one write. Every write of a batch gets exactly one.

    ok       acknowledged; `remote_id` names the record (it may differ from the one addressed, after a merge)
    held     refused for this record's own sake: `code` and `message` are the remote system's reason, `property` where known
    later    not done, nothing wrong with the record (outage, budget, lock); offered again by the next run
    taken    another record, `remote_id`, already holds our value of the unique property `property`
    missing  the record addressed is archived or gone

    `overtaken`, of an update that is ok: the values that it replaced although they were not the ones that were `seen`.
    """

    key: str
    verdict: Verdict
    remote_id: str | None = None
    is_new: bool = False
    code: str = ""
    message: str = ""
    property: str | None = None
    overtaken: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteRecord:
    """A record as the target holds it now. `merged_ids`: former ids that now mean this record."""

    id: str
    values: Mapping[str, str | None]
    updated_at: str
    archived: bool = False
    merged_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanPage:
    """Some records of a scan. `cursor`: where a later scan for changes begins, if this page is the last one seen."""

    records: Sequence[RemoteRecord]
    cursor: str
    complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Association:
    """A tie between two records: `type` is a label's name, or None for the unlabelled default."""

    from_id: str
    to_id: str
    type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AssociationBatch:
    """Ties from one object to another, all to be made or all to be removed."""

    from_object: str
    to_object: str
    remove: bool
    ties: Sequence[Association]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of a check-up: what was looked at, how it is, and what to do about it."""

    level: Literal["ok", "warn", "fault"]
    what: str
    detail: str = ""
    fix: str = ""


class Writable(Protocol):
    """A system that lets us write objects: what every one of them can do."""

    batch_size: int
    concurrency: int

    def shape(self, object_name: str) -> ObjectShape | None:
        """The object's properties as the remote system defines them now; None if it has no such object."""
        ...

    def scan(self, object_name: str, properties: Sequence[str], since: str | None) -> Iterator[ScanPage]:
        """All records (`since` None), or those changed, archived or merged since the cursor of an earlier scan.

        A changed record may be given twice. `complete` is true on the last page. A scan since a cursor may answer with
        every record where that is cheaper; records absent from a scan with `since` None are gone.
        """
        ...

    def fetch(self, object_name: str, ids: Sequence[str], properties: Sequence[str]) -> Mapping[str, RemoteRecord]:
        """The records of these ids, by the id asked for (a merged id gives the record it now means); gone ones are absent."""
        ...

    def deliver(self, batch: Batch) -> Sequence[Outcome]:
        """Send a batch and account for every write. Retries, verification and bisection happen inside.

        NotPermitted or Later only where no write of the batch can go on.
        """
        ...

    def check(self, objects: Sequence[str]) -> Sequence[Finding]:
        """What a person must know before the first run: account, token, limits, and what it may not do with `objects`.

        Leaves no trace at the destination.
        """
        ...

    def requests(self) -> int:
        """How many requests this instance has sent."""
        ...

    def close(self) -> None:
        """Give back connections; harmless when called twice."""
        ...


@runtime_checkable
class Declaring(Protocol):
    """A written system whose objects can be given what they lack."""

    def declare(self, declaration: ObjectDeclaration) -> Sequence[str]:
        """Create what `declaration` names and the remote lacks; returns one line for each thing made."""
        ...


@runtime_checkable
class Associating(Protocol):
    """A written system whose records can be tied to each other."""

    def associate(self, batch: AssociationBatch) -> Sequence[Outcome]:
        """Make or remove ties; outcomes carry "from_id/to_id" as key."""
        ...


def declaring(target: Writable, system: str, lacking: Sequence[str]) -> Declaring:
    """`target` where it can be given what it lacks. Fix, naming that, where it cannot."""
    if isinstance(target, Declaring):
        return target
    raise Fix(
        f"{system} lacks {', '.join(lacking)}, and nothing can be created there from here: create it there, then run"
    )


def associating(target: Writable, system: str) -> Associating:
    """`target` where its records can be tied to each other. Fix where they cannot."""
    if isinstance(target, Associating):
        return target
    raise Fix(f"the records of {system} cannot be associated: remove `associations:` from the syncs that write to it")


# ---------------------------------------------------------------- budget


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """At most `most` requests in any window of `window` seconds."""

    name: str
    most: int
    window: float


class Budget(Protocol):
    """A portal's rate budget, shared by every worker that speaks to it."""

    def take(self, limit: Limit, lane: Lane, timeout: float = 60.0) -> int:
        """Wait for one request's place; returns a ticket. RemoteUnavailable when none comes free in `timeout` seconds."""
        ...

    def give_back(self, ticket: int) -> None:
        """The request of `ticket` was answered: its place counts from now. Call it once, also after a failure."""
        ...

    def pause(self, limit: Limit, seconds: float) -> None:
        """No one takes a place of this limit for so long (the portal said 429)."""
        ...

    def learn(self, name: str, most: int | None, remaining: int | None, resets_at: datetime | None) -> None:
        """What the portal's headers say; `remaining` 0 stops everyone until `resets_at`."""
        ...

    def known(self, name: str) -> int | None:
        """The `most` that the portal last stated for the limit called `name`."""
        ...
