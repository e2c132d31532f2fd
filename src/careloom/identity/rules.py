"""The rules of matching and the reasons for a decision, each with a sentence for people. No sentence names a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

PairGrade = Literal["certain", "provisional", "review", "doubted", "blocked"]
"""doubted: contradicted, and yet so much agrees that nobody is made anew without a person being asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a row of the decision table says about a pair: its grade, its reason code, and a sentence."""

    grade: PairGrade
    reason: str
    says: str


def _certain(says: str) -> Rule:
    return Rule(grade="certain", reason="agreed", says=says)


def _provisional(says: str) -> Rule:
    return Rule(grade="provisional", reason="provisional", says=says)


def _review(reason: str, says: str) -> Rule:
    return Rule(grade="review", reason=reason, says=says)


def _doubted(reason: str, says: str) -> Rule:
    return Rule(grade="doubted", reason=reason, says=says)


def _blocked(reason: str, says: str) -> Rule:
    return Rule(grade="blocked", reason=reason, says=says)


# The decision table. "exact" stands for "exact:1", "exact:2", … (the tier that found the pair).
RULES: Mapping[str, Rule] = {
    "person": _certain("A person said that they are one."),
    "never": _blocked("never", "A person said that they are never one."),
    "key": _certain("The record carries our key."),
    "exact": _certain("Exactly one row and one record share this value; no names are involved."),
    "ASK:suffix": _doubted(
        "suffix-contradicted", "Names and birth date agree, but their name suffixes differ (Jr, Sr, II …)."
    ),
    "BLOCK:suffix": _blocked("suffix-contradicted", "Their name suffixes differ (Jr, Sr, II …)."),
    "BLOCK:first+dob": _blocked("first-name-contradicted", "First name and birth date differ."),
    "ASK:twin?": _doubted(
        "twin",
        "One birth date, and one mail or one last name at one address or phone, but another first name: twins, or one "
        "person under two names.",
    ),
    "BLOCK:twin?": _blocked("twin", "One birth date and a shared phone or address, but no name agrees."),
    "BLOCK:first": _blocked("first-name-contradicted", "The first names differ."),
    "ASK:dob": _doubted(
        "birth-date-contradicted",
        "Address or phone, first and last name agree, but the birth dates differ: father and son, or a wrong date.",
    ),
    "BLOCK:dob": _blocked("birth-date-contradicted", "The birth dates differ."),
    "REVIEW:dob-conflict": _review(
        "birth-date-contradicted", "Mail, first and last name agree, but the birth dates differ."
    ),
    "AUTO:T1a": _certain("Mail and birth date agree, and the first name agrees or nearly does."),
    "AUTO:T1b": _certain("Mail, first and last name agree; the birth dates differ by one slip of the pen."),
    "PROV:T1c": _provisional("Mail, first and last name agree; a birth date is missing."),
    "REVIEW:T1": _review("mail-is-not-enough", "The mail agrees, but too little else does."),
    "REVIEW:T2-middle": _review(
        "middle-name-contradicted", "First name, last name and birth date agree, but the middle names differ."
    ),
    "AUTO:T2a": _certain(
        "First name, last name and birth date agree, and address, ZIP code, phone or middle initial too."
    ),
    "REVIEW:T2-sex": _review("sex-contradicted", "First name, last name and birth date agree, but the sexes differ."),
    "AUTO:T2b": _certain("First name, last name and birth date agree, and the name is rare."),
    "REVIEW:T2-common": _review("common-name", "First name, last name and birth date agree, but the name is common."),
    "AUTO:T3a": _certain("Address and birth date agree, and the names agree or nearly do."),
    "AUTO:T3b": _certain("Address, first and last name agree; the birth dates differ by one slip of the pen."),
    "PROV:T3c": _provisional("Address, names, and phone or middle initial agree; a birth date is missing."),
    "REVIEW:T3-lastname": _review(
        "last-name-differs", "Address, first name and birth date agree, but not the last name: a new name?"
    ),
    "REVIEW:T3-nodob": _review(
        "birth-date-missing", "Address and names agree; nothing says that it is not a namesake."
    ),
    "REVIEW:T3-weak": _review("names-nearly-agree", "The address agrees, and the names nearly do."),
    "REVIEW:tier": _review(
        "tier-only", "A tier of the project found the pair and the names agree; no rule of the table speaks for it."
    ),
    "ASK:no-first": _doubted(
        "first-name-missing", "Birth date, last name and address or phone agree; a first name is missing."
    ),
    "NONE": _blocked("no-evidence", "Nothing that could tell one person from another agrees."),
}

REASONS: Mapping[str, str] = {
    "agreed": "Exactly one record is left for this row, and nothing contradicts it.",
    "provisional": "The pair agrees as far as it goes, but a birth date is missing; this project links only what is certain.",
    "no-candidate": "No record shares a value that could be this one.",
    "contradicted": "Every record that shares a value is somebody else, or belongs to another row.",
    "never": "A person said that they are never one.",
    "taken": "The record belongs to another source row already.",
    "two-rows-one-record": "Two source rows want the same record.",
    "several-records": "More than one record may be this one: duplicates in the destination?",
    "two-records-one-key": "More than one record carries our key.",
    "key-contradicted": "The record carries our key, but first name and birth date both say that it is somebody else.",
    "suffix-contradicted": "The name suffixes differ.",
    "suffix-on-one-side": "Only one of them is called Jr, Sr, II …, and no birth date settles it.",
    "first-name-contradicted": "The first names differ.",
    "first-names-both-exist": "The first names differ by a letter or two, and both are names that people have: twins?",
    "first-name-missing": "Birth date, last name and address or phone agree, but a first name is missing: twins?",
    "first-name-initial": "One first name is a bare initial, which twins often share.",
    "twin": "One birth date and a shared name, mail, phone or address, but another first name: twins, or one person twice.",
    "birth-date-contradicted": "The birth dates differ.",
    "birth-date-missing": "Address and names agree, but a birth date is missing.",
    "middle-name-contradicted": "The middle names differ.",
    "sex-contradicted": "The sexes differ.",
    "mail-is-not-enough": "The mail agrees, but families share mails, and too little else agrees.",
    "common-name": "Name and birth date agree, but many people bear this name.",
    "last-name-differs": "Address, first name and birth date agree, but the last names differ.",
    "names-nearly-agree": "The address agrees, and the names nearly do.",
    "tier-only": "The values of a tier and the names agree, but nothing certain does.",
    "no-evidence": "Nothing that could tell one person from another agrees.",
}
