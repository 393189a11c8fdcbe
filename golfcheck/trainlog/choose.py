"""Decide which scores of a log may be its result."""

import re
from dataclasses import dataclass

from golfcheck.trainlog.events import LoggedRun, ScoreLine, TrainLog

# Names that show on their own that a score is from before quantization, or only informative.
_BEFORE = re.compile(
    r"(?<![a-z])(?:pre|before|prior to|without|w/o|not|non|no)[-_ ]?(?:any[-_ ])?"
    r"(?:quant|export|compress|round(?!trip)|int[2-8](?![0-9]))"
    r"|un[-_ ]?quant|uncompressed|diagnostic|full[-_ ]?precision"
)
# Names of weights other than the artifact's, unless they also say how these were quantized.
_OTHER_WEIGHTS = re.compile(
    r"fp32|float32|fp16|bf16|checkpoint|ckpt|best_val|best_averaging|snapshot|pre[-_ ]?ttt|teacher"
    r"|(?<![a-z])(?:raw|swa|ema|step|shadow|float|fp|(?:32|16)[-_ ]?bit)(?![a-z])"
    r"|(?<![a-z])(?:averaged|in[-_ ]memory|live|master|original|training)[-_ ](?:model|params|weights)"
)
_QUANTIZED = re.compile(
    r"quantiz|quantis|quant_|(?<![a-z])quant(?![a-z])|int[2-8]|roundtrip|zlib|zstd|lzma|brotli|ternary|gptq|artifact"
)
_FINAL = re.compile(f"{_QUANTIZED.pattern}|final|export|ttt|sliding")
# Labels of the artifact's scores in 1,141 real folders; seven folders have others (`BEST`, `VARIATIONAL`).
_KNOWN = re.compile(
    f"{_FINAL.pattern}|slot|n[-_ ]?gram|ppm|mix|cache|eval|submission|result|score|stride|window|deseriali|reload|pack"
    "|compress|lora|^(?:val_)?bpb$"
)
_OTHER_MODEL = re.compile(r"(?<![a-z])(?:dense|original|unpruned|reference|baseline|base|random)(?![a-z])")
_QUANTIZED_DIAGNOSTIC = re.compile(r"diagnostic quantized")


@dataclass(frozen=True, slots=True)
class RunScore:
    """The score of one run, with the log that contains it."""

    log: TrainLog
    run: LoggedRun
    score: ScoreLine


@dataclass(frozen=True, slots=True)
class ChosenScore:
    """One score for each run that has it, all with the same name (None if they share none), and why this one."""

    name: str | None
    scores: tuple[RunScore, ...]
    reason: str


def counts(score: ScoreLine) -> bool:
    """Return whether a score may be a result by its name: neither from before quantization nor a diagnostic."""
    name = score.name.lower()
    return not _BEFORE.search(name) and (bool(_QUANTIZED.search(name)) or not _OTHER_WEIGHTS.search(name))


def is_known_label(name: str) -> bool:
    """Return whether a score's name says that it is of the artifact; `dense` or `original` may be other weights."""
    lower = name.lower()
    return bool(_QUANTIZED.search(lower)) or bool(_KNOWN.search(lower) and not _OTHER_MODEL.search(lower))


def artifact_scores(run: LoggedRun) -> list[ScoreLine]:
    """Return the scores of a run that may be its artifact's, in order.

    Once the log has stated a compressed size, only later scores are the artifact's. If there are none, it may have been
    evaluated before it was saved; then its name must say that it is the final one, unless the log only has an
    evaluation. A diagnostic of the quantized weights counts if there is no other score.
    """
    lines = [line for line in run.scores if counts(line)]
    sizes = [size.line for size in (*run.model_bytes, *run.total_bytes) if size.label]
    if sizes:
        after = [line for line in lines if line.line > min(sizes)]
        is_evaluation = not run.train and not run.val
        lines = after or [line for line in lines if is_evaluation or _FINAL.search(line.name.lower())]
    return lines or [line for line in run.scores if _QUANTIZED_DIAGNOSTIC.search(line.name.lower())]


def choose_score(logs: tuple[TrainLog, ...]) -> ChosenScore:
    """Choose the score line that counts in each run of some logs: the last one with a name that all runs have.

    Lines with both numbers are preferred to those with only bits per byte. Logs with equal content count once.
    """
    distinct = {log.sha256: log for log in reversed(logs)}
    runs = [(log, run) for log in sorted(distinct.values(), key=lambda log: log.path) for run in log.runs]
    return choose_among(runs)


def choose_among(runs: list[tuple[TrainLog, LoggedRun]]) -> ChosenScore:
    """Choose the score that counts in each of these runs, like `choose_score`."""
    with_scores = [(log, run, full_scores(run)) for log, run in runs]
    candidates = [(log, run, scores) for log, run, scores in with_scores if scores]
    if not candidates:
        return ChosenScore(None, (), "no log has a score line after quantization")
    missing = len(with_scores) - len(candidates)
    without = f"; {missing} of {len(with_scores)} runs have no score" if missing else ""
    last_names = {scores[-1].name for _, _, scores in candidates}
    if len(last_names) == 1:
        name, reason = last_names.pop(), "the last score of every run"
    else:
        common = set.intersection(*({score.name for score in scores} for _, _, scores in candidates))
        if not common:
            names = ", ".join(sorted(last_names))
            return ChosenScore(None, (), f"the runs share no score: their last ones are {names}")
        name = next(score.name for score in reversed(candidates[0][2]) if score.name in common)
        reason = "the last score that all runs have"
    scores = tuple(
        RunScore(log, run, next(score for score in reversed(lines) if score.name == name))
        for log, run, lines in candidates
    )
    return ChosenScore(name, scores, reason + without)


def full_scores(run: LoggedRun) -> list[ScoreLine]:
    """Return the scores that may be a run's result and state a loss or, if none does, those in bits per byte only."""
    lines = artifact_scores(run)
    return [line for line in lines if line.val_loss_nats is not None] or lines
