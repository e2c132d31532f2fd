"""A portal, or what stands before it, answers nonsense in the middle of a plan or a run: nobody is created twice for it."""

from __future__ import annotations

from typing import Any

import pytest

from careloom.core.errors import RemoteUnavailable
from services.sync_project import BORN, Clinic, as_contact, counts, someone

PEOPLE = 210
PAGE = {"match": "/objects/2026-03/contacts", "method": "GET"}
SPOILT: dict[str, dict[str, Any]] = {
    "a maintenance page": {"status": 200, "body": "<html>maintenance</html>"},
    "an empty object": {"status": 200, "body": {}},
    "204": {"status": 204, "body": ""},
    "another API's list": {"status": 200, "body": {"data": []}},
    "a redirect": {"status": 302, "body": "<html>log in</html>"},
}


@pytest.fixture
def busy(clinic: Clinic) -> Clinic:
    """A clinic all of whose people the portal knows by name and birth date."""
    clinic.define(BORN)
    rows = [
        someone(number, Email="", First=f"First{number}", Last=f"Last{number}", Born=f"19{10 + number % 80}-01-02")
        for number in range(PEOPLE)
    ]
    clinic.seed(*({"email": ""} | as_contact(row) for row in rows))
    clinic.rows(rows)
    return clinic


def fault(spoilt: str, **where: Any) -> dict[str, Any]:
    return {"kind": "status", **SPOILT[spoilt], **PAGE, **where}


@pytest.mark.parametrize(
    ("spoilt", "page"),
    [*((spoilt, 2) for spoilt in SPOILT), ("an empty object", 1), ("204", 1), ("an empty object", 3)],
)
def test_a_page_that_is_nonsense_makes_nobody_twice(busy: Clinic, spoilt: str, page: int) -> None:
    busy.faults(fault(spoilt, nth=page, times=1))
    assert counts(busy.run()) == {"read": PEOPLE, "update": PEOPLE}
    assert len(busy.records()) == PEOPLE


def test_a_portal_that_gives_only_nonsense_ends_the_run_and_nothing_is_written(busy: Clinic) -> None:
    writes_before = busy.writes()
    busy.faults(fault("an empty object"))
    with pytest.raises(RemoteUnavailable, match="does not answer as HubSpot does"):
        busy.run()
    busy.faults()
    assert busy.writes() - writes_before <= 3, "what is written is what the project declares"
    assert counts(busy.run()) == {"read": PEOPLE, "update": PEOPLE}


@pytest.mark.parametrize("spoilt", ["a maintenance page", "204"])
def test_nonsense_in_the_middle_of_an_apply_is_looked_after(busy: Clinic, spoilt: str) -> None:
    busy.plan()
    busy.faults(
        {"kind": "status", **SPOILT[spoilt], "match": "/batch/update", "method": "POST", "nth": 2, "times": 1},
        {"kind": "status", **SPOILT[spoilt], "match": "/batch/read", "method": "POST", "nth": 1, "times": 1},
    )
    assert counts(busy.apply()) == {"read": PEOPLE, "update": PEOPLE}
    assert len({record["clinic_id"] for record in busy.records().values()}) == PEOPLE
    assert counts(busy.run(full=True)) == {"read": PEOPLE, "same": PEOPLE}


def test_a_wrong_server_is_not_told_as_an_object_that_is_missing(clinic: Clinic) -> None:
    clinic.rows([someone(1)])
    clinic.faults({"kind": "status", "status": 404, "body": {"detail": "Not Found"}})
    with pytest.raises(RemoteUnavailable, match="base_url"):
        clinic.plan()
