"""The rows of each report, drawn from an account's books: money as cents, dates as dates, in the order of its layout."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta

from careloom.systems.collaboratemd.simulator.books import USERS, Books, Charge, owed_by_patient

Value = str | int | date | None
Row = list[Value]

_RATES = {"Residential": 123_450, "PHP": 87_500, "IOP": 45_000}
_STAGES = ("Created", "Submitted", "Accepted by payer", "Denied", "Paid", "Balance due patient", "Closed")
_NOTES = (
    "",
    "",
    "called payer, no answer",
    'They said "resubmit", see fax',
    "first line\nsecond line",
    '=HYPERLINK("http://127.0.0.1/","open")',
    "+1 day; résumé on file",
    "-see above",
    "@billing please review",
)


def rows_of(name: str, books: Books) -> list[Row]:
    """The rows of the report of that name in these books."""
    return list(_TABLES[name](books))


def _mark(charge: Charge) -> int:
    """A number that belongs to the charge, where chance would have to be kept."""
    return int(charge.id) * 2_654_435_761 % 2**32 >> 8


def _ar_aging(books: Books) -> Iterator[Row]:
    for count in books.charges:
        balance, person = count.balance(), count.patient
        if balance <= 0:
            continue
        by_patient = owed_by_patient(count)
        statement_count = sum(count.statements)
        yield [
            count.id,
            count.claim,
            person.id,
            person.name,
            person.facility,
            person.provider,
            person.payer or None,
            person.payer_type,
            count.code[0],
            count.served_on,
            count.billed_on,
            count.amount,
            balance,
            0 if by_patient else balance,
            balance if by_patient else 0,
            (books.today - (count.billed_on or count.served_on)).days,
            count.statements[0],
            count.statements[1],
            books.today - timedelta(days=_mark(count) % 30) if statement_count else None,
            None,
        ]


def _status(charge: Charge) -> str:
    if charge.billed_on is None:
        return "ON HOLD"
    if charge.balance() <= 0:
        return "PAID"
    return "BALANCE DUE PATIENT" if owed_by_patient(charge) else "AT INSURANCE"


def _gross_billing(books: Books) -> Iterator[Row]:
    for charge in books.charges:
        insurer_amount = charge.adjustment or charge.paid_amount("Insurance")
        yield [
            charge.id,
            charge.claim,
            charge.patient.id,
            charge.patient.facility,
            charge.patient.provider,
            charge.patient.payer or None,
            charge.code[2],
            charge.code[0],
            charge.code[1],
            charge.units,
            charge.served_on,
            charge.entered_on,
            charge.billed_on,
            _status(charge),
            charge.amount,
            charge.allowed_amount if insurer_amount else None,
            charge.allowed_amount,
            charge.paid_amount("Insurance"),
            charge.paid_amount("Patient"),
            charge.adjustment + charge.write_off_amount(),
            charge.balance(),
        ]


def _charges_on_hold(books: Books) -> Iterator[Row]:
    for charge in books.charges:
        if not charge.hold:
            continue
        mark = _mark(charge)
        yield [
            charge.id,
            charge.claim,
            charge.patient.id,
            charge.patient.facility,
            charge.patient.provider,
            charge.patient.payer or None,
            charge.code[2],
            charge.code[0],
            "ON HOLD" if mark % 3 else "USER HOLD",
            charge.hold,
            charge.served_on,
            charge.entered_on,
            charge.amount,
            _NOTES[mark % len(_NOTES)] or None,
            _NOTES[mark // 16 % len(_NOTES)] or None,
        ]


def _by_claim(books: Books) -> Mapping[str, list[Charge]]:
    charges_by_claim: dict[str, list[Charge]] = defaultdict(list)
    for charge in books.charges:
        charges_by_claim[charge.claim].append(charge)
    return charges_by_claim


def _stage(charges: list[Charge]) -> str:
    if any(charge.billed_on is None for charge in charges):
        return _STAGES[0]
    if all(charge.balance() <= 0 for charge in charges):
        return _STAGES[6] if any(charge.write_offs for charge in charges) else _STAGES[4]
    if any(owed_by_patient(charge) and charge.balance() > 0 for charge in charges):
        return _STAGES[5]
    if any(charge.denials for charge in charges):
        return _STAGES[3]
    return _STAGES[1 + _mark(charges[0]) % 2]


def _last_day(charge: Charge) -> date:
    payment_days = [payment.entered_on for payment in charge.payments]
    return max([charge.billed_on or charge.entered_on, *payment_days, *(denial.day for denial in charge.denials)])


def _claim_stage_breakdown(books: Books) -> Iterator[Row]:
    for claim, charges in _by_claim(books).items():
        first, stage, last_day = charges[0], _stage(charges), max(map(_last_day, charges))
        yield [
            claim,
            first.patient.id,
            first.patient.payer or None,
            first.patient.facility,
            stage,
            last_day if stage != _STAGES[0] else first.entered_on,
            min(charge.entered_on for charge in charges),
            last_day,
            sum(charge.amount for charge in charges),
            sum(charge.balance() for charge in charges),
            "Y" if _mark(first) % 11 == 0 and stage == _STAGES[1] else "N",
        ]


def _denial_trends(books: Books) -> Iterator[Row]:
    for charge in books.charges:
        for denial in charge.denials:
            yield [
                denial.id,
                charge.claim,
                charge.id,
                charge.patient.id,
                charge.patient.payer or None,
                charge.patient.facility,
                charge.code[0],
                denial.day,
                denial.group,
                denial.code,
                denial.reason,
                charge.amount,
                charge.amount,
                charge.paid_amount("Insurance"),
                "Y" if denial.is_appealed else "N",
            ]


def _payment_trends(books: Books) -> Iterator[Row]:
    pairs = [(charge, payment) for charge in books.charges for payment in charge.payments]
    for charge, payment in [*pairs, *((None, payment) for payment in books.unassigned_payments)]:
        yield [
            payment.id,
            charge.id if charge else None,
            charge.patient.id if charge else None,
            charge.patient.facility if charge else None,
            charge.patient.payer or None if charge and payment.source == "Insurance" else None,
            payment.source,
            payment.kind,
            payment.check or None,
            payment.received_on,
            payment.entered_on,
            payment.amount,
            payment.amount - payment.unapplied_amount,
            payment.unapplied_amount,
        ]


def _quadrant_performance(books: Books) -> Iterator[Row]:
    groups: dict[tuple[str, str, date], list[Charge]] = defaultdict(list)
    for charge in books.charges:
        groups[charge.patient.provider, charge.patient.facility, charge.served_on.replace(day=1)].append(charge)
    earlier_patients: set[str] = set()
    for (provider, facility, month), charges in sorted(groups.items(), key=lambda group: (group[0][2], group[0][:2])):
        people = {charge.patient.id for charge in charges}
        yield [
            provider,
            facility,
            month,
            len({charge.claim for charge in charges}),
            sum(charge.units * (1 + charge.code[3] // 20_000) for charge in charges),
            sum(charge.amount for charge in charges),
            sum(charge.paid_amount("Insurance") + charge.paid_amount("Patient") for charge in charges),
            sum(charge.adjustment + charge.write_off_amount() for charge in charges),
            len(people - earlier_patients),
        ]
        earlier_patients |= people


def _work_by_user(books: Books) -> list[tuple[str, date, str, list[int]]]:
    """What each user did on a day: claims worked, charges entered, payments posted, and their cents."""
    work: dict[tuple[date, str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for charge in books.charges:
        work[charge.entered_on, USERS[_mark(charge) % len(USERS)], "Charge Entry"][1] += 1
        for denial in charge.denials:
            work[denial.day, USERS[_mark(charge) % len(USERS)], "Claim Follow-up"][0] += 1
        for payment in charge.payments:
            _add_payment(work[payment.entered_on, payment.user, "Payment Posting"], payment.amount)
    for payment in books.unassigned_payments:
        _add_payment(work[payment.entered_on, payment.user, "Payment Posting"], payment.amount)
    return [(user, day, task, counts) for (day, user, task), counts in sorted(work.items())]


def _add_payment(counts: list[int], amount: int) -> None:
    counts[2] += 1
    counts[3] += amount


def _minutes(counts: list[int]) -> int:
    return 15 + 12 * counts[0] + 6 * counts[1] + 9 * counts[2]


def _rcm_productivity(books: Books) -> Iterator[Row]:
    for user, day, task, counts in _work_by_user(books):
        yield [user, day, task, *counts, f"{_minutes(counts) / 60:.2f}"]


def _user_time_spread(books: Books) -> Iterator[Row]:
    starts: dict[tuple[str, date], int] = defaultdict(lambda: 8 * 60 + 30)
    for user, day, task, counts in _work_by_user(books):
        begin = starts[user, day]
        starts[user, day] += _minutes(counts)
        hour, half = begin // 60 % 24, "AM" if begin // 60 % 24 < 12 else "PM"  # noqa: PLR2004
        start = f"{(hour - 1) % 12 + 1:02d}:{begin % 60:02d} {half}"
        yield [user, day, task, start, _minutes(counts), "Y" if task != "Claim Follow-up" else "N"]


def _write_off_trends(books: Books) -> Iterator[Row]:
    for charge in books.charges:
        for loss in charge.write_offs:
            yield [
                loss.id,
                charge.id,
                charge.patient.id,
                charge.patient.payer or None,
                charge.patient.facility,
                loss.day,
                loss.reason,
                loss.kind,
                loss.user,
                charge.amount,
                loss.amount,
            ]


def _pdr3_calculator(books: Books) -> Iterator[Row]:
    for number, person in enumerate(books.patients):
        level = tuple(_RATES)[number % len(_RATES)]
        mark = int(person.id) % 97
        admission = books.today - timedelta(days=20 + mark * 3)
        leaves = admission + timedelta(days=7 + mark % 38)
        discharge = leaves if leaves <= books.today else None
        billed_days = max(0, ((discharge or books.today) - admission).days - mark % 3)
        authorized_days = billed_days + mark % 5 - 1
        yield [
            person.id,
            person.facility,
            level,
            admission,
            discharge,
            person.payer or None,
            max(0, authorized_days),
            billed_days,
            billed_days * _RATES[level],
        ]


def _revenue_recognition(books: Books) -> Iterator[Row]:
    for charge in books.charges:
        refunds = charge.refund_amount()
        insurance, patient = charge.paid_amount("Insurance"), charge.paid_amount("Patient") + refunds
        revenue, amount_due = insurance + patient - refunds, charge.amount - charge.adjustment
        yield [
            charge.id,
            charge.patient.id,
            charge.patient.facility,
            charge.patient.payer or None,
            charge.served_on,
            charge.entered_on.replace(day=1),
            charge.amount,
            charge.adjustment,
            insurance,
            patient,
            charge.write_off_amount(),
            refunds,
            revenue,
            f"{100 * revenue / amount_due:.1f}%",
        ]


_TABLES: Mapping[str, Callable[[Books], Iterator[Row]]] = {
    "ar_aging": _ar_aging,
    "gross_billing": _gross_billing,
    "charges_on_hold": _charges_on_hold,
    "claim_stage_breakdown": _claim_stage_breakdown,
    "denial_trends": _denial_trends,
    "payment_trends": _payment_trends,
    "quadrant_performance": _quadrant_performance,
    "rcm_productivity": _rcm_productivity,
    "user_time_spread": _user_time_spread,
    "write_off_trends": _write_off_trends,
    "pdr3_calculator": _pdr3_calculator,
    "revenue_recognition": _revenue_recognition,
}
