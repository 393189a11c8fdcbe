"""On how many real records each rule could be run, and in how many it found something; generated."""

CALIBRATED = {
    "date-differs": (28, 5),
    "schema-violation": (28, 28),
    "log-schema-violation": (28, 2),
    "code-size-drift": (28, 3),
    "total-drift": (28, 6),
    "thin-margin": (28, 1),
    "best-seed-claimed": (28, 6),
    "train-time-over-cap": (28, 12),
    "untimed-work": (28, 1),
    "too-few-seeds": (28, 4),
    "duplicate-log": (28, 2),
    "settings-differ": (28, 2),
    "gain-not-significant": (28, 7),
}
