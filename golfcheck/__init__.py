"""golfcheck, the referee of Parameter Golf: it judges records, `reference/` trains them."""

__version__ = "0.1.0"
