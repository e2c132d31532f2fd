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
    for one in books.charges:
        balance, person = one.balance(), one.patient
        if balance <= 0:
            continue
        by_patient = owed_by_patient(one)
        sent = sum(one.statements)
        yield [
            one.id,
            one.claim,
            person.id,
            person.name,
            person.facility,
            person.provider,
            person.payer or None,
            person.payer_type,
            one.code[0],
            one.served,
            one.billed,
            one.amount,
            balance,
            0 if by_patient else balance,
            balance if by_patient else 0,
            (books.today - (one.billed or one.served)).days,
            one.statements[0],
            one.statements[1],
            books.today - timedelta(days=_mark(one) % 30) if sent else None,
            None,
        ]


def _status(charge: Charge) -> str:
    if charge.billed is None:
        return "ON HOLD"
    if charge.balance() <= 0:
        return "PAID"
    return "BALANCE DUE PATIENT" if owed_by_patient(charge) else "AT INSURANCE"


def _gross_billing(books: Books) -> Iterator[Row]:
    for one in books.charges:
        answered = one.adjusted or one.paid("Insurance")
        yield [
            one.id,
            one.claim,
            one.patient.id,
            one.patient.facility,
            one.patient.provider,
            one.patient.payer or None,
            one.code[2],
            one.code[0],
            one.code[1],
            one.units,
            one.served,
            one.entered,
            one.billed,
            _status(one),
            one.amount,
            one.allowed if answered else None,
            one.allowed,
            one.paid("Insurance"),
            one.paid("Patient"),
            one.adjusted + one.written_off(),
            one.balance(),
        ]


def _charges_on_hold(books: Books) -> Iterator[Row]:
    for one in books.charges:
        if not one.hold:
            continue
        mark = _mark(one)
        yield [
            one.id,
            one.claim,
            one.patient.id,
            one.patient.facility,
            one.patient.provider,
            one.patient.payer or None,
            one.code[2],
            one.code[0],
            "ON HOLD" if mark % 3 else "USER HOLD",
            one.hold,
            one.served,
            one.entered,
            one.amount,
            _NOTES[mark % len(_NOTES)] or None,
            _NOTES[mark // 16 % len(_NOTES)] or None,
        ]


def _by_claim(books: Books) -> Mapping[str, list[Charge]]:
    found: dict[str, list[Charge]] = defaultdict(list)
    for one in books.charges:
        found[one.claim].append(one)
    return found


def _stage(charges: list[Charge]) -> str:
    if any(one.billed is None for one in charges):
        return _STAGES[0]
    if all(one.balance() <= 0 for one in charges):
        return _STAGES[6] if any(one.write_offs for one in charges) else _STAGES[4]
    if any(owed_by_patient(one) and one.balance() > 0 for one in charges):
        return _STAGES[5]
    if any(one.denials for one in charges):
        return _STAGES[3]
    return _STAGES[1 + _mark(charges[0]) % 2]


def _last_day(charge: Charge) -> date:
    paid = [one.entered for one in charge.payments]
    return max([charge.billed or charge.entered, *paid, *(one.day for one in charge.denials)])


def _claim_stage_breakdown(books: Books) -> Iterator[Row]:
    for claim, charges in _by_claim(books).items():
        first, stage, worked = charges[0], _stage(charges), max(map(_last_day, charges))
        yield [
            claim,
            first.patient.id,
            first.patient.payer or None,
            first.patient.facility,
            stage,
            worked if stage != _STAGES[0] else first.entered,
            min(one.entered for one in charges),
            worked,
            sum(one.amount for one in charges),
            sum(one.balance() for one in charges),
            "Y" if _mark(first) % 11 == 0 and stage == _STAGES[1] else "N",
        ]


def _denial_trends(books: Books) -> Iterator[Row]:
    for one in books.charges:
        for denial in one.denials:
            yield [
                denial.id,
                one.claim,
                one.id,
                one.patient.id,
                one.patient.payer or None,
                one.patient.facility,
                one.code[0],
                denial.day,
                denial.group,
                denial.code,
                denial.reason,
                one.amount,
                one.amount,
                one.paid("Insurance"),
                "Y" if denial.appealed else "N",
            ]


def _payment_trends(books: Books) -> Iterator[Row]:
    listed = [(one, payment) for one in books.charges for payment in one.payments]
    for one, payment in [*listed, *((None, payment) for payment in books.unassigned)]:
        yield [
            payment.id,
            one.id if one else None,
            one.patient.id if one else None,
            one.patient.facility if one else None,
            one.patient.payer or None if one and payment.source == "Insurance" else None,
            payment.source,
            payment.kind,
            payment.check or None,
            payment.received,
            payment.entered,
            payment.amount,
            payment.amount - payment.unapplied,
            payment.unapplied,
        ]


def _quadrant_performance(books: Books) -> Iterator[Row]:
    groups: dict[tuple[str, str, date], list[Charge]] = defaultdict(list)
    for one in books.charges:
        groups[one.patient.provider, one.patient.facility, one.served.replace(day=1)].append(one)
    seen: set[str] = set()
    for (provider, facility, month), charges in sorted(groups.items(), key=lambda group: (group[0][2], group[0][:2])):
        people = {one.patient.id for one in charges}
        yield [
            provider,
            facility,
            month,
            len({one.claim for one in charges}),
            sum(one.units * (1 + one.code[3] // 20_000) for one in charges),
            sum(one.amount for one in charges),
            sum(one.paid("Insurance") + one.paid("Patient") for one in charges),
            sum(one.adjusted + one.written_off() for one in charges),
            len(people - seen),
        ]
        seen |= people


def _work_done(books: Books) -> list[tuple[str, date, str, list[int]]]:
    """What each user did on a day: claims worked, charges entered, payments posted, and their cents."""
    done: dict[tuple[date, str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for one in books.charges:
        done[one.entered, USERS[_mark(one) % len(USERS)], "Charge Entry"][1] += 1
        for denial in one.denials:
            done[denial.day, USERS[_mark(one) % len(USERS)], "Claim Follow-up"][0] += 1
        for payment in one.payments:
            _posted(done[payment.entered, payment.user, "Payment Posting"], payment.amount)
    for payment in books.unassigned:
        _posted(done[payment.entered, payment.user, "Payment Posting"], payment.amount)
    return [(user, day, task, counts) for (day, user, task), counts in sorted(done.items())]


def _posted(counts: list[int], amount: int) -> None:
    counts[2] += 1
    counts[3] += amount


def _minutes(counts: list[int]) -> int:
    return 15 + 12 * counts[0] + 6 * counts[1] + 9 * counts[2]


def _rcm_productivity(books: Books) -> Iterator[Row]:
    for user, day, task, counts in _work_done(books):
        yield [user, day, task, *counts, f"{_minutes(counts) / 60:.2f}"]


def _user_time_spread(books: Books) -> Iterator[Row]:
    starts: dict[tuple[str, date], int] = defaultdict(lambda: 8 * 60 + 30)
    for user, day, task, counts in _work_done(books):
        begin = starts[user, day]
        starts[user, day] += _minutes(counts)
        hour, half = begin // 60 % 24, "AM" if begin // 60 % 24 < 12 else "PM"  # noqa: PLR2004
        shown = f"{(hour - 1) % 12 + 1:02d}:{begin % 60:02d} {half}"
        yield [user, day, task, shown, _minutes(counts), "Y" if task != "Claim Follow-up" else "N"]


def _write_off_trends(books: Books) -> Iterator[Row]:
    for one in books.charges:
        for loss in one.write_offs:
            yield [
                loss.id,
                one.id,
                one.patient.id,
                one.patient.payer or None,
                one.patient.facility,
                loss.day,
                loss.reason,
                loss.kind,
                loss.user,
                one.amount,
                loss.amount,
            ]


def _pdr3_calculator(books: Books) -> Iterator[Row]:
    for number, person in enumerate(books.patients):
        level = tuple(_RATES)[number % len(_RATES)]
        mark = int(person.id) % 97
        admitted = books.today - timedelta(days=20 + mark * 3)
        leaves = admitted + timedelta(days=7 + mark % 38)
        left = leaves if leaves <= books.today else None
        billed = max(0, ((left or books.today) - admitted).days - mark % 3)
        authorized = billed + mark % 5 - 1
        yield [
            person.id,
            person.facility,
            level,
            admitted,
            left,
            person.payer or None,
            max(0, authorized),
            billed,
            billed * _RATES[level],
        ]


def _revenue_recognition(books: Books) -> Iterator[Row]:
    for one in books.charges:
        refunds = one.refunded()
        insurance, patient = one.paid("Insurance"), one.paid("Patient") + refunds
        recognized, owed = insurance + patient - refunds, one.amount - one.adjusted
        yield [
            one.id,
            one.patient.id,
            one.patient.facility,
            one.patient.payer or None,
            one.served,
            one.entered.replace(day=1),
            one.amount,
            one.adjusted,
            insurance,
            patient,
            one.written_off(),
            refunds,
            recognized,
            f"{100 * recognized / owed:.1f}%",
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
