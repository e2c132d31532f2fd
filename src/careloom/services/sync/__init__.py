"""A sync, in the order in which it runs: prepare, plan, deliver, associations, hold, summary; `run` is the whole of it."""
