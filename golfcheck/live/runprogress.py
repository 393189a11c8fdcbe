"""One run of a log → its progress, how it compares with a record, and the score that it may end with."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from golfcheck.core.numbers import whole_seconds_text
from golfcheck.live.curves import Curve, curve_of
from golfcheck.live.pace import Gap, Projection, Reference, bytes_per_token, gap, pace_of, projection, unsure
from golfcheck.submission.results import final_scores, is_score, step_ms
from golfcheck.trainlog.events import LoggedRun, ScoreLine, TrainPoint, ValPoint

RECENT_POINTS = 10  # that the current time per step is computed from
_CURVE_POINTS = 4_000  # more than a screen has


class RunState(StrEnum):
    """What the run is doing."""

    WAITING = "waiting"  # no file, or an empty one
    STARTING = "starting"  # no training step yet
    TRAINING = "training"
    EVALUATING = "evaluating"  # training has stopped, no score yet
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class RunProgress:
    """The progress of a run. Times are those that its log prints."""

    state: RunState
    note: str = ""  # about the file: why the run is waiting, a truncation, a limit
    stall: str = ""  # a warning that nothing was written for too long
    idle_seconds: float = 0.0
    size_bytes: int = 0
    lines: int = 0
    run_number: int = 0  # of the runs in the log, from 1
    seed: int | None = None
    step: int | None = None
    iterations: int | None = None
    seconds: float | None = None  # trained
    cap_seconds: float | None = None
    left_seconds: float | None = None
    share: float | None = None  # of the training: by the cap or by the steps, whichever ends first
    step_ms: float | None = None  # of the last steps
    step_avg_ms: float | None = None
    tokens_per_second: float | None = None
    loss_nats: float | None = None
    val_bpb: float | None = None  # the last one during training
    val_step: int | None = None
    score_bpb: float | None = None  # the last one after training
    score_name: str = ""
    gap: Gap | None = (
        None  # to the record at the same time; of a finished run, the difference of the scores, with 0 points
    )
    no_gap: str = ""  # why there is none
    projection: Projection | None = None
    no_projection: str = ""
    gpus: tuple[str, ...] = ()  # names of the GPUs, if the log has them
    peak_memory_mib: int | None = None  # of one of them
    curve: Curve | None = None
    tail: tuple[str, ...] = ()  # the last complete lines
    past: str = ""  # what happened to the file a while ago, with the time of day
    diverged: str = ""  # a warning that its losses or its score are not finite


def progress_of(log: str, run: LoggedRun, reference: Reference | None) -> RunProgress:
    """Return the progress of one run; its curve is named after the path `log`."""
    diverged, run = _diverged(run), _thinned(run)
    points: list[TrainPoint | ValPoint] = [*run.train[-1:], *run.val[-1:]]
    last = max(points, key=lambda point: point.line, default=None)
    score = next((line for line in reversed(final_scores(run)) if is_score(line)), None)
    val = next((point for point in reversed(run.val) if math.isfinite(point.val_bpb)), None)
    state = RunState.TRAINING if last else RunState.STARTING
    if last and (run.stop or last.step >= last.iterations > 0):
        state = RunState.EVALUATING
    if score:
        state = RunState.FINISHED
    seed = run.seed.value if run.seed else None
    progress = RunProgress(
        state,
        diverged=diverged,
        seed=seed,
        loss_nats=run.train[-1].loss_nats if run.train else None,
        val_bpb=val.val_bpb if val else None,
        val_step=val.step if val else None,
        score_bpb=score.val_bpb if score else None,
        score_name=score.name if score else "",
        gpus=tuple(gpu.value for gpu in run.gpus),
        peak_memory_mib=run.peak_memory_mib.value if run.peak_memory_mib else None,
        curve=curve_of(log, seed, run),
    )
    if last is None:
        return replace(progress, no_gap="no training step yet", no_projection="no training step yet")
    return replace(
        progress, **_clock(run, last.step, last.iterations, state), **_beside(run, reference, score, diverged)
    )


def _clock(run: LoggedRun, step: int, iterations: int, state: RunState) -> dict[str, Any]:
    """Return the fields of RunProgress about time."""
    timed = [(p.step, p.train_ms) for p in run.train if p.train_ms is not None and math.isfinite(p.train_ms)]
    vals = [(p.step, p.train_ms) for p in run.val if p.train_ms is not None and math.isfinite(p.train_ms)]
    timed = sorted({*timed, *vals})
    seconds = run.stop.train_ms / 1000 if run.stop else timed[-1][1] / 1000 if timed else None
    cap_seconds = _positive(run, "max_wallclock_seconds")
    recent = timed[-RECENT_POINTS:]
    steps = recent[-1][0] - recent[0][0] if recent else 0
    now_ms = (recent[-1][1] - recent[0][1]) / steps if steps > 0 else None
    shares, lefts = [], []
    if iterations > 0:
        shares.append(step / iterations)
        lefts += [(iterations - step) * now_ms / 1000] if now_ms is not None else []
    if cap_seconds and seconds is not None:
        shares.append(seconds / cap_seconds)
        lefts.append(cap_seconds - seconds)
    is_over = state is not RunState.TRAINING
    batch_tokens = _positive(run, "train_batch_tokens")
    return {
        "step": step,
        "iterations": iterations,
        "seconds": seconds,
        "cap_seconds": cap_seconds,
        "left_seconds": None if is_over or not lefts else max(0.0, min(lefts)),
        "share": 1.0 if is_over else min(1.0, max(shares, default=0.0)),
        "step_ms": now_ms,
        "step_avg_ms": step_ms(run) or (seconds * 1000 / step if seconds is not None and step > 0 else None),
        "tokens_per_second": batch_tokens / now_ms * 1000 if batch_tokens and now_ms and now_ms > 0 else None,
    }


def _diverged(run: LoggedRun) -> str:
    """Return a warning if the last losses, validation or score of a run are not finite."""
    losses = _not_finite_since((point.step, point.loss_nats) for point in reversed(run.train))
    vals = _not_finite_since((point.step, point.val_loss_nats + point.val_bpb) for point in reversed(run.val))
    scores = final_scores(run)
    if losses is not None:
        return f"diverged: losses not finite since step {losses:,}"
    if vals is not None:
        return f"diverged: validation not finite since step {vals:,}"
    if scores and not math.isfinite((scores[-1].val_loss_nats or 0.0) + scores[-1].val_bpb):
        return "diverged: the score is not finite"
    return ""


def _not_finite_since(latest_first: Iterable[tuple[int, float]]) -> int | None:
    """Return the first step of the final stretch without a finite value; None if the last value is finite."""
    since = None
    for step, value in latest_first:
        if math.isfinite(value):
            break
        since = step
    return since


def _beside(run: LoggedRun, reference: Reference | None, score: ScoreLine | None, diverged: str) -> dict[str, Any]:
    """Return the fields of RunProgress that compare the run with the record."""
    ratio = bytes_per_token(run)
    if reference is None:
        return {"no_gap": "no record to compare with", "no_projection": "no record to compare with"}
    if score:
        return {"gap": Gap(score.val_bpb - reference.score_bpb, 0), "no_projection": "the score is there"}
    if diverged:  # the losses before that do not show where it ends
        return {"no_gap": "the run has diverged", "no_projection": "the run has diverged"}
    if ratio is None:
        reason = "no validation line yet: the bytes per token are unknown"
        return {"no_gap": reason, "no_projection": reason}
    pace = pace_of(run, ratio)
    seconds = pace.points[-1][0] if pace.points else 0.0
    now = gap(pace, reference.paces, seconds)
    if now is None:
        reason = "this log states no times"
        if pace.points:
            ended = f" of its {whole_seconds_text(reference.train_seconds)} s" if reference.train_seconds else ""
            reason = f"the record has no loss logged about second {whole_seconds_text(seconds)}{ended}"
        return {"no_gap": reason, "no_projection": reason}
    cap_seconds = _positive(run, "max_wallclock_seconds")
    now = replace(now, unsure=unsure(now, seconds, cap_seconds or reference.train_seconds))
    projected = projection(now, reference, seconds, cap_seconds)
    if isinstance(projected, str):
        return {"gap": now, "no_projection": projected}
    return {"gap": now, "projection": projected}


def _positive(run: LoggedRun, name: str) -> float | None:
    """Return a setting that is a positive number; None otherwise, since 0 means no limit."""
    try:
        value = float(run.settings[name].value) if name in run.settings else 0.0
    except ValueError:
        return None
    return value if 0 < value < math.inf else None


def _thinned(run: LoggedRun) -> LoggedRun:
    """Return the run with evenly spaced training points and the most recent ones, so that each update is cheap."""
    every = -(-len(run.train) // _CURVE_POINTS)
    return run if every < 2 else replace(run, train=[*run.train[:-RECENT_POINTS:every], *run.train[-RECENT_POINTS:]])
