"""A system that is looked at and not written to: production's, in an environment that does not replace it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from careloom.core.errors import Fix
from careloom.core.ports import AssociationBatch, Batch, Finding, Outcome, RemoteRecord, ScanPage, Writable
from careloom.core.schema import ObjectDeclaration, ObjectShape


def read_only(target: Writable, refusal: str) -> ReadOnlyTarget:
    """`target`, to be read only."""
    return ReadOnlyTarget(target=target, refusal=refusal, batch_size=target.batch_size, concurrency=target.concurrency)


@dataclass(slots=True, kw_only=True)
class ReadOnlyTarget:
    """Reads as `target` does; whatever would write raises Fix with `refusal`."""

    target: Writable
    refusal: str
    batch_size: int
    concurrency: int

    def shape(self, object_name: str) -> ObjectShape | None:
        """As the target's own."""
        return self.target.shape(object_name)

    def declare(self, declaration: ObjectDeclaration) -> Sequence[str]:  # noqa: ARG002 nothing is created
        """Refused."""
        raise Fix(self.refusal)

    def scan(self, object_name: str, properties: Sequence[str], since: str | None) -> Iterator[ScanPage]:
        """As the target's own."""
        return self.target.scan(object_name, properties, since)

    def fetch(self, object_name: str, ids: Sequence[str], properties: Sequence[str]) -> Mapping[str, RemoteRecord]:
        """As the target's own."""
        return self.target.fetch(object_name, ids, properties)

    def deliver(self, batch: Batch) -> Sequence[Outcome]:  # noqa: ARG002 nothing is sent
        """Refused."""
        raise Fix(self.refusal)

    def associate(self, batch: AssociationBatch) -> Sequence[Outcome]:  # noqa: ARG002 likewise
        """Refused."""
        raise Fix(self.refusal)

    def check(self, objects: Sequence[str]) -> Sequence[Finding]:
        """As the target's own, and that it is not written to."""
        finding = Finding(level="warn", what="environment", detail=f"only plans work: {self.refusal}")
        return [*self.target.check(objects), finding]

    def requests(self) -> int:
        """As the target's own."""
        return self.target.requests()

    def close(self) -> None:
        """As the target's own."""
        self.target.close()
