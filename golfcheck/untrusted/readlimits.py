"""All limits of the strict reader. A larger limit never makes an invalid file valid: it only costs time and memory."""

from dataclasses import dataclass

from golfcheck.core.ruleset import SIZE_CAP_BYTES
from golfcheck.core.sandbox import SandboxLimits


@dataclass(frozen=True, slots=True)
class Limits:
    """What the reader spends on a file before it gives up. A real artifact of 16 MB is far below each limit."""

    file_bytes: int = SIZE_CAP_BYTES  # code counts too, so a model never reaches it
    inflated_bytes: int = 256 << 20
    zip_entries: int = 4_096  # one per tensor, and seven more
    pickle_bytes: int = 4 << 20
    pickle_ops: int = 200_000
    keys: int = 20_000  # of all dicts together
    depth: int = 8
    string_bytes: int = 4_096
    int_bytes: int = 8
    rank: int = 8
    # As fp32, to which every tensor is converted: many large tensors may share a small storage. The contest's
    # models have 67 MB; 50 million weights in 16 MB would have 2.5 bits each: int8 that zlib makes so small is padding.
    tensor_bytes: int = 192 << 20


# What the system allows the reading process, in case a limit of `Limits` fails.
PROCESS = SandboxLimits(address_space_bytes=800 << 20, cpu_seconds=10)
WALL_SECONDS = 20.0
