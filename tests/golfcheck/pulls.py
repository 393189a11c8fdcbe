"""What the rules found in the folders of the contest's even-numbered pull requests: counts alone, of one run.

The pull requests are no part of this repository, so that no test can count them again.
"""

FOLDERS = 1081
OUTCOMES = {"invalid": 163, "review": 643, "unverified": 189, "valid": 86}
# The pull requests in which, and in the 60 merged records, a person compared every error with the lines that it names;
# how many errors these are; how many of an earlier run were wrong, each corrected with all of its kind; and how many
# more only said that a file was missing.
READ_PULLS, READ, CORRECTED, FORMAL = 528, 161, 59, 103
# rule → folders that it could be run on, and of these with an error, with a warning, with information at the most
COUNTS = {
    "best-seed-claimed": (360, 0, 48, 0),
    "bytes-not-conserved": (752, 17, 51, 0),
    "bytes-over-cap": (865, 69, 9, 0),
    "bytes-over-cap-as-shipped": (670, 0, 61, 0),
    "code-size-drift": (673, 0, 283, 0),
    "costly-to-read": (1066, 0, 0, 0),
    "date-differs": (845, 0, 0, 79),
    "date-in-future": (1051, 0, 0, 0),
    "date-invalid": (861, 0, 3, 0),
    "disputed-technique": (702, 0, 134, 0),
    "dump-not-shipped": (200, 0, 69, 0),
    "duplicate-log": (797, 0, 0, 19),
    "eval-time-over-cap": (480, 9, 16, 0),
    "external-program": (1021, 0, 94, 0),
    "folder-name": (1063, 0, 29, 0),
    "implausible-score": (581, 0, 129, 0),
    "json-invalid": (1001, 3, 1, 0),
    "lines-over-limit": (1032, 0, 0, 526),
    "log-missing": (1063, 0, 0, 266),
    "log-schema-violation": (797, 0, 0, 258),
    "network-import": (1015, 0, 15, 0),
    "not-8xh100": (103, 0, 7, 0),
    "partial-validation": (763, 0, 1, 1),
    "pre-quantization-score": (722, 17, 1, 0),
    "readme-missing": (1063, 0, 21, 23),
    "readme-score-differs": (721, 0, 16, 0),
    "rounding-mismatch": (546, 1, 0, 0),
    "schema-violation": (998, 0, 0, 996),
    "score-not-finite": (1063, 12, 0, 0),
    "score-not-in-logs": (707, 34, 23, 2),
    "script-empty": (1029, 0, 0, 0),
    "script-missing": (1063, 0, 8, 26),
    "secret-published": (1066, 0, 0, 0),
    "seed-mismatch": (674, 0, 15, 0),
    "seed-repeated": (395, 0, 26, 0),
    "settings-differ": (381, 0, 70, 0),
    "step-average-constant": (309, 0, 0, 0),
    "steps-not-increasing": (730, 0, 11, 0),
    "submission-missing": (1063, 0, 21, 41),
    "syntax-error": (1032, 5, 0, 0),
    "thin-margin": (694, 0, 0, 19),
    "time-not-consistent": (579, 1, 2, 0),
    "too-few-seeds": (508, 0, 195, 0),
    "total-drift": (599, 0, 126, 18),
    "total-not-sum": (551, 0, 0, 0),
    "track-differs": (506, 0, 7, 0),
    "train-time-over-cap": (485, 15, 18, 220),
    "uncounted-source": (574, 0, 8, 0),
    "unexpected-file": (1063, 0, 0, 47),
    "unknown-key": (998, 0, 0, 466),
    "unproven-tokenizer": (52, 0, 9, 0),
    "untimed-work": (519, 0, 137, 0),
    "validation-read-in-training": (1020, 0, 221, 265),
    "world-size": (452, 0, 23, 0),
    "wrapper-unreproducible": (1029, 0, 20, 0),
}
