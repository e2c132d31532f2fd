"""What every `Writable` promises: each write gets its one outcome, and a lost answer never makes a second record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import pytest

from careloom.core.errors import CareloomError, Fix, Later
from careloom.core.ports import Associating, Association, AssociationBatch, Batch, Declaring, Outcome, Writable, Write
from careloom.core.schema import ObjectDeclaration
from careloom.vendor_kit.testing.case import Contract, error_of, nothing_leaks
from careloom.vendor_kit.testing.gateway import HTML, Gateway, GatewayRequest, Reply, Step


@dataclass(slots=True, kw_only=True)
class WritableCase:
    """One room behind a gateway, whose simulator is empty at each test's beginning (`emptied` does that).

    `opened` opens it; `wrong` with credentials that the vendor refuses. `values_of` gives the values of the invented record of a number;
    `key_property` is the one of them that keeps it unique, `changed` what another value of `property` is. `records`: what the simulator
    holds, by id. `is_write`: which requests write. `refused`: values that the vendor refuses, for their own sake.
    `private_texts`: texts that nobody may see. `other_object` and `ties` are for rooms that associate; `declaration` for those that declare.
    """

    gateway: Gateway
    opened: Callable[[], Writable]
    wrong: Callable[[], Writable]
    emptied: Callable[[], object]
    object: str
    key_property: str
    property: str
    values_of: Callable[[int], Mapping[str, str]]
    refused: Mapping[str, str]
    records: Callable[[], Mapping[str, Mapping[str, str]]]
    is_write: Callable[[GatewayRequest], bool]
    limited: Reply
    private_texts: Sequence[str]
    waits: list[float] = field(default_factory=list)
    ties: Callable[[], Sequence[tuple[str, str]]] = lambda: ()
    declaration: ObjectDeclaration | None = None

    def batch(self, *numbers: int) -> Batch:
        """Creates of the records of these numbers."""
        writes = [Write(key=f"k{number}", values=self.values_of(number)) for number in numbers]
        return Batch(object=self.object, kind="create", key_property=self.key_property, writes=writes)

    def update(self, ids: Sequence[str], value: str) -> Batch:
        """An update of one property of each of these."""
        writes = [Write(key=f"k{place}", remote_id=id_, values={self.property: value}) for place, id_ in enumerate(ids)]
        return Batch(object=self.object, kind="update", key_property=self.key_property, writes=writes)

    def deliver(self, batch: Batch) -> Sequence[Outcome]:
        """The outcomes, one for each write in order."""
        target = self.opened()
        outcomes = target.deliver(batch)
        target.close()
        assert [outcome.key for outcome in outcomes] == [write.key for write in batch.writes]
        return outcomes

    def keys(self) -> list[str]:
        """The key of each record that is there."""
        return sorted(record.get(self.key_property, "") for record in self.records().values())

    def wanted(self, *numbers: int) -> list[str]:
        """The keys of the records of these numbers."""
        return sorted(self.values_of(number)[self.key_property] for number in numbers)

    def after(self, status: int) -> Step:
        """Done, and answered by a gateway's failure all the same."""

        def step(request: GatewayRequest) -> Reply:
            self.gateway.ask_upstream(request)
            return Reply(status)

        return step


class _WritingContract(Contract):
    @pytest.fixture(autouse=True)
    def _healed(self, case: WritableCase) -> None:
        case.gateway.heal()
        case.emptied()
        case.waits.clear()


class WritableContract(_WritingContract):
    """A room's subclass gives the fixture `case`."""

    capability: ClassVar[str] = "target"

    def test_each_write_is_acknowledged_once(self, case: WritableCase) -> None:
        """And the record is there as it was sent."""
        outcomes = case.deliver(case.batch(1, 2, 3))
        assert {outcome.verdict for outcome in outcomes} == {"ok"}
        assert case.keys() == case.wanted(1, 2, 3)
        assert {str(outcome.remote_id) for outcome in outcomes} == set(case.records())

    def test_a_create_again_makes_no_second_record(self, case: WritableCase) -> None:
        """Its key is in it."""
        case.deliver(case.batch(1, 2))
        outcomes = case.deliver(case.batch(1, 2, 3))
        assert {outcome.verdict for outcome in outcomes} <= {"ok", "taken"}
        assert case.keys() == case.wanted(1, 2, 3)

    @pytest.mark.parametrize("way", ["lose", "cut", "500 though done", "504 though done", "a page"])
    def test_a_create_whose_answer_was_lost_is_neither_doubled_nor_given_up(self, case: WritableCase, way: str) -> None:
        """Whether it was done or not."""
        steps: Mapping[str, Step] = {
            "lose": "lose",
            "cut": "cut",
            "500 though done": case.after(500),
            "504 though done": case.after(504),
            "a page": HTML,
        }
        case.gateway.play(steps[way], of=case.is_write)
        outcomes = case.deliver(case.batch(1, 2, 3))
        assert {outcome.verdict for outcome in outcomes} == {"ok"}
        assert case.keys() == case.wanted(1, 2, 3)

    @pytest.mark.parametrize("way", ["lose", "cut"])
    def test_an_update_whose_answer_was_lost_is_done_once_it_is_acknowledged(
        self, case: WritableCase, way: Step
    ) -> None:
        """And every record has its value."""
        ids = [str(outcome.remote_id) for outcome in case.deliver(case.batch(1, 2))]
        case.gateway.play(way, of=case.is_write)
        assert {outcome.verdict for outcome in case.deliver(case.update(ids, "changed"))} == {"ok"}
        assert {record[case.property] for record in case.records().values()} == {"changed"}

    def test_a_record_that_is_refused_holds_up_no_other(self, case: WritableCase) -> None:
        """It is held with the vendor's reason."""
        batch = case.batch(1, 2, 3)
        bad = Write(key="bad", values={**case.values_of(4), **case.refused})
        writes = [*batch.writes[:1], bad, *batch.writes[1:]]
        with nothing_leaks(case.private_texts):
            outcomes = case.deliver(
                Batch(object=batch.object, kind="create", key_property=batch.key_property, writes=writes)
            )
        assert [outcome.verdict for outcome in outcomes] == ["ok", "held", "ok", "ok"]
        assert outcomes[1].code
        assert case.keys() == case.wanted(1, 2, 3)

    def test_a_rate_limit_is_waited_out(self, case: WritableCase) -> None:
        """For writes as for reads: a 429 says that nothing was done."""
        case.gateway.play(case.limited, of=case.is_write)
        assert {outcome.verdict for outcome in case.deliver(case.batch(1, 2))} == {"ok"}
        assert max(case.waits) > 0
        assert case.keys() == case.wanted(1, 2)

    def test_an_outage_is_for_later_and_nothing_is_believed(self, case: WritableCase) -> None:
        """What was not acknowledged is not "sent"."""
        case.gateway.always(Reply(503))
        with nothing_leaks(case.private_texts) as errors:
            try:
                assert {outcome.verdict for outcome in case.deliver(case.batch(1, 2))} == {"later"}
            except Later as later:
                errors.append(later)
        case.gateway.heal()
        assert not case.records()

    def test_wrong_credentials_are_a_persons_to_mend(self, case: WritableCase) -> None:
        """Never shown, and for no write's own sake."""
        target = case.wrong()
        with nothing_leaks(case.private_texts) as errors:
            errors.append(error_of(lambda: target.deliver(case.batch(1)), Fix))
        target.close()
        assert not case.records()

    def test_a_scan_gives_every_record_and_nonsense_no_absence(self, case: WritableCase) -> None:
        """Records absent from a whole scan are gone: so it must be whole."""
        ids = {str(outcome.remote_id) for outcome in case.deliver(case.batch(*range(1, 8)))}
        target = case.opened()
        pages = list(target.scan(case.object, [case.key_property], None))
        assert {record.id for page in pages for record in page.records} == ids
        assert [page.complete for page in pages] == [*[False] * (len(pages) - 1), True]
        for nonsense in (HTML, Reply(200, []), Reply(200, {"message": "down"}), Reply(204)):
            case.gateway.always(nonsense)
            error_of(lambda: list(target.scan(case.object, [case.key_property], None)), Later)
            error_of(lambda: target.fetch(case.object, sorted(ids), [case.key_property]), Later)
        target.close()

    def test_a_record_is_fetched_by_its_id_and_a_gone_one_is_absent(self, case: WritableCase) -> None:
        """By the id that was asked for."""
        (outcome,) = case.deliver(case.batch(1))
        target = case.opened()
        records = target.fetch(case.object, [str(outcome.remote_id), "999999999"], [case.key_property])
        target.close()
        assert {id_: record.values[case.key_property] for id_, record in records.items()} == {
            str(outcome.remote_id): case.values_of(1)[case.key_property]
        }

    def test_a_shape_names_its_properties_and_an_unknown_object_has_none(self, case: WritableCase) -> None:
        """None is no error."""
        target = case.opened()
        shape = target.shape(case.object)
        assert shape is not None
        assert case.property in shape.properties
        assert target.shape("nothing_of_the_kind") is None
        target.close()

    def test_a_check_leaves_no_trace_and_requests_are_counted(self, case: WritableCase) -> None:
        """With credentials and without."""
        target, first_request = case.opened(), len(case.gateway.requests)
        assert "fault" not in {finding.level for finding in target.check([case.object])}
        assert target.requests() == len(case.gateway.requests) - first_request > 0
        assert not any(case.is_write(request) for request in case.gateway.requests[first_request:])
        target.close()
        wrong = case.wrong()
        with nothing_leaks(case.private_texts) as errors:
            try:
                assert "fault" in {finding.level for finding in wrong.check([case.object])}
            except CareloomError as error:
                errors.append(error)
        wrong.close()
        wrong.close()


class AssociatingContract(_WritingContract):
    """Ties are made once and removed once, whatever becomes of an answer."""

    capability: ClassVar[str] = "associates"

    def test_ties_are_made_once_and_removed_whatever_is_lost(self, case: WritableCase) -> None:
        """Outcomes carry "from/to" as key."""
        first, second = (str(outcome.remote_id) for outcome in case.deliver(case.batch(1, 2)))
        target = case.opened()
        assert isinstance(target, Associating)
        for remove in (False, True):
            batch = AssociationBatch(
                from_object=case.object,
                to_object=case.object,
                remove=remove,
                ties=[Association(from_id=first, to_id=second)],
            )
            for step in ("lose", "pass"):
                case.gateway.play(step, of=case.is_write)
                (outcome,) = target.associate(batch)
                assert (outcome.key, outcome.verdict) == (f"{first}/{second}", "ok")
                assert list(case.ties()) == ([] if remove else [(first, second)])
        target.close()


class DeclaringContract(_WritingContract):
    """What is lacking is created once."""

    capability: ClassVar[str] = "declares"

    def test_what_is_lacking_is_created_once_whatever_is_lost(self, case: WritableCase) -> None:
        """One line for each thing made; the shape has it then."""
        target = case.opened()
        assert isinstance(target, Declaring)
        assert case.declaration is not None
        case.gateway.play("lose", of=case.is_write)
        lines = target.declare(case.declaration)
        assert lines
        assert not target.declare(case.declaration)
        shape = target.shape(case.declaration.name)
        assert shape is not None
        assert {definition.name for definition in case.declaration.properties} <= set(shape.properties)
        target.close()
