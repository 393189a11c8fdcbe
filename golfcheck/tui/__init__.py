"""The terminal interface, `golfcheck tui`. It shows results of other modules: no rules, parsing or ranking here."""
