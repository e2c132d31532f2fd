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
    """Money that came, or went back where `kind` is Refund. `unapplied_amount` is part of `amount`."""

    id: str
    source: str
    kind: str
    check: str
    received_on: date
    entered_on: date
    amount: int
    unapplied_amount: int = 0
    user: str = USERS[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """A refusal to pay; `recovered` is what came nevertheless."""

    id: str
    day: date
    group: str
    code: str
    reason: str
    is_appealed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOff:
    """What no one will pay."""

    id: str
    day: date
    reason: str
    kind: str
    user: str
    amount: int


@dataclass(slots=True, kw_only=True)
class Charge:
    """One billed service. `billed_on` is None, and `hold` says why, while it is on hold."""

    id: str
    claim: str
    patient: Patient
    code: tuple[str, str, str, int]
    units: int
    served_on: date
    entered_on: date
    billed_on: date | None
    hold: str
    amount: int
    allowed_amount: int
    adjustment: int = 0
    statements: tuple[int, int] = (0, 0)
    payments: list[Payment] = field(default_factory=list)
    denials: list[Denial] = field(default_factory=list)
    write_offs: list[WriteOff] = field(default_factory=list)

    def paid_amount(self, source: str) -> int:
        """What came from "Insurance" or "Patient", refunds taken off."""
        return sum(payment.amount - payment.unapplied_amount for payment in self.payments if payment.source == source)

    def refund_amount(self) -> int:
        """What went back, as a positive number."""
        return -sum(payment.amount for payment in self.payments if payment.kind == "Refund")

    def write_off_amount(self) -> int:
        """The sum of the write-offs."""
        return sum(write_off.amount for write_off in self.write_offs)

    def balance(self) -> int:
        """What is still owed; negative where too much was paid."""
        return (
            self.amount
            - self.adjustment
            - self.write_off_amount()
            - self.paid_amount("Insurance")
            - self.paid_amount("Patient")
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """One account on one day. `unassigned`: payments that belong to no charge yet."""

    account: str
    today: date
    patients: tuple[Patient, ...]
    charges: tuple[Charge, ...]
    unassigned_payments: tuple[Payment, ...]


def keep_books(account: str, charges: int, today: date, seed: int) -> Books:
    """The books of an account with so many charges."""
    rng = random.Random(f"{seed}-{account}")  # noqa: S311 - invented people, not secrets
    base = int(account) % 10_000 * 1_000_000
    patients = tuple(_patient(rng, base + number) for number in range(charges // 6 + 1))
    new_charges: list[Charge] = []
    while len(new_charges) < charges:
        patient, served_on = rng.choice(patients), today - timedelta(days=rng.randrange(1, _DAYS))
        claim = str(base + 500_000 + len(new_charges))
        for _ in range(min(rng.randint(1, 3), charges - len(new_charges))):
            new_charges.append(_charge(rng, str(base + 100_000 + len(new_charges)), claim, patient, served_on, today))
    payments = tuple(_unassigned_payment(rng, str(base + 900_000 + number), today) for number in range(charges // 80))
    return Books(
        account=account, today=today, patients=patients, charges=tuple(new_charges), unassigned_payments=payments
    )


def _unassigned_payment(rng: random.Random, id_: str, today: date) -> Payment:
    payment = _payment(rng, id_, "Patient", today - timedelta(days=rng.randrange(1, 90)), today, 5_000)
    return replace(payment, unapplied_amount=payment.amount)


def _patient(rng: random.Random, number: int) -> Patient:
    payer, payer_type = rng.choice(_PAYERS)
    return Patient(
        id=str(number),
        name=f"{rng.choice(_LAST)}, {rng.choice(_FIRST)}",
        payer=payer,
        payer_type=payer_type,
        facility=rng.choice(_FACILITIES),
        provider=rng.choice(_PROVIDERS),
    )


def _charge(rng: random.Random, id_: str, claim: str, patient: Patient, served_on: date, today: date) -> Charge:
    code = rng.choice(_CODES)
    units = rng.choice((1, 1, 1, 2, 3))
    entered_on = min(today, served_on + timedelta(days=rng.randint(0, 12)))
    billed_on = entered_on + timedelta(days=rng.randint(0, 9))
    is_on_hold = rng.random() < 0.08 or billed_on > today  # noqa: PLR2004
    amount = code[3] * units
    charge = Charge(
        id=id_,
        claim=claim,
        patient=patient,
        code=code,
        units=units,
        served_on=served_on,
        entered_on=entered_on,
        billed_on=None if is_on_hold else billed_on,
        hold=rng.choice(_HOLDS) if is_on_hold else "",
        amount=amount,
        allowed_amount=amount * rng.randint(55, 95) // 100 if patient.payer else amount,
    )
    if charge.billed_on is not None:
        _work(rng, charge, charge.billed_on, today)
    return charge


def _work(rng: random.Random, charge: Charge, billed_on: date, today: date) -> None:
    """What happened to a billed charge since."""
    answered_on = billed_on + timedelta(days=rng.randint(10, 60))
    if charge.patient.payer and answered_on < today:
        if rng.random() < 0.15:  # noqa: PLR2004
            _deny(rng, charge, answered_on)
        if not charge.denials or rng.random() < 0.3:  # noqa: PLR2004
            charge.adjustment = charge.amount - charge.allowed_amount
            share = charge.allowed_amount * rng.choice((60, 80, 80, 100)) // 100
            charge.payments.append(_payment(rng, f"{charge.id}1", "Insurance", answered_on, today, share))
    if charge.balance() > 0 and not _with_insurer(charge):
        _bill_patient(rng, charge, answered_on, today)


def _deny(rng: random.Random, charge: Charge, day: date) -> None:
    group, code, reason = rng.choice(_DENIALS)
    is_appealed = rng.random() < 0.5  # noqa: PLR2004
    charge.denials.append(
        Denial(id=f"{charge.id}3", day=day, group=group, code=code, reason=reason, is_appealed=is_appealed)
    )


def _with_insurer(charge: Charge) -> bool:
    return bool(charge.patient.payer) and charge.paid_amount("Insurance") == 0


def owed_by_patient(charge: Charge) -> bool:
    """Whether the balance is the patient's to pay: there is no insurer, or the insurer has paid its part."""
    return charge.billed_on is not None and not _with_insurer(charge)


def _bill_patient(rng: random.Random, charge: Charge, answered_on: date, today: date) -> None:
    paid_on = answered_on + timedelta(days=rng.randint(5, 50))
    charge.statements = (rng.randint(0, 3), rng.randint(0, 2)) if answered_on + timedelta(days=30) < today else (0, 0)
    chance = rng.random()
    if paid_on >= today or chance > 0.8:  # noqa: PLR2004
        return
    if chance < 0.12:  # noqa: PLR2004
        reason, kind = rng.choice(_WRITE_OFFS)
        charge.write_offs.append(
            WriteOff(
                id=f"{charge.id}4",
                day=paid_on,
                reason=reason,
                kind=kind,
                user=rng.choice(USERS),
                amount=charge.balance(),
            )
        )
        return
    extra = 1_200 if chance < 0.16 else 0  # noqa: PLR2004
    part = charge.balance() if chance < 0.5 else charge.balance() // 3  # noqa: PLR2004
    charge.payments.append(_payment(rng, f"{charge.id}5", "Patient", paid_on, today, part + extra))
    back = min(today, paid_on + timedelta(days=12))
    if extra and chance < 0.14:  # noqa: PLR2004
        charge.payments.append(_payment(rng, f"{charge.id}6", "Patient", back, today, -extra, kind="Refund"))


def _payment(
    rng: random.Random,
    id_: str,
    source: str,
    day: date,
    today: date,
    amount: int,
    *,
    kind: str = "",
) -> Payment:
    kinds = ("EFT", "Check") if source == "Insurance" else ("Credit Card", "Check", "Cash")
    payment_kind = kind or rng.choice(kinds)
    return Payment(
        id=id_,
        source=source,
        kind=payment_kind,
        check=f"{rng.randrange(1_000_000):07d}" if payment_kind in {"EFT", "Check"} else "",
        received_on=day,
        entered_on=min(today, day + timedelta(days=rng.randint(0, 7))),
        amount=amount,
        user=rng.choice(USERS),
    )
