"""The numbers of a record, each with the address of its line in a log."""

from collections.abc import Sequence
from dataclasses import dataclass

from golfcheck.board.model import Row
from golfcheck.core.numbers import bpb_text, bytes_text, cap_text, headroom_text, nats_text, ratio_text, seconds_text
from golfcheck.core.verdict import LedgerRow, Verdict
from golfcheck.rules.rule import claim_line
from golfcheck.site.boardpage import MISSING
from golfcheck.site.textpage import Citations
from golfcheck.submission.record import Record
from golfcheck.submission.results import Result, distinct_runs, train_ms
from golfcheck.trainlog.events import LoggedRun, Size, TrainPoint, ValPoint

SEED_COLUMNS = ("seed", "val_bpb", "nats/token", "steps", "train s", "eval s", "code", "model", "total")
_SETTINGS = 400
_SETTING_CHARS = 200
_CLAIMS = {"code": "code_bytes", "model": "total_bytes", "total": "total_bytes"}  # the model's is the rest
_ROUNDING_BPB = 5e-5


@dataclass(frozen=True, slots=True)
class Cited:
    """A number or word as shown, and the address of its line."""

    text: str
    href: str | None = None
    differs: bool = False  # from another source


@dataclass(frozen=True, slots=True)
class RecordFact:
    """A heading, a value, and something to compare it with."""

    heading: str
    value: Cited
    beside: str


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """A part of the submission, and its bytes on disk, in the log, and in submission.json."""

    row: LedgerRow
    counts: tuple[Cited, ...]


def facts(row: Row, record: Record, results: Sequence[Result], cite: Citations) -> list[RecordFact]:
    """Return the main facts about the record."""
    size, time, tokens, score = row.verdict.size, row.verdict.time, row.verdict.token_bytes, row.verdict.score
    facts: list[RecordFact] = []
    if size and (largest := _largest(results)) and (total := largest.total_bytes):
        left = size.cap_bytes - size.total_bytes
        margin = f"{headroom_text(left)} of {bytes_text(size.cap_bytes)}"
        facts.append(
            RecordFact("bytes", Cited(bytes_text(size.total_bytes), cite.href(largest.log.path, total.line)), margin)
        )
    if time and time.train_ms is not None:
        longest = max(results, key=lambda result: train_ms(result.run) or 0.0)
        line = cite.href(longest.log.path, _trained_at(longest.run))
        facts.append(RecordFact("training", Cited(f"{seconds_text(time.train_ms)} s", line), _cap(time.train_cap_ms)))
    if time and time.eval_ms is not None:
        slowest = max(results, key=lambda result: result.eval_ms or 0.0)
        line = cite.href(slowest.log.path, _evaluated_at(slowest))
        facts.append(RecordFact("evaluation", Cited(f"{seconds_text(time.eval_ms)} s", line), _cap(time.eval_cap_ms)))
    if tokens:
        line = cite.href(results[0].log.path, results[0].score.line)
        tokenizer = tokens.tokenizer or "unknown tokenizer"
        facts.append(RecordFact("bytes per token", Cited(ratio_text(tokens.bytes_per_token), line), tokenizer))
    if score and score.claimed_bpb is not None and record.submission:
        line = cite.href(record.submission.path, claim_line(record.submission, "val_bpb"))
        differs = row.score_bpb is not None and abs(score.claimed_bpb - row.score_bpb) > _ROUNDING_BPB
        facts.append(RecordFact("claimed", Cited(bpb_text(score.claimed_bpb), line, differs), "bpb in submission.json"))
    return facts


def seed_row(result: Result, cite: Citations) -> tuple[Cited, ...]:
    """Return the numbers of a run in the order of SEED_COLUMNS."""
    run, path, score = result.run, result.log.path, result.score
    code = run.code_bytes[-1] if run.code_bytes else None
    ended = run.stop or (run.train[-1] if run.train else None)
    spent = train_ms(run)

    def cited(text: str, line: int | None) -> Cited:
        return Cited(text, cite.href(path, line) if line and text != MISSING else None)

    def size(stated: Size | None) -> Cited:
        return cited(bytes_text(stated.size_bytes), stated.line) if stated else Cited(MISSING)

    return (
        cited(MISSING if result.seed is None else str(result.seed), run.seed.line if run.seed else None),
        cited(bpb_text(score.val_bpb), score.line),
        cited(MISSING if result.nats is None else nats_text(result.nats), score.line),
        cited(f"{ended.step:,}", ended.line) if ended else Cited(MISSING),
        cited(MISSING if spent is None else seconds_text(spent), _trained_at(run)),
        cited(MISSING if result.eval_ms is None else seconds_text(result.eval_ms), _evaluated_at(result)),
        size(code),
        size(result.model_bytes),
        size(result.total_bytes),
    )


def ledger(verdict: Verdict, record: Record, results: Sequence[Result], cite: Citations) -> list[LedgerLine]:
    """Return the size ledger; empty if no source states sizes."""
    largest, submission = _largest(results), record.submission
    lines = []
    for row in verdict.ledger:
        logged = _logged_line(largest, row.part)
        hrefs = (
            None,
            cite.href(largest.log.path, logged) if largest and logged else None,
            cite.href(submission.path, claim_line(submission, _CLAIMS[row.part])) if submission else None,
        )
        counts = (row.disk_bytes, row.logged_bytes, row.claimed_bytes)
        differ = len({count for count in counts if count is not None}) > 1
        cells = (
            Cited(MISSING) if count is None else Cited(bytes_text(count), href, differ)
            for count, href in zip(counts, hrefs, strict=True)
        )
        lines.append(LedgerLine(row, tuple(cells)))
    return lines if any(count.text != MISSING for line in lines for count in line.counts) else []


def settings(record: Record, cite: Citations) -> list[tuple[str, Cited]]:
    """Return the settings of the first run that prints any, by name."""
    for log, run in distinct_runs(record):
        if run.settings:
            return [
                (name, Cited(fact.value[:_SETTING_CHARS], cite.href(log.path, fact.line)))
                for name, fact in sorted(run.settings.items())[:_SETTINGS]
            ]
    return []


def _largest(results: Sequence[Result]) -> Result | None:
    return max(results, key=lambda result: result.total_bytes.size_bytes if result.total_bytes else 0, default=None)


def _cap(cap_ms: float | None) -> str:
    return f"cap {cap_text(cap_ms)} s" if cap_ms else "no cap"


def _trained_at(run: LoggedRun) -> int | None:
    """Return the line that states the training time."""
    if run.stop:
        return run.stop.line
    points: list[TrainPoint | ValPoint] = [*run.train, *run.val]
    timed = [(point.train_ms, point.line) for point in points if point.train_ms is not None]
    return max(timed)[1] if timed else None


def _evaluated_at(result: Result) -> int:
    """Return the line that states the evaluation time, otherwise the line of the score."""
    timed = (score for score in result.run.scores if score.eval_ms is not None and score.eval_ms == result.eval_ms)
    return next(timed, result.score).line


def _logged_line(result: Result | None, part: str) -> int | None:
    if result is None:
        return None
    code = result.run.code_bytes[-1] if result.run.code_bytes else None
    size = {"code": code, "model": result.model_bytes, "total": result.total_bytes}[part]
    return size.line if size else None
