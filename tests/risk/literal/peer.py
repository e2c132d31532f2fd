"""hccinfhir, beside which the reading is held."""

from __future__ import annotations

import warnings
from dataclasses import asdict
from functools import cache
from importlib import import_module
from typing import Any

from risk.literal.models import MODELS, YEAR
from risk.literal.persons import Person


@cache
def engine(model: str, year: int = YEAR) -> Any:
    """hccinfhir's engine of one model; it opens its files in a way that Python calls deprecated."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return import_module("hccinfhir").HCCInFHIR(
            model_name=MODELS[model],
            dx_cc_mapping_filename=f"ra_dx_to_cc_{year}.csv",
            hierarchies_filename=f"ra_hierarchies_{min(year, YEAR)}.csv",
            coefficients_filename=f"ra_coefficients_{min(year, YEAR)}.csv",
        )


def segment_in_hccinfhir(result: Any, model: str) -> str:
    prefix = import_module("hccinfhir.model_coefficients").get_coefficent_prefix(result.demographics, MODELS[model])
    return str(prefix).rstrip("_")


def in_hccinfhir(person: Person, codes: list[str], model: str, year: int = YEAR) -> Any:
    return engine(model, year).calculate_from_diagnosis(codes, asdict(person), maci=0.059, norm_factor=1.067)
