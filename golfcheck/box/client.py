"""The judge's side of the protocol: ask a box for logits, and check its answers.

Every request is a frame of fixed size; ids and logits are in shared memory that the box cannot shrink. An answer is
copied before it is checked, so that the box cannot change it in between.
"""

import contextlib
import fcntl
import mmap
import os
import signal
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from golfcheck.box import serve
from golfcheck.box.boxlimits import BoxLimits
from golfcheck.box.process import Process
from golfcheck.core.errors import Refused
from golfcheck.core.numbers import whole_seconds_text
from golfcheck.core.text import safe

INTERFACE = 1  # the version of the interface that docs/predictor.md describes
MAX_VOCAB = 1 << 16  # tokens are uint16
MAX_SEQ_LEN = 1 << 16
MAX_LOGITS_BYTES = 1 << 30  # of one call
_SHOWN = 300
_ROUNDING = 1e-2  # how far the sum of a row of bf16 probabilities may be from 1

Ids = npt.NDArray[np.int64]
Logits = npt.NDArray[np.float32]


class Box:
    """A predictor in a box. Every method raises Refused (BOX_*) if the predictor misbehaves or exceeds a limit.

    Create it in the main thread: a sandbox ends with the thread that started it.
    """

    def __init__(
        self, files: Sequence[tuple[str, bytes]], hidden: Sequence[Path] = (), *, device: str = "cpu",
        limits: BoxLimits | None = None, sandboxed: bool = True, attention: Path | None = None,
    ) -> None:  # fmt: skip
        self.limits = limits or BoxLimits()
        self.seconds = dict.fromkeys(serve.STAGES, 0.0)
        self.vocab_size = self.seq_len = 0
        self.can_adapt = self.can_step = False
        self._memories: list[mmap.mmap] = []
        self._number = 0
        self._closed = self._is_checked = False
        self._channel, theirs = socket.socketpair()
        with contextlib.ExitStack() as cleanup:
            cleanup.enter_context(self._channel)
            with theirs:
                self._process = Process(self.limits)
                cleanup.callback(self._process.end)
                self._process.start(files, hidden, theirs, device=device, sandboxed=sandboxed, attention=attention)
            cleanup.pop_all()

    def load(self) -> None:
        """Wait until the predictor is loaded, and read its sizes."""
        start = time.perf_counter()
        _, (vocab_size, seq_len, flags, _) = self._answer("load", "ready", self.limits.load_seconds, start)
        if not (1 < vocab_size <= MAX_VOCAB and 1 <= seq_len <= MAX_SEQ_LEN):
            sizes = f"vocab_size {vocab_size} and seq_len {seq_len}"
            raise self._refuse("BOX_SHAPE", f"{sizes}: at most {MAX_VOCAB} and {MAX_SEQ_LEN}, and two tokens at least")
        self.vocab_size, self.seq_len = vocab_size, seq_len
        self.can_adapt, self.can_step = bool(flags & serve.CAN_ADAPT), bool(flags & serve.CAN_STEP)

    def open(self, call_tokens: int, threads: int = 1) -> None:
        """Share memory for calls of up to `call_tokens` tokens, and set the number of torch's threads."""
        start = time.perf_counter()
        logits_bytes = 4 * call_tokens * self.vocab_size
        if logits_bytes > MAX_LOGITS_BYTES:
            raise self._refuse("BOX_SHAPE", f"logits of {logits_bytes:,} bytes a call: at most {MAX_LOGITS_BYTES:,}")
        sizes = 8 * (call_tokens + MAX_VOCAB), logits_bytes
        with contextlib.ExitStack() as stack:
            descriptors = [stack.enter_context(_shared(size)).fileno() for size in sizes]
            self._memories = [mmap.mmap(fd, size) for fd, size in zip(descriptors, sizes, strict=True)]
            self._number += 1
            try:
                socket.send_fds(self._channel, [serve.frame("open", self._number, *sizes, threads)], descriptors)
            except OSError:
                raise self._death("load") from None
        self._answer("load", "done", self.limits.load_seconds, start)

    def logits(self, ids: Ids) -> Logits:
        """Return finite logits [B, T, V] of token ids [B, T]."""
        batch, length = ids.shape
        self._ask("logits", ids, batch, length)
        return self._take("logits", (batch, length, self.vocab_size))

    def step(self, ids: Ids, position: int) -> Logits:
        """Return finite logits [B, V] after the token at `position` of each sequence, ids [B]."""
        self._ask("step", ids, len(ids), position)
        return self._take("step", (len(ids), self.vocab_size))

    def adapt(self, ids: Ids) -> None:
        """Let the predictor adapt to tokens [B, T + 1] that have already been scored."""
        self._ask("adapt", ids, *ids.shape)

    @property
    def peak_bytes(self) -> int:
        """The largest amount of memory measured for all its processes together."""
        return self._process.peak_bytes

    def close(self) -> None:
        """End the box; it may be called twice, and from any thread."""
        self._closed = True
        self._process.end()
        self._channel.close()
        for memory in self._memories:
            with contextlib.suppress(BufferError):  # another thread is reading it
                memory.close()

    def __enter__(self) -> "Box":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, operation: str, ids: Ids, *values: int) -> None:
        start = time.perf_counter()
        data = np.ascontiguousarray(ids, np.int64).tobytes()
        self._number += 1
        try:
            self._memories[0][: len(data)] = data
            self._channel.sendall(serve.frame(operation, self._number, *values))
        except (OSError, ValueError):  # ValueError: the memory was closed
            raise self._death(operation) from None
        self._answer(operation, "done", self.limits.call_seconds, start)

    def _take(self, stage: str, shape: tuple[int, ...]) -> Logits:
        """Return a copy of the answer in shared memory; it must be finite, and the first not probabilities."""
        count = int(np.prod(shape))
        logits = np.frombuffer(self._memories[1], np.float32, count).copy().reshape(shape)
        # If the sum is finite, so is every number, and checking each one is not needed.
        if not np.isfinite(logits.sum(dtype=np.float64)) and not (finite := np.isfinite(logits)).all():
            index = np.argwhere(~finite)[0].tolist()
            message = f"{stage}() returned {logits[tuple(index)]} at {index}: every number must be finite"
            raise self._refuse("EVAL_NONFINITE", f"{message}, log(p + 1e-9) instead of log(0)")
        if not self._is_checked and _are_probabilities(logits):
            raise self._refuse("BOX_VALUES", f"{stage}() returned probabilities, each row's sum is 1: return their log")
        self._is_checked = True
        return logits

    def _answer(self, stage: str, expected: str, limit_seconds: float, start: float) -> tuple[int, tuple[int, ...]]:
        """Wait for the answer to the last request; return its number and values."""
        operation, number, values = self._read(stage, start + limit_seconds, limit_seconds)
        self.seconds[stage] += time.perf_counter() - start
        if operation == "error" and number == self._number and values[0] < len(serve.STAGES):
            failed = "" if values[1] else f"{serve.STAGES[values[0]]}() failed: "
            raise self._refuse("BOX_RAISED", f"{failed}{self._last_line()}")
        if operation != expected or number != self._number:
            raise self._refuse("BOX_FRAME", f"something in it wrote to the judge's socket during {stage}()")
        if (total := sum(self.seconds.values())) > self.limits.total_seconds:
            raise self._refuse("BOX_WALL", f"all calls together took {whole_seconds_text(total)} s: the limit of a box")
        return number, values

    def _read(self, stage: str, deadline: float, limit_seconds: float) -> tuple[str, int, tuple[int, ...]]:
        data = b""
        while len(data) < serve.FRAME.size:
            self._channel.settimeout(max(deadline - time.perf_counter(), 1e-3))
            try:
                piece = self._channel.recv(serve.FRAME.size - len(data))
            except TimeoutError:
                message = f"no answer from {stage}() within {limit_seconds:g} s; --call-seconds N allows more"
                raise self._refuse("BOX_WALL", message) from None
            except OSError:
                piece = b""
            if not piece:
                raise self._death(stage)
            data += piece
        try:
            return serve.read_frame(data)
        except ValueError:
            raise self._refuse("BOX_FRAME", f"something in it wrote to the judge's socket during {stage}()") from None

    def _last_line(self) -> str:
        """Return the last line that it printed, for a message."""
        self._process.wait_briefly()  # it exits after an error, and then its output is complete
        return safe(self._process.last_line(), _SHOWN) or "it printed nothing"

    def _refuse(self, code: str, message: str) -> Refused:
        self.close()
        return Refused(code, message)

    def _death(self, stage: str) -> Refused:
        """Return the reason why the box no longer answers."""
        if self._closed:
            return Refused("BOX_CLOSED", "the box was closed")
        code = self._process.wait_briefly()
        if reason := self._process.ended_for:
            limit = "BOX_MEM" if "memory" in reason else "BOX_OUTPUT" if "printed" in reason else "BOX_THREADS"
            return self._refuse(limit, f"ended in {stage}(): {reason}")
        how = "closed its connection" if code is None else f"ended its process{_exit_words(code)}"
        output = f"; it printed last: {safe(last, _SHOWN)}" if (last := self._process.last_line()) else ""
        return self._refuse("BOX_EXIT", f"{how} in {stage}(){output}")


def _exit_words(code: int) -> str:
    """Return how a process ended, as the end of a phrase: bubblewrap adds 128 to the number of a signal."""
    with contextlib.suppress(ValueError):
        return f" by {signal.Signals(code - 128).name}"
    return f" with exit code {code}" * bool(code)


def _are_probabilities(logits: Logits) -> bool:
    """Tell whether every row of an answer [..., V] is non-negative and sums to 1, as no model's logits do."""
    return bool(logits.min() >= 0.0 and np.abs(logits.sum(axis=-1) - 1.0).max() < _ROUNDING)


def _shared(size_bytes: int) -> BinaryIO:
    """Return an in-memory file that can be neither shrunk nor grown, so that reading it never fails."""
    file = os.fdopen(os.memfd_create("golfcheck", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING), "r+b", buffering=0)
    os.ftruncate(file.fileno(), size_bytes)
    seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
    fcntl.fcntl(file, fcntl.F_ADD_SEALS, seals)
    return file
