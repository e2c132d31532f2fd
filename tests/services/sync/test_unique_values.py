"""A mail belongs to one contact: who keeps it, where the others' goes, and what happens when the portal knows better."""

from __future__ import annotations

import pytest

from careloom.services.session.progress import Watch
from services.sync_project import BORN, Clinic, as_contact, counts, someone

SHARED = "family@clinic.example"


def mails(clinic: Clinic) -> dict[str, tuple[str | None, str | None]]:
    return {
        str(record["clinic_id"]): (record.get("email") or None, record.get("shared_email") or None)
        for record in clinic.records().values()
        if record.get("clinic_id")
    }


def test_a_family_with_one_mail_stays_several_people_and_the_plan_counts_them(clinic: Clinic) -> None:
    clinic.rows([someone(number, Email=SHARED) for number in (1, 2, 3)])
    plan = clinic.plan()
    assert plan.rerouted == {"email → shared_email": 2}
    assert counts(clinic.apply()) == {"read": 3, "create": 3}
    assert mails(clinic) == {"K1": (SHARED, None), "K2": (None, SHARED), "K3": (None, SHARED)}
    assert clinic.plan(full=True).empty


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1)])
def test_the_order_of_the_rows_decides_nothing(clinic: Clinic, order: tuple[int, ...]) -> None:
    clinic.rows([someone(number, Email=SHARED.upper() if number == 2 else SHARED) for number in order])
    clinic.run()
    assert mails(clinic) == {"K1": (SHARED, None), "K2": (None, SHARED), "K3": (None, SHARED)}


def test_who_has_the_mail_keeps_it_whoever_comes(clinic: Clinic) -> None:
    clinic.rows([someone(5, Email=SHARED)])
    clinic.run()
    clinic.rows([someone(1, Email=SHARED), someone(5, Email=SHARED)])
    assert counts(clinic.run()) == {"read": 2, "same": 1, "create": 1}
    assert mails(clinic) == {"K1": (None, SHARED), "K5": (SHARED, None)}


def test_a_strangers_mail_stays_with_the_stranger(clinic: Clinic) -> None:
    stranger = clinic.seed({"firstname": "Zelda", "lastname": "Zorn", "email": SHARED})[0]
    clinic.rows([someone(1, Email=SHARED)])
    clinic.run()
    assert mails(clinic) == {"K1": (None, SHARED)}
    assert clinic.records()[stranger]["email"] == SHARED


def test_a_secondary_mail_is_somebodys_too(clinic: Clinic) -> None:
    stranger = clinic.seed(
        {
            "firstname": "Zelda",
            "lastname": "Zorn",
            "email": "zelda@clinic.example",
            "hs_additional_emails": f"x@y.example;{SHARED}",
        }
    )[0]
    clinic.rows([someone(1, Email=SHARED)])
    assert clinic.plan().rerouted == {"email → shared_email": 1}
    clinic.run()
    assert mails(clinic) == {"K1": (None, SHARED)}
    assert clinic.records()[stranger]["hs_additional_emails"] == f"x@y.example;{SHARED}"


def test_a_linked_row_that_wants_a_strangers_mail_does_not_get_it(clinic: Clinic) -> None:
    clinic.seed({"firstname": "Zelda", "lastname": "Zorn", "email": SHARED})
    clinic.rows([someone(1), someone(2)])
    clinic.run()
    clinic.rows([someone(1, Email=SHARED), someone(2, Email="person1@clinic.example")])
    result = clinic.run()
    assert result.balanced
    assert mails(clinic)["K1"] == (None, SHARED)
    assert clinic.run().counts["same"] == 2
    assert clinic.plan(full=True).empty


# ---------------------------------------------------------------- what the mirror could not know


class Meanwhile:
    """Progress that lets staff act at the moment when the first batch is about to go out."""

    def __init__(self, act: object) -> None:
        self.act = act

    def step(self, text: str) -> None:
        if text.startswith("writing") and callable(self.act):
            act, self.act = self.act, None
            act()

    def advance(self, count: int, total: int | None) -> None:
        pass

    def rest(self) -> None:
        pass


def test_a_mail_that_was_taken_a_moment_ago_stays_with_its_new_holder(clinic: Clinic) -> None:
    clinic.rows([someone(1, Email=SHARED), someone(2)])
    act = Meanwhile(lambda: clinic.seed({"firstname": "Zelda", "lastname": "Zorn", "email": SHARED}))
    assert counts(clinic.run(watch=Watch(progress=act))) == {"read": 2, "create": 2}
    assert mails(clinic)["K1"] == (None, SHARED)
    assert len(clinic.records()) == 3
    assert counts(clinic.run()) == {"read": 2, "same": 2}


def test_a_person_who_was_entered_a_moment_ago_is_found(clinic: Clinic) -> None:
    clinic.define(BORN)
    clinic.rows([someone(1), someone(2)])
    act = Meanwhile(lambda: clinic.seed(as_contact(someone(1), jobtitle="baker")))
    assert counts(clinic.run(watch=Watch(progress=act))) == {"read": 2, "update": 1, "create": 1}
    assert clinic.record("K1")["jobtitle"] == "baker"
    assert len(clinic.records()) == 2


def test_a_person_who_was_entered_a_moment_ago_and_is_doubtful_is_held(clinic: Clinic) -> None:
    clinic.define(BORN)
    clinic.rows([someone(1), someone(2)])
    act = Meanwhile(lambda: clinic.seed(as_contact(someone(1), born="")))
    result = clinic.run(watch=Watch(progress=act))
    assert counts(result) == {"read": 2, "held": 1, "create": 1}
    assert sum(reason.records for reason in result.reasons) == 1
    assert len(clinic.held()["K1"].candidates) == 1
    assert clinic.plan().counts["held"] == 1


@pytest.mark.parametrize("plans_first", [False, True])
def test_a_holder_that_this_very_run_linked_is_not_taken_for_another_rows(clinic: Clinic, *, plans_first: bool) -> None:
    """The holder is K1's record since a moment ago; K2 is the same person twice in the source, or a namesake."""
    clinic.define(BORN)
    remote_id = clinic.seed(
        {"firstname": "Ada", "lastname": "Brand", "email": "old@clinic.example", "born": "1931-02-11"}
    )[0]
    names = {"First": "Ada", "Last": "Brand", "Born": "1931-02-11"}
    clinic.rows(
        [someone(1, **names, Email="old@clinic.example"), someone(2, First="Ada", Last="Brand", Born="", Email=SHARED)]
    )
    act = Meanwhile(lambda: clinic.staff("edit", id=remote_id, properties={"hs_additional_emails": SHARED}))
    if plans_first:
        clinic.plan()
    clinic.run(watch=Watch(progress=act))
    assert clinic.links().get("K2") != remote_id
    assert clinic.records()[remote_id]["clinic_id"] == "K1"


def test_the_portal_is_read_in_full_once_and_then_only_what_changed(clinic: Clinic) -> None:
    """Also after a first apply made properties that were lacking when the portal was read."""
    clinic.define(BORN)
    clinic.seed(*({"firstname": f"Name{number}", "lastname": "Nobody"} for number in range(250)))
    clinic.rows([someone(1)])
    assert pages(clinic) == 0
    clinic.plan()
    assert pages(clinic) == 3
    clinic.apply()
    clinic.rows([someone(1), someone(2)])
    pages_before = pages(clinic)
    assert counts(clinic.run()) == {"read": 2, "same": 1, "create": 1}
    assert pages(clinic) - pages_before == 1, "the bin alone"


def pages(clinic: Clinic) -> int:
    """How many pages of contacts were listed."""
    return int(clinic.simulator.control("GET", "state")["requests"].get("GET /crm/objects/contacts", 0))
