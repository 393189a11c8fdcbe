"""One run of the trainer: data → model → optimizers → loop, with the lines of its log."""

import contextlib
import json
import math
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from functools import cache, partial
from pathlib import Path
from typing import Any

import artifact
import bpb
import data
import loglines as log
import machine
import model
import torch
import torch.distributed as dist
from files import Journal, write_atomic
from learner import CPU_CALL_TOKENS, Learner, read_checkpoint
from muon import optimizers
from progress import Progress
from ranks import Ranks, Signals
from settings import MICRO_BATCHES, Settings

hashing = cache(partial(data.READER.submit, data.digest))  # hashes the same shards once, for all seeds


@dataclass(eq=False)
class Run:
    """One seed: its log, its data, the model and its optimizers, and how far it has come."""

    settings: Settings
    config: model.GPTConfig
    ranks: Ranks
    signals: Signals
    sources: dict[str, bytes]

    def __post_init__(self) -> None:
        s = self.settings
        ranks = self.ranks
        self.out = Path(s.out)
        self.log = self.out / "logs" / f"{s.run_id}.txt"
        self.journal = Journal(self.log if ranks.rank == 0 else None)
        self.progress = Progress(s)
        self.final_seq_len = s.eval_seq_len or s.train_seq_len  # of the evaluation that counts
        self.val_seconds = 0.0
        self.problem = ""  # what was wrong with the data, if that ended training
        # The code that runs, file by file, and what it runs on.
        for name, text in self.sources.items():
            self.journal.append(log.SOURCE_FILE.format(name=name, size_bytes=len(text)))
            self.journal.append(text.decode().removesuffix("\n"))
        python = log.PYTHON_VERSION.format(version=sys.version.replace("\n", ""))
        pytorch = log.TORCH_VERSION.format(version=torch.__version__)
        self.journal.append("\n".join((log.SEPARATOR, python, pytorch, machine.output("nvidia-smi"), log.SEPARATOR)))
        self.kernels = machine.choose_kernels(ranks.device, self.config.head_dim, s.flash_attention)
        # Read before minutes are spent on data: a run of another shape or split cannot be resumed.
        others = {name: getattr(s, name) for name in ("ema_decay", "seed", "train_batch_tokens")}
        same = asdict(self.config) | others | {"world_size": ranks.world_size}
        self.begin: Any = {"step": 0, "train_ms": 0.0, "position": (0, 0)}
        if s.resume:
            self.begin = read_checkpoint(Path(s.resume), same, ranks.rank)
        with self.phase("data"):
            self._open_data()
        with self.phase("building"):
            self._build()

    def write(self, *templates: str, **values: object) -> None:
        """Write lines of the log by their templates, each of which uses those of the values that it names."""
        for template in templates:
            self.journal.write(template.format(**values))

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time a part of the run: every part has its line in the log."""
        start = time.perf_counter()
        yield
        self.write(log.PHASE, name=name, seconds=time.perf_counter() - start)

    def _open_data(self) -> None:
        s = self.settings
        folder = Path(s.data_path)
        self.shards = data.shard_paths(folder, "train")
        for path in self.shards:
            data.shard_tokens(path)  # a shard that was cut off is reported now, not when training reaches it
        val_shards = data.shard_paths(folder, "val")
        self.table = bpb.ByteTable.load(Path(s.tokenizer_path), s.vocab_size)
        self._seek(self.begin["position"])
        lengths = {s.train_seq_len, self.final_seq_len}
        self.val_tokens = {n: data.read_validation(val_shards, n, s.vocab_size, self.ranks.world_size) for n in lengths}
        tokens = self.val_tokens[s.train_seq_len].size - 1
        text_bytes = int(self.table.count(self.val_tokens[s.train_seq_len]).sum())
        if not text_bytes:
            raise ValueError(f"{folder}: the validation tokens stand for no text: is {s.tokenizer_path} theirs?")
        self.write(log.TOKENIZER, tokenizer_path=s.tokenizer_path)
        self.write(log.TRAIN_LOADER, dataset=folder.resolve().name, shards=len(self.shards))
        self.write(log.VAL_LOADER, glob=f"{s.data_path}/fineweb_val_*.bin", tokens=tokens)
        self.write(log.VAL_TEXT, tokens=tokens, size_bytes=text_bytes)
        if self.ranks.rank == 0:
            self.write(log.TOKENIZER_FILE, pieces=s.vocab_size, sha256=data.sha256(Path(s.tokenizer_path)))
            self._write_digest("val", val_shards)
            # Hashing 16 GB of training data may take minutes, and idle GPUs cost money: training does not wait for it.
            hashing(tuple(self.shards))

    def _write_digest(self, split: str, paths: list[Path]) -> None:
        tokens = sum(map(data.shard_tokens, paths))
        self.write(log.DATA_FILES, split=split, files=len(paths), tokens=tokens, sha256=hashing(tuple(paths)).result())

    def _seek(self, position: tuple[int, int]) -> None:
        """Move to a position in the training tokens, and start reading the step there."""
        self.position = position  # where the next step begins: a checkpoint needs it
        self.stream = data.TokenStream(self.shards, self.settings.vocab_size, position)
        self.ahead = data.READER.submit(self._read, self.stream)

    def _read(self, stream: data.TokenStream) -> tuple[torch.Tensor, tuple[int, int]]:
        """Return the next batch of this rank [micro_batches, tokens + 1], and the position after it."""
        ranks = self.ranks
        span = self.settings.train_batch_tokens // MICRO_BATCHES + 1  # of a micro-batch, with the last target
        ids = torch.from_numpy(stream.take_batch(MICRO_BATCHES // ranks.world_size, span, ranks.rank, ranks.world_size))
        # From pinned memory a GPU copies by itself, while the processor queues what follows.
        return ids.pin_memory() if ranks.device.type == "cuda" else ids, stream.position

    def _build(self) -> None:
        s = self.settings
        ranks = self.ranks
        if ranks.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()  # so that the log has this seed's own peak
        torch.manual_seed(s.seed)  # the same weights on all ranks, which then take the same steps
        self.gpt = model.GPT(self.config, self.final_seq_len).to(ranks.device)
        self.compiled = s.compile == "on" or (s.compile == "auto" and ranks.device.type == "cuda")
        self.learner = Learner(self.gpt, s, ranks, optimizers(self.gpt, s, self.compiled), self.compiled)
        params = sum(p.numel() for p in self.gpt.parameters())
        # Two FLOP per weight forward, four backward. Attention's two products take half of the sequence on average.
        looked_up = 0 if s.tie_embeddings else self.gpt.tok_emb.weight.numel()
        self.token_flop = 6 * (params - looked_up + s.num_layers * s.train_seq_len * s.model_dim)
        self.matmul = machine.matmul_flops(ranks.device) * ranks.world_size
        embed_lr, head_lr = (s.tied_embed_lr, 0.0) if s.tie_embeddings else (s.embed_lr, s.head_lr)
        kernel = model.attention_kernel(ranks.device, self.learner.call_seqs * s.num_heads * s.train_seq_len**2)
        changed = {f.name.upper(): value for f in fields(s) if (value := getattr(s, f.name)) != f.default}
        values = asdict(s) | self.kernels | {
            "params": params, "world_size": ranks.world_size,
            "grad_accum_steps": MICRO_BATCHES // ranks.world_size, "embed_lr": embed_lr, "head_lr": head_lr,
            "kernel": kernel if s.flash_attention == "2" else f"flash_attention_{s.flash_attention}",
            "activations": "bf16", "device": machine.device_name(ranks.device), "compiled": self.compiled,
            "json": json.dumps(changed),
        }  # fmt: skip
        self.write(*log.ABOUT, **values)
        git = ("git", "-C", str(Path(__file__).parent))
        if commit := machine.output(*git, "rev-parse", "HEAD"):
            self.write(log.GIT_COMMIT, commit=commit, changed=bool(machine.output(*git, "status", "--porcelain", ".")))

    def train(self) -> None:
        """Warm up, then train until the last iteration, the cap, or a signal."""
        s = self.settings
        progress = self.progress
        with self.phase("warmup"):
            self._warm_up()
        if s.resume:
            self.learner.load(self.begin, self.begin["own"])
            self.write(log.RESUMED, step=self.begin["step"])
        self._seek(self.begin["position"])  # training begins with the tokens that the warm-up used
        self.signals.phase = "training"
        progress.begin(self.begin["step"], self.begin["train_ms"])
        reason = progress.advance(self.ranks.agree)  # a run may be resumed past the cap
        losses = [0.0, 0.0]  # of this step, of all steps together
        while not reason and progress.step < s.iterations:
            if progress.is_due(s.val_loss_every):
                self._validate()
            self._train_step()  # on a GPU it is only queued: this returns long before the work is done
            progress.step += 1
            if progress.is_watched or self.signals.times_s or self.ranks.device.type == "cpu":
                # Waits for the device, so not at every step. A NaN stays in a sum: none goes unnoticed.
                losses = self.learner.losses.tolist()
            # The next batch was read during this step. If it cannot be read, this step is the last.
            self.problem = str(self.ahead.exception() or "")
            ends = {"nonfinite_loss": not math.isfinite(sum(losses)), "signal": bool(self.signals.times_s)}
            reason = progress.advance(self.ranks.agree, **ends, data_error=bool(self.problem))
            if reason or progress.is_logged:
                self.write(log.TRAIN_STEP, train_loss=self.learner.losses[0].item(), **vars(progress))
            tokens_per_s = 1000.0 * s.train_batch_tokens / progress.step_avg_ms
            left_s = progress.train_ms / 1000.0 * (1.0 / progress.share - 1.0)
            pace = f"{tokens_per_s:,.0f} tokens/s  {left_s:,.0f} s left"
            self._show(progress.share, f"step {progress.step}  loss {losses[0]:.3f}  {pace}")
            # A run ended by a signal can be resumed. Its checkpoint comes first: launchers soon kill what does not end.
            if reason == "signal" or (progress.is_due(s.save_every) and reason != "nonfinite_loss"):
                with progress.stopped(), self.phase("checkpoint"):
                    self._save()
        self.signals.phase = "saved"
        if reason != "nonfinite_loss":
            self.learner.use_average()
            self._validate()
        self._report_training(reason)

    def _warm_up(self) -> None:
        """Run whole steps, to compile and to warm every kernel, and undo them; --profile traces one more."""
        steps = self.settings.warmup_steps
        with self.learner.undone():
            for step in range(1, steps + 1):
                self._train_step()
                if steps <= 20 or step % 10 == 0 or step == steps:
                    self.write(log.WARMUP_STEP, step=step, steps=steps)
            if self.settings.profile:
                with torch.profiler.profile() as profile:
                    self._train_step()
                if self.ranks.rank == 0:
                    profile.export_chrome_trace(str(self.out / "trace.json"))  # https://ui.perfetto.dev shows it

    def _train_step(self) -> None:
        batch, self.position = self.ahead.result()
        self.ahead = data.READER.submit(self._read, self.stream)  # the next one, while this step computes
        # Rate and momentum depend on the step and the agreed time alone, so that all ranks have the same.
        self.learner.step(batch, self.progress.step + 1, self.progress.lr_factor, self.progress.momentum)

    def _show(self, share: float, text: str) -> None:
        self.ranks.at_work()
        self.journal.progress(share, text)

    def _report_training(self, reason: str) -> None:
        progress = self.progress
        if reason:
            self.write(log.STOPPING, reason=reason, **vars(progress))
        if reason == "data_error":
            self.problem = max(self.ranks.gather(self.problem))  # not every rank has seen it
        if self.ranks.rank == 0:
            try:
                self._write_digest("train", self.shards)
            except (OSError, ValueError) as error:  # a shard was lost after it was read: the weights are still good
                self.problem = self.problem or str(error)
        if self.problem:
            self.write(log.PROBLEM, text=self.problem)
        self.write(log.PHASE, name="training", seconds=progress.train_ms / 1000.0)
        if progress.step:
            tokens_per_s = 1000.0 * self.settings.train_batch_tokens / progress.step_avg_ms
            flops = tokens_per_s * self.token_flop  # FLOP/s
            self.write(log.SPEED, tokens=tokens_per_s, flops=flops, matmul_share=flops / self.matmul)
        self.write(log.PHASE, name="validation", seconds=self.val_seconds)
        if reason == "nonfinite_loss":
            why = f"the loss of step {progress.step} is not finite"
            raise FloatingPointError(f"{why}: nothing is published; lower the learning rates")

    def _validate(self) -> None:
        score = self.evaluate("validation")
        self.val_seconds += self.progress.stopped_s
        if not math.isfinite(score.val_loss_nats):
            raise FloatingPointError(f"the weights score {score.val_bpb} on validation: nothing is published")
        self.write(log.VAL_STEP, val_loss=score.val_loss_nats, val_bpb=score.val_bpb, **vars(self.progress))

    def evaluate(self, what: str) -> bpb.Score:
        """Score the current weights on all validation tokens, over all ranks, while the clock is stopped."""
        s = self.settings
        ranks = self.ranks
        is_final = what == "evaluation"
        seq_len, stride = (self.final_seq_len, s.eval_stride) if is_final else (s.train_seq_len, 0)
        model.FAST_SCORES = not is_final  # the final score is what golfcheck gets from the artifact, to the bit
        call_tokens = CPU_CALL_TOKENS if ranks.device.type == "cpu" else s.val_batch_size // MICRO_BATCHES
        with self.progress.stopped(), torch.autocast(ranks.device.type, torch.bfloat16):
            return bpb.evaluate(
                self.learner.loss, self.val_tokens[seq_len], self.table, seq_len=seq_len,
                batch_seqs=max(1, call_tokens // seq_len), device=ranks.device, stride=stride, rank=ranks.rank,
                world_size=ranks.world_size, reduce=dist.all_reduce if ranks.world_size > 1 else None,
                progress=lambda done, total: self._show(done / total, f"{what}  {done:,}/{total:,} sequences"),
            )  # fmt: skip

    def _save(self) -> None:
        """Write all that the next step depends on; with weights that are not finite, keep the last good checkpoint."""
        if not all(bool(p.isfinite().all()) for p in self.gpt.parameters()):
            return  # on all ranks alike
        where = {"step": self.progress.step, "train_ms": self.progress.train_ms, "position": self.position}
        state = where | {"ranks": self.ranks.gather(artifact.dump(self.learner.own_state()))}
        try:
            if self.ranks.rank == 0:
                state |= self.learner.shared_state() | {"settings": asdict(self.settings)}
                write_atomic(self.out / "checkpoint.pt", artifact.dump(state))
        except OSError as error:  # a run that cannot be saved now can still be finished
            self.write(log.PROBLEM, text=error.strerror)
