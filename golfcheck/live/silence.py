"""Logs that nothing is written to: whether that is expected, or worth a warning."""

from itertools import pairwise

from golfcheck.core.numbers import whole_seconds_text
from golfcheck.live.runprogress import RECENT_POINTS, RunState
from golfcheck.trainlog.events import LoggedRun

_QUIET_INTERVALS = 3  # between lines of the run, before it counts as stalled
_FOREIGN_SECONDS = 10.0  # a file without any training output for this long is probably no log
_EXPECTED = {RunState.STARTING: "the first step", RunState.EVALUATING: "a score"}
_QUIET_SECONDS = {
    RunState.STARTING: 300.0,
    RunState.TRAINING: 20.0,
    RunState.EVALUATING: 600.0,
}  # compiling prints little


def stall(state: RunState, idle_seconds: float, run: LoggedRun) -> str:
    """Return a warning if nothing was written for longer than the state and the earlier lines of the run suggest."""
    if state not in _QUIET_SECONDS or run == LoggedRun():
        return ""
    between = _between_lines(run) if state is RunState.TRAINING else None
    expected = _QUIET_SECONDS[RunState.STARTING if state is RunState.TRAINING and between is None else state]
    expected = max(expected, _QUIET_INTERVALS * (between or 0.0))
    if idle_seconds <= expected:
        return ""
    awaited = _EXPECTED.get(state) or (f"a line every {whole_seconds_text(between)} s" if between else "the next step")
    return f"silent for {whole_seconds_text(idle_seconds)} s, expected {awaited}"


def _between_lines(run: LoggedRun) -> float | None:
    """Return the expected seconds between two training lines; None if only the first steps are known.

    Trainers print each of the first steps, then about every hundredth, so the longest of the recent intervals counts.
    With it, none of the 4,117 intervals between lines in 73 real runs counts as a stall; with the mean of the recent
    intervals, 135 did, in 52 of the runs. Loading the next shard, 3.6 to 4.7 s, is shorter than any warning.
    """
    points = [(point.step, point.train_ms / 1000) for point in run.train[-RECENT_POINTS:] if point.train_ms is not None]
    gaps = [(after[0] - before[0], after[1] - before[1]) for before, after in pairwise(points)]
    return max(seconds for _, seconds in gaps) if any(steps > 1 for steps, _ in gaps) else None


def foreign(run: LoggedRun, lines: int, idle_seconds: float) -> str:
    """Return a warning if nothing in the file looks like a training log, and nothing more is written."""
    if run != LoggedRun() or idle_seconds < _FOREIGN_SECONDS:
        return ""
    return f"no training log? in {lines:,} lines no setting, step or score; expected step:10/2000 train_loss:…"
