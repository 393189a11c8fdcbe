"""A log that is read while it grows gives the same facts as when it is read at once."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golfcheck.trainlog import grow, read
from golfcheck.trainlog.grow import Growing
from tests.golfcheck.valid_record import Draft

LOG = Draft().log(42)
LINES = [
    *LOG.decode().splitlines(),
    *("5/100 train_loss: 2.5 train_time: 0.1m tok/s: 5", "Hyperparameters:", "  seed: 7", "=" * 100),
    *("import torch", "x" * 2_000, "step:1/2 loss:3.5 t:10ms step_avg:10ms", "progress 1\rprogress 2", "é ∆"),
    *("# file: train_gpt.py, 30 bytes", "final_int8 val_loss: 2.0 val_bpb: 1.2"),
]


def grown(data: bytes, cuts: list[int]) -> Growing:
    log = Growing()
    for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
        log.feed(data[start:end])
    return log


@st.composite
def logs_in_pieces(draw: st.DrawFn) -> tuple[bytes, list[int]]:
    text = "\n".join(draw(st.lists(st.sampled_from(LINES), max_size=60))) + draw(st.sampled_from(["\n", ""]))
    data = text.encode(draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"])))
    return data, sorted(draw(st.lists(st.integers(0, len(data)), max_size=8)))


@given(case=logs_in_pieces(), head=st.sampled_from([64, 1_000, 2**20]))
@settings(max_examples=300)
def test_any_split_of_the_bytes_gives_the_same_facts(case: tuple[bytes, list[int]], head: int):
    data, cuts = case
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grow, "HEAD_BYTES", head)
        whole, pieces = grown(data, []), grown(data, cuts)
    assert (pieces.runs, pieces.lines, pieces.size_bytes) == (whole.runs, whole.lines, whole.size_bytes)


@given(case=logs_in_pieces())
@settings(max_examples=300)
def test_the_facts_are_those_of_reading_the_whole_lines_at_once(case: tuple[bytes, list[int]]):
    data, cuts = case
    text = data.decode("utf-16" if data[:2] == "\ufeff".encode("utf-16-le") else "utf-8-sig")
    whole_lines = text[: text.rfind("\n") + 1]
    assert grown(data, cuts).runs == read("train.log", whole_lines.encode()).runs


def test_asking_for_the_runs_twice_gives_them_twice():
    log = grown(LOG + b"val_tokens: 100\nfinal val_loss:2.0 val_bpb:1.2\n", [])
    first = log.runs
    assert log.runs == first and len(first) == 1
    log.feed(b"final_again val_loss:2.0 val_bpb:1.2\n")
    assert [score.name for score in log.runs[0].scores[-2:]] == ["final", "final_again"]


def test_a_partial_line_is_not_a_fact_until_its_newline_arrives():
    log = Growing()
    log.feed(b"step:1/10 train_loss:6.9 train_time:123")
    assert log.runs == ()
    log.feed(b"45ms step_avg:12345.00ms\n")
    assert log.runs[0].train[0].train_ms == 12_345


def test_a_line_without_an_end_keeps_no_memory_of_more_than_its_last_piece():
    log = Growing()
    for _ in range(8):
        log.feed(b"x" * 2**20)
    assert len(log._open) < 2**20


def test_reading_stops_at_the_limits_of_any_log(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(grow.rawlines, "MAX_LOG_BYTES", 3_000)
    log = grown(b"step:1/9 train_loss:1.0 train_time:1ms step_avg:1.00ms\n" * 100, [10, 2_000])
    assert log.full and len(log.runs[0].train) == 3_000 // 55


def test_real_logs_read_in_pieces_equal_the_whole(shared_data: Path):
    for path in sorted((shared_data / "records").rglob("*.log"))[::4]:
        data = path.read_bytes()
        log = Growing()
        for start in range(0, len(data), 16_384):
            log.feed(data[start : start + 16_384])
        log.feed(b"\n")
        assert log.runs == read(path.name, data).runs, path
