"""How fast careloom is, beside others, on this machine: `python -m benchmarks`."""
