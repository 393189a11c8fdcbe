"""Comparing records: the frontier, gains and their tests, and how two records differ."""
