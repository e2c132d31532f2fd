"""Records that lie inside others, stated and stated absent in any order: one final state, and no row of what never was."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import permutations, product
from pathlib import Path
from typing import Any

import pytest

from careloom.core.streams import Column, Record, Stream
from careloom.services.landing.write import land, prepare
from careloom.services.session.sessions import Session
from services.landing_project import NOON, PATIENTS, landing, patient

POLICIES = Stream(
    name="policies",
    key="key",
    key_column="policy_key",
    key_type="text",
    version="updated_at",
    changes=True,
    out_of="patients",
    columns=(Column(name="company", paths=("company",)),),
)
# What a patient's first, second and third form say of the policy: a company's, none, or nothing at all.
SILENT = "silent"
STATEMENTS = list(product((None, "First", "Second"), repeat=3))


def form(number: int, version: int, company: str | None, came: int) -> list[Record]:
    """A patient of a version with its policy, as it came at a minute."""
    told = patient(number, version)
    seen = NOON + timedelta(minutes=came)
    whole = {**(told.data or {}), **({} if company == SILENT else {"insurance": company})}
    root = Record(stream="patients", key=told.key, data=whole, observed_at=seen)
    if company == SILENT:
        return [root]
    key, changed_at = f"{number}:primary", whole["updated_at"]
    if company is None:
        at = NOON - timedelta(hours=1) + timedelta(minutes=version)
        return [root, Record(stream="policies", key=key, data=None, observed_at=seen, gone_at=at, root=told.key)]
    policy = {"key": key, "company": company, "updated_at": changed_at}
    return [root, Record(stream="policies", key=key, data=policy, observed_at=seen, root=told.key)]


def ask(session: Session, statement: str) -> list[tuple[Any, ...]]:
    with session.store.transaction() as connection:
        return connection.execute(statement).fetchall()  # type: ignore[call-overload, no-any-return]


def policies(session: Session) -> dict[str, str]:
    return dict(ask(session, "select policy_key, company from clinical.policies where deleted_at is null"))


def told_of_policies(session: Session) -> list[tuple[str, str]]:
    return ask(session, "select vendor_id, operation from outbox where table_name = 'policies' order by id")


def were_there(order: Sequence[int], said: Sequence[str | None], together: bool) -> bool:
    """Whether at any time the newest form that had come stated a policy."""
    if together:
        return any(said)
    return any(said[max(order[: number + 1])] for number in range(len(order)))


@pytest.mark.parametrize("streams", [(PATIENTS, POLICIES), (POLICIES, PATIENTS)], ids=["root first", "root last"])
@pytest.mark.parametrize("together", [False, True])
def test_any_order_of_forms_ends_in_the_newest_and_leaves_no_row_of_what_never_was(
    tmp_path: Path, database: str, streams: tuple[Stream, ...], together: bool
) -> None:
    cases = list(product(permutations(range(3)), STATEMENTS))
    with landing(tmp_path, database, *streams) as ready:
        prepare(ready)
        forms = [
            [
                one
                for number, (order, said) in enumerate(cases, 1)
                for one in form(number, order[turn], said[order[turn]], turn)
            ]
            for turn in range(3)
        ]
        for records in [[one for turn in forms for one in turn]] if together else forms:
            counts = land(ready, "ehr", records, actor="tester")
            ends = sum(counts[end] for end in ("created", "updated", "unchanged", "deleted", "held"))
            assert (counts["total"], counts["held"]) == (ends, 0)
        live = {f"{number}:primary": said[2] for number, (_, said) in enumerate(cases, 1) if said[2]}
        assert policies(ready) == live
        known = {f"{n}:primary" for n, (order, said) in enumerate(cases, 1) if were_there(order, said, together)}
        assert {key for (key,) in ask(ready, "select policy_key from clinical.policies")} == known
        assert {key for key, _ in told_of_policies(ready)} == known
        last = dict(told_of_policies(ready))
        assert {key for key, operation in last.items() if operation == "DELETE"} == known - live.keys()
        assert ask(ready, "select count(distinct record_id) from change_log where table_name = 'policies'") == [
            (len(known),)
        ]


def test_a_policy_between_two_forms_that_come_together_stands_in_the_change_log(tmp_path: Path, database: str) -> None:
    with landing(tmp_path, database, PATIENTS, POLICIES) as ready:
        prepare(ready)
        land(ready, "ehr", [*form(1, 1, "First", 1), *form(1, 2, "Second", 2), *form(1, 3, SILENT, 3)], actor="tester")
        assert policies(ready) == {"1:primary": "Second"}
        assert [operation for _, operation in told_of_policies(ready)] == ["INSERT", "UPDATE"]


def test_a_first_load_makes_rows_of_the_policies_that_are_and_counts_no_others(tmp_path: Path, database: str) -> None:
    with landing(tmp_path, database, PATIENTS, POLICIES) as ready:
        prepare(ready)
        page = [one for number in range(1, 101) for one in form(number, 1, "First" if number % 4 == 0 else None, 1)]
        counts = land(ready, "ehr", page, actor="tester", read=True)
        assert (counts["total"], counts["created"], counts["unchanged"]) == (125, 125, 0)
        for table in ("clinical.policies", "change_log where table_name = 'policies'"):
            assert ask(ready, f"select count(*) from {table}") == [(25,)]
        assert len(told_of_policies(ready)) == 25
        counts = land(ready, "ehr", page, actor="tester", read=True)
        assert (counts["total"], counts["unchanged"]) == (125, 125)


def test_without_the_table_of_those_that_hold_them_the_order_still_decides_nothing(
    tmp_path: Path, database: str
) -> None:
    cases = list(product(permutations(range(3)), STATEMENTS))
    with landing(tmp_path, database, POLICIES) as ready:
        prepare(ready)
        for turn in range(3):
            for number, (order, said) in enumerate(cases, 1):
                land(ready, "ehr", form(number, order[turn], said[order[turn]], turn)[1:], actor="tester")
        assert policies(ready) == {f"{number}:primary": said[2] for number, (_, said) in enumerate(cases, 1) if said[2]}


def test_of_a_patient_that_is_held_the_absence_of_a_policy_is_remembered(tmp_path: Path, database: str) -> None:
    with landing(tmp_path, database, PATIENTS, POLICIES) as ready:
        prepare(ready)
        root, absent = form(1, 2, None, 1)
        broken = Record(
            stream="patients", key="1", data={**(root.data or {}), "first_name": "\0"}, observed_at=root.observed_at
        )
        assert land(ready, "ehr", [broken, absent], actor="tester")["held"] == 1
        land(ready, "ehr", form(1, 1, "First", 2), actor="tester")
        assert policies(ready) == {}


def test_what_was_just_read_stands_whatever_the_versions_say(tmp_path: Path, database: str) -> None:
    """The source's clock was set back: what it shows now is older by its version than what it told."""
    with landing(tmp_path, database, PATIENTS, POLICIES) as ready:
        prepare(ready)
        now = ready.store.clock()
        land(ready, "ehr", form(1, 5, None, 1), actor="tester")
        later = [
            Record(stream=one.stream, key=one.key, data=one.data, observed_at=now + timedelta(hours=1), root=one.root)
            for one in form(1, 3, "First", 0)
        ]
        land(ready, "ehr", later, actor="tester", read=True)
        assert policies(ready) == {"1:primary": "First"}
        again = [
            Record(stream=one.stream, key=one.key, data=one.data, observed_at=now + timedelta(hours=2), root=one.root)
            for one in later
        ]
        rows = ask(ready, "delete from clinical.policies returning 1")
        assert len(rows) == 1
        land(ready, "ehr", again, actor="tester", read=True)
        assert policies(ready) == {"1:primary": "First"}, "it is not stuck behind the patient's own row"
