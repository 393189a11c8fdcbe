"""How often a rule finds something in real records, as docs/calibration.md counts it."""

from golfcheck.rules.calibrated import CALIBRATED


def seen(name: str) -> str:
    """Return in how many real records a rule found something, of those that it could be run on."""
    ran, triggered = CALIBRATED.get(name, (0, 0))
    if not ran:
        return "not run on real records: it could not be, or it is newer than docs/calibration.md"
    return f"in {triggered} of the {ran} real records that it could be run on (docs/calibration.md)"
