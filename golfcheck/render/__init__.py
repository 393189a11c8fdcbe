"""Verdicts, boards and reports → text for people and for machines: pure functions, a module for each format."""
