"""The vocabulary: errors, verdicts, rulesets, statistics, text. Nothing in here imports anything else of ours."""
