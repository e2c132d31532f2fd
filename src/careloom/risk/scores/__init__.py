"""Scores: of a population, by one model or a blend, month by month, and how each comes about."""
