"""A model under training: its weights, the optimizers that change them, and a step made of several passes."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

CPU_CALL_TOKENS = 2048  # of one pass: larger ones leave the caches and cost 1.4 to 1.7 times the time


def adam_and_matrices(gpt: Any, s: Any) -> tuple[torch.optim.Adam, list[Tensor]]:
    """Return Adam for the embedding, the head and all small tensors, and the matrices in blocks, which are Muon's.

    Muon makes an update equally long in all directions of a matrix, which suits maps between hidden layers. A row of
    the embedding stands for one token and is rarely used; a scale has no directions at all: both are for Adam.
    """
    patterns = [pattern for pattern in s.control_tensor_name_patterns.split(",") if pattern]
    matrices = list[Tensor]()
    scalars = list[Tensor]()
    for name, p in gpt.named_parameters():
        is_control = any(pattern in name for pattern in patterns)
        if name.startswith("blocks.") and p.ndim == 2 and not is_control:
            matrices.append(p)
        elif name not in ("tok_emb.weight", "lm_head.weight"):
            scalars.append(p)  # whatever else somebody adds to the model is trained as well
    heads = [] if gpt.lm_head is None else [gpt.lm_head.weight]
    groups = [([gpt.tok_emb.weight], s.embedding_lr), (scalars, s.scalar_lr), (heads, s.lm_head_lr)]
    adam = [{"params": params, "lr": lr} for params, lr in groups if params]
    return torch.optim.Adam(adam, betas=(s.beta1, s.beta2), eps=s.adam_eps, fused=True), matrices


class Learner:
    """The model `gpt`, the callable `loss` that it is (compiled, over all ranks), and its optimizers.

    `losses` has the mean loss of the last step on this rank in nats, and the sum of all steps' since the first.
    """

    def __init__(self, gpt: Any, s: Any, ranks: Any, make_muon: Callable[..., Any], compiled: bool) -> None:
        self.gpt = gpt
        self.loss: Any = torch.compile(gpt, dynamic=False, fullgraph=True) if compiled else gpt
        if ranks.world_size > 1:
            self.loss = DistributedDataParallel(self.loss)  # sums gradients over the ranks, while they are computed
            self.loss.broadcast_buffers = False  # an attribute in all versions; the argument's name has changed
        # Adam divides each number's step by its usual size; Muon looks at a matrix as a whole.
        self.adam, matrices = adam_and_matrices(gpt, s)
        options = {"compile": compiled, "weight_decay": s.muon_weight_decay}
        self.muon = make_muon(matrices, s.matrix_lr, s.muon_momentum, s.muon_backend_steps, **options)
        self.device: torch.device = ranks.device
        self.seq_len: int = s.train_seq_len
        self.call_seqs: int = s.call_seqs(ranks.world_size, CPU_CALL_TOKENS if ranks.device.type == "cpu" else None)
        self.clip: float = s.grad_clip_norm
        self.ema_decay: float = s.ema_decay
        self.averaged = 0  # steps
        self.average = [p.detach().float().clone() for p in gpt.parameters()] if self.ema_decay else []
        self.losses = torch.zeros(2, device=self.device)
        for group in self.groups:
            group["base_lr"] = group["lr"]  # what the schedule's factor multiplies

    @property
    def groups(self) -> list[dict[str, Any]]:
        """The parameter groups of both optimizers."""
        return [*self.adam.param_groups, *self.muon.param_groups]

    def step(self, ids: Tensor, lr_factor: float, momentum: float) -> None:
        """Take one optimizer step on this rank's batch, ids [micro_batches, tokens + 1]; nothing waits for the device.

        Gradients of several passes add up, so a batch can be larger than the memory: the sum is what one pass over all
        of it would give. Each pass is divided by their number, because the loss is a mean.
        """
        for group in self.groups:
            group["lr"] = lr_factor * group["base_lr"]
        self.muon.param_groups[0]["momentum"] = momentum
        self.gpt.zero_grad(set_to_none=True)  # frees the last step's, for this one's passes
        ids = ids.to(self.device, non_blocking=True)
        # The model predicts each token from those before it: targets are the inputs, one place later.
        inputs = ids[:, :-1].reshape(-1, self.call_seqs, self.seq_len)  # [passes, call_seqs, seq_len]
        targets = ids[:, 1:].reshape(-1, self.call_seqs, self.seq_len)  # [passes, call_seqs, seq_len]
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
        # A batch with an odd text can have a gradient many times as long as usual; its direction is worth keeping.
        if self.clip > 0:
            nn.utils.clip_grad_norm_(self.gpt.parameters(), self.clip)
        self.adam.step()
        self.muon.step()
        self.losses[1] += self.losses[0]
        if self.average:
            self._average()

    @torch.no_grad()
    def _average(self) -> None:
        """Move the average towards the weights: over some 1 / (1 - EMA_DECAY) steps, at first over those there are.

        Steps of a size that is not small jump around a minimum; their mean lies nearer to it (Polyak and Juditsky,
        1992). In fp32, for a bf16 embedding would not notice so small a change.
        """
        self.averaged += 1
        decay = min(self.ema_decay, self.averaged / (self.averaged + 9))
        weights = [p.float() for p in self.gpt.parameters()]
        torch._foreach_lerp_(self.average, weights, 1.0 - decay)

    @torch.no_grad()
    def use_average(self) -> None:
        """Put the averaged weights, where they are kept, in place of those that training ended with."""
        for p, average in zip(self.gpt.parameters(), self.average, strict=bool(self.average)):
            p.copy_(average)

    @contextlib.contextmanager
    def undone(self) -> Iterator[None]:
        """Put everything that steps change back afterwards."""
        # Warm-up steps compile and choose kernels on real shapes. Kept, they would be training outside of the clock.
        weights = {name: tensor.clone() for name, tensor in self.gpt.state_dict().items()}
        random = self.random_states()
        yield
        self.gpt.load_state_dict(weights)
        self.losses.tolist()  # waits for the device: the clock must not count what is still queued
        self.losses.zero_()
        self.set_random_states(random)
        for optimizer in (self.adam, self.muon):
            optimizer.state.clear()
        self.averaged = 0
        for average, p in zip(self.average, self.gpt.parameters(), strict=bool(self.average)):
            average.copy_(p.detach())

    def random_states(self) -> list[Tensor]:
        """Return the state of the processor's generator, and of the device's where it has one of its own."""
        states = [torch.get_rng_state()]
        if self.device.type == "cuda":
            states.append(torch.cuda.get_rng_state(self.device))
        return states

    def set_random_states(self, states: Sequence[Tensor]) -> None:
        """Go on with the random numbers that were noted; those of a device only where both have one."""
        torch.set_rng_state(states[0])
        if self.device.type == "cuda" and len(states) > 1:
            torch.cuda.set_rng_state(states[1], self.device)

    def shared_state(self) -> dict[str, Any]:
        """Return what is the same on all ranks."""
        average = {"average": self.average, "averaged": self.averaged}
        return {"model": self.gpt.state_dict(), "adam": self.adam.state_dict()["state"], **average}

    def own_state(self) -> dict[str, Any]:
        """Return what only this rank has: the momentum of the matrices that it owns, and its random numbers."""
        return {"muon": self.muon.state_dict()["state"], "random": self.random_states()}

    def load(self, shared: dict[str, Any], own: dict[str, Any]) -> None:
        """Go on from the states of a checkpoint, with the learning rates of this run."""
        self.gpt.load_state_dict(shared["model"])
        self.adam.load_state_dict(self.adam.state_dict() | {"state": shared["adam"]})
        self.muon.load_state_dict(self.muon.state_dict() | {"state": own["muon"]})
        self.set_random_states(own["random"])
        self.averaged = shared["averaged"]
        for average, tensor in zip(self.average, shared["average"], strict=True):
            average.copy_(tensor)
