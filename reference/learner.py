"""A model in training: its weights, the optimizers that change them, and a step made of several passes."""

import contextlib
import copy
import io
import json
import pickle
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path
from typing import Any

import machine
import model
import torch
import torch.distributed as dist
from artifact import dump
from bpb import ByteTable, Score, evaluate
from model import GPTConfig
from muon import Muon
from ranks import Ranks
from settings import MICRO_BATCHES, Settings
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

MODEL_SETTINGS = [field.name for field in fields(GPTConfig)]
CPU_CALL_TOKENS = 2048  # of one pass: larger ones leave a CPU's caches and cost 1.4 to 1.7 times the time


def model_config(s: Settings) -> GPTConfig:
    """Return the shape of the model that the settings ask for; ValueError for an impossible one."""
    return GPTConfig(**{name: getattr(s, name) for name in MODEL_SETTINGS})


def read_checkpoint(path: Path, s: Settings, world_size: int) -> dict[str, Any]:
    """Return a checkpoint; ValueError if there is none, or if it is of a run of another shape or split than `s`."""
    try:
        # With weights_only a file can hold tensors and numbers, but no code that loading would run.
        state = dict(torch.load(path, map_location="cpu", weights_only=True))
        theirs = state["settings"] | {"world_size": len(state["ranks"])}
        state["step"], state["position"]
    except (OSError, RuntimeError, KeyError, TypeError, ValueError, EOFError, pickle.UnpicklingError):
        raise ValueError(f"{path} is not there, or no checkpoint of this trainer") from None
    # Rates and caps may differ, which is a reason to resume; with another shape or split nothing would fit together.
    ours = asdict(s) | {"world_size": world_size}
    for name in (*MODEL_SETTINGS, "ema_decay", "seed", "train_batch_tokens", "world_size"):
        if theirs.get(name) != ours[name]:
            raise ValueError(f"{path} is of a run with {name.upper()} {theirs.get(name)}, not {ours[name]}")
    return state


def adam_and_matrices(gpt: Any, s: Settings) -> tuple[torch.optim.Adam, list[Tensor]]:
    """Return Adam for the embedding, the head and all small tensors, and the matrices in blocks, which are Muon's."""
    # Muon makes an update equally long in all directions of a matrix, which suits maps between hidden layers. A row of
    # the embedding stands for one token and is rarely used; a scale has no directions at all: both are for Adam, which
    # divides each number's step by its usual size.
    patterns = [pattern for pattern in s.control_tensor_name_patterns.split(",") if pattern]
    matrices = list[Tensor]()
    scalars = list[Tensor]()
    for name, p in gpt.named_parameters():
        is_control = any(pattern in name for pattern in patterns)
        if name.startswith("blocks.") and p.ndim == 2 and not is_control:
            matrices.append(p)
        elif name not in ("tok_emb.weight", "lm_head.weight"):
            scalars.append(p)  # whatever else somebody adds to the model is trained as well
    adam = [{"params": [gpt.tok_emb.weight], "lr": s.tied_embed_lr if s.tie_embeddings else s.embed_lr}]
    adam.append({"params": scalars, "lr": s.scalar_lr})
    if gpt.lm_head is not None:
        adam.append({"params": [gpt.lm_head.weight], "lr": s.head_lr})
    return torch.optim.Adam(adam, betas=(s.beta1, s.beta2), eps=s.adam_eps, fused=True), matrices


class Learner:
    """The model `gpt`, the callable `loss` that it is (compiled, over all ranks), and its optimizers."""

    def __init__(self, gpt: Any, s: Settings, ranks: Ranks, compiled: bool) -> None:
        self.gpt = gpt
        self.loss: Any = torch.compile(gpt, dynamic=False, fullgraph=True) if compiled else gpt
        if ranks.world_size > 1:
            self.loss = DistributedDataParallel(self.loss)  # sums gradients over the ranks, while they are computed
            self.loss.broadcast_buffers = False  # an attribute in all versions; the argument's name has changed
        self.adam, matrices = adam_and_matrices(gpt, s)
        rates = (s.matrix_lr, s.muon_momentum, s.muon_backend_steps)
        self.muon = Muon(matrices, *rates, compile=compiled, weight_decay=s.muon_weight_decay)
        self.s = s
        self.ranks = ranks
        self.device = ranks.device
        self.call_seqs = s.call_seqs(ranks.world_size, CPU_CALL_TOKENS if ranks.device.type == "cpu" else None)
        self.averaged = 0  # steps
        self.average = [p.detach().float().clone() for p in gpt.parameters()] if s.ema_decay else []
        self.losses = torch.zeros(2, device=self.device)  # nats on this rank: of the last step, of all steps together
        for group in self.groups:
            group["base_lr"] = group["lr"]  # what the schedule's factor multiplies

    @property
    def groups(self) -> list[dict[str, Any]]:
        """The parameter groups of both optimizers."""
        return [*self.adam.param_groups, *self.muon.param_groups]

    def about(self, kernels: Mapping[str, bool], compiled: bool) -> Iterator[str]:
        """Yield the log's lines about what is trained and how, given which of the framework's kernels may be used."""
        s = self.s
        yield f"model_params:{sum(p.numel() for p in self.gpt.parameters())}"
        yield f"world_size:{self.ranks.world_size} grad_accum_steps:{MICRO_BATCHES // self.ranks.world_size}"
        yield "sdp_backends:" + " ".join(f"{name}={is_on}" for name, is_on in kernels.items())
        yield f"attention_mode:gqa num_heads:{s.num_heads} num_kv_heads:{s.num_kv_heads}"
        embed_lr, head_lr = (s.tied_embed_lr, 0.0) if s.tie_embeddings else (s.embed_lr, s.head_lr)
        rates = f"embed_lr:{embed_lr} head_lr:{head_lr} matrix_lr:{s.matrix_lr} scalar_lr:{s.scalar_lr}"
        yield f"tie_embeddings:{s.tie_embeddings} {rates}"
        batch = f"train_batch_tokens:{s.train_batch_tokens} train_seq_len:{s.train_seq_len}"
        steps = f"iterations:{s.iterations} warmup_steps:{s.warmup_steps}"
        yield f"{batch} {steps} max_wallclock_seconds:{s.max_wallclock_seconds:.3f}"
        yield f"seed:{s.seed}"
        kernel = model.attention_kernel(self.device, self.call_seqs * s.num_heads * s.train_seq_len**2)
        other = f"flash_attention_{s.flash_attention}"
        yield f"settings:attention kernel:{kernel if s.flash_attention == '2' else other}"
        where = f"device:{machine.device_name(self.device)} compiled:{compiled}"
        yield f"settings:numerics rope_tables:{s.rope_tables} activations:bf16 {where}"
        defaults = asdict(Settings())
        changed = {name.upper(): value for name, value in asdict(s).items() if value != defaults[name]}
        yield f"settings:changed {json.dumps(changed)}"

    def step(self, ids: Tensor, lr_factor: float, momentum: float) -> None:
        """Take one step on this rank's batch, ids [micro_batches, tokens + 1], without waiting for the device."""
        for group in self.groups:
            group["lr"] = lr_factor * group["base_lr"]
        self.muon.param_groups[0]["momentum"] = momentum
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
        self.adam.step()
        self.muon.step()
        self.losses[1] += self.losses[0]
        if self.average:
            # Large steps jump around a minimum; their mean is closer to it (Polyak and Juditsky, 1992). It spans about
            # 1 / (1 - EMA_DECAY) steps, at first those so far. In fp32: bf16 would round such small changes away.
            self.averaged += 1
            decay = min(self.s.ema_decay, self.averaged / (self.averaged + 9))
            weights = [p.detach().float() for p in self.gpt.parameters()]
            torch._foreach_lerp_(self.average, weights, 1.0 - decay)

    def score(self, tokens: Any, table: ByteTable, seq_len: int, stride: int, progress: Any) -> Score:
        """Score the current weights on validation tokens [n + 1], over all ranks; arguments as of `evaluate`."""
        ranks = self.ranks
        call_tokens = CPU_CALL_TOKENS if self.device.type == "cpu" else self.s.val_batch_size // MICRO_BATCHES
        loss = partial(self.loss, reduction="none") if stride else self.loss
        reduce = dist.all_reduce if ranks.world_size > 1 else None
        with torch.autocast(self.device.type, torch.bfloat16):
            return evaluate(
                loss, tokens, table, seq_len=seq_len, batch_seqs=max(1, call_tokens // seq_len), device=self.device,
                stride=stride, rank=ranks.rank, world_size=ranks.world_size, reduce=reduce, progress=progress,
            )  # fmt: skip

    @torch.no_grad()
    def use_average(self) -> None:
        """Replace the weights with their average, if there is one."""
        for p, average in zip(self.gpt.parameters(), self.average, strict=bool(self.average)):
            p.copy_(average)

    @contextlib.contextmanager
    def undone(self) -> Iterator[None]:
        """Undo all steps that are taken inside."""
        # Warm-up steps compile and choose kernels on real shapes. Kept, they would be training outside of the clock.
        before = copy.deepcopy(self.shared_state())
        own_before = self.own_state()
        yield
        self.losses.tolist()  # waits for the device: the clock must not count what is still queued
        self.losses.zero_()
        self.load(before, own_before)

    def shared_state(self) -> dict[str, Any]:
        """Return what is the same on all ranks."""
        average = {"average": self.average, "averaged": self.averaged}
        return {"model": self.gpt.state_dict(), "adam": self.adam.state_dict()["state"], **average}

    def own_state(self) -> bytes:
        """Return what only this rank has, as `torch.save` writes it: its part of the momentum, its random numbers."""
        random = [torch.get_rng_state()]
        if self.device.type == "cuda":
            random.append(torch.cuda.get_rng_state(self.device))
        return dump({"muon": self.muon.state_dict()["state"], "random": random})  # tensors would change their device

    def load(self, shared: Mapping[str, Any], own_state: bytes) -> None:
        """Go on from these states, with the learning rates of this run."""
        own = torch.load(io.BytesIO(own_state), map_location="cpu", weights_only=True)
        self.gpt.load_state_dict(shared["model"])
        self.adam.load_state_dict(self.adam.state_dict() | {"state": shared["adam"]})
        self.muon.load_state_dict(self.muon.state_dict() | {"state": own["muon"]})
        self.averaged = shared["averaged"]
        for average, tensor in zip(self.average, shared["average"], strict=True):
            average.copy_(tensor)
        torch.set_rng_state(own["random"][0])
        if self.device.type == "cuda" and len(own["random"]) > 1:  # a checkpoint of a CPU has no second one
            torch.cuda.set_rng_state(own["random"][1], self.device)
