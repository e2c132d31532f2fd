from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from careloom.core.phi import Phi
from careloom.project.loader import load_project
from careloom.project.yaml_file import read_text
from project.clinic import ROOMS, clinic


def read(text: str) -> object:
    node, faults = read_text(text, "x.yaml")
    assert not faults
    assert node is not None
    return node.plain()


@pytest.mark.parametrize(
    "scalar",
    ["NO", "on", "yes", "01234", "12:30", "1e3", "0x1F", "1_000", "2024-01-02", "null", "~", "true", ".5", "-", "3.10"],
)
def test_a_scalar_stays_what_was_written(scalar: str) -> None:
    assert read(f"a: {scalar}\nb: [{scalar}]\n") == {"a": scalar, "b": [scalar]} if scalar != "-" else True


def test_a_value_that_is_absent_is_not_an_empty_text() -> None:
    assert read("a:\nb: \"\"\nc: ''\n") == {"a": None, "b": "", "c": ""}


def test_an_anchor_may_be_used_again() -> None:
    assert read("a: &x [1, 2]\nb: *x\n") == {"a": ["1", "2"], "b": ["1", "2"]}


def test_windows_line_ends_and_a_byte_order_mark_are_harmless(tmp_path: Path) -> None:
    folder = clinic(tmp_path)
    file = folder / "syncs" / "patients.yaml"
    former_project = load_project(folder, ROOMS)
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))
    assert load_project(folder, ROOMS).digest == former_project.digest


TEXTS = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=12
)
TREES = st.recursive(
    TEXTS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(TEXTS.filter(lambda key: key not in {"", "<<"}), inner, max_size=4)
    ),
    max_leaves=15,
)


@given(st.dictionaries(TEXTS.filter(lambda key: key not in {"", "<<"}), TREES, min_size=1, max_size=4))
def test_whatever_another_writer_writes_is_read_back_as_text(tree: dict[str, object]) -> None:
    out = io.StringIO()
    writer = YAML(typ="safe", pure=True)
    writer.allow_unicode = True
    writer.default_style = '"'  # type: ignore[assignment]
    writer.dump(tree, out)
    assert read(out.getvalue()) == tree


@given(st.text(max_size=200))
def test_no_text_at_all_makes_the_reader_stumble(text: str) -> None:
    node, faults = read_text(text, "x.yaml")
    assert node is not None or faults


def test_the_sample_of_the_language_means_what_it_says(tmp_path: Path) -> None:
    edits = [
        (
            "syncs/patients.yaml",
            "Gender, values: {M: Male, F: Female}}",
            "Gender, values: {M: Male, F: Female}, else: keep, owner: source}",
        )
    ]
    patients = load_project(clinic(tmp_path, *edits), ROOMS).syncs["patients"]
    assert patients.match == (("email",), ("firstname", "lastname", "birth_date"))
    assert (patients.unmatched, patients.missing, patients.archive_limit, patients.accept) == (
        "create",
        "keep",
        10.0,
        "certain",
    )
    assert patients.source.query.table == "amd.Patients"
    assert patients.source.look_back.total_seconds() == 3600
    assert patients.to.admits is Phi.IDENTITY
    gender = patients.fields["gender"]
    assert (gender.values, gender.otherwise, gender.owner) == ({"M": "Male", "F": "Female"}, "keep", "source")
    assert {field.property: field.role for field in patients.fields.values()} == {
        "firstname": "first_name",
        "lastname": "last_name",
        "email": "email",
        "birth_date": "birth_date",
        "gender": "sex",
        "total": None,
    }
    assert [field.phi for field in patients.fields.values()] == [
        Phi.IDENTITY,
        Phi.IDENTITY,
        Phi.CONTACT,
        Phi.IDENTITY,
        Phi.IDENTITY,
        Phi.NONE,
    ]
    assert patients.fields["email"].when_taken == "shared_email"
    assert patients.fields["total"].place.line == 16


def test_roles_are_guessed_once_and_yield_to_what_is_said(tmp_path: Path) -> None:
    further_text = "  email: Email\n  address: A\n  street: B\n  phone: C\n  mobilephone: D\n  given: {from: G, role: first_name}\n"
    patients = load_project(clinic(tmp_path, ("syncs/patients.yaml", "  email: Email\n", further_text)), ROOMS).syncs[
        "patients"
    ]
    roles = {field.property: field.role for field in patients.fields.values()}
    assert (roles["given"], roles["firstname"]) == ("first_name", None)
    assert (roles["address"], roles["street"]) == ("street", None)
    assert [property_ for property_, role in roles.items() if role == "phone"] == ["phone", "mobilephone"]


def test_the_digest_knows_content_from_dress(tmp_path: Path) -> None:
    plain = load_project(clinic(tmp_path / "a"), ROOMS).digest
    dressed = clinic(tmp_path / "b", ("syncs/patients.yaml", "key: ID", 'key:   "ID"   # the chart\n'))
    changed = clinic(tmp_path / "c", ("syncs/patients.yaml", "email: Email", "email: lower(Email)"))
    assert load_project(dressed, ROOMS).digest == plain
    assert load_project(changed, ROOMS).digest != plain


def test_a_schedule_of_the_project_serves_syncs_without_one(tmp_path: Path) -> None:
    project = load_project(
        clinic(tmp_path, ("careloom.yaml", "project: clinic", "project: clinic\nschedule: hourly")), ROOMS
    )
    schedules = {name: sync.schedule.text for name, sync in project.syncs.items() if sync.schedule}
    assert schedules == {"patients": "daily at 06:00", "visits": "hourly"}


def test_a_custom_object_and_its_ties_are_read(tmp_path: Path) -> None:
    visits = load_project(clinic(tmp_path), ROOMS).syncs["visits"]
    assert visits.to.create is not None
    assert (visits.to.create.label, visits.to.create.primary_property) == ("Visit", "visit_id")
    assert [(tie.to_object, tie.via, tie.key) for tie in visits.associations] == [("contacts", "patients", "PatientID")]


def test_syncs_come_in_the_order_in_which_they_need_each_other(tmp_path: Path) -> None:
    folder = clinic(tmp_path)
    (folder / "syncs" / "patients.yaml").rename(folder / "syncs" / "zz.yaml")
    assert list(load_project(folder, ROOMS).syncs) == ["patients", "visits"]
