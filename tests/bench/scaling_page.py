"""The tables of docs/scaling.md: `python -m tests.bench.scaling_page` writes them between the page's marks.

A test fails when the page is stale: tests/reference/test_scaling.py.
"""

from dataclasses import fields, replace
from pathlib import Path

from golfcheck.reference.files import write_atomic
from tests.bench import work
from tests.bench.scaling import (
    CUDNN,
    FLASH_2,
    FLASH_3,
    H100,
    Cluster,
    Step,
    Trainer,
    evaluation_seconds,
    exchange_seconds,
    fit,
    step,
)
from tests.bench.scaling_logs import LOG_1024, LOG_2048, LOG_4096, LOGS, OTHERS, RANKS, SEQ4096, SHARD_TOKENS

PAGE = Path(__file__).parents[2] / "docs" / "scaling.md"
HW = H100()
FITTED = fit(HW)
CONTEST = Trainer()
LAST_RUNG = Trainer(FLASH_3, batched_muon=True, sharded_exchange=True, overlapped=True, fused=True)
MATMUL_AIM = 0.75 * HW.large_matmul  # what the last rung of the ladder assumes
CLUSTERS = {
    "1": Cluster(1),
    "2": Cluster(2),
    "4": Cluster(4),
    "8": Cluster(8),
    "2 × 4, four NICs": Cluster(8, 2, 4),
    "2 × 8, eight NICs": Cluster(16, 2, 8),
    "2 × 8, one NIC": Cluster(16, 2, 1),
}


def render(page: str) -> str:
    """Return the page with every table made anew; AssertionError where it lacks the marks of one."""
    for name, lines in TABLES.items():
        begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        assert page.count(begin) == page.count(end) == 1, f"docs/scaling.md needs {begin} and {end}, once each"
        before, rest = page.split(begin)
        page = "\n".join([before + begin, *lines(), end + rest.split(end)[1]])
    return page


def _prediction() -> list[str]:
    rows = []
    for log, fitted_step, fitted_eval in ((LOG_1024, True, True), (LOG_2048, True, False), (LOG_4096, False, False)):
        seq_len = f"{log.settings.train_seq_len:,}"
        step_ms = 1000 * step(log.settings, Cluster(), CONTEST, FITTED, HW).total
        eval_ms = 1000 * evaluation_seconds(log.settings, 8, CONTEST, FITTED, HW)
        rows += [
            _compared(f"step at {seq_len}, ms", step_ms, log.step_ms, 1, fitted_step),
            _compared(f"evaluation at {seq_len}, ms", eval_ms, log.eval_ms, 0, fitted_eval),
        ]
    model_ms = 1000 * step(SEQ4096, Cluster(), CONTEST, FITTED, HW).total + 1000 * LOG_4096.stalled_s / LOG_4096.steps
    rows.append(
        _compared("average step at 4,096 with the stall as logged, ms", model_ms, LOG_4096.average_ms, 1, False)
    )
    return ["| | model | log | difference |", "|---|--:|--:|--:|", *rows]


def _others() -> list[str]:
    rows = [
        _compared(run.what, 1000 * step(run.settings, Cluster(), CONTEST, FITTED, HW).total, run.step_ms, 1, False)
        for run in OTHERS
    ]
    return ["| step, ms | model | log | difference |", "|---|--:|--:|--:|", *rows]


def _compared(what: str, model: float, log: float, digits: int, is_fitted: bool) -> str:
    difference = "fitted" if is_fitted else f"{100 * (model / log - 1):+.1f} %"
    return f"| {what} | {model:,.{digits}f} | {log:,.{digits}f} | {difference} |"


def _phases() -> list[str]:
    now = step(SEQ4096, Cluster(), CONTEST, FITTED, HW)
    rows = [
        f"| {name} | {_ms(p.attention)} | {_ms(p.matrices)} | {_ms(p.pointwise)} | {_ms(p.head)} | {_ms(p.total)} "
        f"| {_percent(p.total / now.total)} |"
        for name, p in (("forward", now.forward), ("backward", now.backward))
    ]
    alone = {
        "Muon": now.muon,
        "Adam": now.adam,
        "gradients, exposed": now.gradients,
        "updates, exposed": now.updates,
        "**step**": now.total,
    }
    rows += [
        f"| {name} | | | | | {_ms(seconds)} | {_percent(seconds / now.total)} |" for name, seconds in alone.items()
    ]
    attention = now.forward.attention + now.backward.attention
    flops = work.step_flops(SEQ4096)
    rows.append(f"| its attention | {_ms(attention)} | | | | {_ms(attention)} | {_percent(attention / now.total)} |")
    rate = _percent(flops / RANKS / now.total / HW.peak)
    least = _ms(flops / RANKS / HW.peak)
    return [
        "| ms | attention | matrices | between them | embedding, head, loss | all | share |",
        "|---|--:|--:|--:|--:|--:|--:|",
        *rows,
        "",
        f"The step is {flops / 1e12:.1f} TFLOP on eight GPUs: {least} ms at the data sheet's peak, of which it reaches "
        f"{rate}.",
    ]


def _gpus() -> list[str]:
    best = Trainer(batched_muon=True, sharded_exchange=True, overlapped=True)
    steps = {name: step(SEQ4096, cluster, CONTEST, FITTED, HW) for name, cluster in CLUSTERS.items()}
    batch = SEQ4096.train_batch_tokens

    def row(what: str, values: list[str]) -> str:
        return f"| {what} | {' | '.join(values)} |"

    def sent(ranks: int) -> str:
        both = work.gradient_bytes(SEQ4096) + work.update_bytes(SEQ4096)
        return f"{work.wire_bytes(both, ranks, all_reduce=True) / 1e6:,.0f}"

    def efficiency(name: str, found: Step) -> str:
        return f"{100 * steps['1'].total / found.total / CLUSTERS[name].gpus:.1f} %"

    exchange = [f"{_ms(sum(exchange_seconds(SEQ4096, c, CONTEST, HW)))}" for c in CLUSTERS.values()]
    better = [_ms(step(SEQ4096, c, best, FITTED, HW).total) for c in CLUSTERS.values()]
    return [
        row("GPUs", list(steps)),
        "|---|" + "--:|" * len(steps),
        row("micro-batches × tokens", [f"{n.micro_batches} × {batch // n.micro_batches // c.gpus:,}"
            for n, c in zip(steps.values(), CLUSTERS.values(), strict=True)]),
        row("forward and backward, ms", [_ms(n.micro_batches * (n.forward.total + n.backward.total))
            for n in steps.values()]),
        row("Muon and Adam, ms", [_ms(n.muon + n.adam) for n in steps.values()]),
        row("sent by each rank, MB", [sent(c.gpus) for c in CLUSTERS.values()]),
        row("exchange, ms", exchange),
        row("**step, ms**", [f"**{_ms(n.total)}**" for n in steps.values()]),
        row("tokens/s", [f"{batch / n.total / 1e6:.2f} M" for n in steps.values()]),
        row("of a perfect split", [efficiency(name, n) for name, n in steps.items()]),
        row("step with Muon batched, exchange halved and overlapped, ms", better),
    ]  # fmt: skip


def _stalls() -> list[str]:
    rows = [
        f"| {log.settings.train_seq_len:,} | {log.average_ms:.2f} | {log.step_ms:.2f} "
        f"| {' to '.join(f'{ms:.1f}' for ms in log.free_ms) or 'none'} | {log.stall_s:.2f} "
        f"| {log.early_stall_s:.2f}, {log.late_stall_s:.2f} | {log.stalled_s:.0f} | {log.launch_ms:.0f} "
        f"| {log.logged_step_ms:.1f} |"
        for log in LOGS
    ]
    seed, shard_bytes = LOG_4096, 2 * SHARD_TOKENS
    share = _percent(1000 * seed.stalled_s / seed.train_ms)
    rates = f"{shard_bytes / seed.stall_s / 1e6:.0f} MB/s of the storage, or {RANKS} times as much"
    return [
        "| sequence | average, ms | step, ms | windows without a new shard, ms | stall a shard, s | in each half, s "
        "| all stalls, s | first line, ms | logged step, ms |",
        "|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
        *rows,
        "",
        f"In the last row the stalls are {share} of the training time: they add "
        f"{1000 * seed.stalled_s / seed.steps:.1f} ms to a step of {seed.step_ms:.1f}, and {seed.average_ms:.1f} is "
        f"what the log states as average. All {RANKS} ranks read all of a shard, {shard_bytes / 1e6:.0f} MB: in "
        f"{seed.stall_s:.1f} s that is {rates} if they share nothing.",
    ]


def _ladder() -> list[str]:
    fast = replace(FITTED, matmul_forward=MATMUL_AIM, matmul_backward=MATMUL_AIM)
    attention = Trainer(FLASH_3)
    exchange = replace(attention, batched_muon=True, sharded_exchange=True, overlapped=True)
    found = [
        ("as logged, the stall included", LOG_4096.average_ms),
        ("the next shard read ahead: the step of the model", _step_ms(CONTEST)),
        (f"attention by {FLASH_3.name} (by {CUDNN.name}, without a package: {_step_ms(Trainer(CUDNN)):.1f})",
         _step_ms(attention)),
        ("Muon batched by shape; the exchange halved, and behind the computing", _step_ms(exchange)),
        ("squared ReLU inside its products; q, k and v one product", _step_ms(LAST_RUNG)),
        (f"matrix products at three quarters of a large one's rate, {_si(MATMUL_AIM, 'FLOP/s')}",
         1000 * step(SEQ4096, Cluster(), LAST_RUNG, fast, HW).total),
    ]  # fmt: skip
    rows = [f"| {what} | {ms:.1f} | {600_000 / ms:,.0f} |" for what, ms in found]
    return ["| each on top of those above | step, ms | steps in 600 s |", "|---|--:|--:|", *rows]


def _constants() -> list[str]:
    rows = [
        f"| `{f.name}` | {_si(getattr(HW, f.name), f.metadata['unit'])} | {f.metadata['source']} |" for f in fields(HW)
    ]
    for kernel in (FLASH_2, CUDNN, FLASH_3):
        rates = ", ".join(f"{forward / 1e12:.0f}" for forward in kernel.forward.values())
        back = ", ".join(f"{backward / 1e12:.0f}" for backward in kernel.backward.values())
        source = "arXiv 2407.08608, H100 at head dim 64: with the causal mask; backward without"
        rows.append(f"| {kernel.name} at 1,024, 2,048, 4,096 | {rates}; {back} TFLOP/s | {source} |")
    sources = {
        "matmul_forward": f"free: the evaluation at 1,024; {_percent(FITTED.matmul_forward / HW.peak)} of peak",
        "matmul_backward": f"free: the step at 1,024; {_percent(FITTED.matmul_backward / HW.peak)} of peak",
        "causal_backward": "free: the step at 2,048 less the one at 1,024",
    }
    for name, source in sources.items():
        value = getattr(FITTED, name)
        text = _si(value, "FLOP/s") if name.startswith("matmul") else f"{value:.2f} of the rate without a mask"
        rows.append(f"| `{name}` | {text} | {source} |")
    return ["| constant | value | source |", "|---|---|---|", *rows]


def _sensitivity() -> list[str]:
    rows = []
    for what, hw in {
        "as in the table": HW,
        "memory 20 % slower": replace(HW, hbm=0.8 * HW.hbm),
        "links half as fast": replace(HW, nvlink=HW.nvlink / 2),
        "small kernels twice as long": replace(HW, small_kernel=2 * HW.small_kernel),
        "latencies tenfold": replace(HW, node_latency=10 * HW.node_latency),
    }.items():
        fitted = fit(hw)
        aim = replace(fitted, matmul_forward=MATMUL_AIM, matmul_backward=MATMUL_AIM)
        rows.append(
            f"| {what} | {1000 * step(SEQ4096, Cluster(), CONTEST, fitted, hw).total:.1f} "
            f"| {1000 * evaluation_seconds(SEQ4096, 8, CONTEST, fitted, hw):,.0f} "
            f"| {1000 * step(SEQ4096, Cluster(), LAST_RUNG, aim, hw).total:.1f} |"
        )
    return ["| fitted anew with | step, ms | evaluation, ms | last rung, ms |", "|---|--:|--:|--:|", *rows]


def _step_ms(trainer: Trainer) -> float:
    return 1000 * step(SEQ4096, Cluster(), trainer, FITTED, HW).total


def _si(value: float, unit: str) -> str:
    """Return a value with the prefix that leaves at most three digits before the point."""
    for prefix, factor in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("", 1.0), ("m", 1e-3), ("µ", 1e-6)):
        if value >= factor:
            return f"{value / factor:.3g} {prefix}{unit}"
    raise AssertionError(value)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.2f}" if seconds < 0.01 else f"{1000 * seconds:.1f}"


TABLES = {
    "prediction": _prediction,
    "others": _others,
    "phases": _phases,
    "gpus": _gpus,
    "stalls": _stalls,
    "ladder": _ladder,
    "constants": _constants,
    "sensitivity": _sensitivity,
}


if __name__ == "__main__":
    write_atomic(PAGE, render(PAGE.read_text()).encode())
