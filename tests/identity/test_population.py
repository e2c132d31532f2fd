"""A town of families, known by truth: links are right, and most of the people are found."""

from __future__ import annotations

import pytest

from careloom.identity.match import MatchSpec
from identity.match_cases import PATIENTS, PROVISIONAL, decide
from identity.population import two_systems


@pytest.mark.parametrize(("spec", "right", "found"), [(PATIENTS, 0.999, 0.5), (PROVISIONAL, 0.997, 0.6)])
def test_links_in_a_town_of_families_are_right(spec: MatchSpec, right: float, found: float) -> None:
    ours, theirs = two_systems(1500, seed=3)
    decisions = decide(ours, theirs, spec=spec)
    links = decisions.links()
    good = sum(key == remote for key, remote in links.items())
    count = len({row["key"] for row in ours} & {row["id"] for row in theirs})
    review = sum(row.outcome == "review" for row in decisions.rows.values())
    wrong = sorted((decisions.rows[key].rule, key, remote) for key, remote in links.items() if key != remote)
    print(
        f"{spec.accept}: precision {good / len(links):.5f}, recall {good / count:.3f}, for review {review}, wrong {wrong}"
    )
    assert good / len(links) >= right
    assert good / count >= found
    assert len(set(links.values())) == len(links)


def test_nobody_is_made_anew_beside_a_record_that_nearly_agrees() -> None:
    ours, theirs = two_systems(1000, seed=5)
    decisions = decide(ours, theirs)
    records = {row["id"]: row for row in theirs}
    same = ("birthday", "lastname", "address", "zip")
    keys = [
        row["key"]
        for row in ours
        if decisions.rows[str(row["key"])].outcome == "none"
        and (record := records.get(str(row["key"])))
        and all(row.get(name) and row.get(name) == record.get(name) for name in same)
        and record["id"] not in decisions.links().values()
    ]
    assert keys == []


def test_who_is_not_found_is_mostly_in_review_and_not_lost() -> None:
    ours, theirs = two_systems(1000, seed=5)
    decisions = decide(ours, theirs)
    record_ids = {row["id"] for row in theirs}
    keys = [
        row["key"] for row in ours if row["key"] in record_ids and decisions.rows[str(row["key"])].outcome == "none"
    ]
    total = sum(row["key"] in record_ids for row in ours)
    assert len(keys) / total < 0.25
