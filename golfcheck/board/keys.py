"""The keys by which rows of a board are filtered and sorted."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from golfcheck.board.model import Row, Status, names_of
from golfcheck.core.errors import UsageError
from golfcheck.core.outcome import Outcome
from golfcheck.core.suggest import suggestion
from golfcheck.judging.decisions import RulingKind


@dataclass(frozen=True, slots=True)
class Key:
    """A key of the grammar: what it looks at, for the help of a command and of a screen."""

    kind: str  # "text", "word", "number", "date"
    meaning: str
    example: str
    value: Callable[[Row], Any]  # str, float or date; None where it is missing
    words: tuple[str, ...] = ()  # allowed values of a "word"


def _nats(row: Row) -> float | None:
    return row.verdict.score.mean_nats if row.verdict.score else None


def _seeds(row: Row) -> int | None:
    return len(row.verdict.score.seeds) if row.verdict.score else None


def _size(row: Row) -> int | None:
    return row.verdict.size.total_bytes if row.verdict.size else None


def _train_s(row: Row) -> float | None:
    spent = row.verdict.time
    return spent.train_ms / 1e3 if spent and spent.train_ms is not None else None


def _eval_s(row: Row) -> float | None:
    spent = row.verdict.time
    return spent.eval_ms / 1e3 if spent and spent.eval_ms is not None else None


def _bytes_per_token(row: Row) -> float | None:
    return row.verdict.token_bytes.bytes_per_token if row.verdict.token_bytes else None


def _author(row: Row) -> str | None:
    return "\n".join(names_of(row)) or None


def _rules(row: Row) -> str:
    return "\n".join(finding.rule for finding in row.verdict.findings)


KEYS = {
    "bpb": Key("number", "val_bpb, the score that counts", "bpb:<1.08", lambda row: row.score_bpb),
    "nats": Key("number", "mean loss of the seeds, nats per token", "nats:<1.88", _nats),
    "delta": Key("number", "bpb to the record to beat; below 0 is better", "delta:<-0.001", lambda row: row.delta_bpb),
    "delta-nats": Key(
        "number", "nats per token to the record to beat", "delta-nats:<-0.005", lambda row: row.delta_nats
    ),
    "p": Key("number", "p of the gain, under the board's ruleset", "p:<0.01", lambda row: row.p),
    "rank": Key("number", "rank on the board", "rank:<=10", lambda row: row.rank),
    "seeds": Key("number", "number of seeds with a score in the logs", "seeds:>=3", _seeds),
    "size": Key("number", "code and model together, bytes, of the largest seed", "size:>15.99m", _size),
    "train": Key("number", "longest training, seconds", "train:<=600", _train_s),
    "eval": Key("number", "longest evaluation, seconds", "eval:<120", _eval_s),
    "bytes-per-token": Key("number", "of the tokenizer", "bytes-per-token:>3", _bytes_per_token),
    "name": Key("text", "of the record", "name:quant", lambda row: row.verdict.name),
    "author": Key("text", "login on GitHub, or any name under which it submitted", "author:ann", _author),
    "path": Key("text", "of the folder", "path:2026-04", lambda row: row.verdict.path),
    "track": Key("text", "that it is judged on", "track:10min", lambda row: row.verdict.track),
    "rule": Key("text", "of any of its findings, including waived ones", "rule:score-not-in-logs", _rules),
    "verdict": Key(
        "word",
        "outcome in one word",
        "verdict:review",
        lambda row: row.outcome if row.judged else None,
        tuple(map(str, Outcome)),
    ),
    "status": Key(
        "word", "where the score comes from", "status:rescored", lambda row: row.status, tuple(map(str, Status))
    ),
    "ruling": Key(
        "word",
        "the maintainers' latest ruling",
        "ruling:waived",
        lambda row: row.ruling.kind if row.ruling else None,
        tuple(map(str, RulingKind)),
    ),
    "held": Key(
        "word", "whether it was ever the record", "held:yes", lambda row: ("no", "yes")[row.held], ("yes", "no")
    ),
    "date": Key("date", "made on this day, or in this month or year", "date:2026-04", lambda row: row.created),
    "after": Key("date", "made on this day or later", "after:2026-04-09", lambda row: row.created),
    "before": Key("date", "made before this day", "before:2026-05-01", lambda row: row.created),
}

# What a board can be sorted by; words are ordered from worst to best, as their types list them.
SORT_KEYS = tuple(name for name in KEYS if name not in ("rule", "ruling", "held", "after", "before"))


def sorted_rows(
    rows: Iterable[Row], key: str, reverse: bool = False, keys: Mapping[str, Key] = KEYS
) -> tuple[Row, ...]:
    """Return the rows sorted by one of SORT_KEYS; equal ones keep their order, and those without a value come last.

    Raises UsageError for any other key.
    """
    if keys is KEYS and key not in SORT_KEYS:
        raise UsageError(f"cannot sort by {key!r}{suggestion(key, SORT_KEYS)}; there are {', '.join(SORT_KEYS)}")
    value, words = keys[key].value, keys[key].words
    present: list[tuple[Any, Row]] = []
    missing: list[Row] = []
    for row in rows:
        own = value(row)
        if own is None or (isinstance(own, float) and math.isnan(own)):
            missing.append(row)
        else:
            order = words.index(own) if words else own.casefold() if isinstance(own, str) else own
            present.append((order, row))
    present.sort(key=lambda pair: pair[0], reverse=reverse)
    return (*(row for _, row in present), *missing)
