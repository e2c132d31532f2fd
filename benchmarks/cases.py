"""The five cases: who runs what, how often, and what is held to be enough."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks import contenders
from benchmarks.contenders import Contender
from benchmarks.stage import Pass, Stage, link_everyone, mend, staged

_UNLIMITED = ("--tier", "unlimited")
_LIMITED = ("--tier", "starter", "--latency-ms", "150")
_LONGEST = 600.0
_MANY_FILES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Rows for each case. drt sends one record a request, so it gets few: a rate is a rate."""

    new: int
    unlimited: int
    same: int
    many: int
    held: int
    bad: int
    drt: int
    dlt: int
    repeats: int


WHOLE = Sizes(
    new=20_000,
    unlimited=20_000,
    same=100_000,
    many=1_000_000,
    held=100_000,
    bad=1_000,
    drt=300,
    dlt=20_000,
    repeats=3,
)
QUICK = Sizes(new=3_000, unlimited=5_000, same=10_000, many=50_000, held=5_000, bad=50, drt=30, dlt=3_000, repeats=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of the table: each cell as text, in the order of its case's columns."""

    name: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A case's table. `reached` is None where the sizes are not those that the goal speaks of."""

    title: str
    goal: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    remarks: tuple[str, ...]
    reached: bool | None


Act = Callable[[Pass], None]


def all_cases(sizes: Sizes, *, peers: bool) -> Iterator[Result]:
    """Every case in turn."""
    judged = sizes is WHOLE
    with staged(*_LIMITED) as stage:
        yield _new_contacts(stage, sizes, peers=peers, limited=True, judged=judged)
    with staged(*_UNLIMITED) as stage:
        yield _new_contacts(stage, sizes, peers=peers, limited=False, judged=judged)
        yield _unchanged(stage, sizes, peers=peers, judged=judged)
        yield _many_unchanged(stage, sizes, judged=judged)
        yield _bad_rows(stage, sizes, peers=peers, judged=judged)


# ---------------------------------------------------------------- new contacts


def _new_contacts(stage: Stage, sizes: Sizes, *, peers: bool, limited: bool, judged: bool) -> Result:
    rows, repeats = (sizes.new, 1) if limited else (sizes.unlimited, sizes.repeats)
    passes = [_first_load(stage, stage.careloom, rows) for _ in range(repeats)]
    ours = _middle(passes)
    others = []
    if peers:
        others = [
            *(_first_load(stage, _dlt(files), sizes.dlt) for files in (1, _MANY_FILES)),
            _first_load(stage, contenders.drt, sizes.drt),
        ]
    inner = rows / median(one.report["seconds"] for one in passes)
    enough = inner >= (950 if limited else 10_000) and ours.refused == 0 and ours.landed == rows
    return Result(
        title=f"{rows:,} new contacts, 150 ms latency, 100 requests in 10 s"
        if limited
        else f"{rows:,} new contacts, no limits",
        goal="at least 950 records/s in the run itself, no 429"
        if limited
        else "at least 10,000 records/s in the run itself",
        columns=("rows", "seconds", "CPU s", "records/s", "landed", "requests", "429s", "careloom = 1"),
        rows=tuple(_rate_row(one, ours) for one in (ours, *others)),
        remarks=(f"careloom's run itself, without starting Python and opening the store: {inner:,.0f} records/s.",),
        reached=enough if judged else None,
    )


def _first_load(stage: Stage, make: Callable[[Path, str], Contender], rows: int) -> Pass:
    return stage.run(stage.enter(make, rows), rows, _LONGEST)


def _dlt(files: int) -> Callable[[Path, str], Contender]:
    return lambda folder, url: contenders.dlt(folder, url, files=files)


def _middle(passes: list[Pass]) -> Pass:
    """The pass of the median time."""
    return sorted(passes, key=lambda one: one.seconds)[len(passes) // 2]


def _rate_row(one: Pass, ours: Pass) -> Row:
    return Row(
        name=one.name,
        cells=(
            f"{one.rows:,}",
            f"{one.seconds:.1f}" + (" (ended)" if one.timed_out else ""),
            f"{one.processor:.1f}",
            f"{one.rate:,.0f}" if one.rate >= 10 else f"{one.rate:.1f}",
            f"{one.landed:,}",
            f"{one.requests:,}",
            f"{one.refused:,}",
            "1" if one is ours else f"{one.rate / ours.rate:.3g}",
        ),
    )


# ---------------------------------------------------------------- nothing changed


def _unchanged(stage: Stage, sizes: Sizes, *, peers: bool, judged: bool) -> Result:
    ours = _second_runs(stage, stage.careloom, sizes.same, sizes.repeats)
    others = []
    if peers:
        others = [
            _second_runs(stage, contenders.dlt, sizes.dlt, 1),
            _second_runs(stage, contenders.drt, sizes.drt // 2, 1),
        ]
    return Result(
        title=f"{sizes.same:,} rows of which none changed",
        goal="0 write calls, less than 3 s",
        columns=("rows", "seconds", "CPU s", "write calls", "requests", "peak MiB", "write calls for 100,000 rows"),
        rows=tuple(
            Row(
                name=one.name,
                cells=(
                    f"{one.rows:,}",
                    f"{one.seconds:.1f}",
                    f"{one.processor:.1f}",
                    f"{one.writes:,}",
                    f"{one.requests:,}",
                    f"{one.peak / 2**20:,.0f}",
                    f"{one.writes * 100_000 / one.rows:,.0f}",
                ),
            )
            for one in (ours, *others)
        ),
        remarks=(f"careloom's run itself, without starting Python: {ours.report['seconds']:.1f} s.",),
        reached=(ours.writes == 0 and ours.seconds < 3) if judged else None,
    )


def _second_runs(stage: Stage, make: Callable[[Path, str], Contender], rows: int, repeats: int) -> Pass:
    contender = stage.enter(make, rows)
    stage.run(contender, rows, _LONGEST)
    return _middle([stage.run(contender, rows, _LONGEST) for _ in range(repeats)])


def _many_unchanged(stage: Stage, sizes: Sizes, *, judged: bool) -> Result:
    contender = stage.enter(stage.careloom, sizes.many)
    link_everyone(contender)
    one = _middle([stage.run(contender, sizes.many, _LONGEST) for _ in range(sizes.repeats)])
    same = one.report["counts"]["same"]
    return Result(
        title=f"{sizes.many:,} rows of which none changed",
        goal="less than 15 s and 2 GiB",
        columns=("seconds", "CPU s", "peak MiB", "PostgreSQL MiB", "same", "write calls"),
        rows=(
            Row(
                name=one.name,
                cells=(
                    f"{one.seconds:.1f}",
                    f"{one.processor:.1f}",
                    f"{one.peak / 2**20:,.0f}",
                    f"{one.database_peak / 2**20:,.0f}",
                    f"{same:,}",
                    f"{one.writes:,}",
                ),
            ),
        ),
        remarks=("The ledger was filled beforehand with what the engine computes; no record is in the portal.",),
        reached=(one.seconds < 15 and one.peak < 2**31 and same == sizes.many and one.writes == 0) if judged else None,
    )


# ---------------------------------------------------------------- bad rows


def _bad_rows(stage: Stage, sizes: Sizes, *, peers: bool, judged: bool) -> Result:
    contender = stage.enter(stage.careloom, sizes.held, sizes.bad)
    first = stage.run(contender, sizes.held, _LONGEST)
    mend(contender)
    second = stage.run(contender, sizes.held, _LONGEST)
    held = first.report["counts"]["held"]
    refused = sum(one["records"] for one in first.report["reasons"] if one["kind"] == "remote")
    more = first.writes - -(-first.landed // 100)
    rows = [_landing_row(first.name, first, second)]
    if peers:
        rows += [
            _peer_row(stage, contenders.dlt, sizes.dlt, max(1, sizes.dlt // 100)),
            _peer_row(stage, contenders.drt, sizes.drt // 2, max(1, sizes.drt // 200)),
        ]
    reasons = ", ".join(f"{one['records']} {one['code']} ({one['property']})" for one in first.report["reasons"])
    return Result(
        title=f"{sizes.bad:,} faulty rows in {sizes.held:,}",
        goal="every good row lands, every bad one is held with its reason, and lands after its fix",
        columns=("rows", "faulty", "landed", "seconds", "write calls", "landed after the fix", "write calls then"),
        rows=tuple(rows),
        remarks=(
            f"Held: {reasons}.",
            f"{held - refused:,} faulty rows were held before any request, by the portal's own definitions.",
            f"For each of the {refused:,} that only HubSpot could refuse, {more / max(1, refused):.1f} calls more were made.",
        ),
        reached=_accounted(first, second, sizes) if judged else None,
    )


def _accounted(first: Pass, second: Pass, sizes: Sizes) -> bool:
    return (
        first.landed == sizes.held - sizes.bad
        and first.report["counts"]["held"] == sizes.bad
        and second.landed == sizes.bad
        and second.report["counts"]["held"] == 0
    )


def _peer_row(stage: Stage, make: Callable[[Path, str], Contender], rows: int, bad: int) -> Row:
    contender = stage.enter(make, rows, bad)
    first = stage.run(contender, rows, _LONGEST)
    mend(contender)
    return _landing_row(first.name, first, stage.run(contender, rows, _LONGEST), bad)


def _landing_row(name: str, first: Pass, second: Pass, bad: int | None = None) -> Row:
    faulty = first.report["counts"]["held"] if bad is None else bad
    return Row(
        name=name,
        cells=(
            f"{first.rows:,}",
            f"{faulty:,}",
            f"{first.landed:,}",
            f"{first.seconds:.1f}",
            f"{first.writes:,}",
            f"{first.landed + second.landed:,}",
            f"{second.writes:,}",
        ),
    )
