"""Hand-worked people: CMS's published factors added up by hand, beside the literal reading and careloom.risk.

The factors are those of the 2024 to 2026 rate announcements (V28, V24, ESRD V24, RxHCC V08) and of the PACE models (V22,
ESRD V21). The scores marked with a star are also what CMS's own ESRD software of payment year 2026 gives, as two
independent implementations report that were held beside it.
"""

from __future__ import annotations

import re
from functools import cache

import pytest

from risk.hand_worked import V22, V24, V28, Case, of
from risk.hand_worked_others import ESRD_V21, ESRD_V24, RX
from risk.literal import Person, score
from risk.test_compat import Row, by_careloom, by_literal

CASES = [*V28, *V24, *V22, *ESRD_V24, *ESRD_V21, *RX]


@cache
def careloom_rows(model: str) -> dict[str, Row]:
    """All cases of a model in one call."""
    mine = [case for case in CASES if case.model == model]
    rows = by_careloom([(case.person, list(case.codes)) for case in mine], model, "cms")
    return dict(zip((case.rule for case in mine), rows, strict=True))


def score_by(implementation: str, case: Case) -> Row:
    return (
        by_literal(case.person, case.codes, case.model)
        if implementation == "literal"
        else careloom_rows(case.model)[case.rule]
    )


@pytest.mark.parametrize("implementation", ["literal", "careloom"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.model}: {case.rule}")
def test_a_hand_worked_person_scores_what_the_rules_say(case: Case, implementation: str) -> None:
    row = score_by(implementation, case)
    assert row.scores[0] == case.expected
    assert row.segment == case.segment
    assert row.after == set(case.hccs.split())
    assert row.count == len(case.hccs.split())
    assert row.scores[0] == row.scores[1] + row.scores[2]
    assert row.scores[2] == 0 or case.hccs


COUNTED = ["B20", "A419", "E08649", "E6601", "I509", "J449", "N184", "M0579", "F200", "I4891", "G800", "C770"]
PAYMENT_COUNTS = {  # community, non-dual, aged: the published factor of so many payment HCCs
    "V28": [0, 0, 0, 0, 50, 102, 188, 316, 444, 728, 728, 728],
    "V24": [0, 0, 0, 6, 42, 77, 126, 214, 258, 505, 505, 505],
}


@pytest.mark.parametrize("implementation", ["literal", "careloom"])
@pytest.mark.parametrize("model", PAYMENT_COUNTS)
def test_the_number_of_payment_hccs_has_its_published_factor(model: str, implementation: str) -> None:
    people = [(of(72), COUNTED[:count]) for count in range(1, len(COUNTED) + 1)]
    if implementation == "careloom":
        rows = by_careloom(people, model, "cms")
    else:
        rows = [by_literal(person, codes, model) for person, codes in people]
    for (person, codes), row in zip(people, rows, strict=True):
        terms = score(person, codes, model=model).terms
        other_total = sum(value for name, value in terms.items() if not re.fullmatch(r"CNA_D(\d|10P)", name))
        assert row.scores[0] - other_total == PAYMENT_COUNTS[model][row.count - 1]
    assert max(row.count for row in rows) >= 10


def test_the_payment_score_is_adjusted_for_coding_and_normalised() -> None:
    # 2.120 / 1.067 = 1.98688 -> 1.987; x (1 - 0.059) = 1.869767 -> 1.870
    first = V28[0]
    assert by_literal(first.person, first.codes, "V28").payment == 1.870
    assert careloom_rows("V28")[first.rule].payment == 1.870


def test_the_factors_of_payment_year_2026_are_the_published_ones() -> None:
    # rate announcement 2026: V28 1.067, coding 5.90 %; ESRD V24 dialysis 1.062 and graft 1.104
    someone: list[tuple[Person, list[str]]] = [(of(72), [])]
    values: list[tuple[Person, list[str]]] = [(of(67, dual_elgbl_cd="02", graft_months=6), [])]
    assert by_careloom(someone, "V28", "cms", None)[0].payment == 0.348  # 0.370 x 0.941
    assert by_careloom(someone, "ESRD V24", "cms", None)[0].payment == 0.553  # 0.588 x 0.941
    assert by_careloom(values, "ESRD V24", "cms", None)[0].payment == 2.563  # 2.724 x 0.941
