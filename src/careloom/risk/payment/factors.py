"""What makes a payment score of a raw one: the published factors, and a user's own in their place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from careloom.core.errors import Fix
from careloom.risk.model.models import MODELS, model_named
from careloom.risk.payment import announced
from careloom.risk.payment.announced import Factor
from careloom.risk.payment.payment_factors import Money
from careloom.risk.population.handwritten import Row, rows
from careloom.risk.published.tables import read_tables, years

NEEDED = ("model", "payment_year")
VALUES = ("normalization", "graft_normalization", "coding_intensity", "frailty")
OPTIONAL = (*VALUES, "source")
_YEARS = (2004, 2100)
"""CMS has paid by HCCs since 2004."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Factors:
    """The factors of one model and payment year; None where none is known, or where the published one holds.

    `place` is where a user wrote them.
    """

    normalization: Factor | None = None
    graft_normalization: Factor | None = None
    coding_intensity: Factor | None = None
    frailty: Factor | None = None
    place: str | None = None


Own = Mapping[tuple[str, int], Factors]
"""A user's own factors by model and payment year."""


def published(model: str, year: int) -> Factors:
    """What is published for Medicare Advantage, as far as it is known here; RxHCC scores have no coding intensity.

    Raises:
        Fix: no such model.

    """
    about_model = model_named(model)
    return Factors(
        normalization=announced.NORMALIZATION.get((about_model.name, year)),
        graft_normalization=announced.GRAFT_NORMALIZATION.get((about_model.name, year)),
        coding_intensity=None if about_model.family == "rx" else announced.CODING_INTENSITY.get(year),
    )


def read_factors(path: str | Path) -> dict[tuple[str, int], Factors]:
    """A user's own factors from a CSV file, by model and payment year, for `standard_money`.

    Its columns are model, payment_year, normalization, graft_normalization, coding_intensity, frailty and source; all but
    the first two may be missing or empty, and then what is published holds.

    Raises:
        Fix: it cannot be read; a column, a model or a value is unknown or unreadable; a model and year is there twice.

    """
    factors_by_edition: dict[tuple[str, int], Factors] = {}
    for row in rows(Path(path), NEEDED, OPTIONAL):
        try:
            model = model_named(row.text("model"))
        except Fix as error:
            raise Fix(f"{row.place}: {error}") from None
        key = (model.name, row.whole("payment_year", *_YEARS))
        if key in factors_by_edition:
            raise Fix(f"{row.place}: {model.name} of {key[1]} is there twice; leave one line out")
        factors_by_edition[key] = _own_entry(row, model.name, key[1], esrd=model.family == "esrd")
    return factors_by_edition


def _own_entry(row: Row, model: str, year: int, *, esrd: bool) -> Factors:
    source = row.text("source") or row.place
    positive, share = (
        "a number above 0, such as 1.067, or nothing",
        "a share from 0 to below 1, such as 0.059, or nothing",
    )
    values = {
        "normalization": row.number("normalization", positive, minimum="0.000000001"),
        "graft_normalization": row.number("graft_normalization", positive, minimum="0.000000001"),
        "coding_intensity": row.number("coding_intensity", share, minimum="0", maximum="0.999999999"),
        "frailty": row.number(
            "frailty", "a number from -10 to 10, such as 0.123, or nothing", minimum="-10", maximum="10"
        ),
    }
    if values["graft_normalization"] is not None and not esrd:
        raise row.wrong("graft_normalization", f"nothing: {model} has no functioning grafts")
    published_factors = published(model, year)
    has_value = [values[name] is not None or getattr(published_factors, name) is not None for name in VALUES[:2]]
    if (
        esrd and has_value[0] != has_value[1]
    ):  # else the scores of one of the two would be divided by what is the other's
        raise row.wrong(
            VALUES[has_value[0]],
            f"it: {VALUES[not has_value[0]]} is known for {model} of {year}, so this is needed too",
        )
    return Factors(place=row.place, **{name: _factor(value, source) for name, value in values.items()})


def _factor(value: Decimal | None, source: str) -> Factor | None:
    return None if value is None else Factor(value=float(value), source=source)


def standard_money(
    model: str, year: int, mode: str = "cms", *, pace: bool = False, own_factors: Own | None = None
) -> Money:
    """The published factors of a model and year, and `own_factors` before them; in `compat` the library takes none by itself.

    The payment score of a model and year whose normalisation is neither published here nor given is NULL. PACE
    organisations have no coding intensity.

    Raises:
        Fix: no such model; `own_factors` gives a PACE organisation a coding intensity.

    """
    name = model_named(model).name
    own_entry = (own_factors or {}).get((name, year), Factors())
    published_factors = Factors() if mode == "compat" else published(name, year)
    if pace and own_entry.coding_intensity is not None and own_entry.coding_intensity.value:
        raise Fix(f"{own_entry.place}: a PACE organisation has no coding_intensity; leave it empty there")
    normal = own_entry.normalization or published_factors.normalization
    grafts = own_entry.graft_normalization or published_factors.graft_normalization
    intensity = None if pace else own_entry.coding_intensity or published_factors.coding_intensity
    used_factors = (grafts, normal, intensity, own_entry.frailty)
    bare = 1.0 if mode == "compat" else None
    return Money(
        normalization=normal.value if normal else bare,
        grafts=grafts.value if grafts else None,
        coding_intensity=intensity.value if intensity else 0.0,
        frailty=own_entry.frailty.value if own_entry.frailty else 0.0,
        sources=tuple(dict.fromkeys(factor.source for factor in used_factors if factor)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One factor of a payment year. `model` is None where it holds for every model; `value` where none is known.

    `status` is `final` where CMS published it, `own` where a user gave it.
    """

    year: int
    model: str | None
    factor: str
    value: float | None
    source: str | None
    status: str | None = None


def facts(year: int | None = None, own_factors: Own | None = None) -> list[Fact]:
    """Every factor that is known, of one payment year or of all, and the normalisations that are not.

    Those are listed that are not known of models with tables, for without them there is no payment score.

    Raises:
        Fix: `own_factors` has a model that does not exist.

    """
    known_years = {known_year for _, known_year in (*announced.NORMALIZATION, *(own_factors or {}))} | {
        *announced.CODING_INTENSITY,
        *announced.BLENDS,
    }
    return [
        fact
        for known_year in sorted(known_years | {*years()})
        if year in (None, known_year)
        for fact in _year(known_year, own_factors or {})
    ]


def _year(year: int, own_factors: Own) -> Iterator[Fact]:
    for model, about_model in MODELS.items():
        own_entry, published_factors = own_factors.get((model, year), Factors()), published(model, year)
        for name in VALUES:
            own_factor = getattr(own_entry, name)
            factor = own_factor or (getattr(published_factors, name) if name in VALUES[:2] else None)
            esrd = name == "graft_normalization" and about_model.family == "esrd"
            if factor or ((name == "normalization" or esrd) and _has_tables(model, year)):
                value, source = (factor.value, factor.source) if factor else (None, None)
                status = ("own" if own_factor else "final") if factor else None
                yield Fact(year=year, model=model, factor=name, value=value, source=source, status=status)
    if (intensity := announced.CODING_INTENSITY.get(year)) is not None:
        yield Fact(
            year=year,
            model=None,
            factor="coding_intensity",
            value=intensity.value,
            source=intensity.source,
            status="final",
        )
    for pace, name in ((False, "share"), (True, "pace_share")):
        try:
            shares = announced.blend(year, pace=pace)
        except Fix:
            if year in years():
                yield Fact(year=year, model=None, factor=name, value=None, source=None)
            continue
        for model, share in shares.items():
            source = announced.blend_source(year, pace=pace)
            yield Fact(year=year, model=model, factor=name, value=share, source=source, status="final")


def _has_tables(model: str, year: int) -> bool:
    """Whether there are tables to score by."""
    try:
        read_tables(model, year)
    except Fix:
        return False
    return True
