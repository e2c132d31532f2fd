"""The books of one account: invented charges with their payments, denials and write-offs; the same ones for the same seed.

Everything that a report shows is drawn from here, so that reports agree with each other. Amounts are cents.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

_FIRST = ("Alder", "Briony", "Caspian", "Delphine", "Evander", "Fennel", "Garnet", "Hollis", "Isolde", "Inés", "Renée")
_LAST = ("Quillfeather", "Marrowby", "Thistledown", "Oakenshaw", "Muñoz", "Pebblewick", "O'Larkspur", "Umberfield")
_FACILITIES = ("Alder Grove Recovery", "Peña Blanca Clinic", "Marrow Lake House, LLC", "Thistle Outpatient")
_PROVIDERS = ("Quillfeather, Hollis MD", "Larkspurton, Juniper PhD", "Bäumer, Garnet LCSW", "Zzyzx, Kestrel NP")
USERS = ("Fennel Oakenshaw", "Zoë Pebblewick", "Briony Marrowby", "Caspian Umberfield")
_PAYERS = (
    ("Acme Mutual", "Commercial"),
    ("Northwind Health", "Commercial"),
    ("Medicare Part B", "Medicare"),
    ("State Medicaid", "Medicaid"),
    ("Blue Harbor PPO", "Blue Cross"),
    ("", "Self Pay"),
)
_CODES = (
    ("99213", "Office visit, established", "Evaluation", 12_500),
    ("99214", "Office visit, established, moderate", "Evaluation", 18_250),
    ("90837", "Psychotherapy, 60 minutes", "Therapy", 16_000),
    ("90853", "Group psychotherapy", "Therapy", 6_550),
    ("H0015", "Intensive outpatient, per diem", "IOP", 45_000),
    ("H0035", "Partial hospitalization < 24 h", "PHP", 87_500),
    ("H0018", "Residential, per diem", "Residential", 123_450),
    ("80307", 'Drug test, "presumptive"', "Laboratory", 9_975),
)
_DENIALS = (
    ("CO", "16", "Lacks information"),
    ("CO", "29", "Time limit for filing has expired"),
    ("CO", "197", "Precertification absent"),
    ("PR", "96", "Non-covered charge"),
    ("OA", "18", "Exact duplicate claim"),
    ("CO", "50", "Not deemed a medical necessity"),
)
_WRITE_OFFS = (("Small balance", "Administrative"), ("Bad debt", "Bad debt"), ("Timely filing", "Administrative"))
_HOLDS = ("Missing authorization", "Missing diagnosis", "Eligibility not verified", "Awaiting signature, 2nd request")
_DAYS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """An invented person with one payer."""

    id: str
    name: str
    payer: str
    payer_type: str
    facility: str
    provider: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """Money that came, or went back where `kind` is Refund. `unapplied` is part of `amount`."""

    id: str
    source: str
    kind: str
    check: str
    received: date
    entered: date
    amount: int
    unapplied: int = 0
    user: str = USERS[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """A refusal to pay; `recovered` is what came nevertheless."""

    id: str
    day: date
    group: str
    code: str
    reason: str
    appealed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOff:
    """What nobody will pay."""

    id: str
    day: date
    reason: str
    kind: str
    user: str
    amount: int


@dataclass(slots=True, kw_only=True)
class Charge:
    """One billed service. `billed` is None, and `hold` says why, while it is on hold."""

    id: str
    claim: str
    patient: Patient
    code: tuple[str, str, str, int]
    units: int
    served: date
    entered: date
    billed: date | None
    hold: str
    amount: int
    allowed: int
    adjusted: int = 0
    statements: tuple[int, int] = (0, 0)
    payments: list[Payment] = field(default_factory=list)
    denials: list[Denial] = field(default_factory=list)
    write_offs: list[WriteOff] = field(default_factory=list)

    def paid(self, source: str) -> int:
        """What came from "Insurance" or "Patient", refunds taken off."""
        return sum(one.amount - one.unapplied for one in self.payments if one.source == source)

    def refunded(self) -> int:
        """What went back, as a positive number."""
        return -sum(one.amount for one in self.payments if one.kind == "Refund")

    def written_off(self) -> int:
        """The sum of the write-offs."""
        return sum(one.amount for one in self.write_offs)

    def balance(self) -> int:
        """What is still owed; negative where too much was paid."""
        return self.amount - self.adjusted - self.written_off() - self.paid("Insurance") - self.paid("Patient")


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """One account on one day. `unassigned`: payments that belong to no charge yet."""

    account: str
    today: date
    patients: tuple[Patient, ...]
    charges: tuple[Charge, ...]
    unassigned: tuple[Payment, ...]


def keep_books(account: str, charges: int, today: date, seed: int) -> Books:
    """The books of an account with so many charges."""
    dice = random.Random(f"{seed}-{account}")  # noqa: S311 - invented people, not secrets
    base = int(account) % 10_000 * 1_000_000
    patients = tuple(_patient(dice, base + number) for number in range(charges // 6 + 1))
    made: list[Charge] = []
    while len(made) < charges:
        patient, served = dice.choice(patients), today - timedelta(days=dice.randrange(1, _DAYS))
        claim = str(base + 500_000 + len(made))
        for _ in range(min(dice.randint(1, 3), charges - len(made))):
            made.append(_charge(dice, str(base + 100_000 + len(made)), claim, patient, served, today))
    unassigned = tuple(_unassigned(dice, str(base + 900_000 + number), today) for number in range(charges // 80))
    return Books(account=account, today=today, patients=patients, charges=tuple(made), unassigned=unassigned)


def _unassigned(dice: random.Random, id_: str, today: date) -> Payment:
    found = _payment(dice, id_, "Patient", today - timedelta(days=dice.randrange(1, 90)), today, 5_000)
    return replace(found, unapplied=found.amount)


def _patient(dice: random.Random, number: int) -> Patient:
    payer, payer_type = dice.choice(_PAYERS)
    return Patient(
        id=str(number),
        name=f"{dice.choice(_LAST)}, {dice.choice(_FIRST)}",
        payer=payer,
        payer_type=payer_type,
        facility=dice.choice(_FACILITIES),
        provider=dice.choice(_PROVIDERS),
    )


def _charge(dice: random.Random, id_: str, claim: str, patient: Patient, served: date, today: date) -> Charge:
    code = dice.choice(_CODES)
    units = dice.choice((1, 1, 1, 2, 3))
    entered = min(today, served + timedelta(days=dice.randint(0, 12)))
    billed = entered + timedelta(days=dice.randint(0, 9))
    held = dice.random() < 0.08 or billed > today  # noqa: PLR2004
    amount = code[3] * units
    made = Charge(
        id=id_,
        claim=claim,
        patient=patient,
        code=code,
        units=units,
        served=served,
        entered=entered,
        billed=None if held else billed,
        hold=dice.choice(_HOLDS) if held else "",
        amount=amount,
        allowed=amount * dice.randint(55, 95) // 100 if patient.payer else amount,
    )
    if made.billed is not None:
        _work(dice, made, made.billed, today)
    return made


def _work(dice: random.Random, charge: Charge, billed: date, today: date) -> None:
    """What happened to a billed charge since."""
    answered = billed + timedelta(days=dice.randint(10, 60))
    if charge.patient.payer and answered < today:
        if dice.random() < 0.15:  # noqa: PLR2004
            _deny(dice, charge, answered)
        if not charge.denials or dice.random() < 0.3:  # noqa: PLR2004
            charge.adjusted = charge.amount - charge.allowed
            share = charge.allowed * dice.choice((60, 80, 80, 100)) // 100
            charge.payments.append(_payment(dice, f"{charge.id}1", "Insurance", answered, today, share))
    if charge.balance() > 0 and not _with_insurer(charge):
        _bill_patient(dice, charge, answered, today)


def _deny(dice: random.Random, charge: Charge, day: date) -> None:
    group, code, reason = dice.choice(_DENIALS)
    appealed = dice.random() < 0.5  # noqa: PLR2004
    charge.denials.append(Denial(id=f"{charge.id}3", day=day, group=group, code=code, reason=reason, appealed=appealed))


def _with_insurer(charge: Charge) -> bool:
    return bool(charge.patient.payer) and charge.paid("Insurance") == 0


def owed_by_patient(charge: Charge) -> bool:
    """Whether the balance is the patient's to pay: there is no insurer, or the insurer has paid its part."""
    return charge.billed is not None and not _with_insurer(charge)


def _bill_patient(dice: random.Random, charge: Charge, answered: date, today: date) -> None:
    paid = answered + timedelta(days=dice.randint(5, 50))
    charge.statements = (dice.randint(0, 3), dice.randint(0, 2)) if answered + timedelta(days=30) < today else (0, 0)
    chance = dice.random()
    if paid >= today or chance > 0.8:  # noqa: PLR2004
        return
    if chance < 0.12:  # noqa: PLR2004
        reason, kind = dice.choice(_WRITE_OFFS)
        charge.write_offs.append(
            WriteOff(
                id=f"{charge.id}4", day=paid, reason=reason, kind=kind, user=dice.choice(USERS), amount=charge.balance()
            )
        )
        return
    extra = 1_200 if chance < 0.16 else 0  # noqa: PLR2004
    part = charge.balance() if chance < 0.5 else charge.balance() // 3  # noqa: PLR2004
    charge.payments.append(_payment(dice, f"{charge.id}5", "Patient", paid, today, part + extra))
    back = min(today, paid + timedelta(days=12))
    if extra and chance < 0.14:  # noqa: PLR2004
        charge.payments.append(_payment(dice, f"{charge.id}6", "Patient", back, today, -extra, kind="Refund"))


def _payment(
    dice: random.Random,
    id_: str,
    source: str,
    day: date,
    today: date,
    amount: int,
    *,
    kind: str = "",
) -> Payment:
    kinds = ("EFT", "Check") if source == "Insurance" else ("Credit Card", "Check", "Cash")
    chosen = kind or dice.choice(kinds)
    return Payment(
        id=id_,
        source=source,
        kind=chosen,
        check=f"{dice.randrange(1_000_000):07d}" if chosen in {"EFT", "Check"} else "",
        received=day,
        entered=min(today, day + timedelta(days=dice.randint(0, 7))),
        amount=amount,
        user=dice.choice(USERS),
    )
