"""A log that is being written → how far its run is, how it does beside a record, and where it may end."""

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Any

from golfcheck.live.curves import Curve, curve_of
from golfcheck.live.follow import Follower
from golfcheck.live.pace import Gap, Projection, Reference, bytes_per_token, gap, pace_of, projection, unsure
from golfcheck.submission.results import final_scores, is_score, step_ms
from golfcheck.trainlog.events import Run, ScoreLine, TrainPoint, ValPoint
from golfcheck.trainlog.grow import Growing
from golfcheck.trainlog.rawlines import encoding_of

_RECENT_POINTS = 10  # that the present time of a step is taken from
_CURVE_POINTS = 4_000  # more than a screen has
_TAIL_BYTES = 4_096
_NEWS_SECONDS = 10  # that a truncation is a warning; then it is a fact with its time
_QUIET_INTERVALS = 3  # of the run's own lines, before it is said to stall


class State(StrEnum):
    """What the run does."""

    WAITING = "waiting"  # there is no file, or nothing in it
    STARTING = "starting"  # no training step yet
    TRAINING = "training"
    EVALUATING = "evaluating"  # training has stopped, there is no score yet
    FINISHED = "finished"


_FOREIGN_SECONDS = 10.0  # a file this long without a word of a training log is taken for another kind of file
_EXPECTED = {State.STARTING: "the first step", State.EVALUATING: "a score"}
_QUIET_SECONDS = {State.STARTING: 300.0, State.TRAINING: 20.0, State.EVALUATING: 600.0}  # compiling prints little


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is. Times are as its log prints them."""

    state: State
    note: str = ""  # what there is to know of the file: why it waits, that it was truncated, a limit
    stall: str = ""  # a warning when the log is silent for longer than it should be
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
    share: float | None = None  # of the training that is done: by the cap or by the steps, what is nearer its end
    step_ms: float | None = None  # of the last steps
    step_avg_ms: float | None = None
    tokens_per_second: float | None = None
    loss_nats: float | None = None
    val_bpb: float | None = None  # the last during training
    val_step: int | None = None
    score_bpb: float | None = None  # the last after it
    score_name: str = ""
    gap: Gap | None = None  # to the record at the same second; of a finished run, the scores' difference, of 0 points
    no_gap: str = ""  # why there is none
    projection: Projection | None = None
    no_projection: str = ""
    curve: Curve | None = None
    tail: tuple[str, ...] = ()  # the last whole lines
    past: str = ""  # what happened to the file a while ago, with the time of day
    diverged: str = ""  # a warning when its losses or its score are no finite numbers any more


class Watch:
    """A log file that is followed."""

    def __init__(self, path: Path, reference: Reference | None = None) -> None:
        self.path = path
        self.reference = reference
        self._follower = Follower(path)
        self._log = Growing()
        self._tail = b""
        self._start = b""  # what the encoding is told by
        self._again = ""  # why the file was read anew
        self._again_time = 0.0
        self._known: tuple[Reference | None, Run, Progress] | None = None  # nothing new: nothing to do
        self.more = False  # there is more to be read: look again at once

    def look(self, now: float) -> Progress:
        """Read what is new and say how far the run is; `now` is the time of day in seconds."""
        piece = self._follower.look(now)
        self.more = piece.more
        if piece.missing:
            return Progress(State.WAITING, note=f"{piece.missing}: waiting for it")
        if piece.again:
            self._log, self._tail, self._start = Growing(), b"", b""
            self._again, self._again_time = piece.again, now
        if piece.data:
            self._log.feed(piece.data)
            self._tail = (self._tail + piece.data[-_TAIL_BYTES:])[-_TAIL_BYTES:]
            self._start = (self._start + piece.data[:_TAIL_BYTES])[:_TAIL_BYTES]
        log, idle_seconds = self._log, piece.idle_seconds or 0.0
        note = past = ""
        if log.full:
            note = "the limit of a log is reached: what follows is not read"
        elif self._again and now - self._again_time < _NEWS_SECONDS:
            note = f"{self._again}: read again from its start"
        elif self._again:
            past = f"{self._again} at {time.strftime('%H:%M:%S', time.localtime(self._again_time))}"
        if not log.size_bytes:
            return Progress(State.WAITING, note or "the file is empty", idle_seconds=idle_seconds)
        reference = self.reference  # another may be set while this look goes on
        if piece.data or piece.again or self._known is None or self._known[0] is not reference:
            runs = log.runs
            run = runs[-1] if runs else Run()
            found = progress_of(str(self.path), run, reference)
            self._known = reference, run, replace(found, run_number=len(runs))
        _, run, found = self._known
        return replace(
            found,
            note=note or _foreign(run, log.lines, idle_seconds),
            past=past,
            stall=_stall(found.state, idle_seconds, run),
            idle_seconds=idle_seconds,
            size_bytes=log.size_bytes,
            lines=log.lines,
            tail=self._last_lines(),
        )

    def _last_lines(self) -> tuple[str, ...]:
        encoding = encoding_of(self._start)
        begin = self._log.size_bytes - len(self._tail)
        tail = self._tail[begin % 2 :] if encoding.startswith("utf-16") else self._tail  # of a character's two bytes
        text = tail.decode(encoding, "replace")
        lines = text[: text.rfind("\n") + 1].removeprefix("\ufeff").splitlines()
        return tuple(lines[1:] if begin else lines)  # the first is cut


def progress_of(log: str, run: Run, reference: Reference | None) -> Progress:
    """Return how far one run is; `log` is the path that its curve is named by."""
    diverged, run = _diverged(run), _thinned(run)
    points: list[TrainPoint | ValPoint] = [*run.train[-1:], *run.val[-1:]]
    last = max(points, key=lambda point: point.line, default=None)
    score = next((line for line in reversed(final_scores(run)) if is_score(line)), None)
    val = next((point for point in reversed(run.val) if math.isfinite(point.val_bpb)), None)
    state = State.TRAINING if last else State.STARTING
    if last and (run.stop or last.step >= last.iterations > 0):
        state = State.EVALUATING
    if score:
        state = State.FINISHED
    seed = run.seed.value if run.seed else None
    progress = Progress(
        state,
        diverged=diverged,
        seed=seed,
        loss_nats=run.train[-1].loss_nats if run.train else None,
        val_bpb=val.val_bpb if val else None,
        val_step=val.step if val else None,
        score_bpb=score.val_bpb if score else None,
        score_name=score.name if score else "",
        curve=curve_of(log, seed, run),
    )
    if last is None:
        return replace(progress, no_gap="no training step yet", no_projection="no training step yet")
    return replace(
        progress, **_clock(run, last.step, last.iterations, state), **_beside(run, reference, score, diverged)
    )


def _clock(run: Run, step: int, iterations: int, state: State) -> dict[str, Any]:
    """Return the fields of Progress that tell the time."""
    timed = [(p.step, p.train_ms) for p in run.train if p.train_ms is not None and math.isfinite(p.train_ms)]
    vals = [(p.step, p.train_ms) for p in run.val if p.train_ms is not None and math.isfinite(p.train_ms)]
    timed = sorted({*timed, *vals})
    seconds = run.stop.train_ms / 1000 if run.stop else timed[-1][1] / 1000 if timed else None
    cap_seconds = _positive(run, "max_wallclock_seconds")
    recent = timed[-_RECENT_POINTS:]
    steps = recent[-1][0] - recent[0][0] if recent else 0
    now_ms = (recent[-1][1] - recent[0][1]) / steps if steps > 0 else None
    shares, lefts = [], []
    if iterations > 0:
        shares.append(step / iterations)
        lefts += [(iterations - step) * now_ms / 1000] if now_ms is not None else []
    if cap_seconds and seconds is not None:
        shares.append(seconds / cap_seconds)
        lefts.append(cap_seconds - seconds)
    done = state is not State.TRAINING
    batch_tokens = _positive(run, "train_batch_tokens")
    return {
        "step": step,
        "iterations": iterations,
        "seconds": seconds,
        "cap_seconds": cap_seconds,
        "left_seconds": None if done or not lefts else max(0.0, min(lefts)),
        "share": 1.0 if done else min(1.0, max(shares, default=0.0)),
        "step_ms": now_ms,
        "step_avg_ms": step_ms(run) or (seconds * 1000 / step if seconds is not None and step > 0 else None),
        "tokens_per_second": batch_tokens / now_ms * 1000 if batch_tokens and now_ms and now_ms > 0 else None,
    }


def _diverged(run: Run) -> str:
    """Return a warning if the last losses of a run are not finite, or its validation, or its score."""
    losses = _not_finite_since((point.step, point.loss_nats) for point in reversed(run.train))
    vals = _not_finite_since((point.step, point.val_loss_nats + point.val_bpb) for point in reversed(run.val))
    scores = final_scores(run)
    if losses is not None:
        return f"diverged: losses not finite since step {losses:,}"
    if vals is not None:
        return f"diverged: validation not finite since step {vals:,}"
    if scores and not math.isfinite(scores[-1].val_loss_nats + scores[-1].val_bpb):
        return "diverged: the score is not finite"
    return ""


def _not_finite_since(latest_first: Iterable[tuple[int, float]]) -> int | None:
    """Return the first step from which on no value is finite; None where the last one is."""
    since = None
    for step, value in latest_first:
        if math.isfinite(value):
            break
        since = step
    return since


def _beside(run: Run, reference: Reference | None, score: ScoreLine | None, diverged: str) -> dict[str, Any]:
    """Return the fields of Progress that hold the run against the record."""
    ratio = bytes_per_token(run)
    if reference is None:
        return {"no_gap": "no record to compare with", "no_projection": "no record to compare with"}
    if score:
        return {"gap": Gap(score.val_bpb - reference.score_bpb, 0), "no_projection": "the score is there"}
    if diverged:  # what it lost before tells nothing of where it ends
        return {"no_gap": "the run has diverged", "no_projection": "the run has diverged"}
    if ratio is None:
        reason = "no validation line yet: how many bytes a token stands for is not known"
        return {"no_gap": reason, "no_projection": reason}
    pace = pace_of(run, ratio)
    seconds = pace.points[-1][0] if pace.points else 0.0
    now = gap(pace, reference.paces, seconds)
    if now is None:
        reason = "this log states no times"
        if pace.points:
            ended = f" of its {reference.train_seconds:,.0f} s" if reference.train_seconds else ""
            reason = f"the record has no loss logged about second {seconds:,.0f}{ended}"
        return {"no_gap": reason, "no_projection": reason}
    cap_seconds = _positive(run, "max_wallclock_seconds")
    now = replace(now, unsure=unsure(now, seconds, cap_seconds or reference.train_seconds))
    told = projection(now, reference, seconds, cap_seconds)
    if isinstance(told, str):
        return {"gap": now, "no_projection": told}
    return {"gap": now, "projection": told}


def _stall(state: State, idle_seconds: float, run: Run) -> str:
    """Return a warning if the log is silent for longer than its state and its own lines let expect."""
    if state not in _QUIET_SECONDS or run == Run():
        return ""
    between = _between_lines(run) if state is State.TRAINING else None
    expected = _QUIET_SECONDS[State.STARTING if state is State.TRAINING and between is None else state]
    expected = max(expected, _QUIET_INTERVALS * (between or 0.0))
    if idle_seconds <= expected:
        return ""
    awaited = _EXPECTED.get(state) or (f"a line every {between:,.0f} s" if between else "the next step")
    return f"silent for {idle_seconds:,.0f} s, expected {awaited}"


def _between_lines(run: Run) -> float | None:
    """Return the seconds to expect between two lines of training; None where only its first steps are known.

    Trainers print each of the first steps, then every hundredth or so: the widest of the recent intervals counts. So,
    of the 4,117 intervals between lines in the 73 real runs with times, none is taken for a stall; by the mean of the
    recent intervals 135 were, in 52 of the runs. A change of shards, of 3.6 to 4.7 s, is shorter than any warning.
    """
    points = [
        (point.step, point.train_ms / 1000) for point in run.train[-_RECENT_POINTS:] if point.train_ms is not None
    ]
    gaps = [(after[0] - before[0], after[1] - before[1]) for before, after in pairwise(points)]
    return max(seconds for _, seconds in gaps) if any(steps > 1 for steps, _ in gaps) else None


def _foreign(run: Run, lines: int, idle_seconds: float) -> str:
    """Return a warning if nothing in the file is of a training log, and no more comes."""
    if run != Run() or idle_seconds < _FOREIGN_SECONDS:
        return ""
    return f"no training log? in {lines:,} lines no setting, step or score; expected step:10/2000 train_loss:…"


def _positive(run: Run, name: str) -> float | None:
    """Return a setting that is a positive number; 0 means that there is no such limit."""
    try:
        value = float(run.settings[name].value) if name in run.settings else 0.0
    except ValueError:
        return None
    return value if 0 < value < math.inf else None


def _thinned(run: Run) -> Run:
    """Keep a screen's worth of training points, evenly, and the recent ones: each look must cost little."""
    every = -(-len(run.train) // _CURVE_POINTS)
    return run if every < 2 else replace(run, train=[*run.train[:-_RECENT_POINTS:every], *run.train[-_RECENT_POINTS:]])
