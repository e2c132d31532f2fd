"""Ties between records: made or removed a hundred pairs at a time, each accounted for.

Making a tie that is there, or removing one that is not, changes nothing: a lost answer is simply asked for again. A tie
with a label also makes the one without; removing the one without removes all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

from careloom.core.errors import Later, NotPermitted, Stop
from careloom.core.ports import Association, AssociationBatch, Outcome
from careloom.systems.hubspot.client import bodies
from careloom.systems.hubspot.client.api_errors import ApiError, api_errors_of, batch_errors_of
from careloom.systems.hubspot.client.http import Client
from careloom.systems.hubspot.client.paths import Paths
from careloom.systems.hubspot.target.batch_bisector import BatchBisector
from careloom.systems.hubspot.target.records import chunks
from careloom.vendor_kit.call import Answer, Call

# The limit of these endpoints is not documented; the smallest that anybody reports.
PAIRS = 100
Pair = tuple[str, str]
Spec = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairOfRecords:
    """Two records and the types by which they are tied; no types means the tie as such, when removing."""

    ends: Pair
    specs: tuple[Spec, ...]
    places: tuple[int, ...]

    def body(self, *, removes_pair: bool) -> dict[str, object]:
        """The input as its endpoint takes it; `removes_pair` for the one that removes every tie of a pair."""
        from_id, to_id = {"id": self.ends[0]}, {"id": self.ends[1]}
        if removes_pair:
            return {"from": from_id, "to": [to_id]}
        return {"from": from_id, "to": to_id, "types": list(self.specs)}


class Labels:
    """The association types of each pair of objects, read once."""

    def __init__(self, client: Client, paths: Paths) -> None:
        self._client = client
        self._paths = paths
        self._lock = Lock()
        self._known: dict[Pair, dict[str | None, Spec]] = {}

    def spec(self, objects: Pair, label: str | None) -> Spec | None:
        """What stands for the label in a request; a label that is not known is looked for once more."""
        with self._lock:
            if label not in self._known.get(objects, {}):
                self._known[objects] = self._read(objects)
            return self._known[objects].get(label)

    def _read(self, objects: Pair) -> dict[str | None, Spec]:
        call = Call(
            method="GET",
            path=f"{self._paths.associations(*objects)}/labels",
            gives=bodies.listing(bodies.label, least=1),
        )
        specs: dict[str | None, Spec] = {}
        for label in self._client.expect(call).get("results") or ():
            spec = {"associationCategory": label.get("category"), "associationTypeId": label.get("typeId")}
            specs.setdefault(label.get("label") or None, spec)
        return specs


class AssociationWriter:
    """One batch of ties between the objects `objects` (wire names)."""

    def __init__(self, client: Client, paths: Paths, labels: Labels, objects: Pair, batch: AssociationBatch) -> None:
        self._client = client
        self._path = paths.associations(*objects)
        self._labels = labels
        self._objects = objects
        self._batch = batch
        self._outcomes: dict[int, Outcome] = {}

    def run(self) -> list[Outcome]:
        """The outcome of every tie, in their order."""
        try:
            for endpoint, pairs in self._sorted().items():
                for chunk in chunks(pairs, PAIRS):
                    self._pass(endpoint, chunk)
        except (NotPermitted, Later) as error:
            if not self._outcomes:
                raise
            self._leave(error)
        if len(self._outcomes) != len(self._batch.ties):
            raise Stop(f"{len(self._batch.ties) - len(self._outcomes)} ties have no outcome")
        return [self._outcomes[place] for place in range(len(self._batch.ties))]

    def _sorted(self) -> dict[str, list[PairOfRecords]]:
        """The pairs by the endpoint that takes them; ties of one pair travel together."""
        by_pair: dict[tuple[str, Pair], list[tuple[int, Spec]]] = {}
        for place, tie in enumerate(self._batch.ties):
            spec = self._labels.spec(self._objects, tie.type)
            if spec is None:
                complaint = ApiError(kind="invalid", code="UNKNOWN_LABEL", message=f"no association label {tie.type!r}")
                self._outcomes[place] = complaint.outcome(_key(tie))
                continue
            endpoint = "batch/create"
            if self._batch.remove:
                endpoint = "batch/archive" if tie.type is None else "batch/labels/archive"
            by_pair.setdefault((endpoint, (tie.from_id, tie.to_id)), []).append((place, spec))
        groups: dict[str, list[PairOfRecords]] = {}
        for (endpoint, ends), members in by_pair.items():
            specs = {str(spec): spec for _, spec in members}
            pair = PairOfRecords(ends=ends, specs=tuple(specs.values()), places=tuple(place for place, _ in members))
            groups.setdefault(endpoint, []).append(pair)
        return groups

    # ------------------------------------------------------------ sending

    def _pass(self, endpoint: str, pairs: Sequence[PairOfRecords]) -> None:
        BatchBisector[PairOfRecords, Answer](
            lambda group: self._send(endpoint, group),
            self._blame,
            lambda pair, answer: self._settle(pair, api_errors_of(answer.body)[0]),
        ).pass_through(pairs)

    def _send(self, endpoint: str, group: Sequence[PairOfRecords]) -> Answer | None:
        full_body = endpoint == "batch/archive"
        body = {"inputs": [pair.body(removes_pair=full_body) for pair in group]}
        path = f"{self._path}/{endpoint}"
        gives = bodies.removed if self._batch.remove else bodies.associated
        answer = self._client.send(
            Call(method="POST", repeatable=True, path=path, body=body, records=len(group), gives=gives)
        )
        if not answer.ok:
            return answer
        self._read_results(group, answer, is_confirmed=self._batch.remove)
        return None

    def _read_results(self, group: Sequence[PairOfRecords], answer: Answer, *, is_confirmed: bool) -> None:
        """Settle what the answer accounts for. A removal names nobody that it removed: what is not refused is done."""
        open_pairs = {pair.ends: pair for pair in group}
        for complaint, ends in self._failed(answer):
            for pair in [open_pairs[pair_ends] for pair_ends in list(open_pairs) if _meant(pair_ends, ends)]:
                del open_pairs[pair.ends]
                self._settle(pair, complaint)
        confirmed_ends = {_ends(result) for result in answer.body.get("results") or ()}
        for pair in open_pairs.values():
            if is_confirmed or pair.ends in confirmed_ends or len(open_pairs) == len(confirmed_ends):
                self._settle(pair, None)
            else:
                message = "HubSpot answered with success and did not tie the records"
                self._settle(pair, ApiError(kind="busy", code="NOT_WRITTEN", message=message))

    def _failed(self, answer: Answer) -> list[tuple[ApiError, Pair]]:
        entries = [error_entry for error_entry in answer.body.get("errors") or () if isinstance(error_entry, dict)]
        return [
            (complaint, (_first(entry, "fromObjectId"), _first(entry, "toObjectId")))
            for complaint, entry in zip(batch_errors_of({"errors": entries}), entries, strict=True)
        ]

    def _blame(self, group: Sequence[PairOfRecords], answer: Answer) -> Sequence[PairOfRecords] | None:
        ends = _first(answer.body, "fromObjectId"), _first(answer.body, "toObjectId")
        culprits = [pair for pair in group if _meant(pair.ends, ends)]
        for pair in culprits:
            self._settle(pair, api_errors_of(answer.body)[0])
        return [pair for pair in group if pair not in culprits] if culprits else None

    def _settle(self, pair: PairOfRecords, complaint: ApiError | None) -> None:
        for place in pair.places:
            key = _key(self._batch.ties[place])
            self._outcomes[place] = Outcome(key=key, verdict="ok") if complaint is None else complaint.outcome(key)

    def _leave(self, error: Exception) -> None:
        for place, tie in enumerate(self._batch.ties):
            outcome = Outcome(key=_key(tie), verdict="later", code=type(error).__name__, message=str(error))
            self._outcomes.setdefault(place, outcome)


def _key(tie: Association) -> str:
    return f"{tie.from_id}/{tie.to_id}"


def _first(body: Mapping[str, Any], member: str) -> str:
    value = (body.get("context") or {}).get(member) or [""]
    return str(value[0]) if isinstance(value, list) else str(value)


def _meant(ends: Pair, ends_named: Pair) -> bool:
    """Whether an error that names these ends is about the pair; it may name only one of them."""
    return any(ends_named) and all(name in ("", end) for name, end in zip(ends_named, ends, strict=True))


def _ends(result: Mapping[str, Any]) -> Pair:
    """The pair that a result of a creation is about; labels and defaults answer in different forms."""
    return _end(result, "from"), _end(result, "to")


def _end(result: Mapping[str, Any], side: str) -> str:
    side_value = result.get(side)
    return str(result.get(f"{side}ObjectId") or (side_value.get("id") if isinstance(side_value, dict) else None))
