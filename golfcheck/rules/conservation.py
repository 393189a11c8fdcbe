"""Bytes of text: a score must cover exactly the bytes of the validation text, whatever the tokenizer."""

import math
import re
from collections.abc import Iterator
from typing import Literal

from golfcheck.core import units
from golfcheck.core.numbers import bytes_text, percent_text, ratio_text
from golfcheck.core.ruleset import (
    OVERCOUNT_TOLERANCE,
    VAL_DOCUMENTS,
    VAL_TEXT_BYTES,
    VAL_TEXT_TOLERANCE,
    VALIDATION_EXPORTS,
    tokenizer_of,
)
from golfcheck.core.verdict import Problem
from golfcheck.rules.rule import ERROR, INFO, WARNING, Context, Skip, claim_line, rule
from golfcheck.submission.record import Record
from golfcheck.submission.results import Result

_TOKENIZER = re.compile(r"\.(?:model|vocab|meta\.npz)$|tokenizer[^/]*\.(?:json|ya?ml|bin)$", re.IGNORECASE)
Conservation = Literal["whole", "partial", "export", "broken", "unknown"]


def conservation(result: Result) -> tuple[Conservation, float | None]:
    """Return whether a score's tokens stand for the whole validation text, and how many bytes they stand for.

    tokens · val_loss / (ln 2 · val_bpb) is the number of bytes of text, whatever the tokenizer. No part of the text has
    more bytes than the whole, so a larger number proves a wrong count or a different text; the number of another known
    export of the text, or a slightly different one (another vocabulary), is only evidence. Fewer bytes are part of the
    text.
    """
    ratio, loss = result.bytes_per_token, result.score.val_loss_nats
    if ratio is None:
        return "unknown", None
    rounding = 0.5 * 10.0**-result.score.digits * (1 / result.score.val_bpb + (1 / loss if loss else 0.0))
    tolerance = VAL_TEXT_TOLERANCE + rounding
    tokenizer = tokenizer_of(ratio)
    if result.run.val_tokens is None:
        return ("whole" if tokenizer else "unknown"), None
    tokens = result.run.val_tokens.value
    implied = tokens * ratio
    # Scored document by document, no token predicts the first one of a document.
    if any(_close(count * ratio, VAL_TEXT_BYTES, tolerance) for count in (tokens, tokens - VAL_DOCUMENTS)):
        return "whole", implied
    stated = result.run.val_bytes.value if result.run.val_bytes else 0
    export = next((one for one in VALIDATION_EXPORTS if _close(implied, one.text_bytes, tolerance)), None)
    if export is not None:
        return ("whole" if tokens == export.tokens else "export"), implied
    if stated and not _close(implied, stated, tolerance):
        return "broken", implied
    if implied < VAL_TEXT_BYTES * (1 - OVERCOUNT_TOLERANCE):
        return ("partial" if tokenizer or _close(implied, stated, tolerance) else "unknown"), implied
    if implied <= VAL_TEXT_BYTES * (1 + OVERCOUNT_TOLERANCE):
        return "export", implied
    return ("unknown" if _is_of_other_tokens(result, ratio) else "broken"), implied


def _is_of_other_tokens(result: Result, ratio: float) -> bool:
    """Return whether the run's validations imply different bytes per token: then the score is of different tokens."""
    points = [p for p in result.run.val if 0 < p.val_loss_nats < math.inf and 0 < p.val_bpb < math.inf]
    ratios = [units.bytes_per_token(point.val_loss_nats, point.val_bpb) for point in points]
    return bool(ratios) and not any(_close(ratio, other, OVERCOUNT_TOLERANCE) for other in ratios)


def _close(value: float, expected: float, tolerance: float) -> bool:
    return expected > 0 and abs(value / expected - 1) <= tolerance


@rule(ERROR)
def bytes_not_conserved(record: Record, ctx: Context) -> Iterator[Problem]:
    """The score's tokens stand for more bytes than the validation text has.

    tokens · val_loss / (ln 2 · val_bpb) is the number of bytes of the text, whatever the tokenizer: 151.08 million
    (± 0.04% over 145 real logs). Counting spaces twice, or a wrong table of bytes, breaks this. Within half a percent
    it may be another export of the text. Without a token count, the bytes per token must be those of a known tokenizer,
    also for the two claimed numbers; that is only evidence.
    Example: train_seed1337.log:46: final_int8_zlib_roundtrip_exact: its tokens stand for 177,816,019 bytes of text, not
    151,080,000 (+17.70%)
    Fix: count each target token's bytes as `reference/bpb.py` does; `golfcheck data check` compares tables and text.
    """
    yield from _of_claim(record, ctx)
    results = ctx.scored()
    if all(result.bytes_per_token is None for result in results):
        raise Skip("no score has both a loss and bits per byte")
    for result in results:
        state, implied = conservation(result)
        location = (result.log.path, result.score.line)
        if implied is not None and state in ("broken", "export"):
            yield Problem(
                f"{result.name}: its tokens stand for {bytes_text(round(implied))} bytes of text, not "
                f"{bytes_text(VAL_TEXT_BYTES)} ({percent_text(implied / VAL_TEXT_BYTES - 1, 2, signed=True)})",
                *location,
                severity=None if state == "broken" else WARNING,
            )
        elif state == "unknown" and result.bytes_per_token is not None:
            count = (
                "the log has no token count"
                if implied is None
                else f"its tokens stand for {bytes_text(round(implied))} bytes"
            )
            ratio = ratio_text(result.bytes_per_token)
            yield Problem(
                f"{result.name}: {ratio} bytes per token match no known tokenizer, and {count}",
                *location,
                severity=WARNING,
            )


def _of_claim(record: Record, ctx: Context) -> Iterator[Problem]:
    """Yield problems with the two numbers in submission.json if no log has two to compare them with."""
    submission = record.submission
    if submission is None or not submission.val_bpb or not submission.val_loss_nats:
        return
    if submission.val_bpb <= 0 or any(result.bytes_per_token is not None for result in ctx.results):
        return
    ratio = units.bytes_per_token(submission.val_loss_nats, submission.val_bpb)
    if ratio > 0 and tokenizer_of(ratio) is None:
        yield Problem(
            f"claims {submission.val_loss_nats} nats per token and {submission.val_bpb} bpb: {ratio_text(ratio)} bytes "
            "per token, which match no known tokenizer, and no log shows them",
            submission.path,
            claim_line(submission, "val_loss_nats"),
            WARNING,
        )


@rule(WARNING)
def unproven_tokenizer(record: Record, ctx: Context) -> Iterator[Problem]:
    """The folder ships a tokenizer, and no log shows that its tokens stand for the bytes of the validation text.

    The contest looks closely at a changed tokenizer: a byte counted too often lowers every score. A log with a token
    count, a loss and bits per byte shows it, see `bytes-not-conserved`.
    Example: tokenizer.model: ships a tokenizer, and no log shows that its tokens stand for the validation text's bytes
    Fix: ship the log of a run that states the number of validation tokens, the loss and the bits per byte.
    """
    shipped = [file.path for file in record.files if _TOKENIZER.search(file.path)]
    if not shipped:
        raise Skip("the folder ships no tokenizer")
    if all(result.bytes_per_token is None for result in ctx.results):
        message = "ships a tokenizer, and no log shows that its tokens stand for the validation text's bytes"
        yield Problem(message, shipped[0])


@rule(WARNING)
def partial_validation(record: Record, ctx: Context) -> Iterator[Problem]:
    """The score covers only part of the validation split.

    A record is scored on the whole fixed split: 151.08 million bytes.
    Example: train_seed1337.log:26: 31,010,816 tokens stand for 75,539,867 bytes, 50.00% of the validation text
    Fix: evaluate all validation shards, or submit to the track without a ranking.
    """
    for result in ctx.scored():
        state, implied = conservation(result)
        if state == "partial" and implied is not None and result.run.val_tokens:
            yield Problem(
                f"{result.run.val_tokens.value:,} tokens stand for {bytes_text(round(implied))} bytes, "
                f"{percent_text(implied / VAL_TEXT_BYTES, 2)} of the validation text",
                result.log.path,
                result.run.val_tokens.line,
                severity=None if ctx.track.ranked else INFO,
            )
