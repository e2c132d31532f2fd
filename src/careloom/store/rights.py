"""What the role that careloom connects as may do in its database."""

from __future__ import annotations

from collections.abc import Sequence

from careloom.store.database import Store
from careloom.store.statements import statements


def lacking_rights(store: Store, schemas: Sequence[str]) -> list[str]:
    """Tables of careloom's that may not be written, and those of `schemas` in which nothing may be made; each by its name."""
    with store.transaction() as connection:
        return [name for (name,) in connection.execute(_SQL["lacking"], {"schemas": list(schemas)}).fetchall()]


_SQL = statements("rights")
