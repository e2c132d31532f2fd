"""What the vendors' rooms are built of: calls, limits, sign-in, signatures, paging, simulators, and the tests that all pass."""
