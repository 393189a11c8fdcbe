"""In how many of the real records of docs/calibration.md each rule finds something; generated."""

RECORDS = 28
TRIGGERED = {
    "date-differs": 5,
    "schema-violation": 28,
    "log-schema-violation": 2,
    "code-size-drift": 3,
    "total-drift": 6,
    "thin-margin": 1,
    "best-seed-claimed": 6,
    "train-time-over-cap": 12,
    "untimed-work": 1,
    "too-few-seeds": 4,
    "duplicate-log": 2,
    "settings-differ": 2,
    "gain-not-significant": 7,
}
