"""The tables that the scoring statement joins: a model's published tables, turned into masks, states and whole numbers.

A person's categories are two words of 63 bits. The words are cut into chunks of 9 bits, and every value that a chunk can
take is a row that says what it is worth: looking a chunk up is one join on a small dense whole number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from careloom.core.errors import Stop
from careloom.risk.model.compat_demographics import compat_cell
from careloom.risk.model.demographics import DemographicCell, cms_cell, worth
from careloom.risk.model.models import DISABLED, NONAGED
from careloom.risk.model.profiles import everyone
from careloom.risk.published.tables import Tables, read_tables

WORD = 63
"""Bits of a mask that one word carries; every engine has signed words of 64."""
CHUNK = 9
STATES = 1 << CHUNK
MOST = 1 << 20
"""Sums of coefficients stay below this, so that two sums and two counts fit into one word (see `pack`)."""
COUNTS = 10
CHRONIC = 31
"""How many bits higher the flags stand that only chronic categories set."""
NO_AGE, NO_SEX, UNREADABLE, CONTRADICTED = -1, -2, -3, -4
HELD = {NO_AGE: "age-missing", NO_SEX: "sex-missing", UNREADABLE: "age-unreadable", CONTRADICTED: "rows-contradict"}
"""Kinds of nobody: a person without a usable age or sex keeps a row, with this reason and without scores.

age-unreadable: there is an age or birth date that is not one, or a birth after the day by which age is counted. rows-contradict: the
person is there more than once, with different facts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """One interaction of the model: the bits that it needs, and its worth by segment number."""

    name: str
    needs: int
    worth: Mapping[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookups:
    """What the statement is built from: Arrow `tables` by name, and what is written into the statement itself."""

    tables: Mapping[str, pa.Table]
    read: Tables
    segments: tuple[str, ...]
    interactions: tuple[Interaction, ...]
    chunks: int
    shedding: Mapping[int, tuple[int, ...]]
    zeroed: tuple[int, ...]
    requires_any: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]
    counts_hccs: bool
    own_flags: int
    words: int

    def write(self, folder: Path) -> None:
        """A Parquet file for each table, in `folder`, which is made where it is missing. OSError where it cannot be."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, table in self.tables.items():
            pq.write_table(table, folder / f"{name}.parquet")


@lru_cache(maxsize=32)
def lookups(model: str, year: int, mode: str = "cms") -> Lookups:
    """The lookup tables of a model, year and mode, made once a process.

    Raises:
        Fix: as `read_tables`.

    """
    tables = read_tables(model, year, mode)
    places = Places(tables.categories)
    cells = _all_cells(tables)
    segments = tuple(dict.fromkeys(cell.segment for cell in cells))
    interactions, bits = _interactions(tables, segments)
    model_ = tables.model
    return Lookups(
        tables={
            "hcc_codes": _codes(tables, places),
            "hcc_edits": _edits(tables, places),
            "hcc_cells": _cells(tables, cells, segments, bits),
            "hcc_hierarchy": _hierarchy(tables, places),
            "hcc_states": _states(tables, places, segments, bits),
            "hcc_names": _names(places),
            "hcc_segments": _segments(segments, interactions),
            "hcc_counts": _counts(tables, segments),
        },
        read=tables,
        segments=segments,
        interactions=interactions,
        chunks=places.chunks,
        shedding=_removals(tables, places),
        zeroed=places.mask(model_.zeroed),
        requires_any=tuple(
            (places.mask([category]), places.mask(partners)) for category, partners in model_.requires_any.items()
        ),
        counts_hccs=any(name.endswith("_d1") for name in tables.coefficients),
        own_flags=bits.get(DISABLED, 0) | bits.get(NONAGED, 0),
        words=places.words,
    )


class Places:
    """Where each category has its bit: word, and bit in the word."""

    def __init__(self, categories: Sequence[str]) -> None:
        self.categories = tuple(categories)
        self.bit = {category: number for number, category in enumerate(categories)}
        self.words = max(2, -(-len(categories) // WORD))
        self.chunks = -(-len(categories) // CHUNK)

    def mask(self, categories: Iterable[str]) -> tuple[int, ...]:
        """The words in which the bits of `categories` are set; those without a bit are left out."""
        bits = sum(1 << self.bit[category] for category in categories if category in self.bit)
        return tuple(bits >> (WORD * word) & ((1 << WORD) - 1) for word in range(self.words))

    def chunk(self, chunk: int) -> tuple[str, ...]:
        """The categories of one chunk, lowest bit first."""
        return self.categories[chunk * CHUNK : (chunk + 1) * CHUNK]


def _all_cells(tables: Tables) -> tuple[DemographicCell, ...]:
    """The cell of every kind of person, in the order of the kinds' numbers."""
    model = tables.model
    if tables.mode == "compat":
        return tuple(compat_cell(person, model.family, tables.coefficients) for person in everyone(model.family))
    return _cms_cells(model.family, model.edition if model.family == "esrd" else "")


@lru_cache(maxsize=4)
def _cms_cells(family: str, edition: str) -> tuple[DemographicCell, ...]:
    """CMS's cells do not hang on a year's tables, and only those of ESRD on the edition."""
    return tuple(cms_cell(person, family, edition) for person in everyone(family))


def _codes(tables: Tables, places: Places) -> pa.Table:
    """`code`, `edited`, and the words of its categories."""
    codes = list(tables.codes)
    masks = [places.mask(tables.codes[code]) for code in codes]
    columns = {"code": pa.array(codes, pa.string()), "edited": pa.array([code in tables.edits for code in codes])}
    return pa.table(columns | _words("w", masks, places.words))


def _edits(tables: Tables, places: Places) -> pa.Table:
    """`code`, when its edit fires, and the words of its categories without (`w`) and with it (`o`)."""
    edits = tables.edits
    return pa.table(
        {
            "code": pa.array(list(edits), pa.string()),
            "sex": pa.array([edit.sex for edit in edits.values()], pa.string()),
            "age_min": pa.array([edit.age_min for edit in edits.values()], pa.int32()),
            "age_max": pa.array([edit.age_max for edit in edits.values()], pa.int32()),
        }
        | _words("w", [places.mask(tables.codes[code]) for code in edits], places.words)
        | _words("o", [places.mask([edit.category] if edit.category else []) for edit in edits.values()], places.words)
    )


def _words(letter: str, masks: Sequence[tuple[int, ...]], words: int) -> dict[str, pa.Array[Any]]:
    return {f"{letter}{word}": pa.array([mask[word] for mask in masks], pa.int64()) for word in range(words)}


def _cells(
    tables: Tables, cells: Sequence[DemographicCell], segments: Sequence[str], bits: Mapping[str, int]
) -> pa.Table:
    """One row for each kind of person: its segment, its thousandths, its flags, and the names of its terms."""
    number = {segment: place for place, segment in enumerate(segments)}
    coefficients = tables.coefficients
    alike = {cell: _worths(cell, coefficients) for cell in set(cells)}  # many kinds of people have the same cell
    of_each = [alike[cell] for cell in cells]
    padding: list[None] = [None] * len(HELD)
    return pa.table(
        {
            "kind": pa.array([*range(len(cells)), *HELD], pa.int64()),
            "segment": pa.array([*(number[cell.segment] for cell in cells), *(0 for _ in HELD)], pa.int64()),
            "segment_name": pa.array([*(cell.segment.rstrip("_") for cell in cells), *padding], pa.string()),
            "demographics": pa.array([*(values.demographics for values in of_each), *padding], pa.int64()),
            "besides": pa.array([*(values.besides for values in of_each), *padding], pa.int64()),
            "bare": pa.array([*(values.bare for values in of_each), *padding], pa.int64()),
            "flags": pa.array([*(_flags(cell, bits) for cell in cells), *(0 for _ in HELD)], pa.int64()),
            "terms": pa.array([*(values.terms for values in of_each), *padding]),
            "held": pa.array([*([None] * len(cells)), *HELD.values()], pa.string()),
        }
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Worth:
    """A cell's sums in thousandths, and its terms as text."""

    demographics: int
    besides: int
    bare: int
    terms: str


def _worths(cell: DemographicCell, coefficients: Mapping[str, int]) -> _Worth:
    terms = list(worth(cell, coefficients))
    return _Worth(
        demographics=sum(value for _, value in terms),
        besides=_sum(cell.besides, coefficients),
        bare=-_sum(cell.bare, coefficients),
        terms=_term_text(terms, cell, coefficients),
    )


def _sum(names: Iterable[str], coefficients: Mapping[str, int]) -> int:
    return sum(coefficients.get(name.lower(), 0) for name in names)


def _term_text(terms: list[tuple[str, int]], cell: DemographicCell, coefficients: Mapping[str, int]) -> str:
    besides = [(name, coefficients[name.lower()]) for name in cell.besides]
    return ",".join(f"{name}={value}" for name, value in [*terms, *besides])


def _flags(cell: DemographicCell, bits: Mapping[str, int]) -> int:
    return bits.get(DISABLED, 0) * cell.is_disabled | bits.get(NONAGED, 0) * cell.is_nonaged


def _interactions(tables: Tables, segments: Sequence[str]) -> tuple[tuple[Interaction, ...], dict[str, int]]:
    """Those that have a coefficient in some segment, and the bit of each of their parts."""
    interactions: list[Interaction] = []
    bits: dict[str, int] = {}
    for name, parts in tables.model.interactions.parts.items():
        if tables.mode == "compat" and name == "HCC85_gDiabetesMellit":
            continue  # the library asks for a name that the table lacks: rule v22-diabetes-name
        keys = {number: f"{segment}{name}".lower() for number, segment in enumerate(segments)}
        coefficients = {number: tables.coefficients[key] for number, key in keys.items() if key in tables.coefficients}
        if coefficients:
            needs = sum(bits.setdefault(part, 1 << len(bits)) for part in parts)
            interactions.append(Interaction(name=name, needs=needs, worth=coefficients))
    return tuple(interactions), bits


def _parents(tables: Tables, places: Places, chunk: int) -> list[str]:
    return [category for category in places.chunk(chunk) if category in tables.hierarchy]


def _removals(tables: Tables, places: Places) -> dict[int, tuple[int, ...]]:
    """The chunks that push something out, with the words in which it stands."""
    removed_by: dict[int, tuple[int, ...]] = {}
    for chunk in range(places.chunks):
        mask = places.mask(set().union(*(tables.hierarchy[parent] for parent in _parents(tables, places, chunk))))
        if any(mask):
            removed_by[chunk] = tuple(word for word, bits in enumerate(mask) if bits)
    return removed_by


def _hierarchy(tables: Tables, places: Places) -> pa.Table:
    """For each value of a chunk of what was found: the words of what its categories push out."""
    rows: list[tuple[int, int]] = []
    masks: list[tuple[int, ...]] = []
    for chunk in _removals(tables, places):
        category_masks = [places.mask(tables.hierarchy.get(category, ())) for category in places.chunk(chunk)]
        category_masks += [places.mask(())] * (CHUNK - len(category_masks))
        masks += _unions(category_masks, places.words)
        rows += [(chunk, state) for state in range(STATES)]
    return pa.table(_placements(rows) | _words("d", masks, places.words))


def _placements(rows: Sequence[tuple[int, int]]) -> dict[str, pa.Array[Any]]:
    return {
        "chunk": pa.array([chunk for chunk, _ in rows], pa.int64()),
        "state": pa.array([state for _, state in rows], pa.int64()),
    }


def _unions(masks: Sequence[tuple[int, ...]], words: int) -> list[tuple[int, ...]]:
    """The union for every set of bits, each made from a smaller one."""
    unions = [(0,) * words]
    for mask in masks:
        unions += [tuple(a | b for a, b in zip(union, mask, strict=True)) for union in unions]
    return unions


def _totals(values: Sequence[int]) -> list[int]:
    totals = [0]
    for value in values:
        totals += [total + value for total in totals]
    return totals


def pack(*, worth: int, chronic_worth: int, is_chronic: bool) -> int:
    """Two sums of thousandths and two counts in one whole number, so that adding rows adds all four."""
    return worth | chronic_worth << 20 | 1 << 40 | is_chronic << 48


def _states(tables: Tables, places: Places, segments: Sequence[str], bits: Mapping[str, int]) -> pa.Table:
    """For each segment and value of a chunk of what remains: sums and counts (`pack`), and the interaction bits."""
    rows: list[tuple[int, int]] = []
    sums: list[int] = []
    flags: list[int] = []
    _check_range(tables, segments)
    for chunk in range(places.chunks):
        categories = places.chunk(chunk)
        present = _present(categories, tables, bits)
        for number, segment in enumerate(segments):
            values = [_pack_category(tables, segment, category) for category in categories]
            sums += _totals(values + [0] * (CHUNK - len(categories)))
            flags += present
            rows += [(chunk, number * STATES + state) for state in range(STATES)]
    return pa.table(_placements(rows) | {"sums": pa.array(sums, pa.int64()), "flags": pa.array(flags, pa.int64())})


def _check_range(tables: Tables, segments: Sequence[str]) -> None:
    for segment in segments:
        values = [_worth(tables, segment, category) for category in tables.categories]
        if min(values) < 0 or sum(values) >= MOST:
            raise Stop(f"the coefficients of {tables.model.name} in {segment} do not fit where sums are packed")


def _worth(tables: Tables, segment: str, category: str) -> int:
    return tables.coefficients.get(f"{segment}{tables.model.prefix}{category}".lower(), 0)


def _pack_category(tables: Tables, segment: str, category: str) -> int:
    value = _worth(tables, segment, category)
    chronic = category in tables.chronic
    return pack(worth=value, chronic_worth=value * chronic, is_chronic=chronic)


def _present(categories: Sequence[str], tables: Tables, bits: Mapping[str, int]) -> list[int]:
    """For every set of the chunk's categories: the bits of the parts that it has, chronic ones again 31 bits higher."""
    groups = tables.model.interactions.groups
    flag_masks = []
    for category in categories:
        has = {name for name, members in groups.items() if category in members} | {f"HCC{category}"}
        mask = sum(bit for part, bit in bits.items() if part in has)
        flag_masks.append((mask | mask << CHRONIC if category in tables.chronic else mask,))
    flag_masks += [(0,)] * (CHUNK - len(flag_masks))
    return [mask for (mask,) in _unions(flag_masks, 1)]


def _names(places: Places) -> pa.Table:
    """For each value of a chunk: its categories, each followed by a comma."""
    rows: list[tuple[int, int]] = []
    texts: list[str] = []
    for chunk in range(places.chunks):
        chunk_texts = [""]
        for category in places.chunk(chunk):
            chunk_texts += [f"{text}{category}," for text in chunk_texts]
        texts += chunk_texts + [""] * (STATES - len(chunk_texts))
        rows += [(chunk, state) for state in range(STATES)]
    return pa.table(_placements(rows) | {"names": pa.array(texts, pa.string())})


def _segments(segments: Sequence[str], interactions: Sequence[Interaction]) -> pa.Table:
    """For each segment the worth of every interaction, NULL where the segment has no coefficient for it."""
    numbers = range(len(segments))
    columns = {
        f"i{place}": pa.array([interaction.worth.get(number) for number in numbers], pa.int64())
        for place, interaction in enumerate(interactions)
    }
    return pa.table({"segment": pa.array(list(numbers), pa.int64())} | columns)


def _counts(tables: Tables, segments: Sequence[str]) -> pa.Table:
    """What the number of payment HCCs is worth: `place` is the segment's number times 16 plus the number, at most 10."""
    rows: list[tuple[int, int, str]] = []
    for number, segment in enumerate(segments):
        for count in range(COUNTS + 1):
            name = "D10P" if count == COUNTS else f"D{count}"
            value = tables.coefficients.get(f"{segment}{name}".lower())
            rows.append((number * 16 + count, value or 0, "" if value is None else f"{name},"))
    return pa.table(
        {
            "place": pa.array([place for place, _, _ in rows], pa.int64()),
            "worth": pa.array([value for _, value, _ in rows], pa.int64()),
            "name": pa.array([name for _, _, name in rows], pa.string()),
        }
    )
