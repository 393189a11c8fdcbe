"""The tokens of each step that are this rank's, read one step ahead by a thread."""

import math
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import torch
from torch import Tensor


class Feed:
    """The batches of one rank: each has `micro_batches` spans of `tokens` token ids, [micro_batches, tokens].

    A step takes the next tokens of the stream for all ranks together: micro-batch by micro-batch, rank by rank. Every
    rank reads all of them and keeps its own, so nobody has to send data to anybody.
    """

    def __init__(
        self, stream: Any, shape: tuple[int, int, int], ranks: Any, submit: Callable[..., Future[Any]]
    ) -> None:
        self.stream = stream
        self.shape = shape  # of a step's tokens: [micro_batches, world_size, tokens]
        self.ranks = ranks
        self.submit = submit
        self.place: tuple[int, int] = stream.place  # where the next step begins, which a checkpoint notes
        self.ahead = submit(self._read)

    def _read(self) -> tuple[Tensor, tuple[int, int]]:
        # int64 is what an embedding takes; on disk 16 bits a token are enough.
        tokens = self.stream.take(math.prod(self.shape)).reshape(self.shape)
        ids = torch.from_numpy(tokens[:, self.ranks.rank].astype("int64"))  # [micro_batches, tokens]
        # From pinned memory a GPU copies by itself, while the processor queues what follows.
        return ids.pin_memory() if self.ranks.device.type == "cuda" else ids, self.stream.place

    def take(self) -> Tensor:
        """Return the next batch, and have the one after it read."""
        ids, self.place = self.ahead.result()
        self.ahead = self.submit(self._read)
        return ids

    def problem(self) -> str:
        """Wait for the next batch, and return why it cannot be had; empty where it can."""
        error = self.ahead.exception()
        # The next batch has been read while this step was queued: to wait for it here costs nothing more.
        return " ".join(str(error).split()) if error else ""

    def stop(self) -> Any:
        """Wait until nobody reads the stream any more, and return it."""
        self.ahead.exception()
        return self.stream
