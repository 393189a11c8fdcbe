"""Where a run is, by steps and by the clock, and what follows from both: learning rates, what is due, the end."""

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any


class Clock:
    """Milliseconds of training on this rank, from `start_ms` on.

    The contest's cap is on the time that passes, not on those parts of it that somebody thought of measuring: what
    happens between two steps (waiting for another rank, writing the log, drawing) is training time as well.
    """

    def __init__(self, start_ms: float = 0.0) -> None:
        self.start_ms = start_ms
        self.began = time.perf_counter()

    @property
    def ms(self) -> float:
        """What has passed so far."""
        return self.start_ms + 1000.0 * (time.perf_counter() - self.began)

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """Do not count what happens inside: validating and saving."""
        before = time.perf_counter()
        yield
        self.began += time.perf_counter() - before


@dataclass(frozen=True, slots=True)
class Pace:
    """The speed of a run, on all its ranks together."""

    tokens: float  # a second
    flops: float  # a second
    matmul_share: float  # of the rate that products of matrices were measured at
    share: float  # of the run that is done, by steps or by time
    left_seconds: float

    def __str__(self) -> str:
        return f"{self.tokens:,.0f} tokens/s  {self.matmul_share:.0%} of matmul  {self.left_seconds:,.0f} s left"


class Progress:
    """The steps taken, their time by the slowest rank's clock, and the settings `s` that say when something is due."""

    def __init__(self, s: Any) -> None:
        self.s = s
        self.iterations: int = s.iterations
        self.cap_ms = 1000.0 * s.max_wallclock_seconds or math.inf
        self.begin(0, 0.0)

    def begin(self, step: int, train_ms: float) -> None:
        """Start the clock, at this step and time."""
        self.step = step
        self.train_ms = train_ms
        self.step_avg_ms = train_ms / max(step, 1)
        self.clock = Clock(train_ms)

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint needs."""
        return {"step": self.step, "train_ms": self.train_ms}

    def is_due(self, every: int) -> bool:
        """Whether this step is one of those that something happens at; never, if `every` is 0."""
        return every > 0 and self.step % every == 0

    @property
    def is_logged(self) -> bool:
        """Whether this step has a line in the log."""
        return self.step <= 10 or self.is_due(self.s.train_log_every)

    @property
    def is_watched(self) -> bool:
        """Whether the loss of this step is worth waiting for the device."""
        # Reading a loss makes the processor wait for the device, which then waits for new work: so seldom, but at the
        # end of a run, where no step may be counted that the device has not finished.
        is_late = self.step == self.iterations or self.clock.ms + 3 * self.step_avg_ms >= self.cap_ms
        return self.is_logged or is_late or self.is_due(self.s.save_every) or self.is_due(self.s.val_loss_every)

    def advance(self, agree: Callable[..., list[float]], **ends: bool) -> str:
        """Agree with all ranks on the time and on whether this step was the last; return the reason, or "".

        `ends` are reasons that this rank knows, the gravest first. A rank that stopped alone would leave the others
        waiting for its gradients for ever. So the slowest clock counts for all, and one rank's reason does, too;
        `agree` returns the largest of each value over all ranks.
        """
        # Clocks of ranks differ by little, but one decision near the cap must not: the largest is everybody's.
        self.train_ms, *any_ends = agree(self.clock.ms, *ends.values())
        self.step_avg_ms = self.train_ms / self.step
        reasons = [reason for reason, is_so in zip(ends, any_ends, strict=True) if is_so]
        return reasons[0] if reasons else self.time_is_up

    @property
    def time_is_up(self) -> str:
        """The reason to stop if the cap has been reached, or ""."""
        return "wallclock_cap" if self.train_ms >= self.cap_ms else ""

    @property
    def lr_factor(self) -> float:
        """The factor of all learning rates: 1, then a straight line to 0 over the last WARMDOWN_ITERS steps.

        Under a cap on time nobody knows which step will be the last. So the line is drawn by the clock: it begins when
        the time that is left is what so many steps take at the average pace. Without a cap, steps are counted.
        """
        # Large steps cross the valley that the loss is; small ones at the end come down to its floor. Most of a run's
        # last gain is made here, so the rates must reach 0 when the run ends, and neither before nor after.
        left = float(self.iterations - self.step)
        warmdown = float(self.s.warmdown_iters)
        if self.cap_ms < math.inf:
            left = self.cap_ms - self.train_ms
            warmdown *= self.step_avg_ms
        return max(left, 0.0) / warmdown if left < warmdown and warmdown else 1.0

    @property
    def momentum(self) -> float:
        """Muon's momentum, which rises in a straight line over MUON_MOMENTUM_WARMUP_STEPS.

        The first gradients all lead away from random weights. A long memory of them would carry on in a direction that
        no longer helps.
        """
        steps = self.s.muon_momentum_warmup_steps
        share = min(self.step / steps, 1.0) if steps else 1.0
        return (1 - share) * float(self.s.muon_momentum_warmup_start) + share * float(self.s.muon_momentum)

    def pace(self, token_flop: int, matmul_flops: float) -> Pace:
        """Return the speed so far, for a model of so many FLOP a token; `matmul_flops` are those of all ranks."""
        tokens = self.s.train_batch_tokens * 1000.0 / self.step_avg_ms
        flops = tokens * token_flop
        share = max(self.step / self.iterations, self.train_ms / self.cap_ms)
        return Pace(tokens, flops, flops / matmul_flops, share, self.train_ms / 1000.0 * (1.0 / share - 1.0))
