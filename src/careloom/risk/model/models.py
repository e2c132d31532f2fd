"""The models that CMS pays by: how each is named, and which diagnoses interact in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from careloom.core.errors import Fix
from careloom.risk.model.interactions import ESRD_V21, ESRD_V24, RX_V08, V22, V24, V28, Interactions

DISABLED = "disabled"
NONAGED = "nonaged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One risk-adjustment model.

    `family` is community, esrd or rx; `domain` and `version` are its name in the coefficients; `zeroed` are the
    categories that count for no one in it, `requires_any` those that count only beside one of others. `proposed`: CMS asked for
    comments on it and does not pay by it, so it is used by its own name only.
    """

    name: str
    family: str
    domain: str
    version: str
    edition: str
    interactions: Interactions
    zeroed: frozenset[str] = frozenset()
    requires_any: Mapping[str, frozenset[str]] = field(default_factory=dict)
    prefix: str = "HCC"
    variant: str = ""
    proposed: bool = False

    @property
    def title(self) -> str:
        """The model's full name in the diagnosis mapping, such as `CMS-HCC Model V28`."""
        kind = {"community": "CMS-HCC", "esrd": "CMS-HCC ESRD", "rx": "RxHCC"}[self.family]
        return f"{kind} Model {self.edition}"


_RX = {
    "family": "rx",
    "domain": "RxHCC",
    "version": "R08",
    "edition": "V08",
    "interactions": RX_V08,
    "prefix": "RXHCC",
}

_V28 = {
    "family": "community",
    "domain": "CMS-HCC",
    "version": "C28",
    "edition": "V28",
    "interactions": V28,
    "requires_any": {"223": frozenset({"221", "222", "224", "225", "226"})},
}

MODELS: Mapping[str, Model] = {
    model.name: model
    for model in (
        Model(name="V22", family="community", domain="CMS-HCC", version="C22", edition="V22", interactions=V22),
        Model(name="V24", family="community", domain="CMS-HCC", version="C24", edition="V24", interactions=V24),
        Model(name="V28", **_V28),  # type: ignore[arg-type]
        Model(
            name="ESRD-V21",
            family="esrd",
            domain="ESRD",
            version="D21",
            edition="V21",
            interactions=ESRD_V21,
            zeroed=frozenset({"134"}),
        ),
        Model(
            name="ESRD-V24",
            family="esrd",
            domain="ESRD",
            version="D24",
            edition="V24",
            interactions=ESRD_V24,
            zeroed=frozenset({"134", "135", "136", "137"}),
        ),
        Model(name="V28-PROPOSED", proposed=True, **_V28),  # type: ignore[arg-type]
        Model(name="RX-V08", **_RX),  # type: ignore[arg-type]
        Model(name="RX-V08-PDP-AND-MAPD", variant="PDP_AND_MAPD", **_RX),  # type: ignore[arg-type]
        Model(name="RX-V08-PDP", variant="PDP_ONLY", **_RX),  # type: ignore[arg-type]
        Model(name="RX-V08-MAPD", variant="MAPD_ONLY", **_RX),  # type: ignore[arg-type]
    )
}
"""By the name that callers write."""


def model_named(name: str) -> Model:
    """The model called `name`, such as `V28` or, as CMS writes it, `CMS-HCC Model V28`.

    Raises:
        Fix: there is none.

    """
    written_name = name.strip().upper().replace("_", "-").replace(" ", "-").replace("RXHCC-V", "RX-V")
    for model in MODELS.values():
        titles = {model.name, model.title.upper().replace(" ", "-")}
        if written_name in titles and (not (model.variant or model.proposed) or written_name == model.name):
            return model
    raise Fix(f"there is no risk model {name!r}; write one of {', '.join(MODELS)}")
