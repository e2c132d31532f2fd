"""Reports of a billing service: requested, fetched, identified, loaded, and what became of each."""
