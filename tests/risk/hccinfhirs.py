"""hccinfhir's own parsers and filter, to be compared with. They are no oracle of whose a claim is: see test_hierarchy."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

with warnings.catch_warnings():  # it opens its own files in a way that Python calls deprecated
    warnings.simplefilter("ignore", DeprecationWarning)
    from hccinfhir.extractor_837 import extract_sld_837  # type: ignore[import-untyped]
    from hccinfhir.extractor_fhir import extract_sld_fhir  # type: ignore[import-untyped]
    from hccinfhir.filter import apply_filter  # type: ignore[import-untyped]

filter_of_theirs: Callable[..., list[Any]] = apply_filter


def parsers() -> tuple[Callable[[Any], list[Any]], Callable[[str], list[Any]]]:
    """The parsers of one FHIR claim and of one X12 transaction."""
    return extract_sld_fhir, extract_sld_837
