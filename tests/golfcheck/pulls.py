"""What the rules found in the folders of the contest's even-numbered pull requests: counts alone, of one run.

The pull requests are no part of this repository, so that no test can count them again.
"""

FOLDERS = 1081
OUTCOMES = {"invalid": 458, "review": 510, "unverified": 50, "valid": 63}
# Errors in 300 pull requests and the 60 merged records compared with the lines they name; and of these the
# ones whose number holds but whose conclusion may not.
READ, IN_DOUBT = 75, 4
# rule → folders that it could be run on, and of these with an error, with a warning, with information at the most
COUNTS = {
    "best-seed-claimed": (357, 0, 48, 0),
    "bytes-not-conserved": (752, 17, 51, 0),
    "bytes-over-cap": (865, 75, 5, 0),
    "bytes-over-cap-as-shipped": (669, 0, 61, 0),
    "code-size-drift": (672, 0, 285, 0),
    "date-differs": (845, 0, 0, 79),
    "date-invalid": (861, 0, 3, 0),
    "dump-not-shipped": (200, 0, 69, 0),
    "duplicate-log": (798, 0, 0, 19),
    "eval-time-over-cap": (472, 24, 0, 0),
    "external-program": (1021, 0, 94, 0),
    "folder-name": (1062, 0, 29, 0),
    "implausible-score": (580, 0, 129, 0),
    "json-invalid": (1001, 3, 1, 0),
    "lines-over-limit": (1032, 2, 0, 524),
    "log-missing": (1062, 246, 0, 18),
    "log-schema-violation": (798, 0, 0, 460),
    "network-import": (1015, 0, 15, 0),
    "not-8xh100": (103, 0, 7, 0),
    "partial-validation": (759, 0, 1, 1),
    "pre-quantization-score": (716, 17, 1, 0),
    "readme-missing": (1062, 43, 0, 0),
    "readme-score-differs": (719, 0, 16, 0),
    "rounding-mismatch": (546, 1, 0, 0),
    "schema-violation": (998, 0, 0, 996),
    "score-not-finite": (1062, 13, 7, 0),
    "score-not-in-logs": (700, 46, 13, 2),
    "script-empty": (1029, 0, 0, 0),
    "script-missing": (1062, 33, 0, 0),
    "seed-mismatch": (674, 0, 15, 0),
    "seed-repeated": (396, 0, 33, 0),
    "settings-differ": (384, 0, 74, 0),
    "steps-not-increasing": (730, 0, 11, 0),
    "submission-missing": (1062, 61, 0, 0),
    "syntax-error": (1032, 5, 0, 0),
    "thin-margin": (692, 0, 0, 19),
    "time-not-consistent": (580, 1, 0, 0),
    "too-few-seeds": (505, 0, 194, 0),
    "total-drift": (593, 0, 124, 18),
    "total-not-sum": (551, 0, 0, 0),
    "track-differs": (506, 0, 7, 0),
    "train-time-over-cap": (485, 33, 2, 218),
    "uncounted-source": (573, 0, 8, 0),
    "unexpected-file": (1062, 0, 0, 46),
    "unknown-key": (998, 0, 0, 466),
    "untimed-work": (519, 0, 137, 0),
    "validation-read-in-training": (1020, 0, 486, 0),
    "world-size": (452, 0, 23, 0),
    "wrapper-unreproducible": (1029, 0, 20, 0),
}
