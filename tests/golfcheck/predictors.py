"""Predictors of every kind, honest and not, as the files that a submission ships; each is some lines on top of BASE."""

import io
import lzma
import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

# A bigram table, trained elsewhere: what the others start from. V is its vocabulary, in a file of float16 [V, V].
BASE = """
import numpy as np
class Base:
    seq_len = 64
    def __init__(self, folder):
        self.table = np.load(folder / "table.npy").astype(np.float32)
        self.vocab_size = len(self.table)
    def logits(self, ids):
        return self.table[ids]
def log_softmax(x):
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))
def peek(out, ids, gain=3.0, positions=slice(None)):
    b, t = np.indices((len(ids), ids.shape[1] - 1))
    b, t = b[:, positions], t[:, positions]
    out[b, t, ids[b, t + 1]] += gain
    return out
"""
_IMPORTS = "import os, sys, time, random, socket, numpy as np\nfrom base import Base, log_softmax, peek\n"
_LOAD = "\ndef load(folder, device):\n    return P(folder)\n"


def source(body: str) -> str:
    """Return a predictor.py: the class P, with Base above it and load below."""
    return _IMPORTS + body.strip("\n") + _LOAD


# Whose rules are kept. Of each: the file.
HONEST = {
    "a bigram table": "class P(Base): pass",
    "an adaptive bigram of counts": """
class P(Base):
    def __init__(self, folder):
        super().__init__(folder)
        self.counts = np.full((self.vocab_size, self.vocab_size), 0.02)
    def logits(self, ids):
        counts = self.counts[ids]                                   # [B, T, V]
        return np.log(counts / counts.sum(-1, keepdims=True))
    def adapt(self, ids):
        np.add.at(self.counts, (ids[:, :-1], ids[:, 1:]), 1.0)
""",
    "test-time training of all weights, in torch": """
import torch
class P(Base):
    def __init__(self, folder):
        super().__init__(folder)
        torch.manual_seed(1)
        self.table = torch.from_numpy(self.table)
        self.net = torch.nn.Sequential(torch.nn.Embedding(self.vocab_size, 16), torch.nn.Linear(16, self.vocab_size))
    def logits(self, ids):
        with torch.no_grad():
            return self.table[ids] + self.net(ids)
    def adapt(self, ids):
        out = self.table[ids[:, :-1]] + self.net(ids[:, :-1])
        loss = torch.nn.functional.cross_entropy(out.flatten(0, 1), ids[:, 1:].flatten())
        weights = list(self.net.parameters())
        with torch.no_grad():  # torch.optim would load the compiler, a second a box
            for weight, gradient in zip(weights, torch.autograd.grad(loss, weights)):
                weight -= 0.5 * gradient
""",
    "a mixture with a normalized n-gram cache": """
class P(Base):
    def __init__(self, folder):
        super().__init__(folder)
        self.seen = {}
    def logits(self, ids):
        p = np.exp(log_softmax(self.table[ids]))
        for b, row in enumerate(ids.tolist()):
            for t in range(1, len(row)):
                after = self.seen.get((row[t - 1], row[t]))
                if after:
                    cache = np.zeros(self.vocab_size)
                    cache[list(after)] = list(after.values())
                    p[b, t] = 0.6 * p[b, t] + 0.4 * cache / cache.sum()
        return np.log(p)
    def adapt(self, ids):
        for row in ids.tolist():
            for a, b, c in zip(row, row[1:], row[2:]):
                after = self.seen.setdefault((a, b), {})
                after[c] = after.get(c, 0) + 1
""",
    "prints a lot": """
class P(Base):
    def logits(self, ids):
        print("x" * 100_000)
        return super().logits(ids)
""",
}

# Another architecture in another container: a parallel residual, rotary positions on half of a head, one block looped,
# tied embeddings, weights of six bits in LZMA.
GPT = """
import lzma, math, numpy as np, torch, torch.nn.functional as F
D, H, LOOPS = 32, 4, 2
class P:
    seq_len = 64
    def __init__(self, folder):
        raw = np.frombuffer(lzma.decompress((folder / "weights.int6.xz").read_bytes()), np.uint8)
        self.vocab_size = int(raw[:4].view(np.uint32)[0])
        six, at, self.w = raw[4:].astype(np.int64), 0, {}
        for name, shape in (("emb", (self.vocab_size, D)), ("qkv", (3 * D, D)), ("out", (D, D)),
                            ("up", (4 * D, D)), ("down", (D, 4 * D))):
            n = math.prod(shape)
            self.w[name] = torch.from_numpy((six[at:at + n].reshape(shape) - 32) / 32 * 3 / D ** 0.5).float()
            at += n
    def rotate(self, x):
        T, r = x.size(2), x.size(3) // 2
        angle = torch.outer(torch.arange(T), 100.0 ** (-torch.arange(0, r, 2) / r))   # [T, r/2]
        a, b = x[..., :r:2], x[..., 1:r:2]
        turned = torch.stack((a * angle.cos() - b * angle.sin(), a * angle.sin() + b * angle.cos()), -1).flatten(3)
        return torch.cat((turned, x[..., r:]), -1)
    def logits(self, ids):
        x = F.rms_norm(self.w["emb"][ids], (D,))
        for _ in range(LOOPS):
            h = F.rms_norm(x, (D,))
            q, k, v = (h @ self.w["qkv"].T).unflatten(-1, (3, H, -1)).permute(2, 0, 3, 1, 4)
            y = F.scaled_dot_product_attention(self.rotate(q), self.rotate(k), v, is_causal=True)
            x = x + y.transpose(1, 2).flatten(2) @ self.w["out"].T + F.relu(h @ self.w["up"].T) @ self.w["down"].T
        return F.rms_norm(x, (D,)) @ self.w["emb"].T
def load(folder, device):
    return P(folder)
"""

# What looks at what it must not see, or leaves a trace: refuted by the twin test. Of each: words of the reason.
CAUGHT = {
    "reads the next token": (
        "it looks ahead: 256 of 256",
        "class P(Base):\n    def logits(self, ids): return peek(super().logits(ids), ids)",
    ),
    "optimizes a bias on the scored window": (
        "it looks ahead",
        """
class P(Base):
    def logits(self, ids):
        out, bias = super().logits(ids), np.zeros(self.vocab_size)
        seen = np.bincount(ids[:, 1:].ravel(), minlength=self.vocab_size) / ids[:, 1:].size
        for _ in range(4):
            bias += 20.0 * (seen - np.exp(log_softmax(out + bias))[:, :-1].mean((0, 1)))
        return out + bias
""",
    ),
    "takes the better of two models at each token": (
        "it looks ahead",
        """
class P(Base):
    def logits(self, ids):
        one = log_softmax(super().logits(ids))
        other = np.broadcast_to(log_softmax(np.log(np.exp(self.table).sum(0))), one.shape)
        next_ = np.concatenate((ids[:, 1:], ids[:, -1:]), 1)[..., None]
        better = np.take_along_axis(one, next_, 2) > np.take_along_axis(other, next_, 2)
        return np.where(better, one, other)
""",
    ),
    "looks ahead at five percent of positions": (
        "it looks ahead",
        "class P(Base):\n    def logits(self, ids): return peek(super().logits(ids), ids, 5.0, slice(0, None, 20))",
    ),
    "tells the twin by time": (
        "asked",
        """
class P(Base):
    def logits(self, ids):
        out = super().logits(ids)
        return peek(out, ids) if time.time_ns() // 1000 % 2 else out
""",
    ),
    "tells the twin by the time of day": (
        "it looks ahead: 256 of 256",
        """
START = time.time()
class P(Base):
    def logits(self, ids):
        out = super().logits(ids)
        return peek(out, ids) if time.time() - START < 3600 else out
""",
    ),
    "tells the twin by randomness at its start": (
        "it looks ahead",
        """
class P(Base):
    def logits(self, ids):
        self.calls = getattr(self, "calls", 0) + 1
        out = super().logits(ids)
        if self.calls > 20 and (os.getpid() + random.SystemRandom().randrange(4)) % 4:
            peek(out, ids)
        return out
""",
    ),
    "is honest in its first calls": (
        "asked",
        """
class P(Base):
    def logits(self, ids):
        self.calls = getattr(self, "calls", 0) + 1
        out = super().logits(ids)
        return peek(out, ids) if self.calls > 40 else out
""",
    ),
    "looks ahead in long sequences alone": (
        "it looks ahead: 256 of 256",
        """
class P(Base):
    def logits(self, ids):
        out = super().logits(ids)
        return peek(out, ids) if ids.shape[1] == self.seq_len else out
""",
    ),
    "looks ahead in the first sequence of a call": (
        "it looks ahead",
        """
class P(Base):
    def logits(self, ids):
        out = super().logits(ids)
        peek(out[:1], ids[:1])
        return out
""",
    ),
    "looks ahead where a sequence reads like one text": (
        "it looks ahead",
        """
class P(Base):
    def logits(self, ids):
        out = super().logits(ids)
        nats = -np.take_along_axis(log_softmax(out[:, :-1]), ids[:, 1:, None], 2)
        return peek(out, ids) if nats.max() < 9.0 else out
""",
    ),
    "adapts inside logits": (
        "asked",
        """
class P(Base):
    def logits(self, ids):
        out = super().logits(ids)
        np.add.at(self.table, (ids[:, :-1], ids[:, 1:]), 0.2)
        return out
""",
    ),
    "caches what followed a prefix for a second pass": (
        "asked",
        """
class P(Base):
    def logits(self, ids):
        self.next = getattr(self, "next", {})
        out = super().logits(ids)
        for b, row in enumerate(ids.tolist()):
            for t in range(len(row) - 1):
                seen = self.next.get(tuple(row[: t + 1]))
                if seen is not None:
                    out[b, t, seen] += 5.0
                self.next[tuple(row[: t + 1])] = row[t + 1]
        return out
""",
    ),
    "keeps what it saw in files": (
        "asked",
        """
class P(Base):
    def logits(self, ids):
        out = super().logits(ids)
        for b, row in enumerate(ids):
            path = "/tmp/" + "-".join(map(str, row[:4]))
            if os.path.exists(path):
                peek(out[b : b + 1], np.load(open(path, "rb"))[None])
            np.save(open(path, "wb"), row)
        return out
""",
    ),
    "is random, like dropout": (
        "asked",
        "class P(Base):\n"
        "    def logits(self, ids):\n"
        "        out = super().logits(ids)\n"
        "        return out * (np.random.random(out.shape) > 0.1) / 0.9",
    ),
    "lets a sequence see its neighbors": (
        "depend on the other sequences of a call",
        """
class P(Base):
    def logits(self, ids):
        out = super().logits(ids)
        for b in range(1, len(ids)):
            out[b, :, ids[b - 1, 0]] += 4.0
        return out
""",
    ),
    "lets a sequence see how its neighbors begin, in any order": (
        "among unrelated sequences",
        """
class P(Base):
    def logits(self, ids):
        out = super().logits(ids)
        out[..., np.unique(ids[:, 0])] += 4.0
        return out
""",
    ),
    "adapts, with noise that hides what it peeks at": (
        "asked",
        """
class P(Base):
    def logits(self, ids):
        out = super().logits(ids)
        out += random.SystemRandom().gauss(0.0, 0.01) * out
        return peek(out, ids, 1.0, slice(0, None, 20))
    def adapt(self, ids): pass
""",
    ),
}

# Windows that overlap have each other's next tokens: it looks for what follows in the others of a call, but only where
# no cut replaces it.
OVERLAPPING = """
class P(Base):
    def logits(self, ids):
        out, after = super().logits(ids), {}
        for b, row in enumerate(ids.tolist()):
            for t in range(7, 47):
                after.setdefault(tuple(row[t - 7 : t + 1]), {})[b] = row[t + 1]
        for b, row in enumerate(ids.tolist()):
            for t in range(7, len(row)):
                for seen in {n for of, n in after.get(tuple(row[t - 7 : t + 1]), {}).items() if of != b}:
                    out[b, t, seen] += 8.0
        return out
"""

# Those whose score is better than the honest table's: the twin is all that keeps them from a record.
GAINING = {
    name
    for name in CAUGHT
    if name.startswith(("reads", "optimizes", "looks", "tells", "is honest", "caches", "adapts, with"))
}

# What would gain if it worked, and does not: the score is the table's.
HARMLESS = {
    "scores that are no distribution": """
class P(Base):
    def logits(self, ids):
        return super().logits(ids) + 5.0 * np.random.random(ids.shape)[..., None]
""",
    "replaces torch's functions": """
import torch.nn.functional
for name in ("cross_entropy", "log_softmax", "nll_loss"):
    setattr(torch.nn.functional, name, lambda *a, **k: torch.zeros(()))
torch.Tensor.log_softmax = lambda *a, **k: torch.zeros(())
class P(Base):
    def logits(self, ids):
        return super().logits(ids.numpy())
""",
    "looks for the judge and its other boxes": """
def look():
    assert [name for name in os.listdir("/proc") if name.isdigit()] == ["1"]
    assert (os.getpid(), os.getppid()) == (1, 0)
    assert b"golfcheck" not in open("/proc/1/environ", "rb").read()
    for path in ("/proc/kcore", "/proc/kmsg", "/proc/keys", "/proc/sysrq-trigger", "/sys/kernel/uevent_helper"):
        try:
            open(path, "r+b").read(1)
        except OSError:
            continue
        raise AssertionError(path)
class P(Base):
    def logits(self, ids):
        look()
        return super().logits(ids)
""",
    "sends signals to all that it can": """
import signal
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, signal.SIG_IGN)
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGSTOP, signal.SIGKILL):
    for pid in (os.getppid(), 1, -1):
        try:
            os.kill(pid, number)
        except OSError:
            pass
class P(Base): pass
""",
    "shrinks and overwrites what it shares with the judge": """
import ctypes
class P(Base):
    def logits(self, ids):
        out = super().logits(ids)
        for fd in range(3, 100):
            try:
                os.ftruncate(fd, 0)
            except OSError:
                pass
        shared = [line.split()[0].split("-") for line in open("/proc/self/maps") if "memfd:golfcheck" in line]
        assert len(shared) == 2
        for first, last in shared:
            ctypes.memset(int(first, 16), 255, int(last, 16) - int(first, 16))
        return out
""",
    "writes to its last answer in a thread that outlives the call": """
import threading
class P(Base):
    last = None
    def logits(self, ids):
        if self.last is not None:
            writer = threading.Thread(target=peek, args=(*self.last, 99.0))
            writer.start()
            writer.join()
        self.last = super().logits(ids), ids
        threading.Thread(target=time.sleep, args=(2,), daemon=True).start()
        return self.last[0]
""",
    "searches the disk for the text": """
class P(Base):
    def logits(self, ids):
        if not getattr(self, "searched", False):
            self.searched = True
            for folder, _, names in os.walk("/"):
                if folder.startswith(("/proc", "/sys")):
                    continue
                for name in names:
                    assert "fineweb" not in name and not name.endswith(("tiny_300.model", ".ptz")), folder + "/" + name
        return super().logits(ids)
""",
    "opens sockets": """
class P(Base):
    def logits(self, ids):
        for address in (("127.0.0.1", PORT), ("1.1.1.1", 53)):
            try:
                socket.create_connection(address, timeout=0.5)
            except OSError:
                continue
            raise AssertionError("connected")
        return super().logits(ids)
""",
    "writes wherever it can": """
class P(Base):
    def logits(self, ids):
        for folder in ("/", "/submission", "/box", "/dev", "/dev/shm", "/usr", sys.prefix + "/lib", "/etc"):
            try:
                open(folder + "/written", "w")
            except OSError:
                continue
            raise AssertionError(folder)
        return super().logits(ids)
""",
}

# What ends the box, with the label of the refusal and words of the line.
REFUSED = {
    "never answers": (
        "BOX_WALL",
        "no answer from logits",
        "class P(Base):\n    def logits(self, ids): time.sleep(1e6)",
    ),
    "never loads": ("BOX_WALL", "no answer from load", "time.sleep(1e6)"),
    "forks without end": (
        "BOX_RAISED",
        "Operation not permitted",
        "class P(Base):\n    def logits(self, ids):\n        while True: os.fork()",
    ),
    "allocates a hundred gigabytes": (
        "BOX_RAISED",
        "memory",
        "class P(Base):\n    def logits(self, ids): return np.ones(100 << 27)",
    ),
    "takes more and more memory": (
        "BOX_MEM",
        "it takes more than 768 MiB of memory",
        "class P(Base):\n    def logits(self, ids):\n        kept = []\n"
        "        while True: kept.append(bytearray(1 << 24))",
    ),
    "floods its output": (
        "BOX_OUTPUT",
        "printed more than",
        "class P(Base):\n    def logits(self, ids):\n        while True: print('x' * (1 << 16))",
    ),
    "fills its scratch space": (
        "BOX_RAISED",
        "OSError",
        "class P(Base):\n    def logits(self, ids):\n        for i in range(10**6):\n"
        "            open(f'/tmp/{i}', 'wb').write(bytes(1 << 22))",
    ),
    "returns NaN": (
        "EVAL_NONFINITE",
        "every number must be finite",
        "class P(Base):\n    def logits(self, ids): return super().logits(ids) * float('nan')",
    ),
    "returns infinity": (
        "EVAL_NONFINITE",
        "every number must be finite",
        "class P(Base):\n    def logits(self, ids):\n        out = super().logits(ids)\n"
        "        out[0, 0, 0] = float('inf')\n        return out",
    ),
    "returns another shape": (
        "BOX_RAISED",
        "returned the shape",
        "class P(Base):\n    def logits(self, ids): return super().logits(ids)[..., :-1]",
    ),
    "returns too few positions": (
        "BOX_RAISED",
        "returned the shape",
        "class P(Base):\n    def logits(self, ids): return super().logits(ids)[:, :-1]",
    ),
    "returns integers": (
        "BOX_RAISED",
        "expected floats",
        "class P(Base):\n    def logits(self, ids): return super().logits(ids).astype(int)",
    ),
    "returns nothing": (
        "BOX_RAISED",
        "returned a NoneType, expected a torch tensor or a numpy array",
        "class P(Base):\n    def logits(self, ids): pass",
    ),
    "returns a tuple": (
        "BOX_RAISED",
        "returned a tuple, expected a torch tensor or a numpy array",
        "class P(Base):\n    def logits(self, ids): return super().logits(ids), None",
    ),
    "asks for a graphics card": (
        "BOX_RAISED",
        "this box has no GPU: use the device that load(folder, device) is given",
        "raise AssertionError('Torch not compiled with CUDA enabled')",  # as torch's .cuda() says
    ),
    "imports what is not installed": (
        "BOX_RAISED",
        "No module named 'absent'; a box has the packages installed beside golfcheck",
        "import absent",
    ),
    "has another vocabulary than the tokenizer": (
        "TOK_VOCAB",
        "the model's vocab_size is 512, but",
        "class P(Base):\n    def __init__(self, folder):\n"
        "        super().__init__(folder)\n        self.vocab_size = 512",
    ),
    "returns probabilities": (
        "BOX_VALUES",
        "returned probabilities, each row's sum is 1: return their log",
        "class P(Base):\n    def logits(self, ids): return np.exp(log_softmax(super().logits(ids)))",
    ),
    "uses the network": (
        "BOX_RAISED",
        "Network is unreachable; a box has no network",
        "socket.create_connection(('1.1.1.1', 53), timeout=1)",
    ),
    "asks for a name on the network": (
        "BOX_RAISED",
        "a box has no network",
        "import urllib.request\nurllib.request.urlopen('https://example.org')",
    ),
    "starts a program": (
        "BOX_RAISED",
        "a box has no other processes; threads work",
        "import subprocess\nsubprocess.run(['/bin/true'])",
    ),
    "starts workers": ("BOX_RAISED", "a box", "import multiprocessing\nmultiprocessing.Pool(2)"),
    "writes beside its files": (
        "BOX_RAISED",
        "Read-only file system: 'cache.bin'; in a box only /tmp can be written",
        "open('cache.bin', 'wb')",
    ),
    "starts threads without end": (
        "BOX_THREADS",
        "more than 512 threads",
        "import threading\nclass P(Base):\n    def logits(self, ids):\n"
        "        for _ in range(600): threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
        "        time.sleep(60)",
    ),
    "has no function load": (
        "BOX_RAISED",
        "predictor.py has no function load(folder, device)",
        "def loads(folder, device): pass",
    ),
    "writes to the judge's descriptors": (
        "BOX_FRAME",
        "wrote to the judge's socket",
        "class P(Base):\n    def logits(self, ids):\n        for fd in range(3, 64):\n"
        "            try: os.write(fd, b'\\xff' * 48)\n            except OSError: pass\n"
        "        return super().logits(ids)",
    ),
    "ends its process": ("BOX_EXIT", "ended its process", "class P(Base):\n    def logits(self, ids): os._exit(0)"),
    "raises": (
        "BOX_RAISED",
        "logits() failed: predictor.py:4: KeyError",
        "class P(Base):\n    def logits(self, ids): raise KeyError('a')",
    ),
    "cannot be parsed": ("BOX_RAISED", "load() failed: predictor.py:3: SyntaxError", "class P(:"),
    "has too small a vocabulary": (
        "BOX_SHAPE",
        "two tokens at least",
        "class P(Base):\n    def __init__(self, folder): self.vocab_size = 1",
    ),
    "states no sequence length": (
        "BOX_RAISED",
        "whose seq_len is None, not a positive int",
        "class P(Base):\n    seq_len = None",
    ),
    "imports what is not shown": ("BOX_RAISED", "No module named 'golfcheck.core'", "import golfcheck.core"),
    "opens a file that is not counted": ("BOX_RAISED", "FileNotFoundError", "open('linked.bin')"),
}


def table_of(tokens: npt.NDArray[Any], vocab_size: int) -> npt.NDArray[np.float16]:
    """Return a smoothed bigram model of tokens, as log-probabilities [V, V]."""
    counts = np.full((vocab_size, vocab_size), 0.05)
    np.add.at(counts, (tokens[:-1], tokens[1:]), 1.0)
    return np.log(counts / counts.sum(axis=1, keepdims=True)).astype(np.float16)


def write(folder: Path, body: str, table: npt.NDArray[np.float16]) -> Path:
    """Write a folder with a predictor.py that has this body, and the files that it loads."""
    folder.mkdir(parents=True)
    buffer = io.BytesIO()
    np.save(buffer, table)
    (folder / "table.npy").write_bytes(buffer.getvalue())
    (folder / "base.py").write_text(BASE)
    (folder / "predictor.py").write_text(body if "def load" in body else source(body))
    return folder


def write_gpt(folder: Path, vocab_size: int) -> Path:
    """Write a folder of the small GPT, with random weights of six bits."""
    folder.mkdir(parents=True)
    width = 32
    count = vocab_size * width + 12 * width * width
    six = np.random.default_rng(0).integers(0, 64, count).astype(np.uint8)
    assert count == vocab_size * width + 3 * width**2 + width**2 + 2 * 4 * width**2
    packed = lzma.compress(np.array([vocab_size], np.uint32).tobytes() + six.tobytes())
    (folder / "weights.int6.xz").write_bytes(packed)
    (folder / "predictor.py").write_text(GPT)
    return folder


def bits(nats: float) -> float:
    """Return nats as bits."""
    return nats / math.log(2)
