"""Normal forms, value by value: what is the same, and what is nobody's."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from identity import single_values as normal

SAME = [
    (normal.normal_mail, "a.b+kids@example.com", ["A.B+Kids@Example.COM ", "<a.b+kids@example.com>", "mailto:a.b+kids@example.com"]),
    (normal.normal_phone, "+15125550123", ["(512) 555-0123", "512.555.0123", "1-512-555-0123", "+1 512 555 0123", "5125550123 x12", "512-555-0123 ext. 4"]),
    (normal.normal_phone, "+442079460958", ["+44 20 7946 0958", "011 44 20 7946 0958"]),
    (normal.normal_first_name, "john", ["John", "JOHN A.", "Dr. John", "John Jr", "John (Jack)", "Jöhn"]),
    (normal.normal_first_name, "mary ann", ["Mary Ann", "Mary-Ann"]),
    (normal.normal_last_name, "obrien", ["O'Brien", "O’Brien Jr.", "OBRIEN, III", "O'Brien MD", "O'Brien V"]),
    (normal.normal_last_name, "lopez garcia", ["López-García", "Lopez  Garcia"]),
    (normal.normal_suffix, "jr", ["Jr.", "JUNIOR", "Jr., MD"]),
    (normal.normal_suffix, "iii", ["III", "3rd"]),
    (normal.normal_birth_date, "1950-01-02", ["1950-01-02", "1950-01-02T00:00:00Z", "1950-01-02 05:00:00", "01/02/1950", "1/2/1950", "-631065600000", "19500102", "02-JAN-1950", "January 2, 1950"]),
    (normal.normal_sex, "f", ["F", "female", " Female "]),
    (normal.normal_street, "123 n main st", ["123 North Main Street", "123 N. Main St., Apt 4B", "123 N MAIN STR #4B", "123  north main st unit 4-B"]),
    (normal.normal_street, "pobox 77", ["P.O. Box 77", "PO BOX 77", "Post Office Box 77"]),
    (normal.normal_unit, "4b", ["Apt 4B", "#4b", "Unit 04B", "4B", "Ste. 4B"]),
    (normal.normal_city, "saint louis", ["St. Louis", "SAINT LOUIS"]),
    (normal.normal_state, "tx", ["Texas", "TX", "tx "]),
    (normal.normal_zip, "02134", ["02134", "02134-1234", "021341234", "2134"]),
]  # fmt: skip
NOBODY = [
    (normal.normal_mail, ["noreply@clinic.example", "no-reply@x.org", "none@none.com", "NA@na.com", "test@example.org", "patient@clinic.org", "unknown", "a..b@c.io", "a@b", "a b@c.io", ""]),
    (normal.normal_phone, ["555-555-5555", "000-000-0000", "5550123", "999 999 9999", "none", "(012) 345-6789", ""]),
    (normal.normal_first_name, ["unknown", "Test", "Baby Boy", "BABY GIRL A", "N/A", "xxx", "123", "", "  "]),
    (normal.normal_last_name, ["Unknown", "LNU", "no last name", "-", ""]),
    (normal.normal_suffix, ["MD", "", "PhD"]),
    (normal.normal_birth_date, ["1900-01-01", "01/01/1900", "1901-01-01", "1980-02-30", "31/12/1980", "5/3/62", "1980", "05121980", "9999-12-31", "2099-12-31", "unknown", "99999999999999999999", ""]),
    (normal.normal_sex, ["U", "unknown", "", "X"]),
    (normal.normal_street, ["Homeless", "General Delivery", "unknown", "123", ""]),
    (normal.normal_unit, ["n/a", "none", ""]),
    (normal.normal_state, ["xx", "", "Ontario"]),
    (normal.normal_zip, ["00000", "99999", "SW1A 1AA", "1", ""]),
]  # fmt: skip
Normal = Callable[[str], str | None]


@pytest.mark.parametrize(("form", "same", "text"), [(form, same, text) for form, same, texts in SAME for text in texts])
def test_two_spellings_of_one_value_are_one(form: Normal, same: str, text: str) -> None:
    assert form(text) == same


@pytest.mark.parametrize(("form", "text"), [(form, text) for form, texts in NOBODY for text in texts])
def test_what_cannot_be_somebodys_value_is_none(form: Normal, text: str) -> None:
    assert form(text) is None


@pytest.mark.parametrize(
    ("form", "one", "other"),
    [
        (normal.normal_mail, "ada@example.com", "ada+2@example.com"),
        (normal.normal_phone, "+51 1 2345678", "(512) 345-6780"),
        (normal.normal_street, "12 Oak Street", "12 Oak Avenue"),
        (normal.normal_street, "12 N Oak St", "12 S Oak St"),
        (normal.normal_unit, "Apt 1", "Apt 11"),
    ],
)
def test_two_values_stay_two(form: Normal, one: str, other: str) -> None:
    assert form(one) != form(other)
    assert form(one) is not None


@pytest.mark.parametrize(
    "text", ["\x00", "a\x00b@c.io", "💙" * 50, "'; DROP TABLE x; --", "9" * 70_000, "(" * 70_000, "Ǆ́", "\ud7ff"]
)
def test_no_text_makes_a_normal_form_fail(text: str) -> None:
    for form in {form for form, *_ in SAME}:
        form(text)
