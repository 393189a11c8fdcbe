"""Shared vocabulary: errors, verdicts, rulesets, statistics, text. Imports none of our other folders."""
