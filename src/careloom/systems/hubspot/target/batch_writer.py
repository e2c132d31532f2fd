"""Sends one batch of writes and accounts for every one of them.

The rules: answers are matched to inputs by trace id, record id or key, never by their order, which HubSpot permutes.
A 2xx is believed input by input, and what it does not mention is looked up. A lost answer is looked up before anything
is sent again. A batch refused as a whole is sifted until the bad inputs are found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from careloom.core.errors import Later, NotPermitted
from careloom.core.log import LOG
from careloom.core.ports import Batch, Outcome, RemoteRecord
from careloom.systems.hubspot.client import bodies
from careloom.systems.hubspot.client.api_errors import PROPERTY_FAULTS, ApiError, api_errors_of, batch_errors_of
from careloom.systems.hubspot.client.http import Client
from careloom.systems.hubspot.client.paths import Paths
from careloom.systems.hubspot.target.batch_bisector import BatchBisector
from careloom.systems.hubspot.target.inputs import MOST_TRIES, BatchOutcomes, Input, Route, matcher, waves
from careloom.systems.hubspot.target.lifecycle import STAGE, Lifecycle
from careloom.systems.hubspot.target.records import EMAIL, Reader, folded, same_values, unique_values
from careloom.systems.hubspot.target.search import SEARCH_LAG, Searcher
from careloom.vendor_kit.call import Answer, AnswerLost, Call

# A lost answer, the look after it and the next try count as one round.
_MOST_ROUNDS = 6
# These refuse the request, not a record: no smaller batch would fare better.
_WHOLE_REQUEST = frozenset({404, 405, 410, 414, 415})


class BatchWriter:
    """One batch on its way. `object_type` is the object's name on the wire; `unique` its unique properties."""

    def __init__(self, client: Client, paths: Paths, batch: Batch, object_type: str, unique: frozenset[str]) -> None:
        self.client = client
        self.reader = Reader(client, paths)
        self._searcher = Searcher(client, paths)
        self.account = BatchOutcomes(batch.writes)
        self._path = paths.objects(object_type)
        self._type = object_type
        self._key = batch.key_property
        self._unique = unique
        self._again: list[Input] = []
        self._promised: set[str] = set()
        # Inputs of which an answer was lost: a record that holds their values may be their own.
        self._doubted: set[int] = set()
        self._lifecycle = Lifecycle(self.account)

    def run(self, inputs: Sequence[Input]) -> list[Outcome]:
        """The outcome of every write of the batch.

        NotPermitted and Later leave only while nothing was settled; afterwards the rest is `later`.
        """
        try:
            pending = [write_input for write_input in inputs if not self.account.settled(write_input)]
            while pending:
                for wave in waves(pending, self._key):
                    self._settle_all(wave)
                pending, self._again = self._again, []
        except (NotPermitted, Later) as error:
            if not self.account.anything():
                raise
            self.account.leave(type(error).__name__, str(error))
        return self.account.closed()

    def _settle_all(self, wave: Sequence[Input]) -> None:
        for route in dict.fromkeys(write_input.route for write_input in wave):
            group = [write_input for write_input in wave if write_input.route == route]
            BatchBisector(self._send, self._blame, self._condemn).pass_through(group)
        self._lifecycle.finish(self._stage_call)

    def placed(self, write_input: Input, by_key: dict[str, list[RemoteRecord]]) -> Input | None:
        """A create whose key the portal does not keep unique: an update where the record is there, None where settled."""
        key = folded(write_input.write.values[self._key])
        records = by_key.get(key, [])
        if len(records) > 1:
            message = f"{len(records)} records hold this value of {self._key}"
            outcome = Outcome(
                key=write_input.write.key, verdict="held", code="KEY_TWICE", message=message, property=self._key
            )
            self.account.settle(write_input, outcome)
            return None
        if records:
            return replace(write_input, route="update", remote_id=records[0].id)
        if key in self._promised:
            self.account.settle(
                write_input,
                _later(write_input, "KEY_TWICE", "another write of this batch makes a record with this key"),
            )
            return None
        self._promised.add(key)
        return write_input

    # ------------------------------------------------------------ sending

    def _send(self, group: Sequence[Input]) -> Answer | None:
        """None once every input of the group is settled or due again; else the refusal of the group as a whole."""
        remaining = list(group)
        for turn in range(1, _MOST_ROUNDS + 1):
            try:
                answer = self.client.send(self._call(remaining))
            except AnswerLost as error:
                LOG.warning(
                    "write.unanswered",
                    message="an answer was lost; the records are looked up before they are written again",
                    object=self._type,
                    records=len(remaining),
                )
                self.client.pause(min(2.0 ** (turn - 2), 8.0))
                open_inputs = self._not_done(remaining)
                self._doubted.update(write_input.place for write_input in open_inputs)
                addresses = {(write_input.place, write_input.remote_id) for write_input in remaining}
                remaining = [
                    write_input
                    for write_input in open_inputs
                    if (write_input.place, write_input.remote_id) in addresses
                ]
                # A record that was merged meanwhile may be another input's record: it goes in a wave of its own.
                self._again += [
                    write_input
                    for write_input in open_inputs
                    if (write_input.place, write_input.remote_id) not in addresses
                ]
                last = error
                if not remaining:
                    return None
                continue
            if answer.ok:
                self._read_results(remaining, answer)
                return None
            # Inputs settled meanwhile must not be blamed: the bisector knows the group, so what is left goes again alone.
            if len(remaining) < len(group):
                self._again += remaining
                return None
            return answer
        for write_input in remaining:
            self.account.settle(write_input, _later(write_input, "ANSWER_LOST", str(last)))
        return None

    def _call(self, group: Sequence[Input]) -> Call:
        route = group[0].route
        body = {"inputs": [write_input.body(self._key) for write_input in group]}
        return Call(
            method="POST",
            path=f"{self._path}/batch/{route}",
            body=body,
            records=len(group),
            repeatable=False,
            gives=bodies.nothing if route == "archive" else bodies.batch,
        )

    # ------------------------------------------------------------ reading a 2xx

    def _read_results(self, group: Sequence[Input], answer: Answer) -> None:
        """Settle what the answer accounts for; look up the rest."""
        if group[0].route == "archive":  # 204: ids that were gone before are passed over
            for group_input in group:
                self.account.ok(group_input, group_input.remote_id or "")
            return
        open_inputs = {group_input.place: group_input for group_input in group}
        by_name = matcher(group, self._key)
        for result in answer.body.get("results") or ():
            write_input = self._meant(result, by_name)
            if write_input is not None and open_inputs.pop(write_input.place, None) is not None:
                self._done(write_input, result)
        for complaint in batch_errors_of(answer.body):
            self._complained(complaint, by_name, open_inputs)
        if open_inputs:
            self._unaccounted(list(open_inputs.values()))

    def _meant(self, result: dict[str, Any], by_name: Mapping[tuple[str, str], Input]) -> Input | None:
        trace = result.get("objectWriteTraceId")
        if trace is not None and ("trace", str(trace)) in by_name:
            return by_name["trace", str(trace)]
        by_id = by_name.get(("id", str(result.get("id"))))
        if by_id is not None:
            return by_id
        key = (result.get("properties") or {}).get(self._key)
        return by_name.get(("key", folded(key))) if key else None

    def _done(self, write_input: Input, result: dict[str, Any]) -> None:
        remote_id = str(result["id"])
        is_new = write_input.route == "create" or bool(result.get("new"))
        self.account.ok(write_input, remote_id, is_new=is_new)
        if STAGE in write_input.write.values:
            self._lifecycle.echoed(write_input, remote_id, (result.get("properties") or {}).get(STAGE), is_new=is_new)

    def _complained(
        self, complaint: ApiError, by_name: Mapping[tuple[str, str], Input], open_inputs: dict[int, Input]
    ) -> None:
        keys = [("trace", write_input) for write_input in complaint.traces] + [
            ("id", write_input) for write_input in complaint.ids
        ]
        culprits = {
            write_input.place: write_input
            for key in keys
            if (write_input := by_name.get(key)) is not None and write_input.place in open_inputs
        }
        if not keys and len(open_inputs) == 1:
            culprits = dict(open_inputs)
        if complaint.kind == "absent":
            return  # it may have been merged: looked up with whatever else is not accounted for
        for place, write_input in culprits.items():
            del open_inputs[place]
            self._refuse(write_input, complaint)

    # ------------------------------------------------------------ looking

    def _unaccounted(self, group: Sequence[Input]) -> None:
        """A 2xx that neither confirms nor refuses these: see what is there, and send again what was not done."""
        LOG.warning(
            "write.incomplete_answer",
            message="an answer of success did not account for every input",
            object=self._type,
            missing=len(group),
        )
        for write_input in self._not_done(group):
            if write_input.tries + 1 >= MOST_TRIES:
                message = "HubSpot answered with success and did not write the record"
                self.account.settle(write_input, _later(write_input, "NOT_WRITTEN", message))
            else:
                self._again.append(replace(write_input, tries=write_input.tries + 1))

    def _not_done(self, group: Sequence[Input]) -> list[Input]:
        """Settles the inputs whose record is as it should be, or gone; gives back those to send."""
        records = self._look(group)
        remaining: list[Input] = []
        for write_input in group:
            record = records.get(write_input.place)
            if write_input.route in ("upsert", "create"):
                if record is not None and same_values(write_input.write.values, record.values):
                    self.account.ok(write_input, record.id, is_new=True)
                else:
                    remaining.append(write_input)
            elif record is None:
                self._gone(write_input)
            elif write_input.route == "archive":
                remaining.append(write_input)
            elif same_values(write_input.write.values, record.values):
                self.account.ok(write_input, record.id)
            else:
                remaining.append(replace(write_input, remote_id=record.id))
        return remaining

    def _look(self, group: Sequence[Input]) -> dict[int, RemoteRecord]:
        names = sorted({name for write_input in group for name in write_input.write.values})
        if group[0].route in ("upsert", "create"):
            keys = [write_input.write.values[self._key] for write_input in group]
            if self._key in self._unique:
                by_key = self.reader.by_key(self._type, self._key, keys, names)
            else:
                self.client.pause(SEARCH_LAG)
                by_key = {
                    key: records[0]
                    for key, records in self._searcher.by_value(self._type, self._key, keys, names).items()
                }
            pairs = (
                (write_input.place, by_key.get(folded(write_input.write.values[self._key]))) for write_input in group
            )
        else:
            by_id = self.reader.by_id(self._type, [str(write_input.remote_id) for write_input in group], names)
            pairs = ((write_input.place, by_id.get(str(write_input.remote_id))) for write_input in group)
        return {place: record for place, record in pairs if record is not None}

    def _gone(self, write_input: Input) -> None:
        if write_input.route == "archive":
            self.account.ok(write_input, str(write_input.remote_id))
            return
        message = "the record is archived or deleted"
        outcome = Outcome(
            key=write_input.write.key, verdict="missing", remote_id=write_input.remote_id, code="GONE", message=message
        )
        self.account.settle(write_input, outcome)

    # ------------------------------------------------------------ refusals

    def _blame(self, group: Sequence[Input], answer: Answer) -> Sequence[Input] | None:
        """Settle the inputs that a refusal of the whole batch names; None if it names none."""
        errors = api_errors_of(answer.body)
        if answer.status in _WHOLE_REQUEST and not any(write_input.traces or write_input.ids for write_input in errors):
            if errors[0].kind == "absent" and group[0].route == "update":
                self._unaccounted(group)
                return []
            for write_input in group:
                self._refuse(write_input, errors[0])
            return []
        culprits: dict[int, ApiError] = {}
        for complaint in errors:
            for write_input in self._named(group, complaint):
                culprits.setdefault(write_input.place, complaint)
        for write_input in group:
            if write_input.place in culprits:
                self._refuse(write_input, culprits[write_input.place])
        return [write_input for write_input in group if write_input.place not in culprits] if culprits else None

    def _named(self, group: Sequence[Input], complaint: ApiError) -> list[Input]:
        if complaint.traces or complaint.ids:
            return [
                write_input
                for write_input in group
                if write_input.trace in complaint.traces or write_input.remote_id in complaint.ids
            ]
        name = complaint.property
        if complaint.record is not None and group[0].route == "update":
            return [write_input for write_input in group if write_input.remote_id == complaint.record]
        if name is None or complaint.code in PROPERTY_FAULTS:
            carrying = [write_input for write_input in group if name in write_input.write.values]
            return carrying or self._sharing(group, complaint)
        culprits = [
            write_input for write_input in group if complaint.names_value(write_input.write.values.get(name, ""))
        ]
        return culprits or self._sharing(group, complaint)

    def _sharing(self, group: Sequence[Input], complaint: ApiError) -> list[Input]:
        """A 409 names only who holds the value: the inputs that share a unique value with that record."""
        if complaint.holder is None or len(group) == 1:
            return []
        holder_values = self._holder_values(complaint.holder)
        return [write_input for write_input in group if self._shared(write_input, holder_values) is not None]

    def _condemn(self, write_input: Input, answer: Answer) -> None:
        """Settle an input that was refused alone: the reason is its own."""
        self._refuse(write_input, api_errors_of(answer.body)[0])

    def _refuse(self, write_input: Input, complaint: ApiError) -> None:
        if complaint.kind == "taken" and complaint.holder is not None:
            holder_values = (
                self._holder_values(complaint.holder)
                if write_input.place in self._doubted or complaint.property is None
                else {}
            )
            if write_input.place in self._doubted and self._is_ours(write_input, complaint.holder):
                self.account.ok(write_input, complaint.holder, is_new=True)
                return
            complaint = replace(complaint, property=complaint.property or self._shared(write_input, holder_values))
        if complaint.kind == "absent" and write_input.route == "update":
            self._unaccounted([write_input])
            return
        if complaint.kind == "absent":  # something that a create refers to: the record itself cannot be missing
            complaint = replace(complaint, kind="invalid")
        self.account.settle(write_input, complaint.outcome(write_input.write.key))

    def _is_ours(self, write_input: Input, holder: str) -> bool:
        """Whether the record that holds our value is the one that this write made before its answer was lost."""
        if write_input.route not in ("upsert", "create"):
            return False
        record = self.reader.by_id(self._type, [holder], list(write_input.write.values)).get(holder)
        return record is not None and same_values(write_input.write.values, record.values)

    def _holder_values(self, holder: str) -> dict[str, list[str]]:
        names = sorted(self._unique | ({"hs_additional_emails"} if EMAIL in self._unique else set()))
        record = self.reader.by_id(self._type, [holder], names).get(holder)
        if record is None:
            return {}
        return {name: [folded(value) for value in unique_values(record.values, name)] for name in self._unique}

    def _shared(self, write_input: Input, holder_values: dict[str, list[str]]) -> str | None:
        """The unique property in which an input and a record agree."""
        for name, values in holder_values.items():
            if folded(write_input.write.values.get(name) or "") in values:
                return name
        return None

    # ------------------------------------------------------------ lifecycle

    def _stage_call(self, changes: Sequence[tuple[str, str]]) -> Answer:
        """Set the lifecycle stage of records, by id; setting it twice is setting it once."""
        body = {"inputs": [{"id": record, "properties": {STAGE: stage}} for record, stage in changes]}
        path = f"{self._path}/batch/update"
        return self.client.send(
            Call(method="POST", repeatable=True, path=path, body=body, records=len(changes), gives=bodies.batch)
        )


def _later(write_input: Input, code: str, message: str) -> Outcome:
    return Outcome(
        key=write_input.write.key, verdict="later", remote_id=write_input.remote_id, code=code, message=message
    )


def route_of_create(key_property: str, unique: frozenset[str]) -> Route | None:
    """How records with this key are created; None if the portal lets two records hold one value.

    Mail addresses go through create, not upsert: HubSpot does not support partial upserts by email and does not say
    what becomes of the properties left out; and a mail address found in use is a match to be weighed, not a success.
    """
    if key_property not in unique:
        return None
    return "create" if key_property == EMAIL else "upsert"
