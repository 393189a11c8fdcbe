"""One process per core: the same results in the same order for any number of workers, and no process is left over."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from golfcheck.core.errors import GolfcheckError, MissingExtra, Refused, UsageError
from golfcheck.reference import data
from golfcheck.reference.bpb import ByteTable
from golfcheck.reference.ranks import Ranks
from golfcheck.rescore import early, measure, workers
from golfcheck.rescore.report import Measured
from tests.clock import HANG_SECONDS
from tests.golfcheck import rescore_fixture as tiny
from tests.golfcheck.rescore_fixture import World

pytestmark = pytest.mark.skipif(workers.usable(2) == 1, reason="one process here: this system cannot fork safely")


@pytest.fixture(autouse=True)
def one_sequence_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many calls, for the processes to share."""
    monkeypatch.setattr(measure, "_CPU_CALL_TOKENS", tiny.ONE_SEQUENCE)


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    yield
    torch.set_num_threads(1)


def nothing() -> None:
    pass


def slow_when_even(task: int) -> tuple[int, int]:
    time.sleep(0.02 if task % 2 == 0 else 0)
    return task, os.getpid()


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not count."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_results_come_in_the_order_of_the_tasks_from_several_processes_that_end() -> None:
    results = list(workers.ordered(slow_when_even, range(20), 3, nothing))
    assert [task for task, _ in results] == list(range(20))
    pids = {pid for _, pid in results}
    assert len(pids) == 3
    assert os.getpid() not in pids
    assert not any(map(alive, pids))


def test_one_worker_runs_in_this_process() -> None:
    assert {pid for _, pid in workers.ordered(slow_when_even, range(3), 1, nothing)} == {os.getpid()}


def test_a_generator_that_is_closed_ends_its_workers() -> None:
    results = workers.ordered(slow_when_even, range(1000), 2, nothing)
    pids = {pid for _, pid in (next(results), next(results))}
    results.close()
    assert not any(map(alive, pids))


def test_a_workers_exception_is_raised_in_the_parent() -> None:
    with pytest.raises(ZeroDivisionError):
        list(workers.ordered(lambda task: 1 // task, [2, 1, 0, 3], 2, nothing))


ERRORS = [GolfcheckError("no"), UsageError("no"), MissingExtra("rescore", "torch", "train"), Refused("ART_ZLIB", "no")]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_our_errors_survive_pickling_between_processes(error: GolfcheckError) -> None:
    def fail(_task: int) -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        list(workers.ordered(fail, range(2), 2, nothing))
    assert (str(caught.value), vars(caught.value)) == (str(error), vars(error))


def test_a_killed_worker_gives_one_line_and_does_not_hang() -> None:
    def die(_task: int) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(GolfcheckError, match="a worker process was killed; was memory short"):
        list(workers.ordered(die, range(4), 2, nothing))


def test_workers_end_when_their_parent_is_killed() -> None:
    program = (
        "import os, time; from golfcheck.rescore import workers; "
        "[print(pid, flush=True) for pid in workers.ordered(lambda _: time.sleep(0.1) or os.getpid(), range(999), 2, "
        "lambda: None)]"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pids = {int(parent.stdout.readline()) for _ in range(4)}
        parent.kill()
    deadline = time.monotonic() + HANG_SECONDS
    while any(map(alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(pids) == 2
    assert not any(map(alive, pids))


# --- the evaluation ---------------------------------------------------------------------------------------------------


def evaluation(world: World, processes: int, precision: str = "bf16") -> measure.Evaluation:
    torch.set_num_threads(processes)
    evaluator = measure.Evaluation(world.state, world.config, precision, Ranks(0, 1, torch.device("cpu")))
    assert evaluator.workers == processes
    torch.set_num_threads(1)
    return evaluator


def text(world: World) -> tuple[data.Tokens, measure.Vector]:
    tokens = data.read_validation(data.shard_paths(world.shards, "val"), 64, tiny.VOCAB)
    return tokens, ByteTable.load(world.tokenizer, tiny.VOCAB).count(tokens)


def same(one: Measured, several: Measured) -> bool:
    return (one.val_loss_nats, one.sequence_losses) == (several.val_loss_nats, several.sequence_losses)


def silent(*_: object) -> None:
    pass


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_several_processes_give_the_score_of_one_to_the_last_bit(world: World, precision: str) -> None:
    tokens, num_bytes = text(world)
    one, three = (evaluation(world, processes, precision) for processes in (1, 3))
    assert same(one.score(tokens, num_bytes, silent), three.score(tokens, num_bytes, silent))
    first = tokens[:641], num_bytes[:640], silent, 24
    assert same(one.score(*first), three.score(*first))


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
@pytest.mark.parametrize("sequences", [1, 2, 40, 75])
def test_a_text_of_any_length_is_cut_into_the_same_calls_for_all(
    world: World, sequences: int, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "_CPU_CALL_TOKENS", {"bf16": 4096, "fp32": 2048})
    monkeypatch.setattr(measure, "_LEAST_CALLS", 4)
    tokens, num_bytes = text(world)
    part = tokens[: 64 * sequences + 1], num_bytes[: 64 * sequences], silent
    one, three = (evaluation(world, processes, precision) for processes in (1, 3))
    alone = one.score(*part)
    torch.set_num_threads(3)  # as the command leaves it
    assert same(alone, three.score(*part))


def test_calls_have_as_many_tokens_as_the_caches_hold_and_fewer_for_a_short_text(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "_CPU_CALL_TOKENS", {"bf16": 4096, "fp32": 2048})
    tokens, num_bytes = text(world)
    for precision, least, largest in (("bf16", 64, 1), ("bf16", 5, 15), ("bf16", 1, 64), ("fp32", 1, 32)):
        monkeypatch.setattr(measure, "_LEAST_CALLS", least)
        held = evaluation(world, 1, precision)
        shapes: list[int] = []
        losses = held.losses
        monkeypatch.setattr(held, "losses", lambda ids, last: shapes.append(len(ids)) or losses(ids, last))  # noqa: B023
        held.score(tokens, num_bytes, silent)
        assert (max(shapes), sum(shapes)) == (largest, 75)


def test_only_wanted_logits_are_computed_and_few_at_a_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    held, rows = evaluation(world, 1), list[int]()
    logits = held.model.logits

    def counted(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        rows.append(x.size(0))
        return logits(x, weight)

    monkeypatch.setattr(held.model, "logits", counted)
    ids = torch.from_numpy(text(world)[0][: 8 * 65].astype("int64")).view(8, 65)
    whole = held.losses(ids)
    assert rows == [256, 256]
    rows.clear()
    counts = [1, 64, 64, 64, 64, 3, 40, 7]
    last = held.losses(ids, counts)
    assert rows == [256, sum(counts) - 256]
    assert torch.equal(last[1:5], whole[1:5])
    assert not torch.equal(last[5:], whole[5:])


def test_several_processes_give_the_estimate_of_one(world: World) -> None:
    tokens, num_bytes = text(world)
    plan = early.plan(tokens, num_bytes, 64, None, order_seed=1, within_bpb=0.3)

    def estimated(processes: int) -> Measured:
        def is_narrow(measured: Measured) -> bool:
            return measured.estimate is not None and measured.estimate.half_width_bpb < 0.3

        return early.score(evaluation(world, processes), tokens, plan, is_narrow, silent)

    one, two = estimated(1), estimated(2)
    assert one.estimate is not None
    assert one.estimate == two.estimate
    assert one.val_bpb == two.val_bpb


def test_progress_counts_every_sequence_once_and_in_order(world: World) -> None:
    tokens, num_bytes = text(world)
    seen: list[tuple[int, int]] = []
    evaluation(world, 2).score(tokens, num_bytes, lambda done, total: seen.append((done, total)))
    total = (tokens.size - 1) // 64
    assert seen == [(done, total) for done in range(1, total + 1)]


_TWO_PROCESSES = f"""
import sys
import torch
from golfcheck import cli
from golfcheck.rescore import measure

if __name__ == "__main__":
    measure._CPU_CALL_TOKENS = {tiny.ONE_SEQUENCE}
    torch.set_num_threads(2)
    sys.exit(cli.main(sys.argv[1:]))
"""


def test_ctrl_c_on_the_command_reports_the_results_so_far_and_leaves_no_process(world: World) -> None:
    # A new process, and no fork: a copy of one that has computed with several threads would wait for them forever.
    line = [sys.executable, "-c", _TWO_PROCESSES, "rescore", str(world.record), "--device", "cpu", "--stride", "1"]
    running = subprocess.Popen(line, cwd=world.root, stderr=subprocess.PIPE, text=True, start_new_session=True)

    def helpers() -> list[int]:
        """Processes of the command's session that compute for it."""
        scores = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == running.pid and int(fields[1]) == running.pid and fields[0] != "Z":
                scores.append(int(stat.parent.name))
        return scores

    deadline = time.monotonic() + HANG_SECONDS
    while len(helpers()) < 2 and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    pids = helpers()
    assert len(pids) == 2
    time.sleep(0.5)
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does: to all of the group
    _, errors = running.communicate(timeout=HANG_SECONDS)
    assert "so far: " in errors
    assert running.returncode == 130
    assert not any(map(alive, pids))
