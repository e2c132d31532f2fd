"""HubSpot as a target: the port's methods, each handed to the module that knows how."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from careloom.core.ports import (
    AssociationBatch,
    Batch,
    Finding,
    Outcome,
    RemoteRecord,
    ScanPage,
    Write,
)
from careloom.core.rooms import RoomContext
from careloom.core.schema import ObjectDeclaration, ObjectShape
from careloom.systems.hubspot.client.http import PATIENT, Client
from careloom.systems.hubspot.client.paths import Paths
from careloom.systems.hubspot.client.rate_limits import Ceilings, PortalLimits
from careloom.systems.hubspot.options import Options
from careloom.systems.hubspot.target.account import Owner, Pipeline, findings, read_owners, read_pipelines
from careloom.systems.hubspot.target.association_writer import AssociationWriter, Labels
from careloom.systems.hubspot.target.batch_writer import BatchWriter, route_of_create
from careloom.systems.hubspot.target.ensure_schema import Declarer
from careloom.systems.hubspot.target.history import with_overtaken
from careloom.systems.hubspot.target.inputs import Input, inputs_of
from careloom.systems.hubspot.target.objects import Objects
from careloom.systems.hubspot.target.records import BATCH, Reader
from careloom.systems.hubspot.target.scan import Scan
from careloom.systems.hubspot.target.schema_cache import SchemaCache
from careloom.systems.hubspot.target.scopes import scope_findings
from careloom.systems.hubspot.target.search import Searcher
from careloom.vendor_kit.limits import RateLimiter
from careloom.vendor_kit.retry import RetryPolicy


class HubSpotTarget:
    """One portal; `deliver` and `associate` may be called from `concurrency` threads at once."""

    batch_size = BATCH

    def __init__(
        self,
        options: Options,
        context: RoomContext,
        *,
        policy: RetryPolicy | None = None,
        pause: Callable[[float], None] | None = None,
    ) -> None:
        self.concurrency = options.concurrency
        pause = pause or context.pause
        ceilings = Ceilings(
            ten_secondly=options.limits.ten_secondly,
            search_secondly=options.limits.search_secondly,
            daily=options.limits.daily,
        )
        limiter = RateLimiter(context.budget, context.lane, pause=pause)
        limits = PortalLimits(limiter, ceilings, context.timezone)
        self._token = context.secret(options.token)
        self._client = Client(
            options.base_url,
            self._token,
            limits,
            connections=options.concurrency,
            policy=policy or replace(PATIENT, read_timeout=options.timeout_seconds),
            pause=pause,
        )
        self._paths = Paths(version=options.version)
        self._objects = Objects(self._client, self._paths)
        self._shapes = SchemaCache(self._client, self._paths, self._objects)
        self._labels = Labels(self._client, self._paths)

    # ------------------------------------------------------------ definitions

    def shape(self, object_name: str) -> ObjectShape | None:
        """The object's properties as the portal defines them now; None if it has no such object."""
        return self._shapes.read(object_name)

    def declare(self, declaration: ObjectDeclaration) -> Sequence[str]:
        """Create the object, groups and properties that are lacking; what exists is left as it is."""
        return Declarer(self._client, self._paths, self._objects, self._shapes).declare(declaration)

    # ------------------------------------------------------------ reading

    def scan(self, object_name: str, properties: Sequence[str], since: str | None) -> Iterator[ScanPage]:
        """All records, or those changed since a cursor, the archived ones last."""
        object_type = self._objects.wire_name(object_name)
        return Scan(self._client, self._paths, object_type, properties).pages(since)

    def fetch(self, object_name: str, ids: Sequence[str], properties: Sequence[str]) -> Mapping[str, RemoteRecord]:
        """The live records of these ids; a merged id gives its survivor."""
        return Reader(self._client, self._paths).by_id(self._objects.wire_name(object_name), ids, properties)

    def owners(self) -> Sequence[Owner]:
        """The portal's users who may own records."""
        return read_owners(self._client, self._paths)

    def pipelines(self, object_name: str) -> Sequence[Pipeline]:
        """The pipelines of an object, with their stages."""
        return read_pipelines(self._client, self._paths, self._objects.wire_name(object_name))

    # ------------------------------------------------------------ writing

    def deliver(self, batch: Batch) -> Sequence[Outcome]:
        """Send a batch and account for every write."""
        object_type = self._objects.wire_name(batch.object)
        unique = self._shapes.unique(batch.object)
        delivery = BatchWriter(self._client, self._paths, batch, object_type, unique)
        if batch.kind == "create":
            return delivery.run(self._creates(delivery, batch, object_type, unique))
        inputs = inputs_of(batch, batch.kind)
        if batch.kind == "archive":
            inputs = self._archivable(delivery, object_type, inputs)
        outcomes = delivery.run(inputs)
        return with_overtaken(delivery.reader, object_type, batch, outcomes) if batch.kind == "update" else outcomes

    def _creates(self, delivery: BatchWriter, batch: Batch, object_type: str, unique: frozenset[str]) -> list[Input]:
        """The inputs of a create. Where the portal does not keep the key unique, a search looks for it first."""
        route = route_of_create(batch.key_property, unique)
        inputs = [
            write_input for write_input in inputs_of(batch, route or "create") if _has_key(delivery, batch, write_input)
        ]
        if route is not None or not inputs:
            return inputs
        keys = [write_input.write.values[batch.key_property] for write_input in inputs]
        by_key = Searcher(self._client, self._paths).by_value(object_type, batch.key_property, keys, ())
        return [
            placed_input for write_input in inputs if (placed_input := delivery.placed(write_input, by_key)) is not None
        ]

    def _archivable(self, delivery: BatchWriter, object_type: str, inputs: Sequence[Input]) -> list[Input]:
        """The inputs whose own record is there. A merged id means somebody else's record too: it is not archived."""
        records = Reader(self._client, self._paths).by_id(
            object_type, [str(write_input.remote_id) for write_input in inputs], ()
        )
        archivable: list[Input] = []
        for write_input in inputs:
            record = records.get(str(write_input.remote_id))
            if record is not None and record.id == write_input.remote_id:
                archivable.append(write_input)
            else:
                delivery.account.settle(write_input, _not_there(write_input.write, record))
        return archivable

    def associate(self, batch: AssociationBatch) -> Sequence[Outcome]:
        """Make or remove ties, and account for every one."""
        objects = self._objects.wire_name(batch.from_object), self._objects.wire_name(batch.to_object)
        return AssociationWriter(self._client, self._paths, self._labels, objects, batch).run()

    # ------------------------------------------------------------ the rest

    def check(self, objects: Sequence[str]) -> Sequence[Finding]:
        """Token, account, limits, daily use, custom objects; the scopes that reading and writing `objects` needs."""
        general = list(findings(self._client, self._paths))
        if general[0].level == "fault":
            return general
        families = {name: self._objects.scope_family(name) for name in objects}
        return [*general, *scope_findings(self._client, self._paths, self._token, families)]

    def requests(self) -> int:
        """Requests sent so far, repeated ones included."""
        return self._client.requests()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _has_key(delivery: BatchWriter, batch: Batch, write_input: Input) -> bool:
    if write_input.write.values.get(batch.key_property, "").strip():
        return True
    message = f"a new record needs a value of {batch.key_property}"
    outcome = Outcome(
        key=write_input.write.key, verdict="held", code="KEY_MISSING", message=message, property=batch.key_property
    )
    delivery.account.settle(write_input, outcome)
    return False


def _not_there(write: Write, record: RemoteRecord | None) -> Outcome:
    code, message = "GONE", "the record is archived or deleted"
    if record is not None:
        code, message = "MERGED", "the record was merged into another one, which is not archived for it"
    return Outcome(
        key=write.key,
        verdict="missing",
        remote_id=record.id if record is not None else write.remote_id,
        code=code,
        message=message,
    )
