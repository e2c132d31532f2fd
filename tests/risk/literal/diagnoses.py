"""From codes to categories: the mapping, the age and sex edits, and the hierarchies."""

from __future__ import annotations

from collections.abc import Iterable

from risk.literal.defects import EVERY_DEFECT, Defect
from risk.literal.persons import Person
from risk.literal.published import Edit, tables


def normal(code: str) -> str:
    return code.upper().replace(".", "")


def _fires(edit: Edit, person: Person, defects: frozenset[Defect]) -> bool:
    if edit.sex is not None:
        return edit.sex == ("2" if person.female else "1")
    age = person.age if Defect.EDITS_USE_PART_OF_A_YEAR in defects else person.years
    too_young = edit.at_most is not None and age <= edit.at_most
    too_old = edit.at_least is not None and age >= edit.at_least
    return too_young or too_old


def random_in_hccinfhir(person: Person, codes: Iterable[str], model: str) -> bool:
    """Whether hccinfhir's answer depends on the hash seed: an edit fires on a code that has several CCs."""
    read = tables(model)
    edited = (normal(code) for code in codes)
    return any(
        len(read.codes.get(code, ())) > 1 and code in read.edits and _fires(read.edits[code], person, EVERY_DEFECT)
        for code in edited
    )


def conditions(person: Person, codes: Iterable[str], model: str, defects: frozenset[Defect]) -> set[str]:
    """The condition categories of a person's codes, after the age and sex edits."""
    read, found = tables(model), set()
    for code in {normal(code) for code in codes}:
        ccs, edit = read.codes.get(code), read.edits.get(code)
        if ccs is None:
            continue
        if edit is None or not _fires(edit, person, defects):
            found |= ccs
        elif edit.instead:
            found.add(edit.instead)
    return found


def _recode(categories: set[str], model: str) -> set[str]:
    """V28 counts HCC 223 only beside another heart failure HCC; ESRD's models do not count dialysis and kidney failure."""
    if model == "V28" and not categories & {"221", "222", "224", "225", "226"}:
        return categories - {"223"}
    values = {"ESRD V21": {"134"}, "ESRD V24": {"134", "135", "136", "137"}}
    return categories - values.get(model, set())


def after_hierarchies(categories: set[str], model: str, defects: frozenset[Defect]) -> set[str]:
    """Drop each HCC that stands below another one the person has; a dropped parent still drops its children."""
    categories = _recode(categories, model)
    if model.startswith("RxHCC") and Defect.RX_HIERARCHIES_ARE_NOT_APPLIED in defects:
        return set(categories)
    below = tables(model).children
    return categories - {child for parent in categories for child in below.get(parent, ())}
