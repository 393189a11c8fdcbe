"""The ranks of a job: which one this is, where it computes, how all agree, and how a run or a lost rank is ended."""

import contextlib
import faulthandler
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist

BEAT_SECONDS = 2.0
SILENT_BEATS = 10  # silent for 20 s means stopped or lost; torchrun may take 30 more to end the others
TIMEOUT_SECONDS = 600.0  # long enough for ranks that compile at different speeds
ECHO_SECONDS = 2.0  # launchers repeat a signal of the terminal within milliseconds: that is no second request
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Ranks:
    """Which process of a job this is, and where it computes."""

    rank: int
    world_size: int
    device: torch.device

    @classmethod
    def join(cls, device: str) -> "Ranks":
        """Join the job that torchrun describes in the environment, or run alone; `device` may be "auto"."""
        rank = variable("RANK", 0)
        world_size = variable("WORLD_SIZE", 1)
        ranks = cls(rank, world_size, choose_device(device, rank, world_size))
        if world_size > 1:
            store, _, _ = next(dist.rendezvous("env://"))
            # Ranks with and without GPUs would wait for each other forever: they compare before they form a group.
            store.set(f"device{rank}", ranks.device.type)
            kinds = [store.get(f"device{other}").decode() for other in range(world_size)]
            if len(set(kinds)) > 1:
                raise ValueError(f"ranks have different devices ({', '.join(kinds)}): set --device for all of them")
            # Agreement and objects travel as CPU tensors over gloo and wait for no GPU; gradients go over NCCL.
            backend = "cpu:gloo,cuda:nccl" if ranks.device.type == "cuda" else "gloo"
            timeout = timedelta(seconds=TIMEOUT_SECONDS)
            dist.init_process_group(backend, store=store, rank=rank, world_size=world_size, timeout=timeout)
            threading.Thread(target=ranks._watch, args=(dist.PrefixStore("beat", store.clone()),), daemon=True).start()
        return ranks

    def agree(self, *values: float) -> list[float]:
        """Return the largest of each value over all ranks; without values, wait for all of them."""
        # One collective for all values: each costs a round trip between the ranks.
        tensor = torch.tensor([*values, 0.0], dtype=torch.float64)  # never empty: ranks would not wait
        if self.world_size > 1:
            dist.all_reduce(tensor, dist.ReduceOp.MAX)
        return tensor.tolist()[:-1]

    def gather(self, value: Any) -> list[Any]:
        """Return every rank's value, in the order of ranks."""
        values = [value] * self.world_size  # pickled, so for rare use
        if self.world_size > 1:
            dist.all_gather_object(values, value)
        return values

    def at_work(self) -> None:
        """Restart the watchdog: a GPU that accepts no work for ten minutes ends the process, which prints where."""
        # A process whose GPU hangs stays alive, and the others would wait forever. A CPU may need that long.
        if self.device.type == "cuda":
            faulthandler.dump_traceback_later(TIMEOUT_SECONDS, exit=True)

    def _watch(self, store: dist.Store) -> None:
        """Send heartbeats, and end the job once the next rank has been silent for too long."""
        neighbor = str((self.rank + 1) % self.world_size)
        launcher = os.getppid()
        last = b""
        silent = 0  # counted in our own beats: a job that was suspended as a whole goes on
        with contextlib.suppress(RuntimeError):  # the store was the launcher's
            while os.getppid() == launcher:
                store.set(str(self.rank), f"{os.uname().nodename} {os.getpid()} {time.monotonic()}")
                beat = store.get(neighbor) if store.check([neighbor]) else b""
                silent = silent + 1 if beat and beat == last else 0
                if silent == SILENT_BEATS:
                    node, pid, _ = beat.decode().split()
                    with contextlib.suppress(OSError):
                        print(f"rank {neighbor} ({node}, pid {pid}) is silent: ending the job", file=sys.stderr)
                        if node == os.uname().nodename:  # torchrun would wait 30 s more for a stopped process
                            os.kill(int(pid), signal.SIGKILL)
                    os._exit(1)
                last = beat
                time.sleep(BEAT_SECONDS)
        # A launcher that was killed cannot end its ranks: so each asks itself for an orderly end, which saves the run.
        os.kill(os.getpid(), signal.SIGTERM)


def variable(name: str, default: int) -> int:
    """Return a number that the launcher sets; ValueError, naming the variable, if it is missing or no number."""
    text = os.environ.get(name)
    if text is None and name != "WORLD_SIZE" and os.environ.get("WORLD_SIZE", "1") != "1":
        raise ValueError(f"WORLD_SIZE is {os.environ['WORLD_SIZE']}, but {name} is not set: start ranks with torchrun")
    if text is not None and not text.isdecimal():
        raise ValueError(f"{name} must be a whole number, not {text!r}")
    return int(text or default)


def choose_device(device: str, rank: int, world_size: int) -> torch.device:
    """Return this rank's device; ValueError if this machine has none, or fewer than ranks."""
    local_rank = variable("LOCAL_RANK", 0)
    gpus = torch.cuda.device_count()
    local = int(os.environ.get("LOCAL_WORLD_SIZE", local_rank + 1))  # ranks on this machine
    if device in ("auto", "cuda") and 0 < gpus < local:
        raise ValueError(f"{local} ranks on this machine, but {gpus} GPUs: --nproc-per-node {gpus}, or --device cpu")
    # The best available: CUDA, Apple's GPU (one rank only, gloo has no MPS), or the processor.
    available = {"cuda": gpus > 0, "mps": torch.backends.mps.is_available() and world_size == 1, "cpu": True}
    device = next(name for name in available if available[name]) if device == "auto" else device
    if not available[device]:
        raise ValueError(f"DEVICE is {device}, but rank {rank} of {world_size} finds none: use --device auto")
    if device == "cuda":
        device = f"cuda:{local_rank}"
        torch.cuda.set_device(device)
    return torch.device(device)


class Signals:
    """When somebody asked for an end, and the phase of the run, which says what a request means."""

    def __init__(self) -> None:
        # "starting": nothing can be lost, end at once. "training": finish the step and save. "saved": what matters is
        # on disk, so go on to the end, but end at once at a second request.
        self.phase = "starting"
        self.times_s: list[float] = []  # of all requests, by a monotonic clock
        # Python runs a handler only between two of its own instructions, and a compiler or a kernel may keep the main
        # thread from the next one for minutes. So a thread waits for the byte that the interpreter's C handler writes.
        read_end, write_end = os.pipe()
        os.set_blocking(write_end, False)
        signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
        for signum in ENDING:
            if signum != signal.SIGHUP or signal.getsignal(signum) != signal.SIG_IGN:  # `nohup` ignores it
                signal.signal(signum, lambda *_: None)
        threading.Thread(target=self._watch, args=(read_end,), daemon=True).start()

    def _watch(self, read_end: int) -> None:
        while True:
            signum = os.read(read_end, 1)[0]
            if signum not in ENDING:
                continue
            self.times_s.append(time.monotonic())
            is_second = self.times_s[-1] - self.times_s[0] > ECHO_SECONDS
            if self.phase == "starting" or (self.phase == "saved" and is_second):
                what = "before training began" if self.phase == "starting" else "again: what was saved stays"
                with contextlib.suppress(OSError):  # nobody may be there to read it, or the disk may be full
                    os.write(sys.stderr.fileno(), f"train.py: ended by {signal.Signals(signum).name} {what}\n".encode())
                os._exit(128 + signum)  # as a shell reports a process that a signal ended
