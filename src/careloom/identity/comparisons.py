"""Evidence as data: what of two records is compared, how, and in which words people are told.

An entry here is the whole of a kind of evidence: the columns of `match_candidate`, the SQL that fills them, what reviewers and
`careloom explain` read, and the docs' page are made of it. What follows from it is said by the rules of rules.py, which call
evidence by its name. Evidence that needs a role of its own names it, with its normal form; the role joins those of
`project.schema.RoleName`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

AGREE, NEAR, CONFLICT, UNKNOWN = "agree", "near", "conflict", "unknown"
WORDS: Mapping[str, str] = {AGREE: "agrees", NEAR: "is near", CONFLICT: "CONTRADICTS", UNKNOWN: "is unknown"}
"""What a level of evidence is called for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One kind of evidence. SQL speaks of our record as `l` and of the other side's as `r`, by the columns of match_record.

    A comparison has levels (agree, near, conflict; unknown where one of `column` is missing) or is a flag: true where `when`
    holds, and nothing follows where it does not. `near` are the conditions of that level, any of which is enough; two equal
    values agree. A comparison with neither `column` nor `when` is made by verdict.sql itself, for its speed: names once for
    each two names, mails and phones of which a record has many.

    `label` is what people read: of levels and of flags that `agree` it is followed by the level's word. `says` is the docs'.
    `role` and `normal` bring a value of its own: properties of that role are brought to their normal form by `normal`, SQL over
    `v`, the text without blanks around it; NULL is no evidence. A value that more than `limit` records share is none either.
    """

    name: str
    label: str
    says: str
    column: str = ""
    near: Sequence[str] = ()
    when: str = ""
    is_flag: bool = False
    agrees: bool = True
    role: str = ""
    normal: str = ""
    limit: int = 30

    @property
    def sql_type(self) -> str:
        """The type of its column in match_candidate."""
        return "BOOLEAN" if self.is_flag else "VARCHAR"

    @property
    def sql(self) -> str:
        """Its value for a pair of records; empty where verdict.sql makes it."""
        if self.when:
            return f"coalesce({self.when}, false)"
        if not self.column:
            return ""
        first, second = f"l.{self.column}", f"r.{self.column}"
        levels = [f"WHEN {condition} THEN '{NEAR}'" for condition in self.near]
        return (
            f"CASE WHEN {first} IS NULL OR {second} IS NULL THEN '{UNKNOWN}' WHEN {first} = {second} THEN '{AGREE}' "
            f"{' '.join(levels)} ELSE '{CONFLICT}' END"
        )

    def in_words(self, value: object) -> str:
        """What people read of its value; empty where it says nothing."""
        if self.is_flag:
            return "" if value is not True else f"{self.label} {WORDS[AGREE]}" if self.agrees else self.label
        return f"{self.label} {WORDS[value]}" if isinstance(value, str) and value in WORDS else ""


COMPARISONS: Sequence[Comparison] = (
    Comparison(
        name="first_name",
        label="first name",
        says="Near: a letter more, less or other in names of four letters, a Jaro-Winkler similarity of 0.92, a bare initial, or "
        "the first of two given names. Nicknames agree.",
    ),
    Comparison(
        name="last_name",
        label="last name",
        says="Near: a letter more, less or other in names of four letters, a Jaro-Winkler similarity of 0.92, or a part of a "
        "double name.",
    ),
    Comparison(
        name="birth_date",
        label="birth date",
        says="Near: one digit more, less or other, or day and month exchanged.",
        column="dob",
        near=(
            "levenshtein(l.dob, r.dob) <= 1",
            "left(l.dob, 4) = left(r.dob, 4) AND l.dob[6:7] = r.dob[9:10] AND l.dob[9:10] = r.dob[6:7]",
        ),
    ),
    Comparison(name="email", label="mail", says="A mail of both is the same.", is_flag=True),
    Comparison(name="phone", label="phone", says="A phone number of both is the same.", is_flag=True),
    Comparison(
        name="address",
        label="address",
        says="Street, unit, and ZIP code or else city and state are the same.",
        when="l.home = r.home",
        is_flag=True,
    ),
    Comparison(name="zip", label="zip", says="The ZIP codes are the same.", when="l.zip = r.zip", is_flag=True),
    Comparison(
        name="suffix_differs",
        label="suffixes differ",
        says="Both have a name suffix (Jr, Sr, II …), and not the same.",
        when="l.suffix <> r.suffix",
        is_flag=True,
        agrees=False,
    ),
    Comparison(
        name="sex_differs",
        label="sexes differ",
        says="Both have a sex, and not the same.",
        when="l.sex <> r.sex",
        is_flag=True,
        agrees=False,
    ),
    Comparison(
        name="middle_differs",
        label="middle names differ",
        says="Both have a middle name or initial, and not the same initial.",
        when="l.middle <> r.middle",
        is_flag=True,
        agrees=False,
    ),
    Comparison(
        name="middle_agrees",
        label="middle names agree",
        says="Both have a middle name or initial, with the same initial.",
        when="l.middle = r.middle",
        is_flag=True,
        agrees=False,
    ),
)


def evidence_in_words(evidence: Mapping[str, object], comparisons: Sequence[Comparison] = COMPARISONS) -> list[str]:
    """Evidence by name as people read it: "first name agrees", "mail agrees", "sexes differ"."""
    words = (comparison.in_words(evidence.get(comparison.name)) for comparison in comparisons)
    return [word for word in words if word]


def own_values(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Those that bring a value of their own, under their role's name."""
    return [comparison for comparison in comparisons if comparison.role]
