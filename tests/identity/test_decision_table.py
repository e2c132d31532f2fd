"""The decision table, line by line: a pair as literals, the verdicts and the rule it must come to."""

from __future__ import annotations

import pytest

from careloom.identity.rules import REASONS, RULES
from identity.match_cases import PROVISIONAL, Row, decide, only

HOME = {"address": "12 Oak Street", "city": "Austin", "state": "TX", "zip": "78701"}
ADA: Row = {"firstname": "Ada", "lastname": "Varga", "birthday": "1975-01-20", "email": "ada@example.com"}
PHONE = "512-555-0123"


def ada(**changes: str | None) -> Row:
    return {**ADA, **changes}


def at_home(**changes: str | None) -> Row:
    return {**ADA, "email": None, **HOME, **changes}


# (one row, one record, letters of first name, last name and birth date, rule, outcome where provisional links are accepted)
TABLE = [
    (ada(suffix="Jr"), ada(suffix="Sr"), "AAA", "ASK:suffix", "review"),
    (ada(suffix="Jr"), ada(suffix="Sr", birthday=None), "AA?", "BLOCK:suffix", "none"),
    (ada(), ada(firstname="Grace", birthday="1990-12-05"), "XAX", "BLOCK:first+dob", "none"),
    (ada(), ada(firstname="Grace"), "XAA", "ASK:twin?", "review"),
    (at_home(), at_home(firstname="Grace"), "XAA", "ASK:twin?", "review"),
    (at_home(), at_home(firstname="Grace", city=None, state=None), "XAA", "ASK:twin?", "review"),
    (ada(lastname="Reyes"), ada(firstname="Grace"), "XXA", "ASK:twin?", "review"),
    (at_home(lastname="Reyes"), at_home(firstname="Grace"), "XXA", "BLOCK:twin?", "none"),
    (ada(birthday=None), ada(firstname="Grace"), "XA?", "BLOCK:first", "none"),
    (ada(firstname="Marta"), ada(firstname="Martin"), "XAA", "ASK:twin?", "review"),
    (at_home(lastname="Carla"), at_home(lastname="Carol", birthday=None), "AX?", "NONE", "none"),
    (ada(), ada(firstname="Grace", birthday="1975-01-21"), "XAN", "BLOCK:first", "none"),
    (ada(), ada(birthday="1990-12-05"), "AAX", "REVIEW:dob-conflict", "review"),
    (ada(), ada(birthday="1990-12-05", lastname="Reyes"), "AXX", "BLOCK:dob", "none"),
    (ada(), ada(birthday="1990-12-05", lastname="Vargas"), "ANX", "BLOCK:dob", "none"),
    (at_home(), at_home(birthday="1990-12-05"), "AAX", "ASK:dob", "review"),
    (at_home(lastname="Vargas"), at_home(birthday="1990-12-05"), "ANX", "BLOCK:dob", "none"),
    (at_home(), at_home(birthday=None, city=None, state=None), "AA?", "REVIEW:T3-nodob", "review"),
    (ada(), ada(firstname=None, birthday="1990-12-05"), "?AX", "BLOCK:dob", "none"),
    (ada(), ada(), "AAA", "AUTO:T1a", "link"),
    (ada(), ada(lastname=None), "A?A", "AUTO:T1a", "link"),
    (ada(), ada(lastname="Reyes"), "AXA", "AUTO:T1a", "link"),
    (ada(firstname="Florentina"), ada(firstname="Florentinna"), "NAA", "AUTO:T1a", "link"),
    (ada(), ada(birthday="1975-01-21"), "AAN", "AUTO:T1b", "link"),
    (ada(birthday="1975-01-02"), ada(birthday="1975-02-01"), "AAN", "AUTO:T1b", "link"),
    (ada(), ada(birthday="1975-01-21", lastname="Vargas"), "ANN", "REVIEW:T1", "review"),
    (ada(), ada(birthday=None), "AA?", "PROV:T1c", "link"),
    (ada(gender="F"), ada(birthday=None, gender="M"), "AA?", "REVIEW:T1", "review"),
    (ada(middle="Beth"), ada(birthday=None, middle="C."), "AA?", "REVIEW:T1", "review"),
    (ada(), ada(birthday=None, lastname=None), "A??", "REVIEW:T1", "review"),
    (ada(), ada(firstname=None), "?AA", "REVIEW:T1", "review"),
    (at_home(), at_home(firstname=None), "?AA", "ASK:no-first", "review"),
    (at_home(lastname="Vargas"), at_home(firstname=None), "?NA", "ASK:no-first", "review"),
    (at_home(lastname="Reyes"), at_home(firstname=None), "?XA", "NONE", "none"),
    (at_home(), at_home(firstname=None, birthday=None), "?A?", "NONE", "none"),
    (ada(), ada(firstname=None, lastname=None, birthday=None), "???", "REVIEW:T1", "review"),
    (ada(email=None, middle="Beth"), ada(email=None, middle="Cleo"), "AAA", "REVIEW:T2-middle", "review"),
    (ada(email=None, zip="78701"), ada(email=None, zip="78701-1234"), "AAA", "AUTO:T2a", "link"),
    (ada(email=None, phone=PHONE), ada(email=None, phone=PHONE), "AAA", "AUTO:T2a", "link"),
    (ada(email=None, middle="Beth"), ada(email=None, middle="B"), "AAA", "AUTO:T2a", "link"),
    (ada(email=None, firstname="Ada B."), ada(email=None, middle="Beth"), "AAA", "AUTO:T2a", "link"),
    (ada(email=None, gender="F"), ada(email=None, gender="M"), "AAA", "REVIEW:T2-sex", "review"),
    (ada(email=None), ada(email=None), "AAA", "AUTO:T2b", "link"),
    (ada(email="old@example.com"), ada(), "AAA", "AUTO:T2b", "link"),
    (at_home(), at_home(lastname="Vargas"), "ANA", "AUTO:T3a", "link"),
    (at_home(), at_home(birthday="1975-01-21"), "AAN", "AUTO:T3b", "link"),
    (at_home(gender="F"), at_home(birthday="1975-01-21", gender="M"), "AAN", "REVIEW:T3-nodob", "review"),
    (at_home(phone=PHONE), at_home(birthday=None, mobilephone=PHONE), "AA?", "PROV:T3c", "link"),
    (at_home(middle="B"), at_home(birthday=None, middle="Beth"), "AA?", "PROV:T3c", "link"),
    (at_home(), at_home(birthday=None), "AA?", "REVIEW:T3-nodob", "review"),
    (at_home(), at_home(lastname="Reyes"), "AXA", "REVIEW:T3-lastname", "review"),
    (at_home(), at_home(lastname="Vargas", birthday=None), "AN?", "REVIEW:T3-weak", "review"),
    (at_home(), at_home(lastname="Reyes", birthday=None), "AX?", "NONE", "none"),
    (at_home(), at_home(firstname=None, lastname=None), "??A", "NONE", "none"),
    (at_home(address2="Apt 4"), at_home(address="12 OAK ST #4"), "AAA", "AUTO:T2a", "link"),
    # what the table lets pass and contradicting evidence stops
    (ada(gender="F"), ada(gender="M"), "AAA", "AUTO:T1a", "review"),
    (ada(firstname="Daniel"), ada(firstname="Danielle"), "NAA", "AUTO:T1a", "review"),
    (at_home(firstname="Daniel"), at_home(firstname="Danielle"), "NAA", "AUTO:T3a", "review"),
    (ada(), ada(firstname="A."), "NAA", "AUTO:T1a", "review"),
    (ada(middle="Beth"), ada(middle="Cleo", birthday="1975-01-21"), "AAN", "AUTO:T1b", "review"),
    (ada(suffix="Jr"), ada(birthday="1975-01-21"), "AAN", "AUTO:T1b", "review"),
    (ada(suffix="Jr"), ada(), "AAA", "AUTO:T1a", "link"),
]  # fmt: skip


@pytest.mark.parametrize(("row", "record", "letters", "rule", "outcome"), TABLE)
def test_a_pair_comes_to_its_rule(row: Row, record: Row, letters: str, rule: str, outcome: str) -> None:
    decision, pair = only(row, record, spec=PROVISIONAL)
    assert pair is not None
    assert (pair.letters, pair.rule, decision.outcome) == (letters, rule, outcome)


@pytest.mark.parametrize(("row", "record", "letters", "rule", "outcome"), TABLE)
def test_a_pair_comes_to_the_same_rule_with_the_sides_exchanged(
    row: Row, record: Row, letters: str, rule: str, outcome: str
) -> None:
    decision, pair = only(record, row, spec=PROVISIONAL)
    assert pair is not None
    assert (pair.letters, pair.rule, decision.outcome) == (letters, rule, outcome)


@pytest.mark.parametrize(
    ("row", "record"), [(row, record) for row, record, _, rule, _ in TABLE if rule.startswith("PROV")]
)
def test_only_what_is_certain_links_where_only_that_is_accepted(row: Row, record: Row) -> None:
    decision, _ = only(row, record)
    assert (decision.outcome, decision.reason) == ("review", "provisional")


def test_a_common_name_with_nothing_but_a_birth_date_goes_to_a_person() -> None:
    namesakes = [ada(email=None, birthday=f"19{60 + n}-02-03") for n in range(8)]
    assert decide([ada(email=None)], [ada(email=None), *namesakes[:7]]).rows["1"].rule == "AUTO:T2b"
    decisions = decide([ada(email=None)], [ada(email=None), *namesakes])
    assert (decisions.rows["1"].rule, decisions.rows["1"].outcome) == ("REVIEW:T2-common", "review")


def test_two_birth_dates_of_one_name_at_an_address_are_a_trap() -> None:
    row, record = at_home(middle="B"), at_home(middle="B", birthday=None)
    namesake = at_home(birthday="1940-10-10", middle="C")
    assert only(row, record, spec=PROVISIONAL)[0].rule == "PROV:T3c"
    for ours, theirs in (([row, namesake], [record]), ([row], [record, namesake])):
        assert decide(ours, theirs, spec=PROVISIONAL).pairs["1", "r1"].rule == "REVIEW:T3-nodob"


def test_every_rule_and_reason_of_the_table_is_explained() -> None:
    assert {rule for _, _, _, rule, _ in TABLE} | {
        "REVIEW:T2-common",
        "person",
        "never",
        "key",
        "exact",
        "REVIEW:tier",
    } == set(RULES)
    assert {rule.reason for rule in RULES.values()} <= set(REASONS)
