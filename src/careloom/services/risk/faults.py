"""How a run of risk scores ends that cannot be carried out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from careloom.core.errors import Fix, UsageFault
from careloom.risk import workspace as risk_workspace


@contextmanager
def usage_faults() -> Iterator[None]:
    """What a user can mend becomes a UsageFault; nothing that a library says of rows is repeated."""
    try:
        yield
    except Fix as error:
        if error.exit_code != Fix.exit_code:
            raise
        raise UsageFault(str(error)) from None
    except risk_workspace.READ_ERRORS as error:
        raise UsageFault(
            f"a file cannot be read to its end ({type(error).__name__}); write it again as Parquet or CSV"
        ) from None
