"""The ranks of a job: who I am, where I compute, how all of us agree, and who watches that nobody is lost."""

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
SILENT_BEATS = 15  # a rank that is silent for 30 s is stopped or lost; the job must be over within 60
LOST_RANK_EXIT = 70


@dataclass(frozen=True)
class Ranks:
    """This process's place among all; alone, every method below is a no-op or the identity."""

    rank: int
    world_size: int
    device: torch.device

    @classmethod
    def join(cls, device: str) -> "Ranks":
        """Join the job that torchrun describes in the environment, or be alone; `device` may be "auto"."""
        rank, world_size = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
        if device == "cuda" and not torch.cuda.is_available():
            raise ValueError("DEVICE is cuda, but PyTorch finds no CUDA device: use --device cpu, or auto")
        if device == "cuda":
            device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
            torch.cuda.set_device(device)
        ranks = cls(rank, world_size, torch.device(device))
        if world_size > 1:
            store, _, _ = next(dist.rendezvous("env://"))  # type: ignore[no-untyped-call]
            beats = dist.PrefixStore("beat", store.clone())
            # Agreement and objects travel as CPU tensors over gloo and wait for no GPU; gradients go over NCCL.
            backend = "cpu:gloo,cuda:nccl" if ranks.device.type == "cuda" else "gloo"
            hour = timedelta(hours=1)  # ranks compile at different speeds; the beats notice a lost one much sooner
            dist.init_process_group(backend, store=store, rank=rank, world_size=world_size, timeout=hour)
            threading.Thread(target=ranks._watch, args=(beats,), daemon=True).start()
        return ranks

    def agree(self, *values: float) -> list[float]:
        """Return the largest of each value over all ranks."""
        if self.world_size == 1:
            return list(values)
        tensor = torch.tensor(values, dtype=torch.float64)
        dist.all_reduce(tensor, dist.ReduceOp.MAX)
        return tensor.tolist()

    def add(self, tensor: torch.Tensor) -> None:
        """Sum a CPU tensor over all ranks, in place."""
        if self.world_size > 1:
            dist.all_reduce(tensor)

    def gather(self, value: Any) -> list[Any]:
        """Return every rank's value on rank 0, and only this rank's elsewhere."""
        if self.world_size == 1:
            return [value]
        values = [None] * self.world_size if self.rank == 0 else None
        dist.gather_object(value, values)
        return values or [value]

    def from_first(self, value: Any) -> Any:
        """Return rank 0's value on every rank."""
        if self.world_size == 1:
            return value
        values = [value]
        dist.broadcast_object_list(values, device=torch.device("cpu"))
        return values[0]

    def leave(self) -> None:
        """End the job in step with the others."""
        if self.world_size > 1:
            dist.barrier()
            dist.destroy_process_group()

    def _watch(self, store: dist.Store) -> None:
        """Beat, and end this process once another rank has been silent too long, whatever the main thread waits for.

        Silence is counted in polls of ours, so a job that was suspended as a whole goes on where it was.
        """
        me, polls = f"{socket.gethostname()} {os.getpid()}", 0
        last, silent = [""] * self.world_size, [0] * self.world_size
        while dist.is_initialized():
            polls += 1
            try:
                store.set(str(self.rank), f"{me} {polls}")
                beats = [store.get(str(r)).decode() if store.check([str(r)]) else "" for r in range(self.world_size)]
            except (RuntimeError, OSError):  # the store went with the process that held it: torchrun ends us
                return
            for r, beat in enumerate(beats):
                silent[r] = silent[r] + 1 if beat == last[r] != "" else 0
                if silent[r] == SILENT_BEATS:
                    self._give_up(r, beat)
            last = beats
            time.sleep(BEAT_SECONDS)

    def _give_up(self, rank: int, beat: str) -> None:
        host, pid, _ = beat.rsplit(" ", 2)
        seconds = SILENT_BEATS * BEAT_SECONDS
        print(
            f"rank {rank} ({host}, pid {pid}) was silent for {seconds:.0f} s: ending the job",
            file=sys.stderr,
            flush=True,
        )
        if host == socket.gethostname():  # torchrun would wait 30 s more for a stopped process
            os.kill(int(pid), signal.SIGKILL)
        os._exit(LOST_RANK_EXIT)
