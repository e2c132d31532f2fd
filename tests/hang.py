"""How long a test waits for what must come before it says that it hangs. How long it takes is the machine's mood."""

from __future__ import annotations

import os

HANG = 120.0 * float(os.environ.get("TESTS_PATIENCE", "1"))
"""Seconds. Only what hangs comes near them; a limit that is itself a promise is the test's own.

`TESTS_PATIENCE=5` makes them ten minutes, where a machine has far more to do than the tests.
"""
