"""Activation functions other than the squared relu with which models of this architecture were trained."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

OURS = "relu²"
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu³": lambda x: F.relu(x) ** 3,
    **{
        f"LeakyReLU({slope})²": lambda x, slope=slope: F.leaky_relu(x, slope).square()  # type: ignore[misc]
        for slope in (0.1, 0.25, 0.5, 0.75, 0.9)
    },
    "relu": F.relu,
    "GELU": F.gelu,
    "SiLU": F.silu,
    "|x|²": lambda x: x.square(),
}
_RELU = {F.relu, torch.relu, Tensor.relu}
_SQUARE = {Tensor.square, torch.square}


class Activated(TorchFunctionMode):
    """A context in which the square of a relu is replaced by another function of the relu's input."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function
        self._input: Tensor | None = None
        self._relu: Tensor | None = None

    def __torch_function__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Call `func`, or the other function instead of the square."""
        if func in _SQUARE and args and args[0] is self._relu:
            return self.function(self._input)  # type: ignore[arg-type]
        out = func(*args, **(kwargs or {}))
        if func in _RELU:
            self._input, self._relu = args[0], out
        return out
