"""Inside the box: load predictor.py and answer the judge's frames, one after another.

This file and kernel.py are the only parts of golfcheck in the box. They use the standard library, numpy, and torch if
predictor.py imports it. The judge imports this file only for the frame format. predictor.py runs in the same process
and can forge anything that is sent from here, so the judge checks all of it.

frame = operation (8 bytes, zero-padded), request number (uint64), four uint64, little-endian
    judge → box  open    ids_bytes, logits_bytes, threads; the two shared memories are attached as descriptors
                 logits  B, T: ids [B, T] int64 are in the first memory; float32 [B, T, V] go to the second
                 adapt   B, T: ids [B, T] int64
                 step    B, position: ids [B] int64, the token at this position of each sequence; float32 [B, V]
    box → judge  ready   vocab_size, seq_len, FLAGS; sent once after loading, without a request
                 done    the answer to the request with that number
                 error   stage (an index of STAGES), and 1 if predictor.py broke the contract of docs/predictor.md;
                         the last line printed says what happened
"""

import contextlib
import errno
import importlib
import importlib.util
import mmap
import os
import random
import resource
import socket
import struct
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FRAME = struct.Struct("<8sQ4Q")
STAGES = ("load", "logits", "adapt", "step")
CAN_ADAPT, CAN_STEP = 1, 2  # FLAGS
_MESSAGE_CHARS = 200
_NO_NETWORK, _READ_ONLY = "a box has no network", "in a box only /tmp can be written"
_NO_PROCESSES = "a box has no other processes; threads work"
_HINTS = {  # errno -> what it means in a box
    errno.EPERM: _NO_PROCESSES,
    errno.ENOENT: "a box has the folder's files, but no documents, logs and links",
    errno.EACCES: _READ_ONLY,
    errno.EROFS: _READ_ONLY,
    errno.ENOSPC: "/tmp of a box is full",
    errno.EFBIG: "a file that large cannot be written in a box",
    errno.EMFILE: "a box cannot have that many files open",
    errno.ENETUNREACH: _NO_NETWORK,
    errno.EHOSTUNREACH: _NO_NETWORK,
    errno.ECONNREFUSED: _NO_NETWORK,
}


def frame(operation: str, number: int, *values: int) -> bytes:
    """Return a frame; missing values are 0."""
    return FRAME.pack(operation.encode(), number, *values, *[0] * (4 - len(values)))


def read_frame(data: bytes) -> tuple[str, int, tuple[int, ...]]:
    """Return the operation, the request number and the values; ValueError for a malformed frame."""
    operation, number, *values = FRAME.unpack(data)
    return operation.rstrip(b"\0").decode("ascii"), number, tuple(values)


class ContractError(Exception):
    """predictor.py broke the contract that docs/predictor.md describes."""


def main() -> None:
    """Answer requests until the judge closes its end.

    argv: socket descriptor, folder, device, the four limits of `_confine`, and the compiled attention's path or "".
    """
    channel, folder, device = socket.socket(fileno=int(sys.argv[1])), Path(sys.argv[2]), sys.argv[3]
    _confine(*map(int, sys.argv[4:8]))
    import numpy as np

    random.seed(0)  # so that two boxes with the same requests draw the same numbers, as torch does by default
    np.random.seed(0)
    stage = number = 0
    try:
        predictor, (vocab_size, seq_len) = _load(folder, device)
        flags = CAN_ADAPT * callable(getattr(predictor, "adapt", None))
        flags |= CAN_STEP * callable(getattr(predictor, "step", None))
        channel.sendall(frame("ready", 0, vocab_size, seq_len, flags))
        data, descriptors, _, _ = socket.recv_fds(channel, FRAME.size, 2)
        _, number, (ids_bytes, logits_bytes, threads, _) = read_frame(data)
        ids_memory, logits_memory = (
            mmap.mmap(fd, size) for fd, size in zip(descriptors, (ids_bytes, logits_bytes), strict=True)
        )
        for descriptor in descriptors:
            os.close(descriptor)
        torch = sys.modules.get("torch")  # a predictor that has not imported it by now gets numpy arrays
        if torch:
            torch.set_num_threads(threads)
        channel.sendall(frame("done", number))
        with _compiled(sys.argv[8]) if torch and sys.argv[8] else contextlib.nullcontext():
            while data := channel.recv(FRAME.size, socket.MSG_WAITALL):
                operation, number, (batch, length, *_) = read_frame(data)
                stage = STAGES.index(operation)
                shape = (batch,) if operation == "step" else (batch, length)
                ids: Any = np.frombuffer(ids_memory, np.int64, batch * (length if len(shape) > 1 else 1)).copy()
                ids = torch.from_numpy(ids).to(device).view(shape) if torch else ids.reshape(shape)
                if operation == "adapt":
                    predictor.adapt(ids)
                elif operation == "step":
                    _put(predictor.step(ids, length), (batch, vocab_size), logits_memory, "step")
                else:
                    _put(predictor.logits(ids), (batch, length, vocab_size), logits_memory, "logits")
                channel.sendall(frame("done", number))
    except Exception as error:
        _print_last(_one_line(error, folder))
        channel.sendall(frame("error", number, stage, isinstance(error, ContractError)))
        os._exit(1)  # skips exit handlers, whose output would otherwise be the last line


def _confine(address_space_bytes: int, file_bytes: int, open_files: int, processes: int) -> None:
    """Lower this process's resource limits for good; 0 means no limit."""
    for name, bound in (
        ("RLIMIT_AS", address_space_bytes),
        ("RLIMIT_FSIZE", file_bytes),
        ("RLIMIT_NOFILE", open_files),
        ("RLIMIT_NPROC", processes),
    ):
        if bound:
            resource.setrlimit(getattr(resource, name), (bound, bound))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError):  # if memory runs out, the kernel should kill this process first
        Path("/proc/self/oom_score_adj").write_text("1000")


def _load(folder: Path, device: str) -> tuple[Any, tuple[int, int]]:
    """Import predictor.py from within the submission's folder; return the loaded predictor and its two sizes."""
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


def _compiled(library: str) -> Any:
    """Return a context in which a compiled kernel computes causal attention in bf16 (kernel.py)."""
    spec = importlib.util.spec_from_file_location("golfcheck_kernel", Path(__file__).with_name("kernel.py"))
    assert spec is not None and spec.loader is not None
    kernel = sys.modules[spec.name] = importlib.util.module_from_spec(spec)  # torch.compile looks it up there
    spec.loader.exec_module(kernel)
    return kernel.Compiled(kernel.load(Path(library)))


def _put(answer: Any, shape: tuple[int, ...], memory: mmap.mmap, what: str) -> None:
    """Write an answer to the shared memory as float32; ContractError if its type or shape is wrong."""
    import numpy as np

    torch: Any = sys.modules.get("torch")
    values: Any = None
    with contextlib.suppress(TypeError, ValueError, RuntimeError):
        values = torch.as_tensor(answer) if torch else np.asarray(answer)
    if values is None or (torch is None and values.dtype == object):
        kind = type(answer).__name__
        raise ContractError(f"{what}() returned a {kind}, expected a torch tensor or a numpy array")
    if not (values.is_floating_point() if torch else values.dtype.kind == "f"):
        raise ContractError(f"{what}() returned {values.dtype}, expected floats")
    if tuple(values.shape) != shape:
        raise ContractError(f"{what}() returned the shape {list(values.shape)}, expected {list(shape)}")
    out: Any = np.frombuffer(memory, np.float32, values.numel() if torch else values.size).reshape(shape)
    if torch:
        torch.from_numpy(out).copy_(values.detach())
    else:
        out[...] = values


def _one_line(error: BaseException, folder: Path) -> str:
    """Return one line with where in the submission an error was raised, the error, and a hint if the box caused it."""
    if isinstance(error, ContractError):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    own = [item for item in frames if Path(item.filename).is_relative_to(folder)]
    where = f"{Path(own[-1].filename).relative_to(folder)}:{own[-1].lineno}: " if own else ""
    if isinstance(error, SyntaxError) and error.filename and Path(error.filename).is_relative_to(folder):
        where = f"{Path(error.filename).relative_to(folder)}:{error.lineno}: "
    is_of_workers = any("multiprocessing" in item.filename for item in frames)
    hint = _NO_PROCESSES if is_of_workers else next(filter(None, map(_hint, _chain(error))), "")
    message = " ".join(str(error.msg if isinstance(error, SyntaxError) else error).split())[:_MESSAGE_CHARS]
    return f"{where}{type(error).__name__}: {message}{'; ' * bool(hint)}{hint}"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and the errors that led to it, at most 16."""
    for _ in range(16):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__


def _hint(error: BaseException) -> str:
    """Return how the box caused an error, and what to do about it; "" if the box did not cause it."""
    if isinstance(error, ModuleNotFoundError):
        return "a box has the packages installed beside golfcheck and the folder's own files"
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and "allocate memory" in str(error)):
        return "out of memory: --box-memory GIB allows more"
    if isinstance(error, RuntimeError) and "start new thread" in str(error):
        return "too many threads"
    if isinstance(error, TypeError | AttributeError) and "numpy.ndarray" in str(error):
        return "ids are a tensor only where predictor.py imports torch when it is loaded"
    if "cpu" in sys.argv[3:4] and any(word in str(error) for word in ("CUDA", "NVIDIA")):
        return "this box has no GPU: use the device that load(folder, device) is given"
    if isinstance(error, socket.gaierror):
        return _NO_NETWORK
    return _HINTS.get(error.errno or 0, "") if isinstance(error, OSError) else ""


def _print_last(line: str) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os.write(2, f"\n{line}\n".encode(errors="backslashreplace"))


if __name__ == "__main__":
    main()
