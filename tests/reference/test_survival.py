"""What becomes of a run that is cut short, resumed, signalled, robbed of a rank, or out of room."""

import io
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from golfcheck.data.shardwriter import shard_bytes
from golfcheck.reference.data import read_shard
from golfcheck.trainlog import linekinds
from tests.clock import HANG_SECONDS
from tests.reference import trainer
from tests.reference.trainer import Data, Finished

LONG = {"ITERATIONS": "1000000", "TRAIN_LOG_EVERY": "1"}
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="finds the ranks' processes in /proc")


@pytest.fixture(scope="module")
def saved(data: Data, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """A run of six steps that left the checkpoint of its fourth."""
    done = trainer.train(tmp_path_factory.mktemp("saved"), data, SAVE_EVERY="4")
    assert done.code == 0, done.output
    return done


def start(out: Path, data: Data, ranks: int = 1, **settings: str) -> "subprocess.Popen[str]":
    """Start a run that would go on for hours, and return when it has trained a few steps."""
    env = trainer.environment({**trainer.TINY, **data.env, **LONG, **settings})
    line = [*trainer.command(ranks=ranks), "--out", str(out)]
    run = subprocess.Popen(line, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=out)
    wait_for(lambda: "step:5/" in (out / "logs" / "tiny.txt").read_text() if (out / "logs").exists() else False)
    return run


def wait_for(condition: Callable[[], bool], seconds: float = HANG_SECONDS) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def finish(run: "subprocess.Popen[str]", out: Path, seconds: float = HANG_SECONDS) -> Finished:
    """Wait for the end of a run."""
    try:
        output, _ = run.communicate(timeout=seconds)
    finally:
        run.kill()
    return Finished(run.returncode, output, out)


# Resuming


def test_a_resumed_run_ends_with_the_bytes_of_one_that_was_not_cut(saved: Finished, data: Data, out: Path) -> None:
    resumed = trainer.train(out, data, RESUME=str(saved.out / "checkpoint.pt"))
    assert resumed.code == 0, resumed.output
    (line,) = resumed.lines(linekinds.Resumed)
    assert line.step == 4
    assert resumed.losses == saved.losses[4:]
    assert (out / "final_model.int8.ptz").read_bytes() == (saved.out / "final_model.int8.ptz").read_bytes()


def forget(part: str) -> Callable[[dict[str, Any]], None]:
    def edit(state: dict[str, Any]) -> None:
        if part == "model":
            state["model"]["blocks.0.attn.c_q.weight"].zero_()
        elif part == "adam":
            state["adam"].clear()
        elif part == "muon":
            own = torch.load(io.BytesIO(state["ranks"][0]), weights_only=True)
            own["muon"].clear()
            buffer = io.BytesIO()
            torch.save(own, buffer)
            state["ranks"][0] = buffer.getvalue()
        elif part == "position":
            state["position"] = (0, 0)
        elif part == "step":
            state["step"] = 3

    return edit


@pytest.mark.parametrize("part", ["model", "adam", "muon", "position", "step"])
def test_a_checkpoint_that_lacks_a_part_does_not_resume_to_the_same_bytes(
    saved: Finished, data: Data, out: Path, part: str
) -> None:
    state = torch.load(saved.out / "checkpoint.pt", weights_only=True)
    forget(part)(state)
    torch.save(state, out / "edited.pt")
    resumed = trainer.train(out, data, RESUME=str(out / "edited.pt"))
    assert resumed.code == 0, resumed.output
    assert (out / "final_model.int8.ptz").read_bytes() != (saved.out / "final_model.int8.ptz").read_bytes()


def test_a_resumed_run_continues_the_random_numbers(data: Data, tmp_path: Path) -> None:
    """A trainer that somebody made draw numbers, as dropout does, resumes to the same bytes as well."""
    folder = trainer.copy_of_reference(
        tmp_path / "mine",
        ("model.py", "x = x0 = rms(self.tok_emb(ids))", "x = x0 = F.dropout(rms(self.tok_emb(ids)), 0.1)"),
    )
    whole, rest, forgetful = tmp_path / "whole", tmp_path / "rest", tmp_path / "forgetful"
    for out in (whole, rest, forgetful):
        out.mkdir()
    first = trainer.train(whole, data, folder=folder, SAVE_EVERY="4")
    assert first.code == 0, first.output
    resumed = trainer.train(rest, data, folder=folder, RESUME=str(whole / "checkpoint.pt"))
    assert resumed.losses == first.losses[4:]
    state = torch.load(whole / "checkpoint.pt", weights_only=True)
    own = torch.load(io.BytesIO(state["ranks"][0]), weights_only=True)
    own["random"] = [torch.Generator().manual_seed(5).get_state()]
    buffer = io.BytesIO()
    torch.save(own, buffer)
    state["ranks"][0] = buffer.getvalue()
    torch.save(state, tmp_path / "edited.pt")
    other = trainer.train(forgetful, data, folder=folder, RESUME=str(tmp_path / "edited.pt"))
    assert other.losses != first.losses[4:]


def test_a_resumed_run_takes_its_own_learning_rates(saved: Finished, data: Data, out: Path) -> None:
    done = trainer.train(out, data, RESUME=str(saved.out / "checkpoint.pt"), TIED_EMBED_LR="0", SCALAR_LR="0")
    assert done.code == 0, done.output
    assert done.losses[0] == saved.losses[4]  # taken before the first update
    assert done.losses[1] != saved.losses[5]


def test_a_checkpoint_over_other_data_is_refused(saved: Finished, data: Data, tmp_path: Path, out: Path) -> None:
    folder = tmp_path / "short"
    folder.mkdir()
    for path in data.data_path.glob("*.bin"):
        tokens = read_shard(path, 1024)
        (folder / path.name).write_bytes(shard_bytes(tokens[:2049]))
    done = trainer.train(out, Data(folder, data.tokenizer_path), RESUME=str(saved.out / "checkpoint.pt"))
    assert done.code == 2
    assert "in shard 0: is this other data?" in done.output


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"MODEL_DIM": "64"}, "is from a run with MODEL_DIM 32, not 64"),
        ({"SEED": "5"}, "is from a run with SEED 1337, not 5"),
        ({"TRAIN_BATCH_TOKENS": "1024"}, "is from a run with TRAIN_BATCH_TOKENS 512, not 1024"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused_in_one_line(
    saved: Finished, data: Data, out: Path, settings: dict[str, str], words: str
) -> None:
    done = trainer.train(out, data, RESUME=str(saved.out / "checkpoint.pt"), **settings)
    assert done.code == 2
    assert words in done.output
    assert "Traceback" not in done.output


def test_a_broken_checkpoint_is_refused_in_one_line(saved: Finished, data: Data, out: Path) -> None:
    (out / "half.pt").write_bytes((saved.out / "checkpoint.pt").read_bytes()[:5000])
    done = trainer.train(out, data, RESUME="half.pt")
    assert done.code == 2
    assert "half.pt is missing or is not a checkpoint of this trainer" in done.output
    assert "Traceback" not in done.output


def test_two_ranks_resume_to_their_own_bytes(data: Data, tmp_path: Path) -> None:
    whole, rest = tmp_path / "whole", tmp_path / "rest"
    for folder in (whole, rest):
        folder.mkdir()
    first = trainer.train(whole, data, ranks=2, SAVE_EVERY="4")
    assert first.code == 0, first.output
    resumed = trainer.train(rest, data, ranks=2, RESUME=str(whole / "checkpoint.pt"))
    assert resumed.code == 0, resumed.output
    assert (rest / "final_model.int8.ptz").read_bytes() == (whole / "final_model.int8.ptz").read_bytes()
    alone = trainer.train(rest, data, RESUME=str(whole / "checkpoint.pt"))
    assert alone.code == 2
    assert "is from a run with WORLD_SIZE 2, not 1" in alone.output


# Signals


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_finishes_the_step_exports_and_evaluates(data: Data, out: Path, signum: signal.Signals) -> None:
    run = start(out, data)
    run.send_signal(signum)
    done = finish(run, out)
    assert done.code == 0, done.output
    (stop,) = done.lines(linekinds.Stopping)
    assert stop.reason == "signal"
    assert done.lines(linekinds.ValStep)[-1].step == stop.step
    assert done.lines(linekinds.FinalExact)
    assert torch.load(out / "checkpoint.pt", weights_only=True)["step"] == stop.step


def test_a_signal_repeated_by_the_launcher_does_not_count_as_a_second_one(data: Data, out: Path) -> None:
    run = start(out, data)
    for _ in range(3):
        run.send_signal(signal.SIGINT)
        time.sleep(0.1)
    done = finish(run, out)
    assert done.code == 0, done.output
    assert done.lines(linekinds.FinalExact)


def test_a_second_signal_ends_at_once_and_the_checkpoint_is_there(data: Data, out: Path) -> None:
    run = start(out, data, VAL_BATCH_SIZE="256", TRAIN_SEQ_LEN="32")
    run.send_signal(signal.SIGSTOP)  # so that what follows does not race with the end of the run
    run.send_signal(signal.SIGINT)
    run.send_signal(signal.SIGCONT)
    wait_for(lambda: "stopping_early: signal" in (out / "logs" / "tiny.txt").read_text())  # what was trained is on disk
    run.send_signal(signal.SIGSTOP)
    time.sleep(2.2)
    run.send_signal(signal.SIGTERM)
    run.send_signal(signal.SIGCONT)
    done = finish(run, out, 20.0)
    assert done.code == 128 + signal.SIGTERM, done.output
    assert torch.load(out / "checkpoint.pt", weights_only=True)["step"] >= 5


@pytest.mark.parametrize("is_full", [False, True])
def test_a_signal_before_training_ends_the_run_at_once(data: Data, out: Path, is_full: bool) -> None:
    env = trainer.environment({**trainer.TINY, **data.env, **LONG, "WARMUP_STEPS": "1000000"})
    with Path("/dev/full" if is_full else out / "err").open("w") as err:
        run = subprocess.Popen([*trainer.command(), "--out", str(out)], env=env, stderr=err, cwd=out)
    log = out / "logs" / "tiny.txt"
    wait_for(lambda: log.exists() and "warmup_step:10/" in log.read_text())
    run.send_signal(signal.SIGTERM)
    assert run.wait(timeout=HANG_SECONDS) == 128 + signal.SIGTERM
    if not is_full:
        assert (out / "err").read_text().strip() == "train.py: ended by SIGTERM before training began"


def test_nohup_keeps_a_run_going_when_the_connection_is_lost(data: Data, out: Path) -> None:
    env = trainer.environment({**trainer.TINY, **data.env, "ITERATIONS": "12"})
    command = ["sh", "-c", "trap '' HUP; exec \"$@\"", "sh", *trainer.command(), "--out", str(out)]
    run = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=out)
    log = out / "logs" / "tiny.txt"
    wait_for(lambda: log.exists() and "step:2/" in log.read_text())
    run.send_signal(signal.SIGHUP)
    done = finish(run, out)
    assert done.code == 0, done.output
    assert not done.lines(linekinds.Stopping)
    assert len(done.losses) == 12


# Data and folders


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_bad_token_in_a_later_shard_exports_and_scores_what_there_is(
    data: Data, tmp_path: Path, out: Path, ranks: int
) -> None:
    folder = tmp_path / "bad"
    folder.mkdir()
    (val,) = data.data_path.glob("*val*")
    shutil.copy(val, folder)
    tokens = read_shard(next(data.data_path.glob("*train*")), 1024)
    second = tokens[4000:8000].copy()
    second[7] = 1024
    for i, part in enumerate((tokens[:4000], second)):
        (folder / f"fineweb_train_{i:06d}.bin").write_bytes(shard_bytes(part))
    done = trainer.train(out, Data(folder, data.tokenizer_path), ranks=ranks, record=True, **LONG)
    assert done.code == 1
    (stop,), (problem,) = done.lines(linekinds.Stopping), done.lines(linekinds.Problem)
    assert (stop.reason, stop.step) == ("data_error", 7)  # a step takes 520 tokens; the eighth meets the second shard
    assert "fineweb_train_000001.bin: token 1024 at position 7" in problem.text
    assert "what was trained before it is exported and scored" in done.output
    assert done.lines(linekinds.FinalExact)
    assert (out / "record").is_dir()


def test_a_later_shard_that_is_cut_is_named_before_training(data: Data, tmp_path: Path, out: Path) -> None:
    folder = shutil.copytree(data.data_path, tmp_path / "cut")
    shard = next(folder.glob("*train*")).read_bytes()
    (folder / "fineweb_train_000001.bin").write_bytes(shard[:-100])
    done = trainer.train(out, Data(folder, data.tokenizer_path), WARMUP_STEPS="1000000")
    assert done.code == 2
    assert f"fineweb_train_000001.bin: {len(shard) - 100:,} bytes, but" in done.output


def test_too_few_sequences_for_all_ranks_are_named_before_training(data: Data, out: Path) -> None:
    done = trainer.train(out, data, ranks=4, EVAL_SEQ_LEN="1000", WARMUP_STEPS="1000000")
    assert done.code == 2
    assert "2,049 validation tokens make fewer than 4 sequences of 1000" in done.output


def test_shards_that_disappear_cost_their_digest_and_not_the_run(data: Data, tmp_path: Path, out: Path) -> None:
    folder = shutil.copytree(data.data_path, tmp_path / "lost")
    run = start(out, Data(folder, data.tokenizer_path))
    shutil.rmtree(folder)
    run.send_signal(signal.SIGTERM)
    done = finish(run, out)
    assert done.code == 1
    assert "what was trained before it is exported and scored" in done.output
    (problem,) = done.lines(linekinds.Problem)
    assert "No such file" in problem.text
    assert [line.split for line in done.lines(linekinds.DataFiles)] == ["val"]
    assert done.lines(linekinds.FinalExact)


def test_two_runs_of_one_folder_never_mix(data: Data, out: Path) -> None:
    first = start(out, data)
    second = trainer.train(out, data)
    assert second.code == 2
    assert f"another run writes to {out.resolve()}: give this one its own --out" in second.output
    first.send_signal(signal.SIGTERM)
    done = finish(first, out)
    assert done.code == 0, done.output
    assert [path.name for path in (out / "logs").iterdir()] == ["tiny.txt"]


def test_a_checkpoint_that_does_not_fit_on_disk_does_not_end_the_run(data: Data, out: Path) -> None:
    (out / "checkpoint.pt").mkdir()  # as a full disk would, it cannot be replaced
    done = trainer.train(out, data, SAVE_EVERY="3")
    assert done.code == 0, done.output
    assert [line.text for line in done.lines(linekinds.Problem)]
    assert done.lines(linekinds.FinalExact)


def test_a_run_resumed_past_its_cap_exports_at_once(saved: Finished, data: Data, out: Path) -> None:
    settings = {"MAX_WALLCLOCK_SECONDS": "0.001", "WARMDOWN_ITERS": "0", "RESUME": str(saved.out / "checkpoint.pt")}
    done = trainer.train(out, data, **settings)
    assert done.code == 0, done.output
    (stop,) = done.lines(linekinds.Stopping)
    assert (stop.reason, stop.step) == ("wallclock_cap", 4)
    assert done.losses == []
    assert done.lines(linekinds.FinalExact)


# Ranks


def ranks_of(launcher: int) -> list[int]:
    """The processes of the trainer under a launcher, by rank."""
    pids = {}
    for entry in Path("/proc").iterdir():
        try:
            env = dict(item.split("=", 1) for item in (entry / "environ").read_text().split("\0") if "=" in item)
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        if parent == launcher and "RANK" in env:
            pids[int(env["RANK"])] = int(entry.name)
    return [pids[rank] for rank in sorted(pids)]


@linux_only
@pytest.mark.parametrize(("signum", "rank"), [(signal.SIGKILL, 0), (signal.SIGKILL, 1), (signal.SIGSTOP, 1)])
def test_a_dead_or_stopped_rank_ends_the_job_within_60_seconds(
    data: Data, out: Path, signum: signal.Signals, rank: int
) -> None:
    run = start(out, data, ranks=2)
    pids = ranks_of(run.pid)
    assert len(pids) == 2
    os.kill(pids[rank], signum)
    done = finish(run, out)
    assert done.code != 0
    assert not (out / "final_model.int8.ptz").exists()
    for pid in pids:
        wait_for(lambda pid=pid: not Path(f"/proc/{pid}").exists())  # type: ignore[misc]


def is_running(pid: int) -> bool:
    """Whether a process still runs; one that has ended but that init has not collected yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except FileNotFoundError:
        return False


@linux_only
def test_ranks_whose_launcher_is_killed_save_and_score_what_there_is(data: Data, out: Path) -> None:
    run = start(out, data, ranks=2)
    pids = ranks_of(run.pid)
    run.kill()
    output, _ = run.communicate(timeout=HANG_SECONDS)  # ends when the ranks, which have the pipe as well, have ended
    assert not [pid for pid in pids if is_running(pid)]
    done = Finished(0, output, out)
    (stop,) = done.lines(linekinds.Stopping)
    assert stop.reason == "signal"
    assert done.lines(linekinds.FinalExact)
    assert (out / "checkpoint.pt").exists()


@linux_only
def test_a_signal_to_one_rank_ends_all_of_them_after_the_same_seed(data: Data, out: Path) -> None:
    env = trainer.environment({**trainer.TINY, **data.env, **LONG})
    line = [*trainer.command(ranks=2), "--out", str(out), "--seeds", "5,6"]
    run = subprocess.Popen(line, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=out)
    log = out / "logs" / "tiny_seed5.txt"
    wait_for(lambda: log.exists() and "step:5/" in log.read_text())
    os.kill(ranks_of(run.pid)[1], signal.SIGINT)
    done = finish(run, out)
    assert done.code == 0, done.output
    assert done.lines(linekinds.FinalExact, "tiny_seed5")
    assert not (out / "logs" / "tiny_seed6.txt").exists()
    (record,) = (out / "record").iterdir()
    assert (record / "train_seed5.log").exists()


@linux_only
def test_two_ranks_smoke_in_an_empty_folder_makes_its_own_data(tmp_path: Path) -> None:
    line = [*trainer.command(ranks=2), "--smoke", "--iterations", "3"]
    done = subprocess.run(
        line, env=trainer.environment({}), capture_output=True, text=True, timeout=HANG_SECONDS, cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "data" / "datasets" / "demo_sp1024" / "fineweb_val_000000.bin").exists()
    assert "next    golfcheck verify record/" in done.stdout


# Room


def test_a_file_that_does_not_fit_is_one_line_and_the_older_one_is_intact(data: Data, out: Path) -> None:
    for name in ("final_model.pt", "final_model.int8.ptz"):
        (out / name).write_text("of an earlier run")
    env = trainer.environment({**trainer.TINY, **data.env})
    done = subprocess.run(
        [*trainer.command(), "--out", str(out)],
        env=env,
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000)),
    )
    assert done.returncode == 1
    (complaint,) = (line for line in done.stderr.split("\n") if line.startswith("train.py: "))
    assert "final_model.pt: File too large: " in complaint
    assert "bytes needed, " in complaint
    assert "Traceback" not in done.stderr
    assert (out / "final_model.pt").read_text() == "of an earlier run"
    assert [path.name for path in out.glob(".*partial")] == []


def test_a_log_whose_last_lines_find_no_room_is_reported_at_the_end(data: Data, tmp_path: Path, out: Path) -> None:
    full = ("files.py", "os.write(self.file, self.waiting)", "os.write(os.open('/dev/full', os.O_WRONLY), b'x')")
    folder = trainer.copy_of_reference(tmp_path / "full", full)
    done = trainer.train(out, data, folder=folder, ITERATIONS="1", WARMUP_STEPS="0")
    assert done.code == 1
    assert done.output.count("the log cannot be written now: No space left on device; its lines wait") == 1
    log, artifact = out / "logs" / "tiny.txt", out / "final_model.int8.ptz"
    assert done.output.endswith(f"train.py: {log}: the disk has no room for its last lines; {artifact} is complete\n")
    assert artifact.exists()


def test_files_that_a_killed_run_left_half_written_are_removed_by_the_next(data: Data, out: Path) -> None:
    (out / ".final_model.pt.99999999.partial").write_bytes(b"half")
    done = trainer.train(out, data, ITERATIONS="1")
    assert done.code == 0, done.output
    assert not list(out.glob(".*.partial"))


# Several seeds


def test_several_seeds_run_one_after_another_into_one_record(data: Data, out: Path) -> None:
    done = trainer.train(out, data, "--seeds", "5,6", record=True)
    assert done.code == 0, done.output
    assert [line.seed for name in ("tiny_seed5", "tiny_seed6") for line in done.lines(linekinds.Seed, name)] == [5, 6]
    (record,) = (out / "record").iterdir()
    names = {path.name for path in record.iterdir()}
    assert {"README.md", "submission.json", "train_seed5.log", "train_seed6.log", "train.py", "model.py"} <= names
    for seed in (5, 6):
        copied = (record / f"final_model_seed{seed}.int8.ptz").read_bytes()
        assert copied == (out / f"final_model_seed{seed}.int8.ptz").read_bytes()
        assert (record / f"train_seed{seed}.log").read_text() == done.log(f"tiny_seed{seed}")
