"""PostgreSQL, the spine: the ledger, the mirror, the runs, what is held, and who saw what."""
