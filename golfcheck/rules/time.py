"""The clock: its caps, and whether a log's times agree with each other."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from golfcheck.core.numbers import ms_text, seconds_text, step_ms_text
from golfcheck.core.ruleset import OVERSHOOT_STEPS
from golfcheck.core.verdict import Problem, Severity
from golfcheck.rules.hardware import claims_contest_machine, is_contest_machine
from golfcheck.rules.rule import ERROR, INFO, WARNING, Context, Skip, is_in_doubt, rule
from golfcheck.submission.record import Record
from golfcheck.submission.results import last_steps_ms, step_ms, timed_points, train_ms
from golfcheck.trainlog.events import LoggedRun, TrainLog, TrainPoint, ValPoint

_STEPS_IN_DOUBT = 2 * OVERSHOOT_STEPS
_CALIBRATION = re.compile(r"hessian|calibrat", re.IGNORECASE)
_CONSTANT_LINES = 20
_FIRST_STEADY_STEP = 10  # the first steps compile, and their average falls
_MOST_WRONG = 0.25  # of a run's lines
_JITTER_MS = 100.0  # between two readings of the clock: one may wait for the device, and a script may read it twice
_RESERVE_MS = 1_000.0  # a run that stopped earlier than this before the cap has reserved time for what follows


@rule(ERROR)
def train_time_over_cap(record: Record, ctx: Context) -> Iterator[Problem]:
    """Training ran past the track's wall-clock cap.

    The cap is tested between steps, so a run may end up to two steps late; that much is only reported as info. How long
    single steps took is not logged: up to four steps late, by the pace of the last ones, is a warning. The cap is for
    8×H100, so the time of a run on fewer or slower GPUs, or on an unknown machine, is a warning, too.
    Example: train_seed1337.log:39: 601,000 ms: 1,000 ms over the cap, more than four
    steps at the pace of the last ones
    Fix: lower MAX_WALLCLOCK_SECONDS, or submit to the track without a time limit.
    """
    cap = ctx.track.train_cap_ms
    if cap is None:
        raise Skip(f"track {ctx.track.name} has no time limit")
    timed = [(log, run, ms) for log, run in ctx.runs if (ms := train_ms(run)) is not None]
    if not timed:
        raise Skip("no log says how long training took")
    severity_of = _over_cap(record, ctx)
    within = []  # two steps of the cap: reported once, for the longest run
    for log, run, ms in timed:
        late, step = ms - cap, max(step_ms(run) or 0.0, last_steps_ms(run) or 0.0)
        if late <= 0:
            continue
        line = run.stop.line if run.stop else timed_points(run)[-1].line
        over = f"{ms_text(ms)}: {ms_text(late)} over the cap"
        if late <= OVERSHOOT_STEPS * step:
            steps = "one step" if late <= step else "two steps"
            within.append((late, Problem(f"{over}, within {steps}", log.path, line, INFO)))
        elif late <= _STEPS_IN_DOUBT * step:
            yield Problem(f"{over}, {late / step:.1f} steps late", log.path, line, WARNING)
        else:
            yield Problem(
                f"{over}, more than four steps at the pace of the last ones", log.path, line, severity_of(run)
            )
    yield from _worst(within)


def _over_cap(record: Record, ctx: Context) -> Callable[[LoggedRun], Severity | None]:
    """Return the severity of exceeding a cap, by run.

    It proves nothing if the track or the run is in doubt, nor on a machine that is not shown to be the one that the cap
    is for.
    """
    is_certain = ctx.identity.is_track_certain and not is_in_doubt(record, ctx)
    is_claimed = claims_contest_machine(record)
    return lambda run: None if is_certain and is_contest_machine(run, is_claimed=is_claimed) else WARNING


@rule(ERROR)
def eval_time_over_cap(record: Record, ctx: Context) -> Iterator[Problem]:
    """Evaluation took longer than its own cap.

    Like that of training, the cap is for 8×H100: the time of a run on other or unknown GPUs is a warning.
    Example: train_seed1337.log:46: 600,001 ms: 1 ms over the cap of 600,000 ms
    Fix: score with a larger stride, or adapt less at test time.
    """
    cap = ctx.track.eval_cap_ms
    if cap is None:
        raise Skip(f"track {ctx.track.name} has no time limit")
    timed = [(result, ms) for result in ctx.scored() if (ms := result.eval_ms) is not None]
    if not timed:
        raise Skip("no log says how long the evaluation took")
    severity_of = _over_cap(record, ctx)
    for result, ms in timed:
        if ms > cap:
            late = f"{ms_text(ms)}: {ms_text(ms - cap)} over the cap of {ms_text(cap)}"
            yield Problem(late, result.log.path, result.score.line, severity_of(result.run))


@rule(ERROR)
def time_not_consistent(record: Record, ctx: Context) -> Iterator[Problem]:
    """A line's train_time is not its step times its step_avg, unlike on the run's other lines.

    All three are printed from one clock, so they agree up to the rounding of the average and a tenth of a second, since
    a script may read it twice. If they seldom do, the script averages over something else (a session, only the steps),
    and nothing is reported. A stop that states a different time from the line of the same step is a warning: in 1,090
    of 1,092 real runs they agree.
    Example: train_seed42.log:35: step 1000 at 85.7 ms a step is 85,700 ms, the line says 86,703 ms; the run's other
    lines agree
    Fix: submit the logs as they were written; two processes must not write to one file.
    """
    checked = 0
    for log, run in ctx.runs:
        points = [(point, _product_ms(point)) for point in timed_points(run) if point.step > 0]
        wrong = [(point, product) for point, product in points if product is not None]
        checked += len(points)
        if problem := _false_stop(log, run):
            yield problem
        # If many lines disagree, the script averages over something else: a session, or steps without other work.
        if not wrong or len(wrong) > _MOST_WRONG * len(points):
            continue
        point, product = wrong[0]
        yield Problem(
            f"step {point.step} at {point.step_avg_ms} ms a step is {ms_text(product)}, the line says "
            f"{ms_text(point.train_ms or 0.0)}; the run's other lines agree",
            log.path,
            point.line,
        )
    if not checked:
        raise Skip("no log has both train_time and step_avg")


def _false_stop(log: TrainLog, run: LoggedRun) -> Problem | None:
    """Return what is wrong with the time of a stop if a line of the same step states a different one."""
    stop = run.stop
    times = [point.train_ms for point in timed_points(run) if stop and point.step == stop.step]
    if stop is None or not times or any(ms is not None and abs(ms - stop.train_ms) <= 1.0 for ms in times):
        return None
    stated = ms_text(times[-1] or 0.0)
    message = f"the run stopped at {ms_text(stop.train_ms)}, the line of the same step says {stated}"
    return Problem(message, log.path, stop.line, WARNING)


def _product_ms(point: TrainPoint | ValPoint) -> float | None:
    """Return the product of step and step_avg if it differs from train_time by more than rounding."""
    if point.train_ms is None or point.step_avg_ms is None:
        return None
    coarse = round(point.step_avg_ms, 1) == point.step_avg_ms  # one dialect prints a single decimal
    allowed = point.step * (0.0501 if coarse else 0.00501) + _JITTER_MS
    product = point.step * point.step_avg_ms
    return product if abs(product - point.train_ms) > allowed else None


@rule(WARNING)
def step_average_constant(record: Record, ctx: Context) -> Iterator[Problem]:
    """Every line of a run states the same average step time.

    The average is over all steps so far, so it changes from line to line: none of 1,240 real runs states one value, to
    the hundredth of a millisecond, on 20 lines. Times that do not follow from it contradict it, too. A script may print
    a number that it measured once, so a person must look.
    Example: train_seed42.log:35: step_avg is 85.70 ms on all 23 lines, but its train_time makes 83.80 to 85.70 ms a
    step
    Fix: submit the logs as they were written.
    """
    checked = 0
    for log, run in ctx.runs:
        points = [point for point in timed_points(run) if point.step >= _FIRST_STEADY_STEP]
        if len(points) < _CONSTANT_LINES:
            continue
        checked += 1
        averages = {point.step_avg_ms for point in points}
        if len(averages) > 1:
            continue
        (average,) = averages
        wrong = [point for point in points if _product_ms(point) is not None]
        if not wrong and round(average or 0.0, 1) == average:
            continue  # with a single decimal it may well be constant
        ratios = [(point.train_ms or 0.0) / point.step for point in points]
        message = f"step_avg is {step_ms_text(average or 0.0)} ms on all {len(points)} lines"
        if wrong:
            least, most = step_ms_text(min(ratios)), step_ms_text(max(ratios))
            message += f", but its train_time makes {least} to {most} ms a step"
        yield Problem(message, log.path, points[0].line)
    if not checked:
        raise Skip(f"no log states train_time and step_avg on {_CONSTANT_LINES} lines")


@rule(ERROR)
def steps_not_increasing(record: Record, ctx: Context) -> Iterator[Problem]:
    """The steps or times of a log go backwards.

    It is a warning if a line is printed twice or steps continue from an earlier one: two processes may have written to
    one file, or a run was resumed.
    Example: train_seed42.log:32: step 2 follows step 3
    Fix: submit the logs as they were written, one run to a file.
    """
    checked = 0
    for log, run in ctx.runs:
        checked += len(run.train) + len(run.val)
        for points in (run.train, run.val):
            if problem := _backwards(log, points):
                yield problem
    if not checked:
        raise Skip("no log has any step")


def _backwards(log: TrainLog, points: Sequence[TrainPoint | ValPoint]) -> Problem | None:
    """Return the problem of the first line whose step or time goes backwards.

    A single such line between two in the right order was moved or inserted: that is proof. If the steps continue
    from the earlier one, the run was resumed, or is a different one.
    """
    for index in range(1, len(points)):
        before, point = points[index - 1], points[index]
        after = points[index + 1] if index + 1 < len(points) else None
        if point.step == before.step:
            return Problem(f"step {point.step} occurs twice", log.path, point.line, WARNING)
        if point.step < before.step:
            is_alone = after is not None and after.step > before.step
            message = f"step {point.step} follows step {before.step}"
            return Problem(message, log.path, point.line, None if is_alone else WARNING)
        if before.train_ms is not None and point.train_ms is not None and point.train_ms < before.train_ms - _JITTER_MS:
            is_alone = after is not None and after.train_ms is not None and after.train_ms > before.train_ms
            message = f"step {point.step} at {ms_text(point.train_ms)} follows {ms_text(before.train_ms)}"
            return Problem(message, log.path, point.line, None if is_alone else WARNING)
    return None


@rule(WARNING)
def untimed_work(record: Record, ctx: Context) -> Iterator[Problem]:
    """Work on the weights was done after the training clock had stopped.

    Hessians and calibration passes are training, so their time counts. A run that stops early enough before the cap has
    left time for them.
    Example: train_seed42.log:41: calibration after the clock stopped at 599.92 s; the log does not say how long it took
    Fix: stop training earlier by the time that calibration takes, and print how long it took.
    """
    cap = ctx.track.train_cap_ms
    if cap is None:
        raise Skip(f"track {ctx.track.name} has no time limit")
    runs = ctx.runs
    if not runs:
        raise Skip("there is no log")
    problems = []  # each with the milliseconds over the cap, 0 if the log does not state them
    for log, run in runs:
        ms = train_ms(run)
        after = [fact for fact in run.calibration if run.stop and fact.line > run.stop.line]
        if ms is None or not after:
            continue
        phases = [phase for phase in run.phases if phase.line >= after[0].line and _CALIBRATION.search(phase.name)]
        spent = 1000 * sum(phase.seconds for phase in phases)
        if spent and ms + spent > cap:
            over = ms + spent - cap
            parts = f"training {seconds_text(ms)} s, then {seconds_text(spent)} s of calibration"
            what = f"{parts}: {seconds_text(over)} s over the cap"
            problems.append((over, Problem(what, log.path, after[0].line)))
        elif not spent and ms > cap - _RESERVE_MS:
            what = f"calibration after the clock stopped at {seconds_text(ms)} s; the log does not say how long it took"
            problems.append((0.0, Problem(what, log.path, after[0].line)))
    yield from _worst(problems)


def _worst(problems: list[tuple[float, Problem]]) -> Iterator[Problem]:
    """Yield the problem with the largest number, and say how many are like it."""
    if problems:
        _, worst = max(problems, key=lambda pair: pair[0])
        others = f" ({len(problems) - 1} more like it)" if len(problems) > 1 else ""
        yield replace(worst, message=worst.message + others)
