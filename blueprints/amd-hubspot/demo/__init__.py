"""A clinic that does not exist: a warehouse, the portal it should be equal to, and the truth about who is who.

Load it by path (the folder's name is no Python name):

    spec = importlib.util.spec_from_file_location(NAME, "…/demo/__init__.py", submodule_search_locations=["…/demo"])
    module = importlib.util.module_from_spec(spec); sys.modules[NAME] = module; spec.loader.exec_module(module)
"""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import duckdb

from .contacts import DECLARED, make_contacts
from .people import Town
from .tables import FIRST_ID, patient_rows, roi_rows, spoiled_keys, write_warehouse
from .tides import Tide, tide

__all__ = ["change", "generate"]

WAREHOUSE, CONTACTS, TRUTH = "warehouse.duckdb", "contacts.jsonl", "truth.json"


def generate(folder: Path, *, patients: int = 5000, rois: int = 3000, contacts: int = 3000, seed: int = 7) -> None:
    """Write warehouse.duckdb, contacts.jsonl and truth.json into `folder`; the same seed gives the same clinic.

    truth.json: {"contacts": {patient ID: [ids of the contacts that are this patient]}, "spoiled": [IDs that stand in two
    rows]}. Each line of contacts.jsonl carries its "id"; the first line declares properties.
    """
    random = Random(seed)  # noqa: S311 - invented people, no secrets
    town = Town(random)
    people = town.people(patients)
    rows = patient_rows(people, random)
    write_warehouse(folder / WAREHOUSE, rows, roi_rows(rows, rois, random))
    made, theirs = make_contacts(people, town, contacts, random)
    lines = [{"properties": DECLARED}, *made]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (folder / CONTACTS).write_text(text, encoding="utf-8")
    truth = {str(FIRST_ID + number): ids for number, ids in enumerate(theirs)}
    spoiled = sorted(str(key) for key in spoiled_keys(rows) if key is not None)
    (folder / TRUTH).write_text(json.dumps({"contacts": truth, "spoiled": spoiled}, indent=0), encoding="utf-8")


def change(folder: Path, share: float = 0.02, seed: int = 8) -> dict[str, dict[str, int]]:
    """A day passes: `share` of the rows change, a few of them by coming or going.

    Returns {"patients": {"updated", "new", "gone"}, "rois": {…}}. Rows that stand twice or have no key are left alone.
    """
    random = Random(seed)  # noqa: S311 - invented people, no secrets
    with duckdb.connect(str(folder / WAREHOUSE)) as database:
        passed = tide(database, share, random, Town(random))
    _remember(folder / TRUTH, passed)
    return passed.counts


def _remember(file: Path, passed: Tide) -> None:
    truth = json.loads(file.read_text(encoding="utf-8"))
    truth["contacts"].update({str(key): [] for key in passed.new_patients})
    file.write_text(json.dumps(truth, indent=0), encoding="utf-8")
