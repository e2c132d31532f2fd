"""The matching rules once more, as plain Python over a handful of people: slow, row by row, sharing nothing with the SQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from nicknames import name_triplets

NICK = {frozenset((t.name1, t.name2)) for t in name_triplets()}
KNOWN = {name for pair in NICK for name in pair}


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Values are in normal form already; None is unknown."""

    id: str
    carries: str | None = None
    first: str | None = None
    middle: str | None = None
    last: str | None = None
    suffix: str | None = None
    sex: str | None = None
    dob: str | None = None
    mails: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    street: str | None = None
    zip: str | None = None

    @property
    def home(self) -> tuple[str, str] | None:
        return (self.street, self.zip) if self.street and self.zip else None


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    fresh: Sequence[Person]
    settled: Sequence[Person]
    records: Sequence[Person]
    linked: Mapping[str, str]
    never: frozenset[tuple[str, str]] = frozenset()
    said: frozenset[tuple[str, str]] = frozenset()
    provisional: bool = False

    @property
    def everybody(self) -> list[Person]:
        return [*self.fresh, *self.settled, *self.records]


def without_shared_values(world: World) -> World:
    """The world without mails of more than six names and phones of more than eight."""

    def worn(field: str, most: int) -> set[str]:
        names: dict[str, set[tuple[str | None, str | None]]] = {}
        for person in world.everybody:
            if person.first or person.last:
                for value in getattr(person, field):
                    names.setdefault(value, set()).add((person.first, person.last))
        return {value for value, bearers in names.items() if len(bearers) > most}

    mails, phones = worn("mails", 6), worn("phones", 8)
    fresh, settled, records = (
        [replace(p, mails=p.mails - mails, phones=p.phones - phones) for p in group]
        for group in (world.fresh, world.settled, world.records)
    )
    return replace(world, fresh=fresh, settled=settled, records=records)


def edits(a: str, b: str) -> int:
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (x != y))
    return row[-1]


def jaro_winkler(a: str, b: str) -> float:
    reach = max(len(a), len(b)) // 2 - 1
    used: set[int] = set()
    mine = []
    for i, x in enumerate(a):
        hit = next(
            (j for j in range(max(0, i - reach), min(len(b), i + reach + 1)) if j not in used and b[j] == x), None
        )
        if hit is not None:
            used.add(hit)
            mine.append(x)
    if not mine:
        return 0.0
    swaps = sum(x != b[j] for x, j in zip(mine, sorted(used), strict=True)) / 2
    jaro = (len(mine) / len(a) + len(mine) / len(b) + (len(mine) - swaps) / len(mine)) / 3
    prefix = next((n for n in range(min(4, len(a), len(b))) if a[n] != b[n]), min(4, len(a), len(b)))
    return jaro + prefix * 0.1 * (1 - jaro) if jaro > 0.7 else jaro


def near(a: str, b: str) -> bool:
    return (min(len(a), len(b)) >= 4 and edits(a, b) <= 1) or jaro_winkler(a, b) >= 0.92


def first_verdict(a: str | None, b: str | None) -> str:
    if not a or not b:
        return "?"
    if a == b or frozenset((a, b)) in NICK:
        return "A"
    return "N" if near(a, b) or (min(len(a), len(b)) == 1 and a[0] == b[0]) else "X"


def last_verdict(a: str | None, b: str | None) -> str:
    if not a or not b:
        return "?"
    return "A" if a == b else "N" if near(a, b) else "X"


def day_verdict(a: str | None, b: str | None) -> str:
    if not a or not b:
        return "?"
    swapped = a[:4] == b[:4] and a[5:7] == b[8:] and a[8:] == b[5:7]
    return "A" if a == b else "N" if edits(a, b) <= 1 or swapped else "X"


def differ(a: str | None, b: str | None) -> bool:
    return a is not None and b is not None and a != b


def agree(a: str | None, b: str | None) -> bool:
    return a is not None and a == b


def alike(a: str, b: str) -> bool:
    return first_verdict(a, b) == "A"


def is_trap(world: World, person: Person, other_person: Person) -> bool:
    """Under a shared mail or home, whoever may be called like one of the two has more than one birth date."""
    for name in (person, other_person):
        if not name.first or not name.last:
            continue
        called = [
            p for p in world.everybody if p.dob and p.first and p.last == name.last and alike(p.first, name.first)
        ]
        places = [[p for p in called if mail in p.mails] for mail in person.mails & other_person.mails]
        if person.home and person.home == other_person.home:
            places.append([p for p in called if p.home == person.home])
        if any(len({p.dob for p in crowd}) > 1 for crowd in places):
            return True
    return False


def is_given_name(world: World, name: str | None) -> bool:
    return name in KNOWN or Counter(p.first for p in world.everybody)[name] >= 5


def rule_of(world: World, a: Person, b: Person) -> tuple[str, str]:
    """The table's rule and the veto ("" if none)."""
    vf, vl, vd = first_verdict(a.first, b.first), last_verdict(a.last, b.last), day_verdict(a.dob, b.dob)
    em, ph = bool(a.mails & b.mails), bool(a.phones & b.phones)
    ad, zp = agree_home(a, b), agree(a.zip, b.zip)
    gx, mx, ma = differ(a.sex, b.sex), differ(a.middle, b.middle), agree(a.middle, b.middle)
    trap = is_trap(world, a, b)
    names = Counter((p.first, p.last) for p in world.everybody)
    namesakes = max(names[a.first, a.last], names[b.first, b.last])
    rule = _rule(
        vf,
        vl,
        vd,
        em=em,
        ph=ph,
        ad=ad,
        zp=zp,
        sx=differ(a.suffix, b.suffix),
        gx=gx,
        mx=mx,
        ma=ma,
        trap=trap,
        rare=namesakes < 10,
    )
    veto = ""
    if rule.startswith(("AUTO", "PROV")):
        initial = vf == "N" and 1 in (len(a.first or ""), len(b.first or ""))
        if gx:
            veto = "sex-contradicted"
        elif vf == "N" and not initial and is_given_name(world, a.first) and is_given_name(world, b.first):
            veto = "first-names-both-exist"
        elif initial:
            veto = "first-name-initial"
        elif mx and "N" in (vf, vd):
            veto = "middle-name-contradicted"
        elif (a.suffix is None) != (b.suffix is None) and vd != "A":
            veto = "suffix-on-one-side"
    return rule, veto


def agree_home(a: Person, b: Person) -> bool:
    return a.home is not None and a.home == b.home


def _rule(  # noqa: C901, PLR0911, PLR0912 -- a table, line by line
    vf: str,
    vl: str,
    vd: str,
    *,
    em: bool,
    ph: bool,
    ad: bool,
    zp: bool,
    sx: bool,
    gx: bool,
    mx: bool,
    ma: bool,
    trap: bool,
    rare: bool,
) -> str:
    if sx:
        return "ASK:suffix" if vf in "AN" and vl in "AN" and vd == "A" else "BLOCK:suffix"
    if vf == "X":
        if vd == "X":
            return "BLOCK:first+dob"
        if vd == "A" and (em or (vl in "AN" and (ad or ph))):
            return "ASK:twin?"
        return "BLOCK:twin?" if vd == "A" and (ad or em or ph or vl in "AN") else "BLOCK:first"
    both = vf == "A" and vl == "A"
    if vd == "X":
        if em and both:
            return "REVIEW:dob-conflict"
        return "ASK:dob" if both and (ad or ph) else "BLOCK:dob"
    calm = not gx and not mx and not trap
    if em:
        if vf in "AN" and vd == "A":
            return "AUTO:T1a"
        if both and vd == "N":
            return "AUTO:T1b"
        return "PROV:T1c" if both and vd == "?" and calm else "REVIEW:T1"
    if both and vd == "A":
        if mx:
            return "REVIEW:T2-middle"
        if ad or ph or zp or ma:
            return "AUTO:T2a"
        return "REVIEW:T2-sex" if gx else "AUTO:T2b" if rare else "REVIEW:T2-common"
    if ad:
        if vf in "AN" and vl in "AN" and vd == "A":
            return "AUTO:T3a"
        if both and vd == "N" and not gx and not mx:
            return "AUTO:T3b"
        if both and vd == "?" and (ph or ma) and calm:
            return "PROV:T3c"
        if vf == "A" and vd == "A":
            return "REVIEW:T3-lastname"
        if both:
            return "REVIEW:T3-nodob"
        if vf in "AN" and vl in "AN":
            return "REVIEW:T3-weak"
    elif vf in "AN" and vl in "AN":
        return "REVIEW:tier"
    return "ASK:no-first" if vf == "?" and vl in "AN" and vd == "A" and (ad or ph) else "NONE"


def together(a: Person, b: Person) -> bool:
    """Whether a tier brings the two together: mail; names (a nickname serves) and birth date; address."""
    named = (
        bool(a.first and b.first and a.last and a.dob)
        and (a.last, a.dob) == (b.last, b.dob)
        and alike(str(a.first), str(b.first))
    )
    return bool(a.mails & b.mails) or named or agree_home(a, b)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    row: Person
    record: Person
    level: int
    grade: str
    reason: str


def claim_of(world: World, row: Person, record: Person) -> Claim | None:  # noqa: PLR0911 -- likewise
    pair = (row.id, record.id)
    keyed, said = record.carries == row.id, pair in world.said
    if not (together(row, record) or keyed or said):
        return None
    level = 1 if said else 2 if keyed else 3
    if pair in world.never:
        return None
    linked = any(r == record.id and k != row.id for k, r in world.linked.items())
    promised = any(r == record.id and k != row.id for k, r in world.said)
    other = record.carries is not None and not keyed
    if said:
        own_ids = {p.id for p in [*world.fresh, *world.settled]}
        taken = linked or (other and record.carries in own_ids)
        return Claim(
            row=row, record=record, level=1, grade="review" if taken else "certain", reason="taken" if taken else ""
        )
    rule, veto = rule_of(world, row, record)
    if keyed:
        clash = first_verdict(row.first, record.first) == "X" and day_verdict(row.dob, record.dob) == "X"
        reason = "taken" if linked or promised else "key-contradicted" if clash else ""
        return Claim(row=row, record=record, level=2, grade="review" if reason else "certain", reason=reason)
    if rule == "NONE" or rule.startswith("BLOCK"):
        return None
    if rule.startswith("ASK"):
        return (
            None
            if linked or promised or other
            else Claim(row=row, record=record, level=4, grade="doubted", reason=rule)
        )
    if linked or promised or other:
        return Claim(row=row, record=record, level=level, grade="review", reason="taken")
    if rule.startswith("REVIEW") or veto:
        return Claim(row=row, record=record, level=level, grade="review", reason=veto or rule)
    return Claim(
        row=row, record=record, level=level, grade="certain" if rule.startswith("AUTO") else "provisional", reason=""
    )


def claims_of(world: World) -> list[Claim]:
    fresh = [claim for row in world.fresh for record in world.records if (claim := claim_of(world, row, record))]
    # Settled rows are rivals for the records that the fresh rows were brought together with.
    settled_claims = [
        claim
        for row in world.settled
        for record in world.records
        if world.linked.get(row.id) != record.id and together(row, record) and (claim := claim_of(world, row, record))
    ]
    return fresh + settled_claims


def outcomes(world: World) -> dict[str, tuple[str, str | None]]:
    """key → (outcome, remote id)."""
    world = without_shared_values(world)
    every = claims_of(world)
    claims = [claim for claim in every if claim.grade != "doubted"]
    outcomes_by_id = {row.id: _outcome(world, row, claims) for row in world.fresh}
    records = {record for outcome, record in outcomes_by_id.values() if outcome == "link"}
    for row in world.fresh:
        ids = [c.record.id for c in every if c.row.id == row.id and c.grade == "doubted" and c.record.id not in records]
        if outcomes_by_id[row.id][0] == "none" and ids:
            outcomes_by_id[row.id] = "review", ids[0] if len(ids) == 1 else None
    return outcomes_by_id


def _outcome(world: World, row: Person, claims: Iterable[Claim]) -> tuple[str, str | None]:
    claims = list(claims)
    own_claims = [claim for claim in claims if claim.row.id == row.id]
    if not own_claims:
        return "none", None
    highest = min(claim.level for claim in own_claims)
    own_claims = [claim for claim in own_claims if claim.level == highest]
    if len(own_claims) > 1:
        return "review", None
    best = own_claims[0]
    rivals = [
        c for c in claims if c.record.id == best.record.id and c.row.id != row.id and (best.level == 3 or c.level < 3)
    ]
    good = best.grade == "certain" or (best.grade == "provisional" and world.provisional)
    return ("link" if good and not rivals else "review"), best.record.id


def pairs(world: World) -> dict[tuple[str, str], tuple[str, str]]:
    """(key, record id) → (rule, grade) of every pair that something brings together."""
    world = without_shared_values(world)
    return {
        (row.id, record.id): _pair(world, row, record)
        for row in world.fresh
        for record in world.records
        if together(row, record) or record.carries == row.id or (row.id, record.id) in world.said
    }


def _pair(world: World, row: Person, record: Person) -> tuple[str, str]:
    if (row.id, record.id) in world.never:
        return "never", "blocked"
    claim = claim_of(world, row, record)
    if (row.id, record.id) in world.said or record.carries == row.id:
        return ("person" if (row.id, record.id) in world.said else "key"), claim.grade if claim else "blocked"
    return rule_of(world, row, record)[0], claim.grade if claim else "blocked"
