"""A plan says what an apply then does; an apply does nothing else."""

from __future__ import annotations

import random

import pytest

from careloom.core.errors import Fix, ProjectFault
from services.sync_project import BORN, PEOPLE, Clinic, as_contact, counts, someone


def untidy(clinic: Clinic) -> list[dict[str, str]]:
    """New people, people whom the portal knows, and rows that must be held."""
    rows = [someone(number) for number in range(30)]
    clinic.define(BORN)
    clinic.seed(*(as_contact(row, phone="+1 212 555 0100") for row in rows[:8]))
    rows[10]["Born"] = "13th of May"
    rows[11]["ID"] = ""
    rows[12]["ID"] = ""
    rows[13]["ID"] = rows[14]["ID"]
    return rows


def test_an_apply_ends_with_the_numbers_of_its_plan(clinic: Clinic) -> None:
    clinic.rows(untidy(clinic))
    plan = clinic.plan()
    assert counts(plan) == {"read": 30, "create": 17, "update": 8, "held": 5}
    assert clinic.writes() == 0
    result = clinic.apply()
    assert result.counts == plan.counts
    assert result.balanced
    assert result.state == "done"
    assert {(reason.code, reason.records) for reason in plan.reasons} == {
        ("null-key", 2),
        ("duplicate-key", 2),
        ("not-a-date", 1),
    }


def test_after_an_apply_there_is_nothing_left_to_do(clinic: Clinic) -> None:
    clinic.rows(untidy(clinic))
    clinic.run()
    wrote = clinic.writes()
    assert counts(clinic.run()) == {"read": 30, "same": 25, "held": 5}
    plan = clinic.plan(full=True)
    assert plan.empty
    assert counts(plan) == {"read": 30, "same": 25, "held": 5}
    assert clinic.writes() == wrote


def test_what_the_portal_holds_is_what_the_mapping_says(clinic: Clinic) -> None:
    rows = [someone(number, Visits=f"{number}.50", Note=f" {number}, 'quoted' \U0001f600 ") for number in range(12)]
    clinic.rows(rows)
    clinic.run()
    for row in rows:
        record = clinic.record(row["ID"])
        assert {name: record[name] for name in ("firstname", "lastname", "email", "born", "visits", "note")} == {
            "firstname": row["First"],
            "lastname": row["Last"],
            "email": row["Email"],
            "born": row["Born"],
            "visits": f"{int(row['ID'][1:])}.5",
            "note": row["Note"],
        }


def test_what_is_declared_is_made_once(clinic: Clinic) -> None:
    clinic.rows([someone(1)])
    assert set(clinic.plan().lacking) == {
        "property clinic_id (string)",
        "property born (date)",
        "property visits (number)",
        "property note (string)",
        "property shared_email (string)",
    }
    assert clinic.simulator.control("GET", "state")["properties"]["contacts"] == []
    clinic.apply()
    requests = clinic.simulator.control("GET", "state")["requests"]
    assert not clinic.plan().lacking
    clinic.rows([someone(1), someone(2)])
    clinic.run()
    later_requests = clinic.simulator.control("GET", "state")["requests"]
    creating = [name for name in later_requests if name.startswith("POST") and "/properties" in name]
    assert creating
    assert {name: later_requests[name] for name in creating} == {name: requests[name] for name in creating}


# ---------------------------------------------------------------- what moved since


def test_an_apply_needs_a_plan_that_waits(clinic: Clinic) -> None:
    clinic.rows([someone(1)])
    with pytest.raises(Fix, match="has no plan that waits"):
        clinic.apply()
    clinic.plan()
    clinic.apply()
    with pytest.raises(Fix, match="has no plan that waits"):
        clinic.apply()


def test_an_apply_refuses_when_a_row_of_the_source_moved(clinic: Clinic) -> None:
    clinic.rows([someone(1), someone(2)])
    clinic.plan()
    clinic.rows([someone(1), someone(2, Note="new")])
    with pytest.raises(Fix, match="the source's rows"):
        clinic.apply()
    assert clinic.writes() == 0
    assert clinic.records() == {}


def test_an_apply_refuses_when_the_project_moved(clinic: Clinic) -> None:
    clinic.rows([someone(1)])
    clinic.plan()
    clinic.write(PEOPLE.replace("unmatched: create", "") + "unmatched: hold\n")
    with pytest.raises(Fix, match="the project's files"):
        clinic.apply()


def test_an_apply_goes_on_when_only_a_comment_moved(clinic: Clinic) -> None:
    clinic.rows([someone(1)])
    clinic.plan()
    clinic.write("# who and why\n" + PEOPLE)
    assert counts(clinic.apply()) == {"read": 1, "create": 1}


def option(name: str) -> dict[str, str]:
    return {"label": name, "value": name}


def test_an_apply_refuses_when_the_portals_definitions_moved(clinic: Clinic) -> None:
    options = [option("gold"), option("silver")]
    clinic.define({"name": "tariff", "type": "enumeration", "fieldType": "select", "options": options})
    clinic.write(PEOPLE + "  tariff: Note\n")
    clinic.rows([someone(1, Note="gold")])
    clinic.plan()
    clinic.api("PATCH", "/crm/v3/properties/contacts/tariff", {"options": [*options, option("tin")]})
    with pytest.raises(Fix, match="the portal's definitions"):
        clinic.apply()
    assert clinic.records() == {}


def test_an_apply_goes_on_when_a_definition_moved_that_it_does_not_touch(clinic: Clinic) -> None:
    clinic.rows([someone(1)])
    clinic.plan()
    clinic.define({"name": "shoe_size", "type": "number", "fieldType": "number"})
    assert counts(clinic.apply()) == {"read": 1, "create": 1}


def test_an_apply_refuses_when_a_record_of_the_portal_moved(clinic: Clinic) -> None:
    clinic.rows([someone(1)])
    clinic.plan()
    clinic.define(BORN)
    clinic.seed(as_contact(someone(1)))
    with pytest.raises(Fix, match="the portal's records, or a decision"):
        clinic.apply()
    assert clinic.writes() == 0


def test_an_apply_refuses_when_a_person_decided_meanwhile(clinic: Clinic) -> None:
    clinic.define(BORN)
    clinic.seed(as_contact(someone(1), born=""))
    clinic.rows([someone(1)])
    assert counts(clinic.plan()) == {"read": 1, "held": 1}
    clinic.decide("K1", "create")
    with pytest.raises(Fix, match="or a decision"):
        clinic.apply()
    assert counts(clinic.plan()) == {"read": 1, "create": 1}
    assert counts(clinic.apply()) == {"read": 1, "create": 1}


def test_the_order_of_the_sources_rows_is_no_change(clinic: Clinic) -> None:
    rows = untidy(clinic)
    clinic.rows(rows)
    plan = clinic.plan()
    random.Random(3).shuffle(rows)
    clinic.rows(rows)
    assert clinic.apply().counts == plan.counts


def test_a_name_that_no_property_can_have_is_told_before_anything_is_created(clinic: Clinic) -> None:
    clinic.write(
        PEOPLE.replace("  note:", "  FooBar: {from: Note, type: string}\n  note:").replace("clinic_id", "Clinic_id")
    )
    clinic.rows([someone(1)])
    with pytest.raises(ProjectFault) as error:
        clinic.run()
    faults = {(fault.code, fault.fix, fault.line > 0) for fault in error.value.faults}
    assert faults == {("property-name", "write `foobar`", True), ("property-name", "write `clinic_id`", True)}
    assert clinic.simulator.control("GET", "state")["properties"].get("contacts", []) == []


def test_a_source_that_is_not_there_is_told_with_the_place_that_names_it(clinic: Clinic) -> None:
    clinic.rows([someone(1)])
    clinic.write(PEOPLE.replace("table: People", "table: Poeple"))
    with pytest.raises(ProjectFault) as error:
        clinic.plan()
    assert [(fault.file, fault.line) for fault in error.value.faults] == [("syncs/people.yaml", 2)]


def test_a_url_that_nothing_can_open_is_a_fault_of_the_project(clinic: Clinic) -> None:
    clinic.source = "csvv://data"
    clinic.write()
    with pytest.raises(ProjectFault) as error:
        clinic.plan()
    (fault,) = error.value.faults
    assert (fault.file, fault.line, fault.code) == ("careloom.yaml", 4, "unknown-url")
    assert "csv" in fault.fix
