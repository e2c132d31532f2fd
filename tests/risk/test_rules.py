"""Each rule of `careloom.risk.RULES` on its smallest person: what hccinfhir says, what CMS says, and that the rule is named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from careloom.risk import RULES
from careloom.risk.review.validation import validate
from careloom.risk.workspace import open_workspace
from risk.literal import Person
from risk.test_compat import COLUMNS


@dataclass(frozen=True, slots=True, kw_only=True)
class Smallest:
    """A person whom one rule reaches: hccinfhir's raw score and CMS's, in thousandths, and every rule that reaches them."""

    model: str
    year: int = 2026
    codes: str = ""
    theirs: int
    right: int
    also: tuple[str, ...] = ()
    person: Mapping[str, Any] = field(default_factory=dict)


def smallest(
    model: str, theirs: int, right: int, codes: str = "", *also: str, year: int = 2026, **person: Any
) -> Smallest:
    return Smallest(model=model, year=year, codes=codes, theirs=theirs, right=right, also=also, person=person)


DUALS, ADJUSTED, STATUS = "demographics-are-demographics", "esrd-graft-new-enrollee-adjustment", "esrd-status"
GRAFTED, BARE = "esrd-graft-segments", "no-negative-chronic"
SMALLEST: dict[str, Smallest] = {
    "edits-by-whole-years": smallest("V28", 573, 706, "C50011", age=49.5, orec="1"),
    "rx-hierarchy": smallest("RX-V08-MAPD", 13, 442, "E1165 E119", "rx-variants", year=2027, age=70),
    "rx-new-enrollee": smallest("RX-V08-MAPD", 0, 445, year=2027, age=66, new_enrollee=True),
    "rx-originally-disabled": smallest("RX-V08-MAPD", 13, 59, year=2027, age=70, orec="1"),
    "new-enrollee-age-band": smallest("V28", 0, 557, age=67, orec="2", new_enrollee=True),
    "institution-before-new-enrollee": smallest("V28", 0, 1135, age=86, sex="M", new_enrollee=True, lti=True),
    "missing-orec": smallest("V28", 1248, 1736, "I509", age=50, orec=None, lti=True),
    DUALS: smallest("ESRD-V24", 600, 600, age=70, orec="2"),
    BARE: smallest("V28", 623, 623, age=70, orec="1"),
    "v22-diabetes-name": smallest("V22", 801, 955, "E119 I509", age=70),
    GRAFTED: smallest("ESRD-V21", 2562, 2912, "", DUALS, age=70, orec="2", graft_months=6),
    "esrd-dialysis-new-enrollee": smallest("ESRD-V24", 0, 963, age=90, orec="2", new_enrollee=True),
    "esrd-transplant": smallest("ESRD-V24", 0, 5985, "", STATUS, age=70, graft_months=1),
    STATUS: smallest("ESRD-V24", 0, 624, age=70),
    "esrd-institution": smallest("ESRD-V24", 1575, 620, "", DUALS, BARE, age=70, orec="2", lti=True),
    ADJUSTED: smallest("ESRD-V24", 905, 2282, "", DUALS, GRAFTED, age=70, orec="2", graft_months=12, new_enrollee=True),
    "esrd-v21-disabled": smallest("ESRD-V21", 773, 662, "K860", age=50, crec="2", dual_elgbl_cd="02"),
    "esrd-v21-medicaid": smallest(
        "ESRD-V21", 3682, 3756, "", DUALS, age=70, orec="2", graft_months=6, lti=True, dual_elgbl_cd="02"
    ),
    "newest-hierarchy": smallest("V28", 3260, 2900, "I5084 I509", year=2025, age=70),
    "rx-variants": smallest("RX-V08-MAPD", 13, 245, "E119", year=2027, age=70),
}


def validate_people(folder: Path, mine: Mapping[str, Smallest]) -> dict[str, dict[str, Any]]:
    """What `validate` says of the people of one model and year, by rule."""
    people, codes = folder / "people.parquet", folder / "dx.parquet"
    facts = [{**asdict(Person()), **one.person, "person_id": place} for place, one in enumerate(mine.values())]
    pq.write_table(pa.Table.from_pylist(facts, schema=COLUMNS), people)
    pairs = [(place, code) for place, one in enumerate(mine.values()) for code in one.codes.split()]
    keys = pa.array([place for place, _ in pairs], pa.int64())
    column = pa.array([code for _, code in pairs], pa.string())
    pq.write_table(pa.table({"person_id": keys, "diagnosis_code": column}), codes)
    (model, year) = next((value.model, value.year) for value in mine.values())
    with open_workspace() as workspace:
        validate(workspace, people, codes, model=model, year=year)
        table = workspace.db.execute("select * from validated order by cast(person_id as integer)").to_arrow_table()
    return dict(zip(mine, table.to_pylist(), strict=True))


@pytest.mark.parametrize("edition", sorted({(own_rule.model, own_rule.year) for own_rule in SMALLEST.values()}))
def test_each_rule_is_named_for_its_smallest_person_and_for_nothing_more(
    edition: tuple[str, int], tmp_path: Path
) -> None:
    own_rules = {rule: own_rule for rule, own_rule in SMALLEST.items() if (own_rule.model, own_rule.year) == edition}
    for rule, row in validate_people(tmp_path, own_rules).items():
        own_rule = own_rules[rule]
        assert row["verdict"] == "agrees", rule
        assert (int(row["hccinfhir"] * 1000), int(row["cms"] * 1000)) == (own_rule.theirs, own_rule.right), rule
        assert set(row["rules"]) == {rule, *own_rule.also}


def test_every_rule_has_its_smallest_person() -> None:
    assert RULES.keys() - SMALLEST.keys() == {"edit-removes-every-category"}  # both modes keep it: see test_validate
