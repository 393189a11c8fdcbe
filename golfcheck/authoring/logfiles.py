"""Read training logs into one result per seed, as `golfcheck verify` does."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from golfcheck import trainlog
from golfcheck.core.errors import UsageError
from golfcheck.core.namedfile import read_named
from golfcheck.core.numbers import bpb_text
from golfcheck.core.work import TOO_COSTLY, Work
from golfcheck.submission.bounded import MAX_LOG_BYTES
from golfcheck.submission.results import Result, is_score
from golfcheck.trainlog.events import TrainLog


@dataclass(frozen=True, slots=True)
class LogFile:
    """A log: its path, its bytes, and the parsed contents."""

    path: Path
    data: bytes
    log: TrainLog
    results: tuple[Result, ...]  # of the runs that reached the score that counts

    @property
    def seeds(self) -> list[int]:
        """The known seeds of the results."""
        return [result.seed for result in self.results if result.seed is not None]

    @property
    def seed(self) -> int | None:
        """The seed, if the log contains exactly one finished run."""
        return self.results[0].seed if len(self.results) == 1 else None


def read_logs(paths: Sequence[Path]) -> list[LogFile]:
    """Read the logs of one record, and choose the score that counts across all of them, as `verify` does.

    Raises UsageError, with the file name, for a log that cannot be read or has no finished run.
    """
    contents = [(path, read_named(path, MAX_LOG_BYTES, "a training log")) for path in paths]
    # The index comes first because logs from two folders may have the same name.
    work = Work()  # one budget for all, as for the record that they become
    logs = [trainlog.read(f"{i:04d}/{path.name}", data, work) for i, (path, data) in enumerate(contents)]
    for (path, _), log in zip(contents, logs, strict=True):
        if log.unread_from is not None:
            raise UsageError(f"{path}:{log.unread_from}: not read from here on: {TOO_COSTLY}: shorten the logs")
        if not any(run.scores for run in log.runs):
            raise UsageError(f"{path}: 0 finished runs: it has no score after training{_last_validation(log)}")
    chosen = trainlog.choose_score(tuple(logs))
    if not chosen.scores:
        raise UsageError(f"{paths[0]}: no score counts: {chosen.reason}")
    files = []
    for (path, data), log in zip(contents, logs, strict=True):
        results = tuple(
            Result(run.log, run.run, run.score)
            for run in chosen.scores
            if run.log.sha256 == log.sha256 and is_score(run.score)
        )
        if not results:
            raise UsageError(f"{path}: no run has the score `{chosen.name}` that counts in the other logs")
        files.append(LogFile(path, data, log, results))
    return files


def _last_validation(log: TrainLog) -> str:
    """Return the last validation of an unfinished run, which people take for its score; "" without one."""
    last = next((point for run in reversed(log.runs) for point in reversed(run.val)), None)
    if last is None:
        return ""
    return f"; {bpb_text(last.val_bpb)} bpb at step {last.step:,} is a validation, before the model was compressed"


def one_per_seed(files: Sequence[LogFile], *, keep_last: bool) -> tuple[list[LogFile], list[str]]:
    """Return the logs with one run per seed, and one line for each log that was left out.

    Of two copies of one log, that whose name has the seed is used. Raises UsageError if two runs have the same seed,
    unless `keep_last` selects the last one.
    """
    chosen: list[LogFile] = []
    files, notes = _without_copies(files)
    for read in files:
        file = read
        if repeated := [seed for seed in file.seeds if file.seeds.count(seed) > 1]:
            several = f"{file.path}: {len(file.results)} runs, several of them with seed {repeated[0]}"
            if not keep_last:
                raise UsageError(
                    f"{several}: reduce the log to one run per seed, or use the last one of each seed with --keep-last"
                )
            notes.append(f"{several}: using the last one")
            file = replace(file, results=_last_of_each_seed(file.results))
        for earlier in [other for other in chosen if set(other.seeds) & set(file.seeds)]:
            seed = next(seed for seed in earlier.seeds if seed in file.seeds)
            if not keep_last:
                raise UsageError(
                    f"{file.path}: seed {seed} is also in {earlier.path}: pass only the logs that count, "
                    "or use the last one of each seed with --keep-last"
                )
            notes.append(f"seed {seed}: using {file.path}, not {earlier.path}")
            chosen.remove(earlier)
        chosen.append(file)
    return chosen, notes


def _last_of_each_seed(results: Sequence[Result]) -> tuple[Result, ...]:
    last = {result.seed: result for result in results if result.seed is not None}
    return tuple(result for result in results if result.seed is None or last[result.seed] is result)


def _without_copies(files: Sequence[LogFile]) -> tuple[list[LogFile], list[str]]:
    """Return the logs without those that repeat another one byte by byte, and a line for each of these."""
    by_content: dict[str, LogFile] = {}
    notes = []
    for file in files:
        other = by_content.setdefault(file.log.sha256, file)
        if other is file:
            continue
        names_seed = file.seed is not None and str(file.seed) in file.path.stem
        used, copy = (file, other) if names_seed and str(file.seed) not in other.path.stem else (other, file)
        by_content[file.log.sha256] = used
        notes.append(f"{copy.path}: a copy of {used.path}, left out")
    return list(by_content.values()), notes
