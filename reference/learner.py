"""A model in training: its weights, the optimizers that change them, and a step made of several passes."""

import contextlib
import copy
import io
import pickle
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

CPU_CALL_TOKENS = 2048  # of one pass: larger ones overflow a CPU's caches and take 1.4 to 1.7 times as long


def read_checkpoint(path: Path, same: Mapping[str, Any], rank: int) -> dict[str, Any]:
    """Return a checkpoint, with this rank's part as "own"; ValueError if its run's settings differ from `same`."""
    try:
        # With weights_only a file can hold tensors and numbers, but no code that loading would run.
        state = dict(torch.load(path, map_location="cpu", weights_only=True))
        theirs = state["settings"] | {"world_size": len(state["ranks"])}
        state["step"], state["position"]
    except (OSError, RuntimeError, KeyError, TypeError, ValueError, EOFError, pickle.UnpicklingError):
        raise ValueError(f"{path} is missing or is not a checkpoint of this trainer") from None
    # Rates and caps may differ, which is a reason to resume; with another shape or split nothing would fit together.
    for name, ours in same.items():
        if theirs.get(name) != ours:
            raise ValueError(f"{path} is from a run with {name.upper()} {theirs.get(name)}, not {ours}")
    return state | {"own": torch.load(io.BytesIO(state["ranks"][rank]), map_location="cpu", weights_only=True)}


class Learner:
    """The model `gpt`, its callable form `loss` (compiled, over all ranks), and its optimizers."""

    def __init__(self, gpt: Any, s: Any, ranks: Any, optimizers: Any, compiled: bool) -> None:
        self.gpt = gpt
        self.loss: Any = torch.compile(gpt, dynamic=False, fullgraph=True) if compiled else gpt
        if ranks.world_size > 1:
            self.loss = DistributedDataParallel(self.loss)  # sums gradients over the ranks, while they are computed
            self.loss.broadcast_buffers = False  # an attribute in all versions: the argument was renamed
        self.adam, self.muon = optimizers
        self.s = s
        self.device = ranks.device
        self.call_seqs = s.call_seqs(ranks.world_size, CPU_CALL_TOKENS if ranks.device.type == "cpu" else None)
        self.average = [p.detach().float().clone() for p in gpt.parameters()] if s.ema_decay else []
        self.losses = torch.zeros(2, device=self.device)  # nats on this rank: of the last step, of all steps together
        for group in self.adam.param_groups + self.muon.param_groups:
            group["base_lr"] = group["lr"]  # what the schedule's factor multiplies

    def step(self, ids: Tensor, number: int, lr_factor: float, momentum: float) -> None:
        """Take the step of this number on a batch, ids [micro_batches, tokens + 1], without waiting for the device."""
        self.gpt.zero_grad(set_to_none=True)  # frees the last step's gradients for this step's passes
        ids = ids.to(self.device, non_blocking=True)
        # The model predicts each token from those before it: targets are the inputs, shifted by one.
        inputs = ids[:, :-1].reshape(-1, self.call_seqs, self.s.train_seq_len)  # [passes, call_seqs, seq_len]
        targets = ids[:, 1:].reshape(-1, self.call_seqs, self.s.train_seq_len)  # [passes, call_seqs, seq_len]
        # Gradients of several passes add up, so a batch can be larger than the memory: the sum is what one pass over
        # all of it would give. Each pass is divided by their number, because the loss is a mean.
        passes = len(inputs)
        self.losses[0] = 0.0
        # Autocast multiplies in bf16 and keeps weights in fp32. Around all passes, it casts each weight once a step.
        with torch.autocast(self.device.type, torch.bfloat16):
            for i, (x, y) in enumerate(zip(inputs, targets, strict=True)):  # [call_seqs, seq_len] twice
                if isinstance(self.loss, DistributedDataParallel):
                    # Ranks exchange gradients once a step, in the last pass: until then each adds up its own.
                    self.loss.require_backward_grad_sync = i == passes - 1
                loss = self.loss(x, y)
                self.losses[0] += loss.detach() / passes
                with torch.autocast(self.device.type, enabled=False):
                    (loss / passes).backward()
        # An unusual batch can have a gradient many times as long as others; its direction is still useful.
        if self.s.grad_clip_norm:
            nn.utils.clip_grad_norm_(self.gpt.parameters(), self.s.grad_clip_norm)
        self.muon.param_groups[0]["momentum"] = momentum
        for optimizer in (self.adam, self.muon):
            for group in optimizer.param_groups:
                group["lr"] = lr_factor * group["base_lr"]
            optimizer.step()
        self.losses[1] += self.losses[0]
        if self.average:
            # Large steps jump around a minimum; their mean is closer to it (Polyak and Juditsky, 1992). It spans about
            # 1 / (1 - EMA_DECAY) steps, early on only a few. In fp32: bf16 would round such small changes away.
            decay = min(self.s.ema_decay, number / (number + 9))
            weights = [p.detach().float() for p in self.gpt.parameters()]
            torch._foreach_lerp_(self.average, weights, 1.0 - decay)

    @torch.no_grad()
    def use_average(self) -> None:
        """Replace the weights with their average, if there is one."""
        for p, average in zip(self.gpt.parameters(), self.average, strict=bool(self.average)):
            p.copy_(average)

    @contextlib.contextmanager
    def undone(self) -> Iterator[None]:
        """Undo all steps that are taken inside."""
        # Warm-up steps compile and choose kernels on real shapes. Kept, they would be training outside of the clock.
        before = copy.deepcopy((self.shared_state(), self.own_state()))
        yield
        self.losses.tolist()  # waits for the device: the clock must not count what is still queued
        self.losses.zero_()
        self.load(*before)

    def shared_state(self) -> dict[str, Any]:
        """Return what is the same on all ranks."""
        return {"model": self.gpt.state_dict(), "adam": self.adam.state_dict()["state"], "average": self.average}

    def own_state(self) -> dict[str, Any]:
        """Return what only this rank has: its part of the momentum, its random numbers."""
        on_gpu = [torch.cuda.get_rng_state(self.device)] if self.device.type == "cuda" else []
        return {"muon": self.muon.state_dict()["state"], "random": [torch.get_rng_state(), *on_gpu]}

    def load(self, shared: Mapping[str, Any], own: Mapping[str, Any]) -> None:
        """Go on from these states, with the learning rates of this run."""
        self.gpt.load_state_dict(shared["model"])
        self.adam.load_state_dict(self.adam.state_dict() | {"state": shared["adam"]})
        self.muon.load_state_dict(self.muon.state_dict() | {"state": own["muon"]})
        for average, tensor in zip(self.average, shared["average"], strict=True):
            average.copy_(tensor)
        torch.set_rng_state(own["random"][0])
        if self.device.type == "cuda" and len(own["random"]) > 1:  # a checkpoint made on a CPU has no second one
            torch.cuda.set_rng_state(own["random"][1], self.device)
