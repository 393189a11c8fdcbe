"""What the rules found in the folders of the contest's even-numbered pull requests: only counts, from one run.

The pull requests are not part of this repository, so no test can count them again.
"""

FOLDERS = 1081
OUTCOMES = {"invalid": 151, "review": 656, "unverified": 186, "valid": 88}
# The pull requests in which, and in the 60 merged records, every error was read next to the line that it names;
# how many errors these are; how many of two earlier runs were wrong, each corrected with all of its kind; and how many
# more only said that a file was missing.
READ_PULLS, READ, CORRECTED, FORMAL = 890, 272, (59, 22), 103
# rule → folders that it could be run on, and of these with an error, with a warning, with information at the most
COUNTS = {
    "best-seed-claimed": (360, 0, 48, 0),
    "bytes-not-conserved": (752, 17, 51, 0),
    "bytes-over-cap": (865, 62, 15, 0),
    "bytes-over-cap-as-shipped": (669, 0, 61, 0),
    "code-size-drift": (673, 0, 283, 0),
    "costly-to-read": (1066, 0, 1, 0),
    "date-differs": (845, 0, 0, 79),
    "date-in-future": (1051, 0, 0, 0),
    "date-invalid": (861, 0, 3, 0),
    "disputed-technique": (702, 0, 134, 0),
    "dump-not-shipped": (200, 0, 69, 0),
    "duplicate-log": (797, 0, 0, 19),
    "eval-time-over-cap": (480, 4, 21, 0),
    "external-program": (997, 0, 94, 0),
    "folder-name": (1063, 0, 29, 0),
    "implausible-score": (581, 0, 129, 0),
    "json-invalid": (1001, 3, 1, 0),
    "lines-over-limit": (1031, 0, 0, 525),
    "log-missing": (1063, 0, 0, 266),
    "log-schema-violation": (797, 0, 0, 258),
    "network-import": (980, 0, 15, 0),
    "not-8xh100": (103, 0, 7, 0),
    "partial-validation": (763, 0, 1, 1),
    "pre-quantization-score": (722, 17, 1, 0),
    "readme-missing": (1063, 0, 21, 23),
    "readme-run-differs": (455, 0, 0, 0),
    "readme-score-differs": (711, 0, 12, 0),
    "readme-size-differs": (574, 0, 5, 0),
    "rounding-mismatch": (546, 1, 0, 0),
    "schema-violation": (998, 0, 0, 996),
    "score-not-finite": (1063, 12, 0, 0),
    "score-not-in-logs": (706, 33, 24, 2),
    "script-empty": (1028, 0, 0, 0),
    "script-missing": (1063, 0, 8, 26),
    "secret-published": (1066, 0, 0, 0),
    "seed-mismatch": (674, 0, 15, 0),
    "seed-repeated": (395, 0, 26, 0),
    "settings-differ": (381, 0, 70, 0),
    "step-average-constant": (309, 0, 0, 0),
    "steps-not-increasing": (731, 0, 11, 0),
    "submission-missing": (1063, 0, 21, 41),
    "syntax-error": (1031, 5, 0, 0),
    "thin-margin": (695, 0, 0, 19),
    "time-not-consistent": (579, 0, 2, 0),
    "too-few-seeds": (507, 0, 194, 0),
    "total-drift": (600, 0, 124, 19),
    "total-not-sum": (551, 0, 0, 0),
    "track-differs": (506, 0, 7, 0),
    "train-time-over-cap": (485, 12, 21, 220),
    "uncounted-source": (573, 0, 8, 0),
    "unexpected-file": (1063, 0, 0, 47),
    "unknown-key": (998, 0, 0, 466),
    "unknown-score-label": (763, 0, 8, 0),
    "unproven-tokenizer": (52, 0, 9, 0),
    "untimed-work": (520, 0, 137, 0),
    "validation-read-in-training": (1007, 0, 221, 264),
    "world-size": (452, 0, 23, 0),
    "wrapper-unreproducible": (1028, 0, 54, 0),
}
