"""Collects facts into runs: a file may hold several, one after another."""

from dataclasses import fields

from golfcheck.trainlog.events import LoggedRun

MAX_SETTINGS = 2_000  # kept per run, and examined per log; real ones have at most 83
MAX_RUNS = 64
_DESCRIPTION = ("seed", "world_size", "params", "val_tokens", "val_bytes")  # printed before a run begins


class Runs:
    """The runs of a log so far; `now` is the current one."""

    def __init__(self) -> None:
        self.now = LoggedRun()
        self.finished: list[LoggedRun] = []
        self.in_settings = False  # inside a block of hyperparameters
        self.gpu_rows: set[str] = set()  # numbers of the GPUs that the current run has listed
        self.setting_words = 0  # examined in lines of settings
        self.score_lines = 0  # examined for scores
        self.settings = 0  # kept, of all runs
        self.searched_chars = 0  # of lines that were searched for a size, a result, or a number

    def header(self) -> LoggedRun:
        """Return the run that a descriptive line belongs to: after a run that has trained, it begins the next one."""
        now = self.now
        if (now.train or now.val or now.scores) and len(self.finished) < MAX_RUNS:
            self.finished.append(now)
            self.now = LoggedRun()
            self.gpu_rows = set()
        return self.now

    def at_step(self, step: int) -> LoggedRun:
        """Return the run that a training step belongs to: a step back at the beginning starts another run."""
        now = self.now
        if len(now.train) > 1 and step <= now.train[0].step < now.train[-1].step and len(self.finished) < MAX_RUNS:
            self.finished.append(now)
            self.settings += len(now.settings)
            self.now = LoggedRun(
                **{name: getattr(now, name) for name in _DESCRIPTION}, settings=dict(now.settings), gpus=list(now.gpus)
            )
        return self.now

    def started(self) -> bool:
        """Return whether the current run has begun to train."""
        return bool(self.now.train or self.now.val)

    def finish(self) -> tuple[LoggedRun, ...]:
        """Return the runs with any facts; a separate evaluation belongs to the run before it."""
        finished: list[LoggedRun] = []
        for run in (*self.finished, self.now):
            if finished and not run.train and (run.seed is None or _same_seed(run, finished[-1])):
                finished[-1] = _joined(finished[-1], run)
            elif run != LoggedRun():
                finished.append(run)
        return tuple(finished)


def _same_seed(one: LoggedRun, other: LoggedRun) -> bool:
    return one.seed is not None and other.seed is not None and one.seed.value == other.seed.value


def _joined(run: LoggedRun, more: LoggedRun) -> LoggedRun:
    """Return `run` with the facts of a later part of the log; neither is changed, since more lines may follow."""
    joined = LoggedRun()
    for field in fields(LoggedRun):
        old, new = getattr(run, field.name), getattr(more, field.name)
        if field.name == "gpus":
            value = old or new  # the table may be printed again at the end
        elif field.name == "progress_line":
            value = old if new is None else new
        elif isinstance(old, list):
            value = old + new
        elif isinstance(old, dict):
            value = {**old, **{name: fact for name, fact in new.items() if name not in old}}
        else:
            value = new if old is None else old
        setattr(joined, field.name, value)
    return joined
