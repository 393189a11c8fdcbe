"""The ranks of a job: which one this is, where it computes, how all agree, and who notices that one is lost."""

import contextlib
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

import torch
import torch.distributed as dist

BEAT_SECONDS = 2.0
SILENT_BEATS = 10  # silent for 20 s means stopped or lost; torchrun may take 30 more to end the others


@dataclass(frozen=True)
class Ranks:
    """A process's place among all of a job; a process alone has nobody to wait for."""

    rank: int
    world_size: int
    device: torch.device

    @classmethod
    def join(cls, device: str) -> "Ranks":
        """Join the job that torchrun describes in the environment, or be alone; `device` may be "auto"."""
        rank, world_size = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
        local_rank = int(os.environ.get("LOCAL_RANK", "0"))
        mps = torch.backends.mps.is_available() and world_size == 1  # gloo knows no MPS: several ranks take the CPU
        here = {"cuda": torch.cuda.device_count() > local_rank, "mps": mps, "cpu": True}
        device = next(name for name in here if here[name]) if device == "auto" else device
        if not here[device]:
            raise ValueError(f"DEVICE is {device}, but rank {rank} of {world_size} finds none: use --device auto")
        if device == "cuda":
            device = f"cuda:{local_rank}"
            torch.cuda.set_device(device)
        ranks = cls(rank, world_size, torch.device(device))
        if world_size > 1:
            store, _, _ = next(dist.rendezvous("env://"))
            # Agreement and objects travel as CPU tensors over gloo and wait for no GPU; gradients go over NCCL.
            backend = "cpu:gloo,cuda:nccl" if ranks.device.type == "cuda" else "gloo"
            hour = timedelta(hours=1)  # ranks compile at different speeds; the beats notice a lost one much sooner
            dist.init_process_group(backend, store=store, rank=rank, world_size=world_size, timeout=hour)
            threading.Thread(target=ranks._watch, args=(dist.PrefixStore("beat", store.clone()),), daemon=True).start()
        return ranks

    def agree(self, *values: float) -> list[float]:
        """Return the largest of each value over all ranks; without values, wait for all of them."""
        tensor = torch.tensor([*values, 0.0], dtype=torch.float64)  # one more: nobody waits for an empty tensor
        if self.world_size > 1:
            dist.all_reduce(tensor, dist.ReduceOp.MAX)
        return tensor.tolist()[:-1]

    def gather(self, value: Any) -> list[Any]:
        """Return every rank's value, in the order of ranks."""
        values = [value] * self.world_size
        if self.world_size > 1:
            dist.all_gather_object(values, value)
        return values

    def _watch(self, store: dist.Store) -> None:
        """Beat, and end the job once the next rank has been silent too long, whatever the main thread waits for."""
        neighbor, last, silent = str((self.rank + 1) % self.world_size), b"", 0
        with contextlib.suppress(RuntimeError):  # the store goes with the launcher, which ends us
            for poll in count():  # silence is counted in our own: a job that was suspended as a whole goes on
                store.set(str(self.rank), f"{os.uname().nodename} {os.getpid()} {poll}")
                beat = store.get(neighbor) if store.check([neighbor]) else b""
                silent = silent + 1 if beat and beat == last else 0
                if silent == SILENT_BEATS:
                    node, pid, _ = beat.decode().split()
                    print(f"rank {neighbor} ({node}, pid {pid}) is silent: ending the job", file=sys.stderr, flush=True)
                    with contextlib.suppress(OSError):
                        if node == os.uname().nodename:  # torchrun would wait 30 s more for a stopped process
                            os.kill(int(pid), signal.SIGKILL)
                    os._exit(1)
                last = beat
                time.sleep(BEAT_SECONDS)
