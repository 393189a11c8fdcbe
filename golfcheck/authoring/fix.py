"""Corrections of submission.json that follow from the record itself and do not change the score.

Keys are renamed to their canonical names. Values that the logs state and the file lacks (bytes, loss, seeds, results
per seed) are added, a total that the logs contradict is corrected, and a date is rewritten as YYYY-MM-DD. `val_bpb` is
never changed, and everything else keeps its exact digits and layout.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import unified_diff
from pathlib import Path
from typing import Any

from golfcheck.authoring.jsonedit import edited
from golfcheck.core.errors import GolfcheckError
from golfcheck.submission import bounded, strictjson
from golfcheck.submission.claims import ALIASES, Submission
from golfcheck.submission.examined import results
from golfcheck.submission.record import Record
from golfcheck.submission.results import Result, train_ms

_LOOSE_DATE = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})")
_PLAIN = (str, int, float)
_SAME_BPB = 5e-5  # a claim with four decimals


@dataclass(frozen=True, slots=True)
class Fix:
    """A changed submission file: its path, its text before and after, and one line per change."""

    path: Path
    before: str
    after: str
    edits: tuple[str, ...]

    def diff(self) -> str:
        """Return the change as a unified diff."""
        lines = unified_diff(
            self.before.splitlines(keepends=True),
            self.after.splitlines(keepends=True),
            fromfile=str(self.path),
            tofile=str(self.path),
        )
        return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def fix(record: Record) -> Fix | None:
    """Return the corrections for `record`, or None if there are none (or no file)."""
    submission = record.submission
    if submission is None:
        return None
    path = record.path / submission.path
    data = _content(record.path, submission.path)
    try:
        document = strictjson.parse(data)
    except strictjson.JsonError as error:
        raise GolfcheckError(f"{path}: {error}; it has changed since it was read") from None
    renamed = _renamed(submission)
    named = {canonical: key for key, canonical in renamed.items()}
    edits = ["the byte order mark is gone"] if document.bom else []
    edits += [f"{key} is now called {canonical}" for key, canonical in renamed.items()]
    changed, added = {}, {}
    for key, value in _derived(record, submission, renamed).items():
        if not _is_written_exactly(value):
            continue  # a log may state NaN milliseconds, and sizes of 25 digits
        old = named.get(key, key)  # its name in the file
        if key in renamed or old not in submission.raw:
            added[key] = value
            edits.append(f"{key}: {_shown(value)}")
        elif submission.raw[old] != value:
            changed[old] = value
            edits.append(f"{key}: {_shown(value)} (was {_shown(submission.raw[old])})")
    if not edits:
        return None
    after = edited(data.decode("utf-8-sig"), document.spans, renamed=renamed, changed=changed, added=added)
    meant = {renamed.get(key, key): changed.get(key, value) for key, value in document.value.items()} | added
    if _value_of(after) != meant:
        raise GolfcheckError(f"{path}: not changed: the edited text would not have the intended meaning")
    return Fix(path, data.decode("utf-8"), after, tuple(edits))


def _content(folder: Path, name: str) -> bytes:
    """Read the file anew, without following what has become a link."""
    try:
        with bounded.opened(folder) as descriptor:
            return bounded.read(descriptor, name, bounded.MAX_JSON_BYTES)[0]
    except (OSError, bounded.UnreadableError) as error:
        raise GolfcheckError(f"{folder / name}: {error}") from None


def _is_written_exactly(value: Any) -> bool:
    """Whether a value survives being written and read as JSON."""
    return bool(_value_of(json.dumps(value, ensure_ascii=False)) == value)


def _value_of(text: str) -> Any:
    """Return the value of a JSON text; None if it is invalid."""
    try:
        return strictjson.parse(text.encode("utf-8", "surrogatepass")).value
    except strictjson.JsonError:
        return None


def _renamed(submission: Submission) -> dict[str, str]:
    """Return the keys to rename, alias → canonical name."""
    names = {}
    for field, key in submission.key_of.items():
        canonical = ALIASES[field][0]
        # Not these: a mean is not the largest total, and seeds are listed in many forms. They are derived from the
        # logs.
        another = field == "seeds" or (field == "total_bytes" and "mean" in key)
        if (
            key != canonical
            and canonical not in submission.raw
            and not another
            and isinstance(submission.raw[key], _PLAIN)
        ):
            names[key] = canonical
    by_seed = submission.raw.get("seeds")  # "seeds" may contain seed_results
    if isinstance(by_seed, dict) and "seed_results" not in submission.raw and all(map(str.isdecimal, by_seed)):
        names["seeds"] = "seed_results"
    return names


def _derived(record: Record, submission: Submission, renamed: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of canonical keys that the logs and the folder state unambiguously."""
    runs = results(record)
    derived: dict[str, Any] = {}
    if "seeds" in renamed:
        derived["seeds"] = [claim.seed for claim in submission.seeds]
    if day := _day(submission.date):
        derived["date"] = day
    if submission.track and "track" not in submission.raw:
        derived["track"] = submission.track
    seeds = [result.seed for result in runs]
    if runs and None not in seeds and len(set(seeds)) == len(seeds):
        derived = _from_logs(submission, runs) | derived
    return derived


def _from_logs(submission: Submission, runs: Sequence[Result]) -> dict[str, Any]:
    derived: dict[str, Any] = {}
    totals = [total.size_bytes for result in runs if (total := result.total_bytes)]
    if len(totals) == len(runs):
        derived["bytes_total"] = max(totals)
    codes = {result.run.code_bytes[-1].size_bytes for result in runs if result.run.code_bytes}
    if submission.code_bytes is None and len(codes) == 1:
        derived["bytes_code"] = codes.pop()
    if submission.val_loss_nats is None and (loss := _claimed_loss(submission, runs)) is not None:
        derived["val_loss"] = loss
    if "seeds" not in submission.raw:
        derived["seeds"] = [result.seed for result in runs]
    if "seed_results" not in submission.raw and not isinstance(submission.raw.get("seeds"), dict):
        derived["seed_results"] = {str(result.seed): _seed_result(result) for result in runs}
    return derived


def _claimed_loss(submission: Submission, runs: Sequence[Result]) -> float | None:
    """Return the loss that belongs to the claimed bpb: the mean over seeds, or that of the claimed seed."""
    if submission.val_bpb is None:
        return None
    bpb = [result.score.val_bpb for result in runs]
    nats = [loss for result in runs if (loss := result.score.val_loss_nats) is not None]
    if len(nats) < len(bpb):
        return None
    candidates = [(sum(bpb) / len(bpb), sum(nats) / len(nats)), *zip(bpb, nats, strict=True)]
    return next((round(loss, 8) for score, loss in candidates if abs(score - submission.val_bpb) <= _SAME_BPB), None)


def _seed_result(result: Result) -> dict[str, Any]:
    """Return a seed result as the schema defines it, without values that the log does not state."""
    total, model = result.total_bytes, result.model_bytes
    values = {
        "val_loss": result.score.val_loss_nats,
        "val_bpb": result.score.val_bpb,
        "bytes_total": total and total.size_bytes,
        "bytes_model": model and model.size_bytes,
        "train_time_ms": train_ms(result.run),
        "eval_time_ms": result.eval_ms,
        "steps": result.run.stop.step if result.run.stop else None,
    }
    return {key: value for key, value in values.items() if value is not None and _is_written_exactly(value)}


def _day(text: str | None) -> str | None:
    """Return a nonstandard date (2026-4-1, 2026/04/01) as YYYY-MM-DD; None if it is fine or not a date."""
    match = _LOOSE_DATE.fullmatch((text or "").strip())
    if not match:
        return None
    try:
        day = date(*map(int, match.groups())).isoformat()
    except ValueError:
        return None
    return day if day != text else None


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    if len(text) <= 60 or not isinstance(value, dict | list):
        return text
    return "1 entry" if len(value) == 1 else f"{len(value)} entries"
