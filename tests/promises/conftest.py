"""The promises stand on the services' clinic: a project, rows, a store and a simulated portal."""

from __future__ import annotations

from services.conftest import clinic, simulator

__all__ = ["clinic", "simulator"]
