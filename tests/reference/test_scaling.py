"""docs/scaling.md: its work is what torch counts, its bytes what a process group is given, its logs what they say."""

import re
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.testing._internal.distributed.fake_pg import FakeStore
from torch.utils.flop_counter import FlopCounterMode

from golfcheck.reference.model import GPT, GPTConfig
from golfcheck.reference.muon import Muon, orthogonalize
from golfcheck.reference.settings import Settings
from tests.bench import work
from tests.bench.plain import Model, Plain
from tests.bench.scaling import (
    CUDNN,
    FLASH_2,
    FLASH_3,
    H100,
    Cluster,
    Trainer,
    evaluation_seconds,
    exchange_seconds,
    fit,
    muon_seconds,
    step,
)
from tests.bench.scaling_logs import (
    LOG_1024,
    LOG_2048,
    LOG_4096,
    LOGS,
    OTHERS,
    SECOND_4096,
    SEQ4096,
    SHARD_TOKENS,
    LogTimes,
    OtherRun,
    Window,
    least_squares,
    read,
    run_of,
    step_tokens,
    windows,
)
from tests.bench.scaling_page import LAST_RUNG, PAGE, TABLES, render

RANKS = 8
SMALL = Settings(num_layers=5, model_dim=64, num_heads=4, num_kv_heads=2, vocab_size=96, train_seq_len=32, mlp_mult=3)
HW = H100()
FITTED = fit(HW)
TRAINERS = [Trainer(), *(Trainer(kernel, True, True, True, True) for kernel in (CUDNN, FLASH_3))]


def gpt(s: Settings) -> GPT:
    return GPT(GPTConfig(**{field.name: getattr(s, field.name) for field in fields(GPTConfig)}))


@pytest.fixture
def one_of_eight() -> Iterator[None]:
    """A process group whose seven other ranks do not exist: what is sent goes nowhere, and at once."""
    dist.init_process_group("fake", rank=0, world_size=RANKS, store=FakeStore())
    yield
    dist.destroy_process_group()


@pytest.fixture
def given_bytes(monkeypatch: pytest.MonkeyPatch, one_of_eight: None) -> dict[str, int]:
    """The bytes that a rank gives to each collective, by its name."""
    counted: dict[str, int] = {}

    def count(name: str) -> None:
        real = getattr(dist, name)

        def counting(tensor: torch.Tensor, *args: Any, **options: Any) -> Any:
            whole = args[0] if name == "reduce_scatter_tensor" else tensor  # the longer of output and input
            counted[name] = counted.get(name, 0) + whole.nbytes
            return real(tensor, *args, **options)

        monkeypatch.setattr(dist, name, counting)

    for name in ("all_reduce", "reduce_scatter_tensor", "all_gather_into_tensor"):
        count(name)
    return counted


def test_the_model_has_the_parameters_that_the_work_is_counted_for() -> None:
    with torch.device("meta"):
        model = gpt(SEQ4096)
    inside = [tuple(p.shape) for n, p in model.blocks.named_parameters() if p.ndim == 2 and "resid_mix" not in n]
    assert inside == work.matrices(SEQ4096)
    numbers = sum(rows * cols for rows, cols in inside) + work.scalars(SEQ4096) + 1024 * 512
    assert numbers == sum(p.numel() for p in model.parameters()) == 17_059_912


def test_the_contract_written_plainly_does_the_flops_that_torch_counts() -> None:
    ids = torch.zeros((2, SMALL.train_seq_len), dtype=torch.long)
    weights = work.matmul_flops(SMALL) + work.head_flops(SMALL)
    square = 2 * work.attention_flops(SMALL)  # torch counts all scores, of which the causal half is needed
    with sdpa_kernel(SDPBackend.MATH), torch.autocast("cpu", torch.bfloat16):
        with FlopCounterMode(display=False) as counter:
            loss = Model(SMALL)(ids, ids)
        assert counter.get_total_flops() == ids.numel() * (weights + square)
        with FlopCounterMode(display=False) as counter:
            loss.backward()
    # This attention keeps its scores: four products backward. A flash kernel computes them again: five, 2.5 times two.
    assert counter.get_total_flops() == ids.numel() * 2 * (weights + square)


@pytest.mark.parametrize("shape", [(64, 64), (32, 64), (128, 64)])
def test_newton_schulz_does_the_flops_that_torch_counts(shape: tuple[int, int]) -> None:
    with FlopCounterMode(display=False) as counter:
        orthogonalize(torch.randn(shape), steps=5)
    assert counter.get_total_flops() == work.newton_schulz_flops(*shape, steps=5)


def test_gradients_have_the_bytes_that_are_exchanged() -> None:
    model = gpt(SMALL)
    ids = torch.zeros((1, SMALL.train_seq_len), dtype=torch.long)
    with torch.autocast("cpu", torch.bfloat16):
        loss = model(ids, ids)
    loss.backward()
    sizes = [p.grad.nbytes for p in model.parameters() if p.grad is not None]
    assert len(sizes) == len(list(model.parameters()))
    assert sum(sizes) == work.gradient_bytes(SMALL)


def test_the_plain_trainer_gives_all_updates_to_one_all_reduce(given_bytes: dict[str, int]) -> None:
    plain = Plain(SMALL)
    for p in plain.matrices:
        p.grad = torch.ones_like(p)
    plain._muon(lr=0.1, momentum=0.9)
    assert given_bytes == {"all_reduce": work.update_bytes(SMALL)}


def test_muon_sends_no_more_than_an_all_reduce_of_its_updates_and_no_less_than_an_all_gather(
    given_bytes: dict[str, int],
) -> None:
    matrices = [torch.nn.Parameter(torch.randn(shape)) for shape in work.matrices(SMALL)]
    for p in matrices:
        p.grad = torch.ones_like(p)
    Muon(matrices, lr=0.1, momentum=0.9, steps=5).step()
    sent = sum(work.wire_bytes(size, RANKS, all_reduce=name == "all_reduce") for name, size in given_bytes.items())
    least, most = (work.wire_bytes(work.update_bytes(SMALL), RANKS, all_reduce=flag) for flag in (False, True))
    assert least <= sent <= most


@given(ranks=st.integers(2, 16), chunk_bytes=st.integers(1, 1000))
def test_a_ring_that_is_played_through_sends_what_the_formula_says(ranks: int, chunk_bytes: int) -> None:
    # have[r][c]: whose parts of chunk c rank r has added up. In each round every rank sends one chunk to the next.
    have = [[{r} for _ in range(ranks)] for r in range(ranks)]
    sent = [0] * ranks
    for turn in range(ranks - 1):
        moved = [(r, (r - turn) % ranks, set(have[r][(r - turn) % ranks])) for r in range(ranks)]
        for r, c, parts in moved:
            have[(r + 1) % ranks][c] |= parts
            sent[r] += chunk_bytes
    assert all(any(have[r][c] == set(range(ranks)) for r in range(ranks)) for c in range(ranks))
    assert sent == [pytest.approx(work.wire_bytes(ranks * chunk_bytes, ranks, all_reduce=False))] * ranks
    assert work.wire_bytes(chunk_bytes, ranks, all_reduce=True) == 2 * work.wire_bytes(
        chunk_bytes, ranks, all_reduce=False
    )


def test_the_free_constants_give_back_the_three_figures_that_they_are_solved_from() -> None:
    for log in (LOG_1024, LOG_2048):
        total = step(log.settings, Cluster(), Trainer(), FITTED, HW).total
        assert 1000 * total == pytest.approx(log.step_ms, rel=1e-9)
    assert 1000 * evaluation_seconds(LOG_1024.settings, 8, Trainer(), FITTED, HW) == pytest.approx(LOG_1024.eval_ms)


def test_the_run_that_was_not_fitted_is_predicted_within_two_percent() -> None:
    total = step(SEQ4096, Cluster(), Trainer(), FITTED, HW).total
    assert 1000 * total == pytest.approx(LOG_4096.step_ms, rel=0.02)
    for log in (LOG_2048, LOG_4096):
        assert 1000 * evaluation_seconds(log.settings, 8, Trainer(), FITTED, HW) == pytest.approx(log.eval_ms, rel=0.02)


def test_free_constants_are_possible_ones() -> None:
    assert 0.2 * HW.peak < FITTED.matmul_backward < FITTED.matmul_forward < HW.large_matmul < HW.peak
    assert 0.5 < FITTED.causal_backward < 1.0
    assert HW.nvlink < 450e9
    assert HW.nic < 50e9


def test_the_drift_of_the_average_is_the_stall() -> None:
    for log in LOGS:
        assert log.step_ms + 1000 * log.stalled_s / log.steps == pytest.approx(log.average_ms, rel=0.01)
        assert all(ms == pytest.approx(log.step_ms, rel=0.015) for ms in log.free_ms)


@pytest.mark.parametrize("quoted", LOGS, ids=lambda log: log.path)
def test_quoted_logs_say_what_is_quoted(shared_data: Path, quoted: LogTimes) -> None:
    assert read(shared_data / "records", quoted) == quoted


@pytest.mark.parametrize("quoted", OTHERS, ids=lambda run: run.path)
def test_quoted_runs_of_others_are_of_the_settings_and_take_what_is_quoted(shared_data: Path, quoted: OtherRun) -> None:
    run, s = run_of(shared_data / "records", quoted), quoted.settings
    numbers = sum(rows * cols for rows, cols in work.matrices(s)) + work.scalars(s) + s.vocab_size * s.model_dim
    assert run.params is not None
    assert run.params.value == numbers
    assert least_squares(windows(run, s))[0] == pytest.approx(quoted.step_ms, abs=0.005)


@given(
    step_ms=st.floats(1, 100),
    stall_ms=st.floats(0, 1e4),
    found=st.lists(st.tuples(st.integers(1, 1000), st.integers(0, 5)), min_size=3, max_size=20),
)
def test_least_squares_find_what_windows_are_made_of(
    step_ms: float, stall_ms: float, found: list[tuple[int, int]]
) -> None:
    found = [*found, (100, 0), (100, 3)]  # at least two that differ
    made = [Window(steps, shards, step_ms * steps + stall_ms * shards) for steps, shards in found]
    assert least_squares(made) == pytest.approx((step_ms, stall_ms), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("trainer", TRAINERS)
def test_more_gpus_never_give_one_of_them_more_to_compute(trainer: Trainer) -> None:
    steps = [step(SEQ4096, Cluster(gpus), trainer, FITTED, HW) for gpus in (1, 2, 4, 8, 16)]
    computed = [n.micro_batches * (n.forward.total + n.backward.total) for n in steps]
    assert computed == pytest.approx([computed[0] / gpus for gpus in (1, 2, 4, 8, 16)])
    assert [n.muon for n in steps] == sorted((n.muon for n in steps), reverse=True)
    assert [n.gradients + n.updates for n in steps] == sorted(n.gradients + n.updates for n in steps)
    assert [n.total for n in steps] == sorted((n.total for n in steps), reverse=True)


@pytest.mark.parametrize("trainer", TRAINERS)
def test_links_matter_to_several_ranks_only_and_the_slowest_of_them_counts(trainer: Trainer) -> None:
    assert exchange_seconds(SEQ4096, Cluster(1), trainer, HW) == (0.0, 0.0)
    by_nics = [sum(exchange_seconds(SEQ4096, Cluster(16, 2, nics), trainer, HW)) for nics in (1, 2, 4, 8, 16)]
    assert by_nics == sorted(by_nics, reverse=True)
    assert by_nics[-1] == by_nics[-2]  # more cards than NVLink can feed change nothing
    assert by_nics[-1] > sum(exchange_seconds(SEQ4096, Cluster(16), trainer, HW))


@given(slower=st.floats(0.1, 1.0), name=st.sampled_from(["hbm", "nvlink", "small_kernel", "node_latency"]))
def test_no_constant_made_worse_makes_a_step_faster(slower: float, name: str) -> None:
    value = getattr(HW, name)
    worse = replace(HW, **{name: value * slower if name in ("hbm", "nvlink") else value / slower})
    for trainer in TRAINERS:
        before, after = (step(SEQ4096, Cluster(), trainer, FITTED, hw).total for hw in (HW, worse))
        assert after >= before


def test_each_change_helps_alone_and_none_goes_below_the_arithmetic() -> None:
    now = step(SEQ4096, Cluster(), Trainer(), FITTED, HW).total
    changes = [
        Trainer(attention=CUDNN), Trainer(attention=FLASH_3), Trainer(batched_muon=True),
        Trainer(sharded_exchange=True), Trainer(overlapped=True), Trainer(fused=True),
    ]  # fmt: skip
    floor = work.step_flops(SEQ4096) / RANKS / HW.peak
    assert all(floor < step(SEQ4096, Cluster(), trainer, FITTED, HW).total < now for trainer in changes)


def test_batching_leaves_muon_its_arithmetic() -> None:
    flops = sum(work.newton_schulz_flops(*shape, steps=5) for shape in work.matrices(SEQ4096))
    assert muon_seconds(SEQ4096, 1, Trainer(batched_muon=True), FITTED, HW) >= flops / FITTED.matmul_forward


def test_kernels_have_rates_for_the_same_lengths() -> None:
    lengths = {tuple(rates) for kernel in (FLASH_2, CUDNN, FLASH_3) for rates in (kernel.forward, kernel.backward)}
    assert lengths == {(1024, 2048, 4096)}


def test_every_constant_has_a_unit_and_a_source() -> None:
    assert all(field.metadata["unit"] and field.metadata["source"] for field in fields(H100))


def test_the_page_is_what_the_model_says() -> None:
    page = PAGE.read_text()
    assert render(page) == page, "docs/scaling.md is stale: python -m tests.bench.scaling_page"


def test_the_numbers_between_the_tables_are_the_same_numbers() -> None:
    prose = " ".join(re.sub(r"(?s)<!-- (\w+) -->.*?<!-- /\1 -->", "", PAGE.read_text()).split())
    last, second = LOG_4096, SECOND_4096
    shard_steps = SHARD_TOKENS // step_tokens(SEQ4096)
    grown_ms = LOG_2048.eval_ms - LOG_1024.eval_ms
    by_charts = [evaluation_seconds(log.settings, RANKS, Trainer(), FITTED, HW) for log in (LOG_1024, LOG_2048)]
    for claim in (
        f"evaluated in {second.eval_ms:,} ms, {100 * (second.eval_ms / last.eval_ms - 1):.1f} % slower",
        f"to {last.average_ms:.1f} ms at the end",
        f"one in every {shard_steps} steps",
        f"({last.steps // shard_steps} of 80)",
        f"took {LOG_2048.stall_s} to {LOG_1024.stall_s} s",
        f"took {last.logged_step_ms - last.step_ms:.0f} ms longer than another",
        f"begins one shard ({shard_steps * last.step_ms / 1000:.0f} s) ahead",
        f"{SEQ4096.train_batch_tokens:,} tokens a step",
        f"spends {1000 * step(SEQ4096, Cluster(1), Trainer(), FITTED, HW).muon:.0f} ms in Muon's launches",
        f"ends near {1000 * step(SEQ4096, Cluster(), LAST_RUNG, FITTED, HW).total:.0f} ms",
        f"took {min(log.launch_ms for log in LOGS)} to {max(log.launch_ms for log in LOGS)} ms",
        f"grows by {grown_ms} ms, the charts' rates say {1000 * (by_charts[1] - by_charts[0]):.0f}",
    ):
        assert claim in prose


@pytest.mark.parametrize("name", TABLES)
def test_a_page_without_the_marks_of_a_table_is_told(name: str) -> None:
    with pytest.raises(AssertionError, match=f"<!-- {name} -->"):
        render(PAGE.read_text().replace(f"<!-- /{name} -->", ""))
