"""The tests that every room passes, by what it offers. For tests only: it needs pytest, and nothing of the program imports it."""
