"""The screens of `golfcheck tui`. They show what other modules return: no rule, no parsing, no ranking in here."""
