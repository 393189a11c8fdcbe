"""Where a run is, by steps and by the clock, and what follows from both: learning rates, what is due, the end."""

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from typing import Any


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
        self.start_s = time.perf_counter() - train_ms / 1000.0

    @property
    def clock_ms(self) -> float:
        """The time of training by this rank's clock."""
        # The cap is on the time that passes: waiting for another rank, writing the log and drawing count as well.
        return 1000.0 * (time.perf_counter() - self.start_s)

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """Stop the clock for what happens inside, validating and saving; `stopped_s` says for how long that was."""
        before_s = time.perf_counter()
        yield
        self.stopped_s = time.perf_counter() - before_s
        self.start_s += self.stopped_s

    def is_due(self, every: int) -> bool:
        """Whether this step is a multiple of `every`; never if that is 0."""
        return every > 0 and self.step % every == 0

    @property
    def is_logged(self) -> bool:
        """Whether this step has a line in the log."""
        return self.step <= 10 or self.is_due(self.s.train_log_every)

    @property
    def is_watched(self) -> bool:
        """Whether the loss of this step is read."""
        # Reading a loss makes the processor wait for the device, which then waits for new work. So it is read seldom,
        # but always near the end, where no step may be counted that the device has not finished.
        is_late = self.step == self.iterations or self.clock_ms + 3 * self.step_avg_ms >= self.cap_ms
        return self.is_logged or is_late or self.is_due(self.s.save_every) or self.is_due(self.s.val_loss_every)

    def advance(self, agree: Callable[..., list[float]], **ends: bool) -> str:
        """Agree with all ranks on the time and on the reason to stop, the most serious first in `ends`; "" to go on."""
        # A rank that stopped alone would leave the others waiting for its gradients forever. Clocks differ by little,
        # but one decision near the cap must not: so the slowest clock counts for all, and so does any rank's reason.
        self.train_ms, *any_ends = agree(self.clock_ms, *ends.values())
        self.step_avg_ms = self.train_ms / max(self.step, 1)
        self.share = max(self.step / self.iterations, self.train_ms / self.cap_ms)  # of the run that is done
        reasons = dict(zip(ends, any_ends, strict=True)) | {"wallclock_cap": self.train_ms >= self.cap_ms}
        return next((reason for reason, is_so in reasons.items() if is_so), "")

    @property
    def lr_factor(self) -> float:
        """The factor of all learning rates: 1, then a straight line to 0 over the last WARMDOWN_ITERS steps."""
        # Large steps cross the valley of the loss; small ones at the end descend to its floor. Much of a run's gain is
        # made there, so the rates must reach 0 when the run ends, neither before nor after. Under a cap on time it is
        # unknown which step will be the last: the line begins when the time left is what so many average steps take.
        left = float(self.iterations - self.step)
        warmdown = float(self.s.warmdown_iters)
        if self.cap_ms < math.inf:
            left = self.cap_ms - self.train_ms
            warmdown *= self.step_avg_ms
        return max(left, 0.0) / warmdown if left < warmdown and warmdown else 1.0

    @property
    def momentum(self) -> float:
        """Muon's momentum, which rises in a straight line over MUON_MOMENTUM_WARMUP_STEPS."""
        # The first gradients lead away from random weights: with a long memory, steps would keep going that way.
        steps = self.s.muon_momentum_warmup_steps
        share = min(self.step / steps, 1.0) if steps else 1.0
        return (1 - share) * float(self.s.muon_momentum_warmup_start) + share * float(self.s.muon_momentum)
