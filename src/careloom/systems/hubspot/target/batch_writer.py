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
from careloom.systems.hubspot.client.http import Answer, AnswerLost, Call, Client
from careloom.systems.hubspot.client.paths import Paths
from careloom.systems.hubspot.target.batch_bisector import BatchBisector
from careloom.systems.hubspot.target.inputs import MOST_TRIES, BatchOutcomes, Input, Route, matcher, waves
from careloom.systems.hubspot.target.lifecycle import STAGE, Lifecycle
from careloom.systems.hubspot.target.records import EMAIL, Reader, folded, same_values, unique_values
from careloom.systems.hubspot.target.search import SEARCH_LAG, Searcher

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
            pending = [one for one in inputs if not self.account.settled(one)]
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
        for route in dict.fromkeys(one.route for one in wave):
            group = [one for one in wave if one.route == route]
            BatchBisector(self._send, self._blame, self._condemn).pass_through(group)
        self._lifecycle.finish(self._stage_call)

    def placed(self, one: Input, held: dict[str, list[RemoteRecord]]) -> Input | None:
        """A create whose key the portal does not keep unique: an update where the record is there, None where settled."""
        key = folded(one.write.values[self._key])
        records = held.get(key, [])
        if len(records) > 1:
            message = f"{len(records)} records hold this value of {self._key}"
            outcome = Outcome(key=one.write.key, verdict="held", code="KEY_TWICE", message=message, property=self._key)
            self.account.settle(one, outcome)
            return None
        if records:
            return replace(one, route="update", remote_id=records[0].id)
        if key in self._promised:
            self.account.settle(
                one, _later(one, "KEY_TWICE", "another write of this batch makes a record with this key")
            )
            return None
        self._promised.add(key)
        return one

    # ------------------------------------------------------------ sending

    def _send(self, group: Sequence[Input]) -> Answer | None:
        """None once every input of the group is settled or due again; else the refusal of the group as a whole."""
        rest = list(group)
        for turn in range(1, _MOST_ROUNDS + 1):
            try:
                answer = self.client.send(self._call(rest))
            except AnswerLost as lost:
                LOG.warning("answer lost, looking before writing again", object=self._type, records=len(rest))
                self.client.pause(min(2.0 ** (turn - 2), 8.0))
                left = self._not_done(rest)
                self._doubted.update(one.place for one in left)
                asked = {(one.place, one.remote_id) for one in rest}
                rest = [one for one in left if (one.place, one.remote_id) in asked]
                # A record that was merged meanwhile may be another input's record: it goes in a wave of its own.
                self._again += [one for one in left if (one.place, one.remote_id) not in asked]
                last = lost
                if not rest:
                    return None
                continue
            if answer.ok:
                self._read_results(rest, answer)
                return None
            # Inputs settled meanwhile must not be blamed: the sieve knows the group, so what is left goes again alone.
            if len(rest) < len(group):
                self._again += rest
                return None
            return answer
        for one in rest:
            self.account.settle(one, _later(one, "ANSWER_LOST", str(last)))
        return None

    def _call(self, group: Sequence[Input]) -> Call:
        route = group[0].route
        body = {"inputs": [one.body(self._key) for one in group]}
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
            for one in group:
                self.account.ok(one, one.remote_id or "")
            return
        left = {one.place: one for one in group}
        named = matcher(group, self._key)
        for result in answer.body.get("results") or ():
            meant = self._meant(result, named)
            if meant is not None and left.pop(meant.place, None) is not None:
                self._done(meant, result)
        for complaint in batch_errors_of(answer.body):
            self._complained(complaint, named, left)
        if left:
            self._unaccounted(list(left.values()))

    def _meant(self, result: dict[str, Any], named: Mapping[tuple[str, str], Input]) -> Input | None:
        trace = result.get("objectWriteTraceId")
        if trace is not None and ("trace", str(trace)) in named:
            return named["trace", str(trace)]
        by_id = named.get(("id", str(result.get("id"))))
        if by_id is not None:
            return by_id
        key = (result.get("properties") or {}).get(self._key)
        return named.get(("key", folded(key))) if key else None

    def _done(self, one: Input, result: dict[str, Any]) -> None:
        remote_id = str(result["id"])
        created = one.route == "create" or bool(result.get("new"))
        self.account.ok(one, remote_id, created=created)
        if STAGE in one.write.values:
            self._lifecycle.echoed(one, remote_id, (result.get("properties") or {}).get(STAGE), created=created)

    def _complained(self, complaint: ApiError, named: Mapping[tuple[str, str], Input], left: dict[int, Input]) -> None:
        keys = [("trace", one) for one in complaint.traces] + [("id", one) for one in complaint.ids]
        meant = {one.place: one for key in keys if (one := named.get(key)) is not None and one.place in left}
        if not keys and len(left) == 1:
            meant = dict(left)
        if complaint.kind == "absent":
            return  # it may have been merged: looked up with whatever else is not accounted for
        for place, one in meant.items():
            del left[place]
            self._refuse(one, complaint)

    # ------------------------------------------------------------ looking

    def _unaccounted(self, group: Sequence[Input]) -> None:
        """A 2xx that neither confirms nor refuses these: see what is there, and send again what was not done."""
        LOG.warning("2xx without an account of every input", object=self._type, missing=len(group))
        for one in self._not_done(group):
            if one.tries + 1 >= MOST_TRIES:
                message = "HubSpot answered with success and did not write the record"
                self.account.settle(one, _later(one, "NOT_WRITTEN", message))
            else:
                self._again.append(replace(one, tries=one.tries + 1))

    def _not_done(self, group: Sequence[Input]) -> list[Input]:
        """Settles the inputs whose record is as it should be, or gone; gives back those to send."""
        found = self._look(group)
        rest: list[Input] = []
        for one in group:
            record = found.get(one.place)
            if one.route in ("upsert", "create"):
                if record is not None and same_values(one.write.values, record.values):
                    self.account.ok(one, record.id, created=True)
                else:
                    rest.append(one)
            elif record is None:
                self._gone(one)
            elif one.route == "archive":
                rest.append(one)
            elif same_values(one.write.values, record.values):
                self.account.ok(one, record.id)
            else:
                rest.append(replace(one, remote_id=record.id))
        return rest

    def _look(self, group: Sequence[Input]) -> dict[int, RemoteRecord]:
        names = sorted({name for one in group for name in one.write.values})
        if group[0].route in ("upsert", "create"):
            keys = [one.write.values[self._key] for one in group]
            if self._key in self._unique:
                by_key = self.reader.by_key(self._type, self._key, keys, names)
            else:
                self.client.pause(SEARCH_LAG)
                by_key = {
                    key: found[0] for key, found in self._searcher.by_value(self._type, self._key, keys, names).items()
                }
            pairs = ((one.place, by_key.get(folded(one.write.values[self._key]))) for one in group)
        else:
            by_id = self.reader.by_id(self._type, [str(one.remote_id) for one in group], names)
            pairs = ((one.place, by_id.get(str(one.remote_id))) for one in group)
        return {place: record for place, record in pairs if record is not None}

    def _gone(self, one: Input) -> None:
        if one.route == "archive":
            self.account.ok(one, str(one.remote_id))
            return
        message = "the record is archived or deleted"
        outcome = Outcome(key=one.write.key, verdict="missing", remote_id=one.remote_id, code="GONE", message=message)
        self.account.settle(one, outcome)

    # ------------------------------------------------------------ refusals

    def _blame(self, group: Sequence[Input], answer: Answer) -> Sequence[Input] | None:
        """Settle the inputs that a refusal of the whole batch names; None if it names none."""
        found = api_errors_of(answer.body)
        if answer.status in _WHOLE_REQUEST and not any(one.traces or one.ids for one in found):
            if found[0].kind == "absent" and group[0].route == "update":
                self._unaccounted(group)
                return []
            for one in group:
                self._refuse(one, found[0])
            return []
        blamed: dict[int, ApiError] = {}
        for complaint in found:
            for one in self._named(group, complaint):
                blamed.setdefault(one.place, complaint)
        for one in group:
            if one.place in blamed:
                self._refuse(one, blamed[one.place])
        return [one for one in group if one.place not in blamed] if blamed else None

    def _named(self, group: Sequence[Input], complaint: ApiError) -> list[Input]:
        if complaint.traces or complaint.ids:
            return [one for one in group if one.trace in complaint.traces or one.remote_id in complaint.ids]
        name = complaint.property
        if complaint.record is not None and group[0].route == "update":
            return [one for one in group if one.remote_id == complaint.record]
        if name is None or complaint.code in PROPERTY_FAULTS:
            carrying = [one for one in group if name in one.write.values]
            return carrying or self._sharing(group, complaint)
        found = [one for one in group if complaint.names_value(one.write.values.get(name, ""))]
        return found or self._sharing(group, complaint)

    def _sharing(self, group: Sequence[Input], complaint: ApiError) -> list[Input]:
        """A 409 names only who holds the value: the inputs that share a unique value with that record."""
        if complaint.holder is None or len(group) == 1:
            return []
        held = self._holder_values(complaint.holder)
        return [one for one in group if self._shared(one, held) is not None]

    def _condemn(self, one: Input, answer: Answer) -> None:
        """Settle an input that was refused alone: the reason is its own."""
        self._refuse(one, api_errors_of(answer.body)[0])

    def _refuse(self, one: Input, complaint: ApiError) -> None:
        if complaint.kind == "taken" and complaint.holder is not None:
            held = (
                self._holder_values(complaint.holder)
                if one.place in self._doubted or complaint.property is None
                else {}
            )
            if one.place in self._doubted and self._is_ours(one, complaint.holder):
                self.account.ok(one, complaint.holder, created=True)
                return
            complaint = replace(complaint, property=complaint.property or self._shared(one, held))
        if complaint.kind == "absent" and one.route == "update":
            self._unaccounted([one])
            return
        if complaint.kind == "absent":  # something that a create refers to: the record itself cannot be missing
            complaint = replace(complaint, kind="invalid")
        self.account.settle(one, complaint.outcome(one.write.key))

    def _is_ours(self, one: Input, holder: str) -> bool:
        """Whether the record that holds our value is the one that this write made before its answer was lost."""
        if one.route not in ("upsert", "create"):
            return False
        record = self.reader.by_id(self._type, [holder], list(one.write.values)).get(holder)
        return record is not None and same_values(one.write.values, record.values)

    def _holder_values(self, holder: str) -> dict[str, list[str]]:
        names = sorted(self._unique | ({"hs_additional_emails"} if EMAIL in self._unique else set()))
        record = self.reader.by_id(self._type, [holder], names).get(holder)
        if record is None:
            return {}
        return {name: [folded(value) for value in unique_values(record.values, name)] for name in self._unique}

    def _shared(self, one: Input, held: dict[str, list[str]]) -> str | None:
        """The unique property in which an input and a record agree."""
        for name, values in held.items():
            if folded(one.write.values.get(name) or "") in values:
                return name
        return None

    # ------------------------------------------------------------ lifecycle

    def _stage_call(self, changes: Sequence[tuple[str, str]]) -> Answer:
        """Set the lifecycle stage of records, by id; setting it twice is setting it once."""
        body = {"inputs": [{"id": record, "properties": {STAGE: stage}} for record, stage in changes]}
        path = f"{self._path}/batch/update"
        return self.client.send(Call(method="POST", path=path, body=body, records=len(changes), gives=bodies.batch))


def _later(one: Input, code: str, message: str) -> Outcome:
    return Outcome(key=one.write.key, verdict="later", remote_id=one.remote_id, code=code, message=message)


def route_of_create(key_property: str, unique: frozenset[str]) -> Route | None:
    """How records with this key are created; None if the portal lets two records hold one value.

    Mail addresses go through create, not upsert: HubSpot does not support partial upserts by email and does not say
    what becomes of the properties left out; and a mail address found in use is a match to be weighed, not a success.
    """
    if key_property not in unique:
        return None
    return "create" if key_property == EMAIL else "upsert"
