"""The sets of a sync: source rows, encoded values, differences, merges, unique values, and the actions that follow."""
