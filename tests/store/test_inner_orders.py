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
from services.landing_project import NOON, PATIENTS, open_landing, patient

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
    root_record = patient(number, version)
    observed_at = NOON + timedelta(minutes=came)
    data = {**(root_record.data or {}), **({} if company == SILENT else {"insurance": company})}
    root = Record(stream="patients", key=root_record.key, data=data, observed_at=observed_at)
    if company == SILENT:
        return [root]
    key, changed_at = f"{number}:primary", data["updated_at"]
    if company is None:
        gone_at = NOON - timedelta(hours=1) + timedelta(minutes=version)
        return [
            root,
            Record(
                stream="policies", key=key, data=None, observed_at=observed_at, gone_at=gone_at, root=root_record.key
            ),
        ]
    policy = {"key": key, "company": company, "updated_at": changed_at}
    return [root, Record(stream="policies", key=key, data=policy, observed_at=observed_at, root=root_record.key)]


def ask(session: Session, statement: str) -> list[tuple[Any, ...]]:
    with session.store.transaction() as connection:
        return connection.execute(statement).fetchall()  # type: ignore[call-overload, no-any-return]


def policies(session: Session) -> dict[str, str]:
    return dict(ask(session, "select policy_key, company from clinical.policies where deleted_at is null"))


def told_of_policies(session: Session) -> list[tuple[str, str]]:
    return ask(session, "select vendor_id, operation from outbox where table_name = 'policies' order by id")


def were_there(order: Sequence[int], companies: Sequence[str | None], together: bool) -> bool:
    """Whether at any time the newest form that had come stated a policy."""
    if together:
        return any(companies)
    return any(companies[max(order[: number + 1])] for number in range(len(order)))


@pytest.mark.parametrize("streams", [(PATIENTS, POLICIES), (POLICIES, PATIENTS)], ids=["root first", "root last"])
@pytest.mark.parametrize("together", [False, True])
def test_any_order_of_forms_ends_in_the_newest_and_leaves_no_row_of_what_never_was(
    tmp_path: Path, database: str, streams: tuple[Stream, ...], together: bool
) -> None:
    cases = list(product(permutations(range(3)), STATEMENTS))
    with open_landing(tmp_path, database, *streams) as session:
        prepare(session)
        forms = [
            [
                record
                for number, (order, companies) in enumerate(cases, 1)
                for record in form(number, order[turn], companies[order[turn]], turn)
            ]
            for turn in range(3)
        ]
        for records in [[record for turn in forms for record in turn]] if together else forms:
            counts = land(session, "ehr", records, actor="tester")
            ends = sum(counts[end] for end in ("created", "updated", "unchanged", "deleted", "held"))
            assert (counts["total"], counts["held"]) == (ends, 0)
        live = {f"{number}:primary": companies[2] for number, (_, companies) in enumerate(cases, 1) if companies[2]}
        assert policies(session) == live
        keys = {
            f"{n}:primary" for n, (order, companies) in enumerate(cases, 1) if were_there(order, companies, together)
        }
        assert {key for (key,) in ask(session, "select policy_key from clinical.policies")} == keys
        assert {key for key, _ in told_of_policies(session)} == keys
        last = dict(told_of_policies(session))
        assert {key for key, operation in last.items() if operation == "DELETE"} == keys - live.keys()
        assert ask(session, "select count(distinct record_id) from change_log where table_name = 'policies'") == [
            (len(keys),)
        ]


def test_a_policy_between_two_forms_that_come_together_stands_in_the_change_log(tmp_path: Path, database: str) -> None:
    with open_landing(tmp_path, database, PATIENTS, POLICIES) as session:
        prepare(session)
        land(
            session, "ehr", [*form(1, 1, "First", 1), *form(1, 2, "Second", 2), *form(1, 3, SILENT, 3)], actor="tester"
        )
        assert policies(session) == {"1:primary": "Second"}
        assert [operation for _, operation in told_of_policies(session)] == ["INSERT", "UPDATE"]


def test_a_first_load_makes_rows_of_the_policies_that_are_and_counts_no_others(tmp_path: Path, database: str) -> None:
    with open_landing(tmp_path, database, PATIENTS, POLICIES) as session:
        prepare(session)
        page = [
            record for number in range(1, 101) for record in form(number, 1, "First" if number % 4 == 0 else None, 1)
        ]
        counts = land(session, "ehr", page, actor="tester", read=True)
        assert (counts["total"], counts["created"], counts["unchanged"]) == (125, 125, 0)
        for table in ("clinical.policies", "change_log where table_name = 'policies'"):
            assert ask(session, f"select count(*) from {table}") == [(25,)]
        assert len(told_of_policies(session)) == 25
        counts = land(session, "ehr", page, actor="tester", read=True)
        assert (counts["total"], counts["unchanged"]) == (125, 125)


def test_without_the_table_of_those_that_hold_them_the_order_still_decides_nothing(
    tmp_path: Path, database: str
) -> None:
    cases = list(product(permutations(range(3)), STATEMENTS))
    with open_landing(tmp_path, database, POLICIES) as session:
        prepare(session)
        for turn in range(3):
            for number, (order, companies) in enumerate(cases, 1):
                land(session, "ehr", form(number, order[turn], companies[order[turn]], turn)[1:], actor="tester")
        assert policies(session) == {
            f"{number}:primary": companies[2] for number, (_, companies) in enumerate(cases, 1) if companies[2]
        }


def test_of_a_patient_that_is_held_the_absence_of_a_policy_is_remembered(tmp_path: Path, database: str) -> None:
    with open_landing(tmp_path, database, PATIENTS, POLICIES) as session:
        prepare(session)
        root, absent = form(1, 2, None, 1)
        faulty = Record(
            stream="patients", key="1", data={**(root.data or {}), "first_name": "\0"}, observed_at=root.observed_at
        )
        assert land(session, "ehr", [faulty, absent], actor="tester")["held"] == 1
        land(session, "ehr", form(1, 1, "First", 2), actor="tester")
        assert policies(session) == {}


def test_what_was_just_read_stands_whatever_the_versions_say(tmp_path: Path, database: str) -> None:
    """The source's clock was set back: what it shows now is older by its version than what it told."""
    with open_landing(tmp_path, database, PATIENTS, POLICIES) as session:
        prepare(session)
        now = session.store.clock()
        land(session, "ehr", form(1, 5, None, 1), actor="tester")
        records = [
            Record(
                stream=record.stream,
                key=record.key,
                data=record.data,
                observed_at=now + timedelta(hours=1),
                root=record.root,
            )
            for record in form(1, 3, "First", 0)
        ]
        land(session, "ehr", records, actor="tester", read=True)
        assert policies(session) == {"1:primary": "First"}
        again = [
            Record(
                stream=record.stream,
                key=record.key,
                data=record.data,
                observed_at=now + timedelta(hours=2),
                root=record.root,
            )
            for record in records
        ]
        rows = ask(session, "delete from clinical.policies returning 1")
        assert len(rows) == 1
        land(session, "ehr", again, actor="tester", read=True)
        assert policies(session) == {"1:primary": "First"}, "it is not stuck behind the patient's own row"
