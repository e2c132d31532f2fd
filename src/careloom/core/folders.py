"""The folders that a project has whatever is in it."""

from __future__ import annotations

HIDDEN = ".careloom"
"""The folder inside a project that holds what careloom itself needs; never committed."""
