"""Which score of a log counts."""

from dataclasses import dataclass

from golfcheck.trainlog.events import Run, ScoreLine, TrainLog

# Names of scores that are no result: before quantization, or said to be for information.
_NO_RESULT = ("pre-quant", "pre_quant", "prequant", "diagnostic")


@dataclass(frozen=True, slots=True)
class RunScore:
    """The score of one run, with the log that holds it."""

    log: TrainLog
    run: Run
    score: ScoreLine


@dataclass(frozen=True, slots=True)
class ChosenScore:
    """One score for each run that has it, all of one name (None where the runs share no name), and why this one."""

    name: str | None
    scores: tuple[RunScore, ...]
    reason: str


def counts(score: ScoreLine) -> bool:
    """Tell whether a score can be a result: not one from before quantization, not a diagnostic."""
    return not any(word in score.name.lower() for word in _NO_RESULT)


def choose_score(logs: tuple[TrainLog, ...]) -> ChosenScore:
    """Choose the score line that counts in each run: the last one, under a name that all runs have.

    The rule gives the claimed score for 48 of 55 real records (docs/limits.md): diagnostics and names from
    before quantization are dropped; then the last line of each run; where these names differ, the last name common to
    all. Logs equal in content count once.
    """
    distinct = {log.sha256: log for log in reversed(logs)}
    with_scores = [
        (log, run, [score for score in run.scores if counts(score)])
        for log in sorted(distinct.values(), key=lambda log: log.path)
        for run in log.runs
    ]
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
        RunScore(log, run, next(score for score in reversed(found) if score.name == name))
        for log, run, found in candidates
    )
    return ChosenScore(name, scores, reason + without)
