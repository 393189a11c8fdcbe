"""The ranks of a job: which one this is, where it computes, how all agree, and who notices that one is lost."""

import contextlib
import os
import signal
import socket
import sys
import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist

BEAT_SECONDS = 2.0
SILENT_BEATS = 15  # silent for 30 s means stopped or lost; the job must be over within 60
LOST_RANK_EXIT = 70


@dataclass(frozen=True)
class Ranks:
    """A process's place among all of a job; a process alone has nobody to wait for."""

    rank: int
    world_size: int
    device: torch.device

    @classmethod
    def join(cls, device: str) -> "Ranks":
        """Join the job that torchrun describes in the environment, or be alone; `device` may be "auto"."""
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
        if device == "cuda":
            if not torch.cuda.is_available():
                raise ValueError("DEVICE is cuda, but PyTorch finds no CUDA device: use --device auto")
            device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
            torch.cuda.set_device(device)
        env = (int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1")))
        ranks = cls(*env, torch.device(device))
        if ranks.world_size > 1:
            store, _, _ = next(dist.rendezvous("env://"))
            # Agreement and objects travel as CPU tensors over gloo and wait for no GPU; gradients go over NCCL.
            backend = "cpu:gloo,cuda:nccl" if torch.device(device).type == "cuda" else "gloo"
            hour = timedelta(hours=1)  # ranks compile at different speeds; the beats notice a lost one much sooner
            beats = dist.PrefixStore("beat", store.clone())
            dist.init_process_group(backend, store=store, rank=env[0], world_size=env[1], timeout=hour)
            threading.Thread(target=ranks._watch, args=(beats,), daemon=True).start()
        return ranks

    def agree(self, *values: float) -> list[float]:
        """Return the largest of each value over all ranks."""
        tensor = torch.tensor(values, dtype=torch.float64)
        if self.world_size > 1:
            dist.all_reduce(tensor, dist.ReduceOp.MAX)
        return tensor.tolist()

    def add(self, tensor: torch.Tensor) -> None:
        """Sum a CPU tensor over all ranks, in place."""
        if self.world_size > 1:
            dist.all_reduce(tensor)

    def gather(self, value: Any) -> list[Any]:
        """Return every rank's value, in the order of ranks."""
        values = [value] * self.world_size
        if self.world_size > 1:
            dist.all_gather_object(values, value)
        return values

    def leave(self) -> None:
        """End the job in step with the others."""
        if self.world_size > 1:
            dist.barrier()
            dist.destroy_process_group()

    def _watch(self, store: dist.Store) -> None:
        """Beat, and end this process once another rank has been silent too long, whatever the main thread waits for.

        Silence is counted in polls of our own: a job that was suspended as a whole goes on where it was.
        """
        host, polls = socket.gethostname(), 0
        last, silent = [""] * self.world_size, [0] * self.world_size
        while dist.is_initialized():
            polls += 1
            try:
                store.set(str(self.rank), f"{host} {os.getpid()} {polls}")
                beats = [store.get(str(r)).decode() if store.check([str(r)]) else "" for r in range(self.world_size)]
            except (RuntimeError, OSError):  # the store went with the process that held it: torchrun ends us
                return
            for r, beat in enumerate(beats):
                silent[r] = silent[r] + 1 if beat and beat == last[r] else 0
                if silent[r] == SILENT_BEATS:
                    print(f"rank {r} ({beat}) is silent: ending the job", file=sys.stderr, flush=True)
                    if beat.startswith(f"{host} "):  # torchrun would wait 30 s more for a stopped process
                        with contextlib.suppress(OSError):
                            os.kill(int(beat.split()[1]), signal.SIGKILL)
                    os._exit(LOST_RANK_EXIT)
            last = beats
            time.sleep(BEAT_SECONDS)
