"""golfcheck: the referee of Parameter Golf. It judges records; `reference/` makes them."""

__version__ = "0.1.0"
