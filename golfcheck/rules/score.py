"""The score: whether it is in the logs, is the one that counts, and agrees with submission.json and README.md."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from golfcheck.core import stats
from golfcheck.core.numbers import delta_text, fine_delta_text, logged_text
from golfcheck.core.verdict import Problem
from golfcheck.rules.rule import ERROR, INFO, WARNING, Context, Skip, claim_line, mention_of, rule, submission_of
from golfcheck.submission.agreement import LoggedNumbers, agrees, mean_agrees
from golfcheck.submission.claims import Submission
from golfcheck.submission.record import Record
from golfcheck.submission.results import Result, base_name, distinct_runs, is_score, seed_of, usable_scores
from golfcheck.submission.unread import UnreadNumbers, other_total
from golfcheck.trainlog.events import LoggedRun, ScoreLine

_ADJACENT_LINES = 3
_NEAR_BPB = 5e-5  # below the fourth decimal, to which scores are compared: a different way of averaging
_SEEDS_APART_BPB = 0.01  # twenty times the spread of seeds of one program: no missing one makes up for more
_RUNS = ("runs", "n_seeds", "num_seeds")  # keys that list or count the runs of a mean
_SEEDS_IN_README = re.compile(
    r"\b([2-9])[- ]seeds?\b(?=[^\n]{0,20}mean)|\bmean (?:of|over) ([2-9]) (?:seeds|runs)", re.IGNORECASE
)
_PROGRESS_LINES = 5  # of an evaluation; fewer lines may be about anything
_NEAR_NATS = 1e-3  # a loss that was cut or rounded to three decimals; rankings do not use it
_LOSS_DIGITS = 4  # that a log without `_exact` lines prints


def _claim(record: Record) -> tuple[Submission, float]:
    submission = submission_of(record)
    if submission.val_bpb is None:
        raise Skip("submission.json claims no val_bpb")
    return submission, submission.val_bpb


def _mean(results: Sequence[Result]) -> float:
    return stats.mean([result.score.val_bpb for result in results])


@rule(ERROR)
def score_not_in_logs(record: Record, ctx: Context) -> Iterator[Problem]:
    """The claimed val_bpb is in no log: it is not the mean over the claimed runs, and no run's score either.

    A claimed val_loss must be in a log as well, and so must the val_bpb of each seed. A claim is read as written out to
    four decimals (1.2 is 1.2000), and a difference below the fourth decimal is only reported as info. It is a warning
    if the number may come from something that could not be read or is missing: it has an unknown label in a log, or is
    in a table or a results file; a log has it in the middle of an evaluation, or ends there; or the claim is a mean
    over more runs than there are logs, and differs from that of the logs by less than 0.01 (no seed makes up for more).
    An error says that the submitted logs lack the claim, not that no run reached it.

    Example: submission.json:8: claims 1.05 bpb; the logs' final_int8_zlib_roundtrip_exact has mean 1.1147351, best
    1.1143739 (-0.06474)
    Fix: claim the mean of the final scores that the logs show.
    """
    submission, claim = _claim(record)
    results = ctx.scored()
    if record.is_cut:
        raise Skip("a part of the record was not read: it may hold the score")
    runs = [run for _, run in distinct_runs(record)]
    logged_numbers, unread = _numbers_of(runs), UnreadNumbers(record)
    is_shown = _is_shown(claim, results, logged_numbers)
    if not is_shown and abs(claim - _mean(results)) < _NEAR_BPB:
        mean = _mean(results)
        message = f"claims {claim} bpb; the logs' mean is {logged_text(mean)} ({fine_delta_text(claim - mean)})"
        yield Problem(message, submission.path, claim_line(submission, "val_bpb"), INFO)
    elif not is_shown:
        mean, best = _mean(results), logged_text(min(result.score.val_bpb for result in results))
        means = f"mean {logged_text(mean)}, best {best} ({delta_text(claim - mean)})"
        logged = f"the logs' {results[0].name} has {means}"
        location = (submission.path, claim_line(submission, "val_bpb"))
        false_claim = _not_in_logs(f"claims {claim} bpb; {logged}", claim, location, unread)
        unshown = _runs_without_log(submission, record, results) if abs(claim - mean) < _SEEDS_APART_BPB else ""
        if false_claim.severity is None and unshown:
            false_claim = replace(false_claim, message=f"{false_claim.message}; {unshown}", severity=WARNING)
        more = other_total(submission, runs) if false_claim.severity is None else ""
        yield replace(false_claim, message=false_claim.message + more)
    elif (mean_agrees(claim, results)) and (problem := _false_loss(submission, results, runs, unread)):
        yield problem
    for seed in submission.seeds:
        if seed.val_bpb is None or not any(result.seed == seed.seed for result in results):
            continue
        if not logged_numbers.has(seed.val_bpb):
            own = next(result for result in results if result.seed == seed.seed)
            logged = logged_text(own.score.val_bpb)
            yield _not_in_logs(
                f"claims {seed.val_bpb} bpb for seed {seed.seed}; its log's {own.name} is {logged}",
                seed.val_bpb,
                (submission.path, seed.line or claim_line(submission, "seeds")),
                unread,
            )


def _runs_without_log(submission: Submission, record: Record, results: Sequence[Result]) -> str:
    """Return which runs without logs the claim seems to include in its mean; "" if there are none."""
    seeds = {seed_of(log, run) for log, run in distinct_runs(record)}
    absent = sorted(claim.seed for claim in submission.seeds if claim.seed not in seeds)
    if absent and len(submission.seeds) > len(results):
        return f"there is no log of seed {', '.join(map(str, absent))}"
    listed = [submission.raw.get(key) for key in _RUNS]
    counts = [len(value) if isinstance(value, list) else value for value in listed]
    counts += [int(one or other) for one, other in _SEEDS_IN_README.findall(record.readme or "")]
    most = max((count for count in counts if isinstance(count, int)), default=0)
    return f"it is said to be the mean of {most} runs; {len(results)} logs have a score" if most > len(results) else ""


def _is_shown(claim: float, results: Sequence[Result], logged: LoggedNumbers) -> bool:
    """Return whether a claim is the mean of the results, or of other lines of their runs, or a line of any run."""
    means = list(_by_common_name(results))
    means_agree = any(agrees(claim, stats.mean([line.val_bpb for line in lines]), lines[0].digits) for lines in means)
    last = [result.run.val[-1].val_bpb for result in results if result.run.val]
    return (
        mean_agrees(claim, results)
        or means_agree
        or logged.has(claim)
        or (len(last) == len(results) and agrees(claim, stats.mean(last), _LOSS_DIGITS))  # pre-quantization-score
    )


def _by_common_name(results: Sequence[Result]) -> Iterator[list[ScoreLine]]:
    """Yield, for each name that all runs have, the last score of that name in each."""
    last = [{line.name: line for line in result.run.scores if is_score(line)} for result in results]
    for name in set.intersection(*map(set, last)):
        yield [lines[name] for lines in last]


def _numbers_of(runs: Sequence[LoggedRun]) -> LoggedNumbers:
    """Return the numbers of all scores and validations."""
    scores = [(line.val_bpb, line.digits) for run in runs for line in run.scores]
    return LoggedNumbers([*scores, *((point.val_bpb, _LOSS_DIGITS) for run in runs for point in run.val)])


def _not_in_logs(message: str, claim: float, claimed_at: tuple[str, int | None], unread: UnreadNumbers) -> Problem:
    """Return an error, or a warning if the number may come from something unreadable or incomplete."""
    if location := unread.line_with(claim):
        where = f"; {location[0]}:{location[1]} has it under an unknown label"
        return Problem(message + where, *claimed_at, severity=WARNING)
    if location := unread.progress_with(claim):
        where = f"; {location[0]}:{location[1]} has it in the middle of an evaluation"
        return Problem(message + where, *claimed_at, severity=WARNING)
    if mention := mention_of(claim, unread.record):
        return Problem(f"{message}; {mention.path}:{mention.line} has it", *claimed_at, severity=WARNING)
    for log, run in unread.runs:
        if len(run.progress) >= _PROGRESS_LINES and (run.progress_line or 0) > max(
            (line.line for line in run.scores), default=0
        ):
            where = f"; {log.path}:{run.progress_line} is the last line of an evaluation that does not end"
            return Problem(message + where, *claimed_at, severity=WARNING)
    return Problem(message, *claimed_at)


def _false_loss(
    submission: Submission, results: Sequence[Result], runs: Sequence[LoggedRun], unread: UnreadNumbers
) -> Problem | None:
    """Return what is wrong with a claimed val_loss that is in no log, if the runs are those of the claimed bpb."""
    claim = submission.val_loss_nats
    if claim is None or any(result.score.val_loss_nats is None for result in results):
        return None
    means = [stats.mean([line.val_loss_nats or 0.0 for line in lines]) for lines in _by_common_name(results)]
    mean = stats.mean([result.score.val_loss_nats or 0.0 for result in results])
    losses = [line.val_loss_nats for run in runs for line in run.scores if line.val_loss_nats is not None]
    losses += [point.val_loss_nats for run in runs for point in run.val]
    if any(agrees(claim, loss, _LOSS_DIGITS) for loss in (mean, *means, *losses)):
        return None
    logged = f"{results[0].name} has mean {logged_text(mean)} ({delta_text(claim - mean)})"
    message = f"claims a val_loss of {claim}; the logs' {logged}"
    location = (submission.path, claim_line(submission, "val_loss_nats"))
    decimals = len(repr(claim).partition(".")[2])
    if abs(claim - mean) < max(_NEAR_NATS, 10.0**-decimals):
        return Problem(message, *location, severity=WARNING)
    return _not_in_logs(message, claim, location, unread)


@rule(WARNING)
def best_seed_claimed(record: Record, ctx: Context) -> Iterator[Problem]:
    """The claimed val_bpb is that of the best seed, not the mean.

    Records are compared by their mean over seeds; the best of several is lower by luck alone.
    Example: submission.json:8: claims 1.11437394, the best of 3 runs (seed 42); their mean is 1.1147351
    Fix: claim the mean.
    """
    submission, claim = _claim(record)
    results = ctx.scored()
    if len(results) < 2:
        raise Skip("only one run has a score")
    best = min(results, key=lambda result: result.score.val_bpb)
    if agrees(claim, best.score.val_bpb, best.score.digits) and not mean_agrees(claim, results):
        mean = _mean(results)
        yield Problem(
            f"claims {claim}, the best of {len(results)} runs (seed {best.seed}); their mean is {logged_text(mean)}",
            submission.path,
            claim_line(submission, "val_bpb"),
        )


@rule(ERROR)
def pre_quantization_score(record: Record, ctx: Context) -> Iterator[Problem]:
    """The claimed val_bpb is a score of the weights before they were quantized.

    Only the artifact is submitted, so only the score after its compressed size is known counts: not the last validation
    of training, nor a score of averaged, full-precision or otherwise named weights. An earlier validation may agree by
    chance, and without a score of the artifact a name alone proves nothing: these are warnings.
    Example: train_seed2025.log:38: claims 1.1088, which is the validation at step 7000; the artifact's
    final_int8_zlib_roundtrip_exact is 1.1147351
    Fix: claim the score of the artifact as read back from disk.
    """
    claim = _claim(record)[1]
    runs = ctx.runs
    if not any(run.scores or run.val for _, run in runs):
        raise Skip(ctx.no_results)
    after = [line for _, run in distinct_runs(record) for line in usable_scores(run)]
    if (ctx.results and mean_agrees(claim, ctx.results)) or any(agrees(claim, s.val_bpb, s.digits) for s in after):
        return
    matches: list[tuple[float, Problem]] = []  # each with its distance from the claim
    before: dict[str, list[tuple[str, int, float]]] = {}  # name → where it is, for each run
    for log, run in runs:
        counting = {id(line) for line in usable_scores(run)}
        sizes = [size.line for size in (*run.model_bytes, *run.total_bytes) if size.label]
        last = {line.name: line for line in run.scores if id(line) not in counting and is_score(line)}
        points = [(line.name, line.line, line.val_bpb) for line in last.values()]
        if run.val and (run.scores or run.total_bytes):
            points.append((f"the validation at step {run.val[-1].step}", run.val[-1].line, run.val[-1].val_bpb))
        for name, line_number, value in points:
            key = "the last validation" if name.startswith("the validation") else name
            before.setdefault(key, []).append((log.path, line_number, value))
            if agrees(claim, value, _LOSS_DIGITS):
                message = f"claims {claim}, which is {name}; {_final(ctx)}"
                # The artifact's score differs, or this line comes before the artifact: otherwise only its name tells.
                is_proven = ctx.results or key != name or (sizes and line_number < min(sizes))
                severity = None if is_proven else WARNING
                matches.append((abs(claim - value), Problem(message, log.path, line_number, severity)))
    if matches:
        yield min(matches, key=lambda match: match[0])[1]
        return
    for log, run in runs:
        point = next((point for point in run.val[:-1] if agrees(claim, point.val_bpb, _LOSS_DIGITS)), None)
        if point is not None:  # perhaps by chance: there are many
            message = f"claims {claim}, which is the validation at step {point.step}; {_final(ctx)}"
            yield Problem(message, log.path, point.line, WARNING)
            return
    for name, points_of in before.items():
        mean = stats.mean([value for _, _, value in points_of])
        if len(points_of) == len(runs) > 1 and agrees(claim, mean, _LOSS_DIGITS):
            path, line_number, _ = points_of[0]
            severity = None if ctx.results or name == "the last validation" else WARNING
            yield Problem(f"claims {claim}, which is the mean of {name}; {_final(ctx)}", path, line_number, severity)
            return


def _final(ctx: Context) -> str:
    if not ctx.results:
        return "no log has a score of the artifact"
    return f"the artifact's {ctx.results[0].name} is {logged_text(_mean(ctx.results))}"


@rule(ERROR)
def rounding_mismatch(record: Record, ctx: Context) -> Iterator[Problem]:
    """A line `X` is not the rounding of the line `X_exact` that follows it.

    Both are printed from one number; 117 of 117 real pairs agree.
    Example: train_seed42.log:45: final_int8_zlib_roundtrip says 1.1344 bpb, line 46 1.11437394
    Fix: submit the logs as they were written.
    """
    pairs = 0
    for log, run in ctx.runs:
        for rounded, exact in zip(run.scores, run.scores[1:], strict=False):
            is_pair = exact.name != base_name(exact.name) and rounded.name == base_name(exact.name)
            if not is_pair or exact.line - rounded.line > _ADJACENT_LINES:
                continue  # some scripts print another score under the same name later
            pairs += 1
            allowed = 0.5 * 10.0**-rounded.digits + 1e-9
            for unit, short, full in (
                ("bpb", rounded.val_bpb, exact.val_bpb),
                ("nats", rounded.val_loss_nats, exact.val_loss_nats),
            ):
                if short is not None and full is not None and abs(short - full) > allowed:
                    message = f"{rounded.name} says {short} {unit}, line {exact.line} {full}"
                    yield Problem(message, log.path, rounded.line)
    if not pairs:
        raise Skip("no log has a line `X` with its `X_exact`")


@rule(ERROR)
def score_not_finite(record: Record, ctx: Context) -> Iterator[Problem]:
    """A score is NaN, infinite, not positive, or larger than any loss can be.

    If the same run has another score of its artifact, such a line is only a warning.
    Example: train_seed42.log:41: diagnostic is val_loss 2.0, val_bpb 0.0
    Fix: find where the loss became NaN or infinite; such a run has no score.
    """
    for log, run in ctx.runs:
        severity = WARNING if usable_scores(run) else None
        for line in run.scores:
            if not is_score(line):
                message = f"{line.name} is val_loss {line.val_loss_nats}, val_bpb {line.val_bpb}"
                yield Problem(message, log.path, line.line, severity)
    submission = record.submission
    if submission and submission.val_bpb is not None and submission.val_bpb <= 0:
        yield Problem(f"val_bpb is {submission.val_bpb}", submission.path, claim_line(submission, "val_bpb"))
