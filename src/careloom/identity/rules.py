"""The rules of matching and the reasons for a decision, each with a sentence for people. No sentence names a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

PairGrade = Literal["certain", "provisional", "review", "doubted", "blocked"]
"""doubted: contradicted, and yet so much agrees that nobody is made anew without a person being asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchRule:
    """What a row of the decision table says about a pair: its grade, its reason code, and a sentence.

    `when` is SQL over the evidence of comparisons.py, by name, and over `trap` (whoever is called so has two birth dates under
    what the two share) and `namesakes` (how many bear the name); empty where no evidence decides.
    """

    grade: PairGrade
    reason: str
    says: str
    when: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Veto:
    """What stops a link that the decision table lets pass. `when` as of a rule, with verdict.sql's further columns."""

    when: str
    reason: str
    says: str


def _certain(says: str, when: str = "") -> MatchRule:
    return MatchRule(grade="certain", reason="agreed", says=says, when=when)


def _provisional(says: str, when: str) -> MatchRule:
    return MatchRule(grade="provisional", reason="provisional", says=says, when=when)


def _review(reason: str, says: str, when: str) -> MatchRule:
    return MatchRule(grade="review", reason=reason, says=says, when=when)


def _doubted(reason: str, says: str, when: str) -> MatchRule:
    return MatchRule(grade="doubted", reason=reason, says=says, when=when)


def _blocked(reason: str, says: str, when: str = "") -> MatchRule:
    return MatchRule(grade="blocked", reason=reason, says=says, when=when)


SAME_NAMES = "first_name = 'agree' AND last_name = 'agree'"
LIKE_NAMES = "first_name IN ('agree', 'near') AND last_name IN ('agree', 'near')"

# The decision table: of the rules with evidence the first that fits wins, and contradictions come first. "exact" stands for
# "exact:1", "exact:2", … (the tier that found the pair).
RULES: Mapping[str, MatchRule] = {
    "person": _certain("A person said that they are one."),
    "never": _blocked("never", "A person said that they are never one."),
    "key": _certain("The record carries our key."),
    "exact": _certain("Exactly one row and one record share this value; no names are involved."),
    "ASK:suffix": _doubted(
        "suffix-contradicted",
        "Names and birth date agree, but their name suffixes differ (Jr, Sr, II …).",
        when=f"suffix_differs AND {LIKE_NAMES} AND birth_date = 'agree'",
    ),
    "BLOCK:suffix": _blocked(
        "suffix-contradicted", "Their name suffixes differ (Jr, Sr, II …).", when="suffix_differs"
    ),
    "BLOCK:first+dob": _blocked(
        "first-name-contradicted",
        "First name and birth date differ.",
        when="first_name = 'conflict' AND birth_date = 'conflict'",
    ),
    "ASK:twin?": _doubted(
        "twin",
        "One birth date, and one mail or one last name at one address or phone, but another first name: twins, or one person under two names.",
        when="first_name = 'conflict' AND birth_date = 'agree' AND (email OR (last_name IN ('agree', 'near') AND (address OR phone)))",
    ),
    "BLOCK:twin?": _blocked(
        "twin",
        "One birth date and a shared phone or address, but no name agrees.",
        when="first_name = 'conflict' AND birth_date = 'agree' AND (address OR email OR phone OR last_name IN ('agree', 'near'))",
    ),
    "BLOCK:first": _blocked("first-name-contradicted", "The first names differ.", when="first_name = 'conflict'"),
    "REVIEW:dob-conflict": _review(
        "birth-date-contradicted",
        "Mail, first and last name agree, but the birth dates differ.",
        when=f"birth_date = 'conflict' AND {SAME_NAMES} AND email",
    ),
    "ASK:dob": _doubted(
        "birth-date-contradicted",
        "Address or phone, first and last name agree, but the birth dates differ: father and son, or a wrong date.",
        when=f"birth_date = 'conflict' AND {SAME_NAMES} AND (address OR phone)",
    ),
    "BLOCK:dob": _blocked("birth-date-contradicted", "The birth dates differ.", when="birth_date = 'conflict'"),
    "AUTO:T1a": _certain(
        "Mail and birth date agree, and the first name agrees or nearly does.",
        when="email AND first_name IN ('agree', 'near') AND birth_date = 'agree'",
    ),
    "AUTO:T1b": _certain(
        "Mail, first and last name agree; the birth dates differ by one slip of the pen.",
        when=f"email AND {SAME_NAMES} AND birth_date = 'near'",
    ),
    "PROV:T1c": _provisional(
        "Mail, first and last name agree; a birth date is missing.",
        when=f"email AND {SAME_NAMES} AND birth_date = 'unknown' AND NOT sex_differs AND NOT middle_differs AND NOT trap",
    ),
    "REVIEW:T1": _review("mail-is-not-enough", "The mail agrees, but too little else does.", when="email"),
    "REVIEW:T2-middle": _review(
        "middle-name-contradicted",
        "First name, last name and birth date agree, but the middle names differ.",
        when=f"{SAME_NAMES} AND birth_date = 'agree' AND middle_differs",
    ),
    "AUTO:T2a": _certain(
        "First name, last name and birth date agree, and address, ZIP code, phone or middle initial too.",
        when=f"{SAME_NAMES} AND birth_date = 'agree' AND (address OR phone OR zip OR middle_agrees)",
    ),
    "REVIEW:T2-sex": _review(
        "sex-contradicted",
        "First name, last name and birth date agree, but the sexes differ.",
        when=f"{SAME_NAMES} AND birth_date = 'agree' AND sex_differs",
    ),
    "AUTO:T2b": _certain(
        "First name, last name and birth date agree, and the name is rare.",
        when=f"{SAME_NAMES} AND birth_date = 'agree' AND namesakes < 10",
    ),
    "REVIEW:T2-common": _review(
        "common-name",
        "First name, last name and birth date agree, but the name is common.",
        when=f"{SAME_NAMES} AND birth_date = 'agree'",
    ),
    "AUTO:T3a": _certain(
        "Address and birth date agree, and the names agree or nearly do.",
        when=f"address AND {LIKE_NAMES} AND birth_date = 'agree'",
    ),
    "AUTO:T3b": _certain(
        "Address, first and last name agree; the birth dates differ by one slip of the pen.",
        when=f"address AND {SAME_NAMES} AND birth_date = 'near' AND NOT sex_differs AND NOT middle_differs",
    ),
    "PROV:T3c": _provisional(
        "Address, names, and phone or middle initial agree; a birth date is missing.",
        when=f"address AND {SAME_NAMES} AND birth_date = 'unknown' AND (phone OR middle_agrees) AND NOT sex_differs AND NOT middle_differs AND NOT trap",
    ),
    "REVIEW:T3-lastname": _review(
        "last-name-differs",
        "Address, first name and birth date agree, but not the last name: a new name?",
        when="address AND first_name = 'agree' AND birth_date = 'agree'",
    ),
    "REVIEW:T3-nodob": _review(
        "birth-date-missing",
        "Address and names agree; nothing says that it is not a namesake.",
        when=f"address AND {SAME_NAMES}",
    ),
    "REVIEW:T3-weak": _review(
        "names-nearly-agree", "The address agrees, and the names nearly do.", when=f"address AND {LIKE_NAMES}"
    ),
    "REVIEW:tier": _review(
        "tier-only",
        "A tier of the project found the pair and the names agree; no rule of the table speaks for it.",
        when=f"{LIKE_NAMES}",
    ),
    "ASK:no-first": _doubted(
        "first-name-missing",
        "Birth date, last name and address or phone agree; a first name is missing.",
        when="first_name = 'unknown' AND last_name IN ('agree', 'near') AND birth_date = 'agree' AND (address OR phone)",
    ),
    "NONE": _blocked("no-evidence", "Nothing that could tell one person from another agrees.", when="true"),
}

VETOES: Sequence[Veto] = (
    Veto(when="sex_differs", reason="sex-contradicted", says="the sexes differ"),
    Veto(
        when="first_name = 'near' AND both_given",
        reason="first-names-both-exist",
        says="both first names are names that people have (twins)",
    ),
    Veto(
        when="first_name = 'near' AND is_initial", reason="first-name-initial", says="one first name is a bare initial"
    ),
    Veto(
        when="middle_differs AND (first_name = 'near' OR birth_date = 'near')",
        reason="middle-name-contradicted",
        says="middle names differ beside a near name or date",
    ),
    Veto(
        when="one_suffix AND birth_date <> 'agree'",
        reason="suffix-on-one-side",
        says="only one side has a suffix and no birth date settles it",
    ),
)
"""Evidence that sends a pair to a person although the table links it; the first that fits gives the reason."""

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
