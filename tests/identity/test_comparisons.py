"""Evidence is data: a kind that no line of the matcher knows decides, and is told, by its entry and its rules alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import duckdb
import pyarrow as pa
import pytest

from careloom.core.errors import Stop
from careloom.identity.comparisons import COMPARISONS, WORDS, Comparison, evidence_in_words
from careloom.identity.match import MatchSpec, match
from careloom.identity.rules import RULES, VETOES, MatchRule, Veto
from careloom.project.schema import RoleName
from identity.match_cases import PATIENTS, TODAY, Decided, Row, read_decisions

MEMBER_ID = Comparison(
    name="member_id",
    label="member id",
    says="Near: one character more, less or other.",
    column="member_id",
    near=("levenshtein(l.member_id, r.member_id) <= 1",),
    role="member_id",
    normal="nullif(ltrim(regexp_replace(upper(v), '[^A-Z0-9]', '', 'g'), '0'), 'NONE')",
    limit=3,
)
SPEC = replace(
    PATIENTS,
    roles={**PATIENTS.roles, "member": "member_id"},
    tiers=[["email"], ["member"]],
    comparisons=(*COMPARISONS, MEMBER_ID),
    rules={
        "BLOCK:member": MatchRule(
            grade="blocked", reason="no-evidence", says="The member ids differ.", when="member_id = 'conflict'"
        ),
        "AUTO:member": MatchRule(
            grade="certain",
            reason="agreed",
            says="Member id and last name agree.",
            when="member_id = 'agree' AND last_name = 'agree'",
        ),
        **RULES,
    },
)
ADA: Row = {"firstname": "Ada", "lastname": "Varga", "birthday": "1975-01-20", "email": "ada@example.com"}


def run(ours: list[Row], theirs: list[Row], spec: MatchSpec = SPEC) -> tuple[Decided, list[dict[str, Any]]]:
    """What is decided about rows "1", "2", … and records "r1", "r2", …, and each candidate's evidence."""
    db = duckdb.connect(config={"threads": 1})
    columns = spec.properties()
    tables = {
        "ours": [{"key": str(number), **row} for number, row in enumerate(ours, 1)],
        "theirs": [{"id": f"r{number}", **row} for number, row in enumerate(theirs, 1)],
        "links": [],
        "decisions": [],
    }
    names = {
        "ours": ["key", *columns],
        "theirs": ["id", spec.key_property, *columns, "more_mails"],
        "links": ["key", "remote_id"],
        "decisions": ["key", "remote_id", "verdict"],
    }
    for table, rows in tables.items():
        values = {name: pa.array([row.get(name) for row in rows], pa.string()) for name in names[table]}
        db.register(table, pa.table(values))
    match(db, spec, source="ours", remote="theirs", links="links", decisions="decisions", today=TODAY)
    cursor = db.execute("select * from match_candidate order by key, remote_id")
    labels = [column[0] for column in cursor.description]
    candidates = [dict(zip(labels, row, strict=True)) for row in cursor.fetchall()]
    return read_decisions(db), candidates


@pytest.mark.parametrize(
    ("member", "level", "rule", "outcome"),
    [
        ("a-0017 x", "agree", "AUTO:member", "link"),
        ("A0018X", "near", "PROV:T1c", "review"),
        ("B99", "conflict", "BLOCK:member", "none"),
        ("none", "unknown", "PROV:T1c", "review"),
    ],
)
def test_evidence_that_only_an_entry_describes_decides_and_is_told(
    member: str, level: str, rule: str, outcome: str
) -> None:
    row = {**ADA, "birthday": None, "member": "A0017X"}
    record = {**ADA, "birthday": None, "email": "other@example.com", "member": member}
    # A tier of member ids brings only those together that agree: the mail does it for the others.
    if level != "agree":
        record["email"] = ADA["email"]
    answer, candidates = run([row], [record])
    (candidate,) = candidates
    assert candidate["member_id"] == level
    assert f"member id {WORDS[level]}" in evidence_in_words(candidate, SPEC.comparisons)
    # Where no rule calls it, the rules of other evidence decide as before.
    assert (candidate["rule"], answer.rows["1"].outcome) == (rule, outcome)


def test_a_value_of_its_own_that_too_many_share_is_no_evidence() -> None:
    people = [{"firstname": first, "lastname": "Varga", "member": "M1"} for first in ("Ada", "Bea", "Cleo")]
    _, candidates = run(people[:1], [{**people[0]}])
    assert [candidate["member_id"] for candidate in candidates] == ["agree"]
    assert run(people[:1], people)[1] == []


def test_a_veto_is_data_too() -> None:
    veto = Veto(when="member_id = 'near'", reason="tier-only", says="the member ids nearly agree")
    spec = replace(SPEC, vetoes=(veto, *VETOES))
    row, record = {**ADA, "member": "A17"}, {**ADA, "member": "A18"}
    assert run([row], [record])[0].rows["1"].outcome == "link"
    decision = run([row], [record], spec)[0].rows["1"]
    assert (decision.outcome, decision.reason) == ("review", "tier-only")


def test_a_role_that_nothing_compares_is_no_silent_miss() -> None:
    with pytest.raises(Stop, match="member_id"):
        run([ADA], [ADA], replace(SPEC, comparisons=COMPARISONS, rules=RULES))


def test_every_role_of_the_language_is_read() -> None:
    roles = {name: name for name in get_args(RoleName) if name != "none"}
    assert run([ADA], [ADA], replace(PATIENTS, roles={**PATIENTS.roles, **roles}))


def test_every_kind_of_evidence_is_told_by_its_own_words() -> None:
    agreeing = {comparison.name: True if comparison.is_flag else "agree" for comparison in COMPARISONS}
    words = evidence_in_words(agreeing)
    assert words == [
        "first name agrees",
        "last name agrees",
        "birth date agrees",
        "mail agrees",
        "phone agrees",
        "address agrees",
        "zip agrees",
        "suffixes differ",
        "sexes differ",
        "middle names differ",
        "middle names agree",
    ]
    assert evidence_in_words({"email": False, "first_name": None, "zip": None}) == []
    assert all(comparison.says for comparison in COMPARISONS)
