"""How long a test waits for what must come before it says that it hangs. How long it takes is the machine's mood."""

from __future__ import annotations

HANG = 120.0
"""Seconds. Only what hangs comes near them; a limit that is itself a promise is the test's own."""
