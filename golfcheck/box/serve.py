"""Inside the box: load predictor.py and answer the judge's frames, one after another.

Nothing of golfcheck exists in the box, so this file stands alone: standard library, torch and numpy. The judge imports
it only for the format of a frame. Whatever is sent from here may be forged by predictor.py, which shares the process:
the judge checks all of it.

frame = operation (8 bytes, zero-padded), number of the request (uint64), four uint64, little-endian
    judge → box  open    ids_bytes, logits_bytes, threads; the two shared memories are attached as descriptors
                 logits  B, T: ids [B, T] int64 lie in the first memory; float32 [B, T, V] go to the second
                 adapt   B, T: ids [B, T] int64
                 step    B, position: ids [B] int64, the token at this position of each sequence; float32 [B, V]
    box → judge  ready   vocab_size, seq_len, FLAGS; the answer to no request
                 done    the answer to the request of that number
                 error   stage: an index of STAGES; what happened is the last line that was printed
"""

import contextlib
import importlib
import mmap
import os
import random
import resource
import socket
import struct
import sys
import traceback
from pathlib import Path
from typing import Any

FRAME = struct.Struct("<8sQ4Q")
STAGES = ("load", "logits", "adapt", "step")
CAN_ADAPT, CAN_STEP = 1, 2  # FLAGS


def frame(operation: str, number: int, *values: int) -> bytes:
    """Return a frame; missing values are 0."""
    return FRAME.pack(operation.encode(), number, *values, *[0] * (4 - len(values)))


def read_frame(data: bytes) -> tuple[str, int, tuple[int, ...]]:
    """Return operation, number of the request and values; ValueError for what is no frame."""
    operation, number, *values = FRAME.unpack(data)
    return operation.rstrip(b"\0").decode("ascii"), number, tuple(values)


class ContractError(Exception):
    """predictor.py does not do what docs/predictor.md says."""


def main() -> None:
    """Serve until the judge closes its end; argv: socket descriptor, folder, device, and the limits of `_confine`."""
    channel, folder, device = socket.socket(fileno=int(sys.argv[1])), Path(sys.argv[2]), sys.argv[3]
    _confine(*map(int, sys.argv[4:8]))
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)  # two boxes that are asked the same draw the same random numbers
    random.seed(0)
    import numpy as np

    np.random.seed(0)
    stage = 0
    number = 0
    try:
        predictor, (vocab_size, seq_len) = _load(folder, device)
        flags = CAN_ADAPT * callable(getattr(predictor, "adapt", None))
        flags |= CAN_STEP * callable(getattr(predictor, "step", None))
        channel.sendall(frame("ready", 0, vocab_size, seq_len, flags))
        data, descriptors, _, _ = socket.recv_fds(channel, FRAME.size, 2)
        _, number, (ids_bytes, logits_bytes, threads, _) = read_frame(data)
        torch.set_num_threads(threads)
        ids_memory, logits_memory = (
            mmap.mmap(fd, size) for fd, size in zip(descriptors, (ids_bytes, logits_bytes), strict=True)
        )
        channel.sendall(frame("done", number))
        while data := channel.recv(FRAME.size, socket.MSG_WAITALL):
            operation, number, (batch, length, *_) = read_frame(data)
            stage = STAGES.index(operation)
            count = batch if operation == "step" else batch * length
            ids = torch.frombuffer(ids_memory, dtype=torch.int64, count=count).clone().to(device)  # [B·T] or [B]
            if operation == "adapt":
                predictor.adapt(ids.view(batch, length))
            elif operation == "step":
                answer = predictor.step(ids, length)
                _put(answer, (batch, vocab_size), logits_memory, "step")
            else:
                answer = predictor.logits(ids.view(batch, length))
                _put(answer, (batch, length, vocab_size), logits_memory, "logits")
            channel.sendall(frame("done", number))
    except MemoryError:
        _say("out of memory")
        channel.sendall(frame("error", number, stage))
    except Exception as error:
        _say(_one_line(error, folder))
        channel.sendall(frame("error", number, stage))


def _confine(address_space_bytes: int, file_bytes: int, open_files: int, processes: int) -> None:
    """Give up what the limits do not allow, for ever; 0 is no limit."""
    for name, bound in (
        ("RLIMIT_AS", address_space_bytes),
        ("RLIMIT_FSIZE", file_bytes),
        ("RLIMIT_NOFILE", open_files),
        ("RLIMIT_NPROC", processes),
    ):
        if bound:
            resource.setrlimit(getattr(resource, name), (bound, bound))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError):  # where memory is short, this is the process to end
        Path("/proc/self/oom_score_adj").write_text("1000")


def _load(folder: Path, device: str) -> tuple[Any, tuple[int, int]]:
    """Import predictor.py as the submission's own folder does, and load the predictor and its two sizes."""
    sys.path.insert(0, str(folder))
    os.chdir(folder)
    predictor = importlib.import_module("predictor")
    if not callable(getattr(predictor, "load", None)):
        raise ContractError("predictor.py has no function load(folder, device)")
    loaded = predictor.load(folder, device)
    sizes = []
    for name in ("vocab_size", "seq_len"):
        value = getattr(loaded, name, None)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ContractError(f"load() returned an object whose {name} is {value!r}, not a positive int")
        sizes.append(value)
    if not callable(getattr(loaded, "logits", None)):
        raise ContractError("load() returned an object without logits(ids)")
    return loaded, (sizes[0], sizes[1])


def _put(answer: Any, shape: tuple[int, ...], memory: mmap.mmap, what: str) -> None:
    """Write an answer to the shared memory as float32; ContractError where it is no such answer."""
    import torch

    try:
        tensor = torch.as_tensor(answer)
    except (TypeError, ValueError, RuntimeError):
        kind = type(answer).__name__
        raise ContractError(f"{what}() returned a {kind}, expected a torch tensor or a numpy array") from None
    if not tensor.is_floating_point():
        raise ContractError(f"{what}() returned {tensor.dtype}, expected floats")
    if tuple(tensor.shape) != shape:
        raise ContractError(f"{what}() returned the shape {list(tensor.shape)}, expected {list(shape)}")
    out = torch.frombuffer(memory, dtype=torch.float32, count=tensor.numel()).view(shape)
    out.copy_(tensor.detach())


def _one_line(error: BaseException, folder: Path) -> str:
    """Return what was raised and where in the submission's own files."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [item for item in frames if Path(item.filename).is_relative_to(folder)]
    where = f"{Path(own[-1].filename).relative_to(folder)}:{own[-1].lineno}: " if own else ""
    if isinstance(error, SyntaxError) and error.filename and Path(error.filename).is_relative_to(folder):
        where = f"{Path(error.filename).relative_to(folder)}:{error.lineno}: "
    kind = "" if isinstance(error, ContractError) else f"{type(error).__name__}: "
    hint = "; the box has the packages installed beside golfcheck and the folder's own files"
    return f"{where}{kind}{' '.join(str(error).split())}{hint * isinstance(error, ModuleNotFoundError)}"


def _say(line: str) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os.write(2, f"\n{line}\n".encode(errors="backslashreplace"))


if __name__ == "__main__":
    main()
