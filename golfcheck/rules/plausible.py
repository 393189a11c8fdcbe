"""Scores that no accepted record comes near, with evidence in the record of how they were reached."""

import re
from collections.abc import Iterator

from golfcheck.core import stats
from golfcheck.core.numbers import bpb_text, rough_text
from golfcheck.core.ruleset import BEST_ACCEPTED_BPB, MEDIAN_MOVE_BPB
from golfcheck.core.verdict import Problem
from golfcheck.rules.rule import WARNING, Context, Skip, claim_line, rule
from golfcheck.submission.record import Record
from golfcheck.submission.results import usable_scores
from golfcheck.trainlog.choose import is_known_label

_LEAST_BPB = BEST_ACCEPTED_BPB - MEDIAN_MOVE_BPB
# Techniques whose scores were often reported as wrong: the first things to check.
_TECHNIQUES = {
    "an n-gram cache": re.compile(
        r"(?<![a-z])n[-_ ]?gram|(?-i:N-?gram)|backoff|dirichlet|phrase_?cache|ppm(?![a-z])|ctw(?![a-z])", re.IGNORECASE
    ),
    "SLOT": re.compile(r"(?<![a-z])slot(?![a-z])", re.IGNORECASE),
    "adaptation before quantization": re.compile(r"pre-?_?quant_?-?ttt", re.IGNORECASE),
    "several passes over the validation text": re.compile(r"two[-_ ]?pass|pass_?2|full_?rescore|oracle", re.IGNORECASE),
}
_MAX_SOURCE_BYTES = 2**20


@rule(WARNING)
def implausible_score(record: Record, ctx: Context) -> Iterator[Problem]:
    """The score is better than any accepted one by more than records usually improve.

    The frontier of the ranked track moved eleven times, by 0.0087 bpb in the median, and ended at 1.0611. A score below
    1.0524 may be right, but a person must look. Techniques named in scores, settings or source are listed as evidence,
    not as a verdict.
    Example: train_seed1337.log:46: 0.41474 bpb is 0.63766 below 1.0524, the best accepted score minus the median move
    Fix: show in the README that every token is predicted from what came before it, with probabilities that add up to 1.
    """
    if not ctx.track.ranked:
        raise Skip(f"track {ctx.track.name} is not ranked")
    claim = record.submission.val_bpb if record.submission else None
    if not ctx.results and claim is None:
        raise Skip(ctx.no_results)
    scores = [result.score.val_bpb for result in ctx.results]
    shown = stats.mean(scores) if scores else None
    score = claim if shown is None else shown  # a claim that the logs do not show is a separate finding
    if score is None or score <= 0:
        raise Skip("score-not-finite says what is wrong with the score")
    if score >= _LEAST_BPB:
        return
    path, line = _place(record, ctx, is_claim=shown is None)
    below = f"{bpb_text(_LEAST_BPB - score)} below {rough_text(_LEAST_BPB)}"
    evidence = "".join(f"; {one}" for one in _evidence(record, ctx))
    yield Problem(
        f"{bpb_text(score)} bpb is {below}, the best accepted score minus the median move{evidence}", path, line
    )


@rule(WARNING)
def disputed_technique(record: Record, ctx: Context) -> Iterator[Problem]:
    """The submission's name mentions a technique that has often scored text that it had already seen.

    SLOT fits its weights to the very tokens that it then scores; an n-gram cache may hand out probabilities that do not
    add up to 1; weights that are adapted before quantization, and a second pass, have seen the text. Whether that is so
    here cannot be read from a log, and some were accepted: a person must look. The names of the folder, the submission,
    the logs and the score that counts are compared, not the source.
    Example: (record): SLOT is named by the folder 2026-06-01_Slot
    Fix: show in the README that every token is scored before anything learns from it.
    """
    if not ctx.track.ranked:
        raise Skip(f"track {ctx.track.name} is not ranked")
    names = [(ctx.identity.path.name, "the folder"), (ctx.identity.name, "submission.json")]
    names += [(result.score.name, "the score") for result in ctx.results]
    names += [(result.log.path, "the log") for result in ctx.results]
    for technique, pattern in _TECHNIQUES.items():
        named = next((f"{what} {name}" for name, what in names if pattern.search(name)), None)
        if named:
            yield Problem(f"{technique} is named by {named}")


@rule(WARNING)
def unknown_score_label(record: Record, ctx: Context) -> Iterator[Problem]:
    """The score that counts has a label that does not say which weights it is of.

    The last score after the compressed size is known counts. A label without any word for the artifact, its compression
    or its evaluation (`dense`, `original`, `BEST`) may be of other weights, so a person must look. The last score
    under a known label is stated next to it.
    Example: train_seed1337.log:46: the score that counts is called 'dense_exact'; no score in the log has a known label
    Fix: print the score of the artifact last, under a name that says so, such as final_int8_zlib_roundtrip_exact.
    """
    labels: set[str] = set()
    for result in ctx.scored():
        name = result.score.name
        if is_known_label(name) or is_known_label(result.name) or name in labels:
            continue
        labels.add(name)
        labeled = [line for line in usable_scores(result.run) if is_known_label(line.name)]
        other = "no score in the log has a known label"
        if labeled:
            other = f"the last one under a known label is {bpb_text(labeled[-1].val_bpb)}, {labeled[-1].name}"
        message = f"the score that counts is called {name!r}; {other}"
        yield Problem(message, result.log.path, result.score.line)


def _place(record: Record, ctx: Context, *, is_claim: bool) -> tuple[str | None, int | None]:
    if is_claim and record.submission is not None:
        return record.submission.path, claim_line(record.submission, "val_bpb")
    result = ctx.results[0]
    return result.log.path, result.score.line


def _evidence(record: Record, ctx: Context) -> list[str]:
    """Return where a technique is first named: in a score's name, a setting, or the source."""
    places: list[tuple[str, str]] = []  # the text, and where it is
    for log, run in ctx.runs:
        places += [(line.name, f"{log.path}:{line.line}") for line in run.scores]
        places += [
            (name, f"{log.path}:{fact.line}") for name, fact in run.settings.items() if fact.value not in ("0", "False")
        ]
    evidence = []
    for technique, pattern in _TECHNIQUES.items():
        location = next((where for text, where in places if pattern.search(text)), None)
        location = location or _in_source(record, pattern)
        if location:
            evidence.append(f"{technique} is named at {location}")
    return evidence


def _in_source(record: Record, pattern: re.Pattern[str]) -> str | None:
    for source in record.sources:
        text = (source.unwrapped or source.text)[:_MAX_SOURCE_BYTES].decode("utf-8", "replace")
        if match := pattern.search(text):
            line = text.count("\n", 0, match.start()) + 1
            return f"{source.path}:{line}" if source.unwrapped is None else f"{source.path} (line {line} inside)"
    return None
