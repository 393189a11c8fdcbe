"""Following a log that grows, whatever happens to the file, and the report on its run."""

import os
import statistics
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golfcheck.live import pace
from golfcheck.live.follow import Follower
from golfcheck.live.logwatch import LogWatch
from golfcheck.live.pace import Gap, Pace, Projection, Reference
from golfcheck.live.runprogress import RunProgress, RunState, progress_of
from golfcheck.live.silence import stall
from golfcheck.submission.examined import results
from golfcheck.submission.record import load
from golfcheck.trainlog.events import LoggedRun

HEAD = b"seed:42\ntrain_batch_tokens:1000 max_wallclock_seconds:600.000\n"
VAL = b"step:0/2000 val_loss:6.0 val_bpb:3.6 train_time:0ms step_avg:0.02ms\n"


def steps(first: int, last: int, by: int = 10) -> bytes:
    """Lines of a run that takes 500 ms a step; its loss falls from 4 to 2 nats over 1200 steps, and to 0.5 at most."""
    lines = (
        f"step:{n}/2000 train_loss:{max(4 - n / 600, 0.5):.4f} train_time:{n * 500}ms step_avg:500.00ms\n"
        for n in range(first, last + 1, by)
    )
    return "".join(lines).encode()


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


# The file.


def test_what_is_appended_is_returned_once(tmp_path: Path):
    path = tmp_path / "a.log"
    path.write_bytes(b"one\n")
    file = Follower(path)
    assert file.look(0).data == b"one\n"
    assert file.look(0).data == b""
    append(path, b"two\n")
    assert file.look(0).data == b"two\n"


def test_a_file_that_is_not_there_yet_is_waited_for(tmp_path: Path):
    file = Follower(tmp_path / "late.log")
    assert file.look(0).missing == "No such file or directory"
    (tmp_path / "late.log").write_bytes(b"here\n")
    assert file.look(0).data == b"here\n"


def test_a_truncated_file_is_read_again_from_its_start(tmp_path: Path):
    path = tmp_path / "a.log"
    path.write_bytes(b"one\ntwo\n")
    file = Follower(path)
    file.look(0)
    path.write_bytes(b"new\n")
    seen = file.look(0)
    assert (seen.data, seen.again) == (b"new\n", "the file was truncated")


def test_a_rotated_file_is_read_again_from_its_start(tmp_path: Path):
    path = tmp_path / "a.log"
    path.write_bytes(b"one\n")
    file = Follower(path)
    file.look(0)
    path.rename(tmp_path / "a.log.1")
    path.write_bytes(b"one\ntwo\n")
    seen = file.look(0)
    assert (seen.data, seen.again) == (b"one\ntwo\n", "the file was replaced")


def test_a_file_rewritten_in_place_is_noticed_even_if_it_has_grown(tmp_path: Path):
    path = tmp_path / "a.log"
    path.write_bytes(b"one\n")
    file = Follower(path)
    file.look(0)
    with path.open("r+b") as other:
        other.write(b"another text\n")
    seen = file.look(0)
    assert (seen.data, seen.again) == (b"another text\n", "the file was written anew")


@pytest.mark.parametrize("kind", ["folder", "fifo"])
def test_a_special_file_is_reported_and_does_not_block(tmp_path: Path, kind: str):
    path = tmp_path / kind
    path.mkdir() if kind == "folder" else os.mkfifo(path)
    assert Follower(path).look(0).missing == "not a regular file"


def test_a_large_file_comes_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("golfcheck.live.follow._READ_BYTES", 10)
    path = tmp_path / "a.log"
    path.write_bytes(b"x" * 25)
    file = Follower(path)
    assert [(len(piece.data), piece.more) for piece in (file.look(0) for _ in range(4))] == [
        *((10, True), (10, True), (5, False), (0, False))
    ]


@given(pieces=st.lists(st.binary(max_size=40), max_size=12))
@settings(max_examples=100)
def test_all_that_is_appended_arrives_in_its_order(tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]):
    path = tmp_path_factory.mktemp("grow") / "a.log"
    path.touch()
    file, seen = Follower(path), b""
    for piece in pieces:
        append(path, piece)
        seen += file.look(0).data
    assert seen == b"".join(pieces)


# What is said of the run.


def look(path: Path, data: bytes, reference: Reference | None = None, idle: float = 0.0) -> RunProgress:
    path.write_bytes(data)
    return LogWatch(path, reference).look(path.stat().st_mtime + idle)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "train.log"


def test_a_run_goes_through_its_states(log: Path):
    watch = LogWatch(log)
    assert watch.look(0).state is RunState.WAITING
    log.write_bytes(b"")
    assert watch.look(0).state is RunState.WAITING
    append(log, HEAD)
    assert watch.look(0).state is RunState.STARTING
    append(log, VAL + steps(10, 600))
    assert watch.look(0).state is RunState.TRAINING
    append(log, steps(610, 1200) + b"stopping_early: wallclock_cap train_time:600100ms step:1200/2000\n")
    assert watch.look(0).state is RunState.EVALUATING
    append(log, b"final_int8_zlib_roundtrip val_loss:2.0 val_bpb:1.2 eval_time:9000ms\n")
    seen = watch.look(0)
    assert (seen.state, seen.score_bpb, seen.share) == (RunState.FINISHED, 1.2, 1.0)


def test_times_are_those_of_the_log(log: Path):
    seen = look(log, HEAD + VAL + steps(10, 300))
    assert (seen.seed, seen.step, seen.iterations, seen.seconds) == (42, 300, 2000, 150.0)
    assert (seen.cap_seconds, seen.left_seconds, seen.share) == (600.0, 450.0, 0.25)
    assert (seen.step_ms, seen.tokens_per_second) == (500.0, 2000.0)


def test_progress_counts_steps_where_they_end_before_the_cap(log: Path):
    data = HEAD.replace(b"600.000", b"6000.000") + steps(10, 1500)
    seen = look(log, data)
    assert (seen.share, seen.left_seconds) == (0.75, 250.0)


def test_a_run_without_a_cap_is_measured_by_its_steps_and_gets_no_projection(log: Path):
    seen = look(log, HEAD.replace(b"600.000", b"0.000") + VAL + steps(10, 1000), reference())
    assert (seen.cap_seconds, seen.share) == (None, 0.5)
    assert seen.no_projection == "the training time is unknown"


def test_silence_is_a_stall_only_when_it_is_longer_than_lines_are_apart(log: Path):
    quick, slow = HEAD + steps(10, 300), HEAD + steps(100, 1000, by=100)
    assert not look(log, quick, idle=15).stall
    assert look(log, quick, idle=25).stall == "silent for 25 s, expected a line every 5 s"
    assert not look(log, slow, idle=140).stall
    assert look(log, slow, idle=160).stall
    assert not look(log, HEAD, idle=200).stall and look(log, HEAD, idle=400).stall
    assert look(log, HEAD, idle=400).stall == "silent for 400 s, expected the first step"
    assert not look(log, slow + b"final val_loss:2.0 val_bpb:1.2\n", idle=10_000).stall


def test_no_interval_between_the_lines_of_real_runs_is_a_stall(shared_data: Path):
    intervals = 0
    for folder in sorted((shared_data / "records").glob("*/*/")):
        for result in results(load(folder)):
            train = [point for point in result.run.train if point.train_ms is not None]
            for k in range(1, len(train)):
                silent = (train[k].train_ms - train[k - 1].train_ms) / 1000
                so_far = LoggedRun(train=train[max(0, k - 20) : k])
                assert not stall(RunState.TRAINING, silent, so_far), (folder, train[k])
                intervals += 1
    assert intervals > 4_000


def test_a_truncated_log_starts_from_nothing(log: Path):
    log.write_bytes(HEAD + steps(10, 300))
    watch = LogWatch(log)
    watch.look(0)
    log.write_bytes(HEAD + steps(10, 20))
    seen = watch.look(0)
    assert seen.step == 20
    assert (seen.note, seen.past) == ("the file was truncated: read again from its start", "")
    later = watch.look(14)
    assert later.note == "" and later.past.startswith("the file was truncated at ")


@pytest.mark.parametrize("data", [b'{"name": "x"}\n', b"# A README\n\nof two paragraphs\n" * 50])
def test_a_file_that_is_no_training_log_is_reported_once_it_stops_growing(log: Path, data: bytes):
    assert not look(log, data, idle=5).note
    seen = look(log, data, idle=1000)
    assert seen.note.startswith("no training log? in ") and "expected step:10/2000" in seen.note
    assert not seen.stall
    assert not look(log, HEAD, idle=1000).note


def test_a_long_run_is_thinned_to_a_screenful_of_points_and_its_clock_is_exact(log: Path):
    data = HEAD.replace(b"600.000", b"60000.000") + VAL + steps(1, 17_991, by=1)
    log.write_bytes(data)
    watch = LogWatch(log)
    seen = watch.look(0)
    assert seen.curve is not None and 3_000 < len(seen.curve.train) < 4_500
    assert (seen.step, seen.seconds, seen.step_ms) == (17_991, 8_995.5, 500.0)


def test_a_look_at_an_unchanged_log_does_no_work(log: Path, monkeypatch: pytest.MonkeyPatch):
    log.write_bytes(HEAD + VAL + steps(10, 600))
    watch = LogWatch(log)
    first = watch.look(log.stat().st_mtime)
    monkeypatch.setattr("golfcheck.live.logwatch.progress_of", None)
    later = watch.look(log.stat().st_mtime + 100)
    assert later.curve is first.curve and later.stall and not first.stall


def test_the_last_of_several_runs_in_a_log_is_watched(log: Path):
    seen = look(log, HEAD + steps(10, 300) + b"seed:7\n" + steps(10, 50))
    assert (seen.run_number, seen.seed, seen.step) == (2, 7, 50)


def test_the_last_whole_lines_are_shown(log: Path):
    assert look(log, b"one\ntwo\nthr").tail == ("one", "two")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
@pytest.mark.parametrize("first", ["one", "one" * 3_000, "one" * 3_000 + "!"])
def test_the_last_lines_are_whole_characters_in_every_encoding(log: Path, encoding: str, first: str):
    lines = [first, "été", "x" * 40, "last"]
    data = "".join(f"{line}\n" for line in [*lines, "cut"]).encode(encoding)
    assert look(log, data[:-3]).tail[-3:] == tuple(lines[1:])
    assert look(log, data).tail[-1] == "cut"
    watch = LogWatch(log)
    for end in range(len(data) - 12, len(data) + 1):
        log.write_bytes(data[:end])
        assert set("".join(watch.look(0).tail)) <= set("".join(lines) + "cut"), end


# A run that has diverged.

NAN = b"".join(b"step:%d/2000 train_loss:nan train_time:%dms step_avg:500.00ms\n" % (n, n * 500) for n in (310, 320))


@pytest.mark.parametrize("number", [b"nan", b"inf", b"-inf"])
def test_losses_that_are_no_longer_finite_are_reported_with_their_first_step(log: Path, number: bytes):
    seen = look(log, HEAD + VAL + steps(10, 300) + NAN.replace(b"nan", number), reference())
    assert seen.diverged == "diverged: losses not finite since step 310"
    assert (seen.no_gap, seen.no_projection) == ("the run has diverged", "the run has diverged")
    assert seen.gap is None and seen.projection is None and seen.seconds == 160.0


def test_a_run_without_a_finite_loss_is_not_reported_as_lacking_times(log: Path):
    seen = look(log, HEAD + VAL.replace(b"6.0", b"nan") + NAN, reference())
    assert seen.diverged.endswith("since step 310") and seen.no_gap == "the run has diverged"


def test_a_run_that_has_recovered_has_not_diverged(log: Path):
    seen = look(log, HEAD + VAL + steps(10, 300) + NAN + steps(330, 400), reference())
    assert not seen.diverged and seen.gap is not None


def test_a_validation_and_a_score_that_are_not_finite_are_reported(log: Path):
    data = HEAD + VAL + steps(10, 300) + VAL.replace(b"step:0", b"step:300").replace(b"3.6", b"nan")
    assert look(log, data).diverged == "diverged: validation not finite since step 300"
    seen = look(log, HEAD + VAL + steps(10, 1200) + b"final val_loss:nan val_bpb:nan\n", reference())
    assert (seen.diverged, seen.state) == ("diverged: the score is not finite", RunState.TRAINING)


def test_in_a_long_run_the_step_since_which_it_diverged_is_exact(log: Path):
    losses = steps(1, 1_999, by=1) * 9
    bad = b"".join(b"step:%d/30000 train_loss:nan train_time:9ms step_avg:1ms\n" % n for n in range(20_003, 20_100))
    assert look(log, HEAD + losses + bad).diverged.endswith("since step 20,003")


def test_no_real_run_has_diverged(shared_data: Path):
    runs = [run for folder in (shared_data / "records").glob("*/*/") for log in load(folder).logs for run in log.runs]
    assert len(runs) > 60 and {progress_of("", run, None).diverged for run in runs} == {""}


# Beside a record.


def reference(shift: float = 0.0, cap: float = 600.0) -> Reference:
    """A record that loses bpb at the rate of `steps` with 6.0 / 3.6 nats a bit, `shift` bpb above it."""
    points = tuple((n / 2, (4 - n / 600) * 3.6 / 6.0 + shift) for n in range(0, 1201, 7))
    return Reference("the best", 1.2, cap, (Pace(points),))


@pytest.mark.parametrize("shift", [-0.01, 0.0, 0.02])
def test_the_gap_is_the_difference_at_the_same_second(log: Path, shift: float):
    seen = look(log, HEAD + VAL + steps(10, 600), reference(shift))
    assert seen.gap is not None
    assert seen.gap.bpb == pytest.approx(-shift, abs=1e-4)
    assert seen.projection is not None
    assert seen.projection.score_bpb == pytest.approx(1.2 - shift, abs=1e-4)


def test_a_finished_run_is_compared_with_the_record_by_its_score(log: Path):
    seen = look(log, HEAD + VAL + steps(10, 1200) + b"final val_loss:2.0 val_bpb:1.25\n", reference())
    assert seen.gap is not None and (seen.gap.bpb, seen.gap.points) == (pytest.approx(0.05), 0)
    assert seen.projection is None


def test_without_a_validation_line_no_gap_is_shown(log: Path):
    seen = look(log, HEAD + steps(10, 600), reference())
    assert seen.gap is None and seen.no_gap.startswith("no validation line yet")


def test_ahead_and_behind_are_shown_only_where_real_runs_stayed_on_their_side(log: Path):
    def reason(last: int, shift: float) -> str:
        seen = look(log, HEAD + VAL + steps(10, last), reference(shift))
        assert seen.gap is not None
        return seen.gap.unsure

    assert reason(100, 0.2) == "too early to say (50 s; shown from 150 s on)"
    assert reason(400, 0.03) == "too close to say (under 0.040 bpb at this time)"
    assert reason(400, 0.045) == reason(400, -0.045) == ""
    assert reason(700, 0.045).startswith("too close") and reason(1100, 0.001) == ""


def test_too_early_and_against_another_cap_nothing_is_projected(log: Path):
    assert look(log, HEAD + VAL + steps(10, 200), reference()).no_projection.startswith("shown from 150 s on")
    assert "the record 900 s" in look(log, HEAD + VAL + steps(10, 600), reference(cap=900.0)).no_projection


def test_the_projection_shows_the_errors_of_its_share_of_the_time():
    now = Gap(0.01, 5)
    for seconds, index in ((150.0, 0), (299.0, 0), (300.0, 1), (599.0, 3)):
        seen = pace.projection(now, reference(), seconds, 600.0)
        assert isinstance(seen, Projection)
        assert (seen.other_code_bpb, seen.same_code_bpb) == pace.ERRORS_BPB[index][1:]


@given(xs=st.lists(st.floats(0, 600), min_size=1, max_size=20, unique=True), at=st.floats(-10, 610))
def test_a_pace_lies_between_its_points_and_is_silent_outside(xs: list[float], at: float):
    line = Pace(tuple((x, 5 - x / 200) for x in sorted(xs)))
    seen = line.at(at)
    assert (seen is not None) == (min(xs) <= at <= max(xs))
    assert seen is None or seen == pytest.approx(5 - at / 200)


Field = list[list[tuple[Pace, float]]]


@pytest.fixture(scope="module")
def field(shared_data: Path) -> Field:
    """The paces and scores of the runs of each real record of 10 minutes."""
    folders = sorted((shared_data / "records" / "track_10min_16mb").iterdir())
    field = [[(pace.pace_of(r.run, r.bytes_per_token), r.score.val_bpb) for r in results(load(f))] for f in folders]
    return [[(line, score) for line, score in runs if line.points] for runs in field]


def test_a_shown_gap_has_the_right_sign_in_nine_of_ten_pairs_of_real_runs(field: Field):
    for share, least_bpb in pace.CLEAR_BPB:
        right = [
            (gap.bpb < 0) == (line_score < statistics.fmean(score for _, score in others))
            for runs in field
            for line, line_score in runs
            for others in field
            if others is not runs
            and abs(line_score - statistics.fmean(score for _, score in others)) > 0.002
            and (gap := pace.gap(line, [other for other, _ in others], 600 * share))
            and abs(gap.bpb) >= least_bpb
        ]
        assert len(right) > 600 and statistics.fmean(right) >= 0.9, share


def test_the_stated_errors_are_those_of_the_real_records(field: Field):
    for share, *stated in pace.ERRORS_BPB:
        errors: dict[bool, list[float]] = {False: [], True: []}
        for i, runs in enumerate(field):
            for k, (line, score) in enumerate(runs):
                for j, others in enumerate(field):
                    rest = [other for m, other in enumerate(others) if (i, k) != (j, m)]
                    if rest and (gap := pace.gap(line, [other for other, _ in rest], 600 * share)):
                        errors[i == j].append(abs(statistics.fmean(s for _, s in rest) + gap.bpb - score))
        for same, (median, most) in zip((False, True), stated, strict=True):
            seen = sorted(errors[same])
            assert len(seen) >= 50
            assert statistics.median(seen) == pytest.approx(median, abs=6e-5)
            assert seen[int(0.9 * (len(seen) - 1))] == pytest.approx(most, abs=6e-5)


def test_a_real_log_followed_to_its_end_reaches_its_score(shared_data: Path, log: Path):
    folder = next((shared_data / "records" / "track_10min_16mb").glob("*LeakyReLU*"))
    record = load(folder)
    best = pace.reference_of(record)
    result = results(record)[0]
    data = (folder / result.log.path).read_bytes()
    watch = LogWatch(log, best)
    half = data[: data.index(b"step:3500/")]
    log.write_bytes(half)
    seen = watch.look(0)
    assert seen.state is RunState.TRAINING and seen.projection is not None
    assert abs(seen.projection.score_bpb - result.score.val_bpb) < 0.005
    append(log, data[len(half) :])
    seen = watch.look(0)
    assert seen.state is RunState.FINISHED
    assert seen.score_bpb == result.score.val_bpb
