"""Where a run is: the clock against a wall clock that the test owns, the schedules against their formulas."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golfcheck.reference import progress
from golfcheck.reference.progress import Progress
from golfcheck.reference.settings import Settings


class Wall:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def perf_counter(self) -> float:
        return self.seconds


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    wall = Wall()
    monkeypatch.setattr(progress, "time", wall)
    return wall


def alone(*values: float) -> list[float]:
    return [float(value) for value in values]


def among(other_ms: Callable[[], float], wait: Callable[[], None]) -> Callable[..., list[float]]:
    """Agree with a rank whose clock stands at `other_ms`, after waiting for it."""

    def agree(ms: float, *ends: float) -> list[float]:
        wait()
        return [max(ms, other_ms()), *map(float, ends)]

    return agree


def test_all_time_between_steps_counts_as_training_except_validation(wall: Wall) -> None:
    run = Progress(Settings(max_wallclock_seconds=600.0))
    run.begin(0, 0.0)
    began = wall.seconds
    outside = 0.0
    for _ in range(50):
        wall.seconds += 1.0  # the step
        run.step += 1
        run.advance(alone)
        wall.seconds += 0.25  # the log and the terminal
        if run.step % 10 == 0:
            with run.stopped():
                wall.seconds += 30.0
            outside += 30.0
    assert run.clock_ms == pytest.approx(1000.0 * (wall.seconds - began - outside))
    assert run.train_ms == pytest.approx(run.clock_ms - 250.0)  # what came after the last step is not yet agreed on


@pytest.mark.parametrize("stalled_rank", [0, 1])
def test_two_ranks_that_stall_in_turn_lose_nothing_of_the_wall_clock(wall: Wall, stalled_rank: int) -> None:
    """Each step one of them takes 3 s and the other 1 s: it waits while they agree."""
    run = Progress(Settings(max_wallclock_seconds=600.0))
    run.begin(0, 0.0)
    began = wall.seconds
    for step in range(20):
        own, other = (3.0, 1.0) if step % 2 == stalled_rank else (1.0, 3.0)
        wall.seconds += own
        run.step += 1

        def wait(seconds: float = max(0.0, other - own)) -> None:
            wall.seconds += seconds

        run.advance(among(lambda: 1000.0 * (wall.seconds - began), wait))
    assert run.train_ms == pytest.approx(1000.0 * (wall.seconds - began))
    assert run.train_ms == pytest.approx(60_000.0)


def test_the_cap_is_reached_by_the_time_that_passed(wall: Wall) -> None:
    run = Progress(Settings(max_wallclock_seconds=10.0))
    run.begin(0, 0.0)
    reasons = []
    for _ in range(8):
        wall.seconds += 1.0
        run.step += 1
        reasons.append(run.advance(alone))
        wall.seconds += 0.5
    assert reasons == ["", "", "", "", "", "", "wallclock_cap", "wallclock_cap"]  # 7 steps and 6 pauses are 10 s


def test_a_run_resumed_past_its_cap_stops_at_once_without_dividing_by_zero(wall: Wall) -> None:
    run = Progress(Settings(max_wallclock_seconds=1.0, warmdown_iters=0))
    run.begin(5, 2000.0)
    assert run.advance(alone) == "wallclock_cap"
    assert run.lr_factor == 1.0


def test_the_most_severe_reason_of_any_rank_ends_all_ranks(wall: Wall) -> None:
    run = Progress(Settings())
    run.step = 1
    wall.seconds += 1.0
    agree = lambda ms, *_ends: [ms, 0.0, 1.0, 1.0]  # noqa: E731 - another rank has a signal and broken data
    assert run.advance(agree, nonfinite_loss=False, signal=False, data_error=False) == "signal"


@given(step=st.integers(0, 100), warmdown=st.integers(0, 100))
def test_without_a_cap_learning_rates_fall_linearly_over_the_last_steps(step: int, warmdown: int) -> None:
    run = Progress(Settings(iterations=100, warmdown_iters=warmdown, max_wallclock_seconds=0.0))
    run.step = step
    expected = min(1.0, (100 - step) / warmdown) if warmdown else 1.0
    assert run.lr_factor == pytest.approx(expected)


def test_under_a_cap_rates_fall_once_the_time_left_is_that_of_the_warmdown(wall: Wall) -> None:
    run = Progress(Settings(warmdown_iters=10, max_wallclock_seconds=100.0))
    run.begin(80, 80_000.0)  # a second a step
    assert run.lr_factor == 1.0
    run.begin(95, 95_000.0)
    assert run.lr_factor == pytest.approx(0.5)
    run.begin(100, 100_000.0)
    assert run.lr_factor == 0.0


@pytest.mark.parametrize(("step", "expected"), [(0, 0.92), (750, 0.955), (1500, 0.99), (9000, 0.99)])
def test_momentum_rises_linearly(step: int, expected: float) -> None:
    run = Progress(Settings())
    run.step = step
    assert run.momentum == pytest.approx(expected)


def test_how_much_is_done_is_by_steps_or_by_time_whichever_is_further(wall: Wall) -> None:
    run = Progress(Settings(iterations=1000, max_wallclock_seconds=100.0))
    for step, share in ((10, 0.2), (500, 0.5)):
        run.begin(step, 20_000.0)
        run.advance(alone)
        assert run.share == pytest.approx(share)
    assert math.isinf(Progress(Settings(max_wallclock_seconds=0.0)).cap_ms)
