"""How often a rule has findings in real records, as counted in docs/calibration.md."""

from golfcheck.rules.calibrated import CALIBRATED


def seen(name: str) -> str:
    """Return in how many real records a rule has findings, out of those on which it could run."""
    ran, triggered = CALIBRATED.get(name, (0, 0))
    if not ran:
        return "on none of the real records: they lack what it needs, or it is newer than docs/calibration.md"
    return f"in {triggered} of the {ran} real records on which it could run (docs/calibration.md)"
