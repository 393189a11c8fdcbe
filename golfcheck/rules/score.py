"""The score: is it in the logs, is it the one that counts, and can it be one of the contest's validation text."""

from collections.abc import Iterator, Sequence
from typing import Literal

from golfcheck.core import stats
from golfcheck.core.ruleset import VAL_TEXT_BYTES, VAL_TEXT_TOLERANCE, export_of, tokenizer_of
from golfcheck.core.verdict import Problem
from golfcheck.rules.rule import ERROR, INFO, WARNING, Context, Skip, claim_line, rule, submission_of
from golfcheck.submission.claims import Submission
from golfcheck.submission.record import Record
from golfcheck.submission.results import Result, base_name, distinct_runs, final_scores, is_score, seed_of
from golfcheck.trainlog.choose import counts
from golfcheck.trainlog.events import ScoreLine

_EXACT_DIGITS = 8  # the most that a log prints
_FINE_DIGITS = 4


def _same(claim: float, logged: float) -> bool:
    """Whether a claim is a logged value, rounded to the claim's decimals.

    With four decimals or more it may differ by one unit: it may be cut, or the mean of values that were rounded before.
    """
    text = repr(claim)
    decimals = _EXACT_DIGITS if "e" in text else min(len(text.partition(".")[2]), _EXACT_DIGITS)
    units = 1.0 if decimals >= _FINE_DIGITS else 0.5
    return abs(claim - logged) <= units * 10.0**-decimals + 1e-12


def _claim(record: Record) -> tuple[Submission, float]:
    submission = submission_of(record)
    if submission.val_bpb is None:
        raise Skip("submission.json claims no val_bpb")
    return submission, submission.val_bpb


def _means(found: Sequence[Result]) -> list[float]:
    """Return the mean over the runs for each name of a score that all of them have, the chosen one first."""
    last = [{line.name: line.val_bpb for line in final_scores(result.run) if is_score(line)} for result in found]
    common = [name for name in last[0] if all(name in by_name for by_name in last)]
    chosen = stats.mean([result.score.val_bpb for result in found])
    return [chosen, *(stats.mean([by_name[name] for by_name in last]) for name in common)]


@rule(ERROR)
def score_not_in_logs(record: Record, ctx: Context) -> Iterator[Problem]:
    """The claimed val_bpb is in no log: neither the mean over the seeds nor the score of any run.

    Nor may a claimed val_loss be in none, nor the val_bpb of a seed in none of that seed.

    Example: submission.json:8: claims 1.05 bpb; the logs' final_int8_zlib_roundtrip_exact has mean 1.1147351, best
    1.1143739 (-0.06474)
    Fix: claim the mean of the final scores that the logs show.
    """
    submission, claim = _claim(record)
    found = ctx.scored()
    logged = _means(found) + _named_mean(found, submission)
    logged += [line.val_bpb for _, run in distinct_runs(record) for line in run.scores]
    logged += [point.val_bpb for _, run in distinct_runs(record) for point in run.val]  # pre-quantization-score
    if not any(_same(claim, value) for value in logged):
        mean, best = _means(found)[0], min(result.score.val_bpb for result in found)
        yield Problem(
            f"claims {claim} bpb; the logs' {found[0].name} has mean {mean:.8g}, best {best:.8g} ({claim - mean:+.5f})",
            submission.path,
            claim_line(submission, "val_bpb"),
        )
    yield from _false_losses(record, submission, found)
    yield from _false_seeds(record, submission)


def _false_losses(record: Record, submission: Submission, found: Sequence[Result]) -> Iterator[Problem]:
    """Yield a claimed val_loss that is in no log."""
    claim = submission.val_loss_nats
    mean = stats.mean([result.score.val_loss_nats for result in found])
    logged = [line.val_loss_nats for _, run in distinct_runs(record) for line in run.scores]
    logged += [point.val_loss_nats for _, run in distinct_runs(record) for point in run.val]
    if claim is not None and not any(_same(claim, value) for value in (mean, *logged)):
        message = f"claims a val_loss of {claim}; the logs' {found[0].name} has mean {mean:.8g} ({claim - mean:+.5f})"
        yield Problem(message, submission.path, claim_line(submission, "val_loss_nats"))


def _false_seeds(record: Record, submission: Submission) -> Iterator[Problem]:
    """Yield the val_bpb that are claimed for a seed whose logs do not have them."""
    for claim in submission.seeds:
        runs = [run for log, run in distinct_runs(record) if seed_of(log, run) == claim.seed]
        logged = [point.val_bpb for run in runs for point in run.val]
        logged += [line.val_bpb for run in runs for line in run.scores]
        if claim.val_bpb is not None and logged and not any(_same(claim.val_bpb, value) for value in logged):
            message = f"claims {claim.val_bpb} bpb for seed {claim.seed}; its log ends with {logged[-1]:.8g}"
            yield Problem(message, submission.path, submission.line_of.get("seed_results"))


def _named_mean(found: Sequence[Result], submission: Submission) -> list[float]:
    """Return the mean over the seeds that the JSON names: more may have been run."""
    named = {seed.seed for seed in submission.seeds}
    values = [result.score.val_bpb for result in found if result.seed in named]
    return [stats.mean(values)] if values else []


@rule(WARNING)
def best_seed_claimed(record: Record, ctx: Context) -> Iterator[Problem]:
    """The claimed val_bpb is that of the best seed, not the mean.

    Records are compared by their mean over seeds; the best of several is lower by luck alone.
    Example: submission.json:8: claims 1.11437394, the best of 3 runs (seed 42); their mean is 1.1147351
    Fix: claim the mean.
    """
    submission, claim = _claim(record)
    found = ctx.scored()
    if len(found) < 2:
        raise Skip("only one run has a score")
    best = min(found, key=lambda result: result.score.val_bpb)
    mean = stats.mean([result.score.val_bpb for result in found])
    if _same(claim, best.score.val_bpb) and not any(_same(claim, value) for value in _means(found)):
        yield Problem(
            f"claims {claim}, the best of {len(found)} runs (seed {best.seed}); their mean is {mean:.8g}",
            submission.path,
            claim_line(submission, "val_bpb"),
        )


@rule(ERROR)
def pre_quantization_score(record: Record, ctx: Context) -> Iterator[Problem]:
    """The claimed val_bpb is a score of the weights before they were quantized.

    Only the artifact is submitted, so only the score after quantization counts.
    Example: train_seed2025.log:38: claims 1.1088, which is the validation at step 7000; the final score is another
    Fix: claim the score of the artifact as read back from disk.
    """
    claim = _claim(record)[1]
    found = ctx.scored()
    if any(_same(claim, value) for value in (*_means(found), *(result.score.val_bpb for result in found))):
        return
    for log, run in distinct_runs(record):
        if any(_same(claim, line.val_bpb) for line in final_scores(run)):
            continue
        before = [(line.line, line.name, line.val_bpb) for line in run.scores if not counts(line)]
        before += [(point.line, f"the validation at step {point.step}", point.val_bpb) for point in run.val]
        line, name = next(((line, name) for line, name, value in before if _same(claim, value)), (0, ""))
        if line:
            yield Problem(f"claims {claim}, which is {name}; the final score is another", log.path, line)
            return


@rule(ERROR)
def rounding_mismatch(record: Record, ctx: Context) -> Iterator[Problem]:
    """A line `X` is not the rounding of its `X_exact`.

    Both are printed from one number; 117 of 117 real pairs agree.
    Example: train_seed42.log:45: final_int8_zlib_roundtrip says 1.1344 bpb, line 46 1.11437394
    Fix: submit the logs as they were written.
    """
    pairs = 0
    for log, run in distinct_runs(record):
        last: dict[str, ScoreLine] = {}
        for line in run.scores:
            rounded = last.get(base_name(line.name)) if line.name != base_name(line.name) else None
            last[line.name] = line
            if rounded is None:
                continue
            pairs += 1
            allowed = 0.5 * 10.0**-rounded.digits + 1e-9
            for unit, short, full in _numbers(rounded, line):
                if abs(short - full) > allowed:
                    message = f"{rounded.name} says {short} {unit}, line {line.line} {full}"
                    yield Problem(message, log.path, rounded.line)
    if not pairs:
        raise Skip("no log has a line `X` with its `X_exact`")


def _numbers(line: ScoreLine, exact: ScoreLine) -> tuple[tuple[str, float, float], ...]:
    return (("bpb", line.val_bpb, exact.val_bpb), ("nats", line.val_loss_nats, exact.val_loss_nats))


@rule(ERROR)
def score_not_finite(record: Record, ctx: Context) -> Iterator[Problem]:
    """A score is NaN, infinite, not positive, or larger than any loss can be.

    Example: train_seed42.log:41: diagnostic is val_loss 2.0, val_bpb 0.0
    Fix: find where the loss stopped being a number; such a run has no score.
    """
    for log, run in distinct_runs(record):
        for line in run.scores:
            if not is_score(line):
                message = f"{line.name} is val_loss {line.val_loss_nats}, val_bpb {line.val_bpb}"
                yield Problem(message, log.path, line.line)
    submission = record.submission
    if submission and submission.val_bpb is not None and submission.val_bpb <= 0:
        yield Problem(f"val_bpb is {submission.val_bpb}", submission.path, claim_line(submission, "val_bpb"))


Conservation = Literal["whole", "partial", "broken", "unknown"]


def conservation(result: Result) -> tuple[Conservation, float | None]:
    """Return whether a score's tokens stand for the whole validation text, and the bytes that they stand for.

    tokens · val_loss / (ln 2 · val_bpb) is the number of bytes of text, whatever the tokenizer. Fewer bytes are a part
    of the text if the log says so itself, or if the bytes per token are a known tokenizer's.
    """
    ratio = result.bytes_per_token
    rounding = 0.5 * 10.0**-result.score.digits * (1 / result.score.val_bpb + 1 / result.score.val_loss_nats)
    tolerance = VAL_TEXT_TOLERANCE + rounding
    known = tokenizer_of(ratio)
    if result.run.val_tokens is None:
        return ("whole" if known else "unknown"), None
    tokens = result.run.val_tokens.value
    implied = tokens * ratio
    export = export_of(tokens)
    if any(_close(implied, text, tolerance) for text in (VAL_TEXT_BYTES, export.text_bytes if export else 0)):
        return "whole", implied
    stated = result.run.val_bytes.value if result.run.val_bytes else 0
    if implied < VAL_TEXT_BYTES and (known or _close(implied, stated, tolerance)):
        return "partial", implied
    return "broken", implied


def _close(value: float, expected: float, tolerance: float) -> bool:
    return expected > 0 and abs(value / expected - 1) <= tolerance


@rule(ERROR)
def bytes_not_conserved(record: Record, ctx: Context) -> Iterator[Problem]:
    """The score's tokens stand for more or other bytes than the validation text has.

    tokens · val_loss / (ln 2 · val_bpb) is the number of bytes of the text, whatever the tokenizer: 151.08 million
    (± 0.04 % over 145 real logs). Counting spaces twice, or a wrong table of bytes, breaks it. Without a token count,
    the bytes per token must be a known tokenizer's; that is evidence only.
    Example: train_seed1337.log:46: final_int8_zlib_roundtrip_exact: its tokens stand for 177,816,019 bytes of text, not
    151,080,000 (+17.70%)
    Fix: count each target token's bytes as `reference/bpb.py` does; `golfcheck data check` compares tables and text.
    """
    for result in ctx.scored():
        state, implied = conservation(result)
        place = (result.log.path, result.score.line)
        if state == "broken" and implied is not None:
            yield Problem(
                f"{result.name}: its tokens stand for {implied:,.0f} bytes of text, not {VAL_TEXT_BYTES:,} "
                f"({implied / VAL_TEXT_BYTES - 1:+.2%})",
                *place,
            )
        elif state == "unknown":
            yield Problem(
                f"{result.name}: {result.bytes_per_token:.4f} bytes per token are no known tokenizer's, and the log "
                "has no token count",
                *place,
                severity=WARNING,
            )


@rule(WARNING)
def partial_validation(record: Record, ctx: Context) -> Iterator[Problem]:
    """The score is of a part of the validation split only.

    A record is scored on the whole fixed split: 151.08 million bytes.
    Example: train_seed1337.log:26: 31,010,816 tokens stand for 75,539,867 bytes, 50.00% of the validation text
    Fix: evaluate all validation shards, or submit to the track without a ranking.
    """
    for result in ctx.scored():
        state, implied = conservation(result)
        if state == "partial" and implied is not None and result.run.val_tokens:
            yield Problem(
                f"{result.run.val_tokens.value:,} tokens stand for {implied:,.0f} bytes, "
                f"{implied / VAL_TEXT_BYTES:.2%} of the validation text",
                result.log.path,
                result.run.val_tokens.line,
                severity=None if ctx.track.ranked else INFO,
            )
