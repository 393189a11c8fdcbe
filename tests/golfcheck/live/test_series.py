"""What a chart draws: the points that logs print, on the requested axes."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golfcheck.live.curves import Curve, Point, curves
from golfcheck.live.series import XAxis, YAxis, bounds, same_tokens, series
from golfcheck.submission.record import load

TRAIN = (Point(1, 10, 5.0, 3.0, None), Point(2, 20, 10.0, 2.5, None))
VAL = (Point(3, 15, None, 2.4, 1.5), Point(4, 40, None, 2.0, 1.25))
CURVE = Curve("a.log", 42, TRAIN, VAL)


def test_as_loss_the_points_are_those_of_the_log():
    (result,) = series([CURVE], YAxis.LOSS, XAxis.STEP)
    assert result.train == ((10, 3.0), (20, 2.5))
    assert result.val == ((15, 2.4), (40, 2.0))


def test_as_bpb_training_is_divided_by_the_bytes_that_the_last_validation_implies():
    (result,) = series([CURVE], YAxis.BPB, XAxis.STEP)
    assert result.train == (pytest.approx((10, 3.0 * 1.25 / 2.0)), pytest.approx((20, 2.5 * 1.25 / 2.0)))
    assert result.val == ((15, 1.5), (40, 1.25))


def test_a_point_without_a_time_gets_one_by_its_step():
    (result,) = series([CURVE], YAxis.BPB, XAxis.TIME)
    assert result.val == ((7.5, 1.5), (20.0, 1.25))


@pytest.mark.parametrize(("bpb", "same"), [(1.2501, True), (1.2549, True), (1.19, False), (1.31, False), (0.0, True)])
def test_nats_of_runs_with_different_bytes_per_token_are_not_comparable(bpb: float, same: bool):
    other = Curve("b.log", 1, TRAIN, (Point(4, 40, None, 2.0, bpb),))  # a score of 0 bpb tells nothing
    assert same_tokens([CURVE, Curve("c.log", 2, TRAIN, ()), other]) is same
    assert same_tokens([]) and same_tokens([CURVE])


def test_without_a_validation_nothing_is_drawn_as_bpb():
    assert series([Curve("a.log", 42, TRAIN, ())], YAxis.BPB, XAxis.STEP) == ()
    assert len(series([Curve("a.log", 42, TRAIN, ())], YAxis.LOSS, XAxis.STEP)) == 1


@given(
    points=st.lists(st.tuples(st.integers(0, 10**19), st.floats(allow_nan=False)), max_size=30),
    y=st.sampled_from(YAxis),
    x=st.sampled_from(XAxis),
)
def test_whatever_a_log_states_the_bounds_hold_what_is_drawn_or_leave_out_its_start(
    points: list[tuple[int, float]], y: YAxis, x: XAxis
):
    curve = Curve("a", None, tuple(Point(1, n, n / 2, loss, None) for n, loss in points), VAL)
    drawn = series([curve], y, x)
    result = bounds(drawn, y)
    assert (result is None) == (not drawn)
    if result is None:
        return
    (left, right), (low, high) = result
    assert left == 0 and right > 0 and 0 < low < high < 2_000
    late = [value for each in drawn for at, value in (*each.train, *each.val) if at >= right / 10]
    assert all(low <= value <= high for value in late)


def test_a_long_curve_keeps_its_last_point():
    train = tuple(Point(n, n, n / 2, 3.0, None) for n in range(1, 100_001))
    (result,) = series([Curve("a", None, train, ())], YAxis.LOSS, XAxis.STEP)
    assert len(result.train) <= 2_001 and result.train[-1] == (100_000, 3.0)


def test_every_real_record_with_curves_can_be_drawn_over_time(shared_data: Path):
    for folder in sorted((shared_data / "records").glob("*/*/")):
        for y in (YAxis.LOSS, YAxis.BPB):
            drawn = series(curves(load(folder)), y, XAxis.TIME)
            result = bounds(drawn, y)
            assert result and all(each.val for each in drawn), folder
            assert result[0][1] < 15_000


def test_the_trend_of_many_points_is_their_running_mean_and_of_few_there_is_none():
    noisy = [Point(n, n, None, 3.0 + (0.5 if n % 2 else -0.5), None) for n in range(1, 1001)]
    (result,) = series([Curve("a", None, tuple(noisy), ())], YAxis.LOSS, XAxis.STEP)
    assert [x for x, _ in result.trend] == [x for x, _ in result.train]
    assert all(abs(value - 3.0) < 0.05 for _, value in result.trend[20:-20])
    assert result.trend[0] == result.train[0] and result.trend[-1] == result.train[-1]
    line = [Point(n, n, None, 5.0 - n / 500, None) for n in range(1, 1001)]
    (straight,) = series([Curve("a", None, tuple(line), ())], YAxis.LOSS, XAxis.STEP)
    assert [value for _, value in straight.trend] == pytest.approx([value for _, value in straight.train])
    (few,) = series([Curve("a", None, tuple(noisy[:40]), ())], YAxis.LOSS, XAxis.STEP)
    assert few.trend == ()


def test_a_spike_among_many_points_does_not_flatten_the_rest_but_a_validation_is_always_seen():
    points = [Point(n, n, None, 3.0 - n / 1000, None) for n in range(1, 1001)]
    points[600] = Point(600, 600, None, 50.0, None)
    curve = Curve("a", None, tuple(points), (Point(1001, 1000, None, 1.5, 1.0),))
    result = bounds(series([curve], YAxis.LOSS, XAxis.STEP), YAxis.LOSS)
    assert result and result[1][1] < 3.1 and result[1][0] == 1.5
