"""Train, quantize and score a small language model: `python train.py --smoke`, or under `torchrun`.

The only module that knows the others: settings → data → model → optimizers → loop → artifact → evaluation. They are
siblings and imported as such, so a copied folder trains its own code.
"""

import contextlib
import importlib.util
import io
import json
import math
import os
import pickle
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
import timeit
from collections.abc import Iterator
from dataclasses import asdict, fields, replace
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch loads: threads that spin starve their neighbors
import artifact
import data
import loglines as log
import model
import torch
import torch.distributed as dist
from bpb import ByteTable, Score, evaluate
from files import sweep_partial, write_atomic
from muon import Muon
from ranks import Ranks
from settings import MICRO_BATCHES, Settings, parse
from torch.nn.parallel import DistributedDataParallel

HERE = Path(__file__).resolve().parent
MODEL_SETTINGS = [field.name for field in fields(model.GPTConfig)]
CPU_CALL_TOKENS = 2048  # of one pass: larger ones leave the caches and cost 1.4 to 1.7 times the time
data_digest = cache(data.digest)  # the same for every seed


class Signals(list[float]):
    """When SIGINT and SIGTERM came: one asks for an orderly end, a later one ends at once what is safe on disk."""

    def __init__(self) -> None:
        super().__init__()
        self.safe = True
        for signum in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signum, self._note)

    def _note(self, *_: Any) -> None:
        self.append(time.monotonic())
        if self.safe and self[-1] - self[0] > 2.0:  # launchers echo a signal of the terminal: that is no second one
            os._exit(130)


class Journal:
    """The log of a run and the terminal beside it; silent on all ranks but the first."""

    def __init__(self, path: Path, rank: int) -> None:
        self.file = None
        if rank == 0:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():  # an older log of that name moves aside: two runs never mix
                aside = (path.with_stem(f"{path.stem}.{number}") for number in count(1))
                path.rename(next(older for older in aside if not older.exists()))
            self.file = path.open("w", encoding="utf-8", newline="\n")
        self.redraws = self.file is not None and sys.stdout.isatty()

    def write(self, line: log.Line | str, console: bool = True) -> None:
        """Append a line to the log, and show it."""
        if self.file is not None:
            self.file.write(f"{line}\n")
            self.file.flush()
            if console:
                print(f"\r\x1b[K{line}" if self.redraws else line, flush=True)

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time a part of the run."""
        start = time.perf_counter()
        yield
        self.write(log.Phase(name=name, seconds=time.perf_counter() - start))

    def progress(self, share: float, text: str) -> None:
        """Redraw the line that shows how far the run is, on a terminal."""
        if self.redraws:
            line = f"[{'#' * round(24 * min(share, 1.0)):.<24}] {text}"
            print("\r\x1b[K" + line[: shutil.get_terminal_size().columns - 1], end="", flush=True)


class Run:
    """One seed: the model, its optimizers, its place in the data, and the training clock."""

    def __init__(self, settings: Settings, ranks: Ranks, signals: Signals, sources: dict[str, bytes]) -> None:
        self.settings, self.ranks, self.signals = settings, ranks, signals
        out, stem = Path(settings.out), f"final_model_seed{settings.seed}" if settings.seeds else "final_model"
        self.log_path, self.checkpoint_path = out / "logs" / f"{settings.run_id}.txt", out / "checkpoint.pt"
        self.model_path, self.artifact_path = out / f"{stem}.pt", out / f"{stem}.int8.ptz"
        self.journal, self.iterations = Journal(self.log_path, ranks.rank), settings.iterations
        self.step, self.train_ms, self.step_avg_ms, self.val_seconds = 0, 0.0, 0.0, 0.0  # by the slowest rank's clock
        self.grad_accum_steps = MICRO_BATCHES // ranks.world_size
        self.local_tokens, seq_len = settings.train_batch_tokens // MICRO_BATCHES, settings.train_seq_len
        most = max(1, min(self.local_tokens, CPU_CALL_TOKENS if ranks.device.type == "cpu" else 2**62) // seq_len)
        seqs = self.local_tokens * self.grad_accum_steps // seq_len
        self.call_seqs = max(n for n in range(1, most + 1) if seqs % n == 0)
        self.losses = torch.zeros(2, device=ranks.device)
        self.compiled = settings.compile == "on" or (settings.compile == "auto" and ranks.device.type == "cuda")
        self.code_bytes = sum(map(len, sources.values()))
        if ranks.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()  # this seed's own
        for name, text in sources.items():
            self.journal.write(log.SourceFile(name=name, size_bytes=len(text)), console=False)
            self.journal.write(text.decode().removesuffix("\n"), console=False)
        versions = log.PythonVersion(version=sys.version.replace("\n", "")), log.TorchVersion(version=torch.__version__)
        for line in (log.Separator(), *versions, output("nvidia-smi"), log.Separator()):
            self.journal.write(line, console=False)
        with self.journal.phase("data"):
            self._open_data()
        with self.journal.phase("building"):
            self._build()

    def _open_data(self) -> None:
        s, write = self.settings, self.journal.write
        folder, tokenizer = Path(s.data_path), Path(s.tokenizer_path)
        splits = {split: data.shard_paths(folder, split) for split in ("train", "val")}
        self.table = ByteTable.load(tokenizer, s.vocab_size)
        self.shards = splits["train"]
        self._seek((0, 0))
        self.val_tokens = data.read_validation(splits["val"], s.train_seq_len, s.vocab_size)
        predicted = self.val_tokens.size - 1
        write(log.Tokenizer.of(s))
        write(log.TrainLoader(dataset=folder.resolve().name, shards=len(splits["train"])))
        write(log.ValLoader(glob=f"{s.data_path}/fineweb_val_*.bin", tokens=predicted))
        write(log.ValText(tokens=predicted, size_bytes=int(self.table.count(self.val_tokens).sum())))
        if self.ranks.rank == 0:
            write(log.TokenizerFile(pieces=s.vocab_size, sha256=data.sha256(tokenizer)))
            for split, paths in splits.items():
                tokens = sum(map(data.shard_tokens, paths))
                write(log.DataFiles(split=split, files=len(paths), tokens=tokens, sha256=data_digest(tuple(paths))))

    def _build(self) -> None:
        s, device, write = self.settings, self.ranks.device, self.journal.write
        torch.manual_seed(s.seed)
        backends = torch.backends.cuda
        self.capability = torch.cuda.get_device_capability(device) if device.type == "cuda" else (0, 0)
        if self.capability >= (8, 0):
            for enable in (backends.enable_cudnn_sdp, backends.enable_mem_efficient_sdp, backends.enable_math_sdp):
                enable(False)  # leaves flash attention; older chips choose among all
        self.gpt = model.GPT(model.GPTConfig(**{name: getattr(s, name) for name in MODEL_SETTINGS})).to(device)
        self.loss: Any = torch.compile(self.gpt, dynamic=False, fullgraph=True) if self.compiled else self.gpt
        if self.ranks.world_size > 1:
            self.loss = DistributedDataParallel(self.loss)
            self.loss.broadcast_buffers = False  # an attribute in all versions; the argument's name has changed
        patterns = [pattern for pattern in s.control_tensor_name_patterns.split(",") if pattern]
        matrices, scalars = list[torch.Tensor](), [self.gpt.skip_weights]
        for name, p in self.gpt.blocks.named_parameters():
            (scalars if p.ndim < 2 or any(part in name for part in patterns) else matrices).append(p)
        embed_lr, head_lr = (s.tied_embed_lr, 0.0) if s.tie_embeddings else (s.embed_lr, s.head_lr)
        heads = [] if self.gpt.lm_head is None else [self.gpt.lm_head.weight]
        groups = [([self.gpt.tok_emb.weight], embed_lr), (scalars, s.scalar_lr), (heads, head_lr)]
        adam_groups = [{"params": params, "lr": lr, "base_lr": lr} for params, lr in groups if params]
        self.adam = torch.optim.Adam(adam_groups, betas=(s.beta1, s.beta2), eps=s.adam_eps, fused=True)
        self.muon = Muon(matrices, s.matrix_lr, s.muon_momentum, s.muon_backend_steps, self.compiled)
        params = sum(p.numel() for p in self.gpt.parameters())
        # A token's: each weight once forward and twice backward, but no lookup, and attention to half of the sequence.
        self.token_flop = 6 * (params - sum(p.numel() for p in heads) + s.num_layers * s.train_seq_len * s.model_dim)
        self.matmul = matmul_flops(device) * self.ranks.world_size
        write(log.ModelParams(params=params))
        write(log.World.of(self, world_size=self.ranks.world_size))
        write(log.Sdp(**{name: getattr(backends, f"{name}_sdp_enabled")() for name in log.Sdp.types}))
        write(log.Attention.of(s))
        write(log.LearningRates.of(s, embed_lr=embed_lr, head_lr=head_lr))
        write(log.Plan.of(s))
        write(log.Seed.of(s))
        named = re.findall(r"model name\s*: (.*)", output("cat", "/proc/cpuinfo")) or [os.uname().machine]
        where = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{device} {named[0]}"
        write(log.AttentionKernel(kernel=self._choose_attention()))
        write(log.Numerics.of(s, activations="bf16", device=where, compiled=self.compiled))
        changed = {f.name.upper(): getattr(s, f.name) for f in fields(s) if getattr(s, f.name) != f.default}
        write(log.ChangedSettings(json=json.dumps(changed)))
        if commit := output("git", "-C", str(HERE), "rev-parse", "HEAD"):
            status = output("git", "-C", str(HERE), "status", "--porcelain", ".")
            write(log.GitCommit(commit=commit, changed=bool(status)))

    def _choose_attention(self) -> str:
        """Take FlashAttention-3 where chip and package are there and it is right, on all ranks; name what trains."""
        c, device, found, trials = self.gpt.config, self.ranks.device, None, []
        attend: Any = torch.compile(model.attend, fullgraph=True) if self.compiled else model.attend
        try:
            if self.capability == (9, 0):
                hub = importlib.import_module("kernels").get_kernel("kernels-community/flash-attn3", version=1)
                qkv = [torch.randn(1, n, 256, c.head_dim) for n in (c.num_heads, c.num_kv_heads, c.num_kv_heads)]
                qkv = [x.to(device, torch.bfloat16).requires_grad_() for x in qkv]
                for model.FLASH in (None, hub.flash_attn_func):
                    y = attend(*qkv)  # [1, H, 256, d]
                    trials.append((y, *torch.autograd.grad(y.square().sum(), qkv)))
                torch.testing.assert_close(*trials, atol=0.1, rtol=0.1)
                found = hub.flash_attn_func
        except Exception as error:  # whatever is wrong with it, the framework's own is there
            if self.ranks.rank == 0:
                print(f"train.py: without FlashAttention-3: {' '.join(str(error).split())}", file=sys.stderr)
        model.FLASH = None if self.ranks.agree(float(found is None))[0] else found
        fits = device.type == "cpu" and self.call_seqs * c.num_heads * c.train_seq_len**2 <= model.MOST_SCORES
        return "flash_attention_3" if model.FLASH else "products" if fits else "sdpa"

    def train(self) -> None:
        """Warm up, then train until the last iteration, the cap, or a signal."""
        s, ranks, signals = self.settings, self.ranks, self.signals
        write, progress = self.journal.write, self.journal.progress
        with self.journal.phase("warmup"):
            self._warm_up()
        if s.resume:
            self._load(Path(s.resume))
            write(log.Resumed.of(self))
        signals.safe, reason, own_ms, loss, loss_sum, speed = False, "", self.train_ms, 0.0, 0.0, None
        cap_ms = 1000.0 * s.max_wallclock_seconds or float("inf")
        while not reason and self.step < s.iterations:
            if s.val_loss_every and self.step % s.val_loss_every == 0:
                self._validate()
            start = time.perf_counter()
            self._train_step()
            self.step += 1
            is_logged = self.step <= 10 or self.step % s.train_log_every == 0
            saves, validates = (bool(every) and self.step % every == 0 for every in (s.save_every, s.val_loss_every))
            is_late = self.step == s.iterations or own_ms + 3 * self.step_avg_ms >= cap_ms
            if is_logged or saves or validates or is_late or signals or ranks.device.type == "cpu":
                loss, loss_sum = self.losses.tolist()  # waits for the device; a sum stays what is no number
            own_ms += 1000.0 * (time.perf_counter() - start)
            self.train_ms, is_broken, is_asked = ranks.agree(own_ms, not math.isfinite(loss_sum), bool(signals))
            self.step_avg_ms = self.train_ms / self.step
            ends = {"nonfinite_loss": is_broken, "signal": is_asked, "wallclock_cap": self.train_ms >= cap_ms}
            reason = next((name for name, is_so in ends.items() if is_so), "")
            if reason or is_logged:
                write(log.TrainStep.of(self, train_loss=self.losses[0].item()))
            share = max(self.step / s.iterations, self.train_ms / cap_ms)
            rate, left = s.train_batch_tokens * 1000.0 / self.step_avg_ms, self.train_ms / 1000.0 * (1.0 / share - 1.0)
            flops = rate * self.token_flop
            speed = log.Speed(tokens=rate, flops=flops, matmul_share=flops / self.matmul)
            pace = f"{rate:,.0f} tokens/s  {speed.matmul_share:.0%} of matmul  {left:,.0f} s left"
            progress(share, f"step {self.step}  loss {loss:.3f}  {pace}")
            if (is_asked or saves) and not is_broken:
                with self.journal.phase("checkpoint"):
                    self._save()
        signals.safe = True
        if reason != "nonfinite_loss":
            self._validate()
        if reason:
            write(log.Stopping.of(self, reason=reason))
        write(log.Phase(name="training", seconds=self.train_ms / 1000.0))
        if speed:
            write(speed)
        write(log.Phase(name="validation", seconds=self.val_seconds))
        if reason == "nonfinite_loss":
            why = f"the loss of step {self.step} is not finite"
            raise FloatingPointError(f"{why}: nothing is published; lower the learning rates")

    def _validate(self) -> None:
        score, seconds = self.evaluate("validation")
        self.val_seconds += seconds
        if not math.isfinite(score.val_loss_nats):
            raise FloatingPointError(f"the weights after step {self.step} score {score.val_bpb}: nothing is published")
        self.journal.write(log.ValStep.of(self, val_loss=score.val_loss_nats, val_bpb=score.val_bpb))

    def _warm_up(self) -> None:
        """Run whole steps, to compile and to warm every kernel, and put everything back; --profile traces the last."""
        steps = self.settings.warmup_steps
        weights = {name: tensor.clone() for name, tensor in self.gpt.state_dict().items()}
        place, random, trace = self.place, torch.get_rng_state(), torch.profiler.profile()
        for step in range(1, steps + 1):
            with trace if self.settings.profile and step == steps else contextlib.nullcontext():
                self._train_step()
            if steps <= 20 or step % 10 == 0 or step == steps:
                self.journal.write(log.WarmupStep(step=step, steps=steps))
        if self.settings.profile and steps and self.ranks.rank == 0:
            trace.export_chrome_trace(str(partial := Path(self.settings.out, f".trace.json.{os.getpid()}.partial")))
            partial.replace(partial.with_name("trace.json"))
        self.gpt.load_state_dict(weights)
        self._seek(place)
        self.losses.tolist()  # waits for the device: the clock must not count what is still queued
        self.losses.zero_()
        torch.set_rng_state(random)
        for optimizer in (self.adam, self.muon):
            optimizer.state.clear()

    def lr_factor(self) -> float:
        """Return the factor of all learning rates: by the clock, or by steps where there is no cap."""
        s = self.settings
        left, warmdown = float(s.iterations - self.step), float(s.warmdown_iters)
        if s.max_wallclock_seconds > 0:
            left, warmdown = 1000.0 * s.max_wallclock_seconds - self.train_ms, warmdown * self.step_avg_ms
        return max(left, 0.0) / warmdown if left < warmdown else 1.0

    def _seek(self, place: tuple[int, int]) -> None:
        """Go to a place of the stream, and have the step there read ahead."""
        self.place, self.stream = place, data.TokenStream(self.shards, self.settings.vocab_size, place)
        self.ahead = data.READER.submit(self._read, self.stream)

    def _read(self, stream: data.TokenStream) -> tuple[torch.Tensor, tuple[int, int]]:
        """Return this rank's tokens of a step, [grad_accum_steps, local_tokens + 1], and the place after them."""
        shape = self.grad_accum_steps, self.ranks.world_size, self.local_tokens + 1  # one more, for the last target
        tokens = stream.take(math.prod(shape)).reshape(shape)[:, self.ranks.rank]
        ids = torch.from_numpy(tokens.astype("int64"))
        return ids.pin_memory() if self.ranks.device.type == "cuda" else ids, stream.place

    def _train_step(self) -> None:
        """Take one optimizer step; `losses` then has its mean loss on this rank in nats, and the sum of all steps'."""
        s, ranks = self.settings, self.ranks
        warm = min(self.step / s.muon_momentum_warmup_steps, 1.0) if s.muon_momentum_warmup_steps else 1.0
        self.muon.param_groups[0]["momentum"] = (1 - warm) * s.muon_momentum_warmup_start + warm * s.muon_momentum
        factor = self.lr_factor()
        for group in self.adam.param_groups + self.muon.param_groups:
            group["lr"] = factor * group.get("base_lr", s.matrix_lr)
        self.gpt.zero_grad(set_to_none=True)
        ids, self.place = self.ahead.result()
        self.ahead = data.READER.submit(self._read, self.stream)
        ids = ids.to(ranks.device, non_blocking=True)  # queued: nobody waits
        inputs, targets = (part.reshape(-1, self.call_seqs, s.train_seq_len) for part in (ids[:, :-1], ids[:, 1:]))
        self.losses[0] = 0.0
        with torch.autocast(ranks.device.type, torch.bfloat16):  # around all calls: casts each weight once
            for i, (x, y) in enumerate(zip(inputs, targets, strict=True)):  # [call_seqs, seq_len] twice
                if ranks.world_size > 1:
                    self.loss.require_backward_grad_sync = i == len(inputs) - 1
                loss = self.loss(x, y)
                self.losses[0] += loss.detach() / len(inputs)
                with torch.autocast(ranks.device.type, enabled=False):
                    (loss / len(inputs)).backward()
        if s.grad_clip_norm > 0:
            torch.nn.utils.clip_grad_norm_(self.gpt.parameters(), s.grad_clip_norm)
        self.adam.step()
        self.muon.step()
        self.losses[1] += self.losses[0]

    def evaluate(self, what: str) -> tuple[Score, float]:
        """Score the model as it is on all validation tokens, over all ranks; and the seconds that this took."""
        s, ranks, start = self.settings, self.ranks, time.perf_counter()
        call_tokens = CPU_CALL_TOKENS if ranks.device.type == "cpu" else s.val_batch_size // MICRO_BATCHES
        with torch.autocast(ranks.device.type, torch.bfloat16):
            score = evaluate(
                self.loss, self.val_tokens, self.table, device=ranks.device, seq_len=s.train_seq_len,
                batch_seqs=max(1, call_tokens // s.train_seq_len),
                rank=ranks.rank, world_size=ranks.world_size, reduce=dist.all_reduce if ranks.world_size > 1 else None,
                progress=lambda done, all_: self.journal.progress(done / all_, f"{what}  {done:,}/{all_:,} sequences"),
            )  # fmt: skip
        return score, time.perf_counter() - start

    def export(self) -> None:
        """Write the weights and the artifact, read the artifact back from disk, and score that."""
        s, write, phase = self.settings, self.journal.write, self.journal.phase
        allocated, reserved = torch.cuda.max_memory_allocated(), torch.cuda.max_memory_reserved()
        if self.ranks.device.type != "cuda":  # the process's own
            used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            allocated = reserved = used if sys.platform == "darwin" else 1024 * used
        write(log.PeakMemory(allocated_mib=allocated >> 20, reserved_mib=reserved >> 20))
        if self.ranks.rank == 0:
            state = self.gpt.state_dict()
            with phase("quantization"):
                keep = [pattern for pattern in s.int8_keep_float_fp32_name_patterns.split(",") if pattern]
                obj = artifact.quantize(state, keep, model_config=asdict(self.gpt.config))
                if bad := [name for name, w in artifact.dequantize(obj).items() if not w.isfinite().all()]:
                    raise FloatingPointError(f"{bad[0]} is too large for the artifact: nothing is published")
                blob, raw_bytes = artifact.pack(obj, search=s.zlib == "best")
            if s.zlib == "best":
                write(log.ZlibSearch(saved_bytes=len(artifact.pack(obj)[0]) - len(blob)))
            with phase("serialization"):
                raw_model = artifact.dump(state)
                write_atomic(self.model_path, raw_model)
                write_atomic(self.artifact_path, blob)
            payload = sum(t.nbytes for section in ("quantized", "scales", "passthrough") for t in obj[section].values())
            ratio = sum(t.nbytes for t in state.values()) / payload
            write(log.ModelBytes(size_bytes=len(raw_model)))
            write(log.CodeBytes(size_bytes=self.code_bytes))
            write(log.TotalBytes(size_bytes=self.code_bytes + len(raw_model)))
            sizes = {"payload_bytes": payload, "raw_torch_bytes": raw_bytes, "payload_ratio": ratio}
            write(log.Int8ModelBytes(size_bytes=len(blob), **sizes))
            write(log.Int8TotalBytes(size_bytes=self.code_bytes + len(blob)))
        with phase("reading"):
            blob = self.ranks.gather(self.artifact_path.read_bytes() if self.ranks.rank == 0 else b"")[0]
            self.gpt.load_state_dict(artifact.dequantize(artifact.unpack(blob)))
        score, seconds = self.evaluate("evaluation")
        write(log.Phase(name="evaluation", seconds=seconds))
        write(log.Final(val_loss=score.val_loss_nats, val_bpb=score.val_bpb, eval_ms=1000.0 * seconds))
        write(log.FinalExact(val_loss=score.val_loss_nats, val_bpb=score.val_bpb))

    def _save(self) -> None:
        """Write all that the next step depends on, unless that step is lost: then the last good one stays."""
        if not all(bool(p.isfinite().all()) for p in self.gpt.parameters()):
            return  # on all ranks alike
        own = {"muon": self.muon.state_dict()["state"], "random": torch.get_rng_state()}
        ranks = self.ranks.gather(artifact.dump(own))  # as bytes: tensors would go to every rank's copy of their device
        if self.ranks.rank == 0:
            state = {"step": self.step, "train_ms": self.train_ms, "place": self.place, "ranks": ranks}
            state |= {"model": self.gpt.state_dict(), "adam": self.adam.state_dict()["state"]}
            write_atomic(self.checkpoint_path, artifact.dump(state | {"settings": asdict(self.settings)}))

    def _load(self, path: Path) -> None:
        """Go on from a checkpoint; ValueError where it belongs to another run."""
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
            own = state["ranks"]
            theirs = state["settings"] | {"world_size": len(own)}
        except (OSError, RuntimeError, KeyError, TypeError, EOFError, pickle.UnpicklingError):
            raise ValueError(f"{path} is not there, or no checkpoint of this trainer") from None
        ours = asdict(self.settings) | {"world_size": self.ranks.world_size}
        for name in (*MODEL_SETTINGS, "seed", "train_batch_tokens", "world_size"):
            if theirs.get(name) != ours[name]:
                raise ValueError(f"{path} is of a run with {name.upper()} {theirs.get(name)}, not {ours[name]}")
        mine = torch.load(io.BytesIO(own[self.ranks.rank]), map_location="cpu", weights_only=True)
        self.step, self.train_ms, self.step_avg_ms = state["step"], state["train_ms"], state["train_ms"] / state["step"]
        self.gpt.load_state_dict(state["model"])
        self.adam.load_state_dict(self.adam.state_dict() | {"state": state["adam"]})  # the rates stay this run's
        self.muon.load_state_dict(self.muon.state_dict() | {"state": mine["muon"]})
        self._seek(state["place"])
        torch.set_rng_state(mine["random"])


def matmul_flops(device: torch.device) -> float:
    """Return the FLOP/s of a product of bf16 matrices: what the device can do, to hold a run's own rate against."""
    n = 8192 if device.type == "cuda" else 1024
    a = torch.randn(n, n, dtype=torch.bfloat16, device=device)
    return 2 * n**3 / min(timeit.repeat(lambda: float((a @ a)[0, 0]), number=1, repeat=8))  # float() waits for it


def output(*command: str) -> str:
    """Return what a program prints, or nothing where it is not installed or fails."""
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    return ""


def golfcheck(*args: str) -> None:
    """Ask the judge for what is not training: demonstration data, and the submission folder of a finished run."""
    if importlib.util.find_spec("golfcheck"):
        subprocess.run([sys.executable, "-m", "golfcheck", *args], check=True)
    else:
        print(f"to go on: pip install golfcheck, then golfcheck {' '.join(args)}", file=sys.stderr)


def main(argv: list[str]) -> int:
    """Run the seeds one after another, make their record, and return the exit code."""
    sources = {path.name: path.read_bytes() for path in sorted(HERE.glob("*.py")) if path.stat().st_size}  # as they are
    rank = int(os.environ.get("RANK", "0"))
    try:
        settings = parse(argv, os.environ)
        settings.check(int(os.environ.get("WORLD_SIZE", "1")))
        rank = 0  # what all ranks find wrong alike is behind us: from here on each speaks for itself
        ranks = Ranks.join(settings.device)
        torch.set_num_threads(settings.threads or torch.get_num_threads())
        out, signals, logs, artifacts = Path(settings.out), Signals(), list[str](), list[str]()
        if ranks.rank == 0:
            sweep_partial(out)
            if settings.preset == "smoke" and not Path(settings.data_path).exists():
                golfcheck("data", "demo")
        ranks.agree()  # the others wait for the data
        for seed in map(int, settings.seeds.split(",")) if settings.seeds else [settings.seed]:
            run_id = f"{settings.run_id}_seed{seed}" if settings.seeds else settings.run_id
            run = None  # frees the one before
            run = Run(replace(settings, seed=seed, run_id=run_id), ranks, signals, sources)
            run.train()
            run.export()
            logs.append(str(run.log_path))
            artifacts.append(str(run.artifact_path))
            if ranks.agree(float(bool(signals)))[0]:
                break
        if ranks.rank == 0:
            files = ("--from", *logs, "--artifact", *artifacts)
            golfcheck("new", "--into", str(out / "record"), "--name", settings.run_id, *files)
        ranks.agree()  # nobody leaves while another still works
    except (ValueError, OSError, FloatingPointError, torch.OutOfMemoryError, subprocess.CalledProcessError) as error:
        code, problem = 2 if isinstance(error, ValueError) else 1, " ".join(str(error).split())
    except torch._dynamo.exc.TorchDynamoException as error:  # looked up, and loaded, only where all else does not fit
        code, problem = 1, f"torch.compile does not work here, use --compile off: {str(error).splitlines()[0]}"
    else:
        return 0
    if rank > 0:
        time.sleep(60.0)  # rank 0 says it, and its launcher ends the others
    print(f"train.py: {problem}", file=sys.stderr, flush=True)
    return code


if __name__ == "__main__":
    exit_code = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(exit_code)  # an interpreter that takes its time to end aborts where the watch is inside the store
