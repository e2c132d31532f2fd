from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from careloom.core.errors import Fault
from careloom.core.schema import ObjectDeclaration, ObjectShape, Property
from careloom.project.loader import load_project
from careloom.project.shapes import check_shape
from project.clinic import ROOMS, clinic

CONTACTS = ObjectShape(
    name="contacts",
    properties={
        one.name: one
        for one in (
            Property(name="firstname", type="string"),
            Property(name="lastname", type="string"),
            Property(name="email", type="string", unique=True, aliases=("other_emails",)),
            Property(name="gender", type="enumeration", options=("Male", "Female")),
            Property(name="score", type="number", read_only=True),
            Property(name="amd_id", type="string", unique=True, key=True),
            Property(name="visits_total", type="number"),
        )
    },
    requires_one_of=frozenset({"email", "firstname", "lastname"}),
)


def check_edited(
    folder: Path, *edits: tuple[str, str], shape: ObjectShape | None = CONTACTS, sync: str = "patients"
) -> tuple[list[Fault], ObjectDeclaration]:
    changes = [(f"syncs/{sync}.yaml", old, new) for old, new in edits]
    return check_shape(load_project(clinic(folder, *changes), ROOMS).syncs[sync], shape)


def words(faults: list[Fault]) -> list[str]:
    return [f"{fault.line}:{fault.column} {fault.code}: {fault.cause} -> {fault.fix}" for fault in faults]


def shape_without(*names: str) -> ObjectShape:
    return replace(CONTACTS, properties={name: one for name, one in CONTACTS.properties.items() if name not in names})


def having(one: Property) -> ObjectShape:
    return replace(CONTACTS, properties={**CONTACTS.properties, one.name: one})


def test_what_the_object_lacks_is_declared_with_type_and_label(tmp_path: Path) -> None:
    faults, declaration = check_edited(tmp_path, ("type: number}", "type: number, label: Treatments, group: amd}"))
    assert faults == []
    assert declaration.create is None
    assert [(prop.name, prop.type, prop.label, prop.group, prop.unique) for prop in declaration.properties] == [
        ("shared_email", "string", "Shared email", "", False),
        ("birth_date", "date", "Birth date", "", False),
        ("total", "number", "Treatments", "amd", False),
    ]


def test_an_absent_key_is_declared_unique(tmp_path: Path) -> None:
    _, declaration = check_edited(tmp_path, shape=shape_without("amd_id"))
    key = declaration.properties[0]
    assert (key.name, key.unique, key.key) == ("amd_id", True, True)


def test_nothing_is_declared_when_nothing_is_missing(tmp_path: Path) -> None:
    shape = CONTACTS
    for name, kind in (("shared_email", "string"), ("birth_date", "date"), ("total", "number")):
        shape = replace(shape, properties={**shape.properties, name: Property(name=name, type=kind)})
    assert check_edited(tmp_path, shape=shape) == ([], ObjectDeclaration(name="contacts", properties=()))


def test_a_key_that_is_not_unique_is_a_fault(tmp_path: Path) -> None:
    faults, _ = check_edited(tmp_path, shape=having(Property(name="amd_id", type="string")))
    assert words(faults) == [
        (
            "6:42 key-not-unique: `amd_id` exists and is not unique, so it cannot keep two records apart"
            " -> name a property that does not exist yet: it is then created as a unique one"
        )
    ]


def test_a_property_that_is_read_only_is_a_fault(tmp_path: Path) -> None:
    faults, _ = check_edited(tmp_path, ("total:", "score:"))
    assert words(faults) == [
        (
            "16:3 read-only: `score` is computed by `crm` and cannot be written"
            " -> remove the field, or write to a property of your own"
        )
    ]


def test_a_property_that_is_neither_there_nor_declared_is_a_fault(tmp_path: Path) -> None:
    faults, declaration = check_edited(tmp_path, ("  email: Email", "  email: Email\n  first_nam: X\n  wholly_new: Y"))
    assert words(faults) == [
        (
            "14:3 unknown-property: `contacts` has no property `first_nam`, and no type is declared"
            " -> did you mean `firstname`? Or declare it: `type: string`"
        ),
        (
            "15:3 unknown-property: `contacts` has no property `wholly_new`, and no type is declared"
            " -> declare it: `wholly_new: {from: Y, type: string}`"
        ),
    ]
    assert "first_nam" not in {prop.name for prop in declaration.properties}


def test_another_type_than_declared_is_a_fault(tmp_path: Path) -> None:
    faults, _ = check_edited(tmp_path, shape=having(Property(name="birth_date", type="string")))
    assert words(faults) == [
        (
            "14:33 wrong-type: `birth_date` is declared as date, and is string there"
            " -> write `type: string`, or choose another property"
        )
    ]


def test_a_value_that_is_no_option_is_a_fault(tmp_path: Path) -> None:
    faults, _ = check_edited(tmp_path, ("F: Female}", "F: female}"))
    assert words(faults) == ["15:34 options: `gender` has no option `female` -> did you mean `Female`?"]


def test_an_enumeration_takes_its_options_from_its_values(tmp_path: Path) -> None:
    faults, declaration = check_edited(
        tmp_path, ("from: Gender,", "from: Gender, type: enumeration,"), shape=shape_without("gender")
    )
    assert faults == []
    assert {prop.name: prop.options for prop in declaration.properties}["gender"] == ("Male", "Female")


def test_an_enumeration_without_options_is_a_fault(tmp_path: Path) -> None:
    faults, _ = check_edited(tmp_path, ("type: number}", "type: enumeration}"))
    assert [fault.code for fault in faults] == ["no-options"]


def test_a_property_of_lower_sensitivity_is_a_fault_and_a_new_one_gets_it(tmp_path: Path) -> None:
    edit = ("type: number}", "type: number, sensitivity: sensitive}")
    faults, _ = check_edited(tmp_path, edit, shape=having(Property(name="total", type="number")))
    assert [(fault.code, fault.line) for fault in faults] == [("sensitivity", 16)]
    faults, declaration = check_edited(tmp_path, edit)
    assert faults == []
    assert declaration.properties[-1].sensitivity == "sensitive"


def test_a_stand_in_that_is_unique_is_a_fault(tmp_path: Path) -> None:
    faults, _ = check_edited(tmp_path, shape=having(Property(name="shared_email", type="string", unique=True)))
    assert [fault.code for fault in faults] == ["when-taken"]


def test_a_property_that_new_records_need_must_be_mapped(tmp_path: Path) -> None:
    faults, _ = check_edited(tmp_path, shape=replace(CONTACTS, required_properties=frozenset({"pipeline"})))
    assert words(faults)[0].startswith("12:3 ") or faults[0].code == "required-property"
    held, _ = check_edited(
        tmp_path,
        ("schedule:", "unmatched: hold\nschedule:"),
        shape=replace(CONTACTS, required_properties=frozenset({"pipeline"})),
    )
    assert held == []


def test_an_object_that_is_not_there_is_a_fault_unless_it_is_created(tmp_path: Path) -> None:
    faults, _ = check_edited(tmp_path, shape=None)
    assert words(faults) == [
        (
            "6:27 unknown-object: `crm` has no object `contacts`"
            " -> correct the name, or define the object with `create:` under `to:`"
        )
    ]
    faults, declaration = check_edited(tmp_path, shape=None, sync="visits")
    assert faults == []
    assert declaration.create is not None
    assert [prop.name for prop in declaration.properties] == ["visit_id", "place"]
