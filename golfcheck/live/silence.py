"""A log that has grown silent: whether that is to be expected, or a warning."""

from itertools import pairwise

from golfcheck.live.runprogress import RECENT_POINTS, RunState
from golfcheck.trainlog.events import Run

_QUIET_INTERVALS = 3  # of the run's own lines, before it is said to stall
_FOREIGN_SECONDS = 10.0  # a file this long without a word of a training log is taken for another kind of file
_EXPECTED = {RunState.STARTING: "the first step", RunState.EVALUATING: "a score"}
_QUIET_SECONDS = {
    RunState.STARTING: 300.0,
    RunState.TRAINING: 20.0,
    RunState.EVALUATING: 600.0,
}  # compiling prints little


def stall(state: RunState, idle_seconds: float, run: Run) -> str:
    """Return a warning if the log is silent for longer than its state and its own lines let expect."""
    if state not in _QUIET_SECONDS or run == Run():
        return ""
    between = _between_lines(run) if state is RunState.TRAINING else None
    expected = _QUIET_SECONDS[RunState.STARTING if state is RunState.TRAINING and between is None else state]
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
    points = [(point.step, point.train_ms / 1000) for point in run.train[-RECENT_POINTS:] if point.train_ms is not None]
    gaps = [(after[0] - before[0], after[1] - before[1]) for before, after in pairwise(points)]
    return max(seconds for _, seconds in gaps) if any(steps > 1 for steps, _ in gaps) else None


def foreign(run: Run, lines: int, idle_seconds: float) -> str:
    """Return a warning if nothing in the file is of a training log, and no more comes."""
    if run != Run() or idle_seconds < _FOREIGN_SECONDS:
        return ""
    return f"no training log? in {lines:,} lines no setting, step or score; expected step:10/2000 train_loss:…"
