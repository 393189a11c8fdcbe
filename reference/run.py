"""One run of the trainer: data → model → optimizers → loop → artifact → score, with every line of its log."""

import contextlib
import json
import math
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from functools import cache, partial
from pathlib import Path

import artifact
import data
import loglines as log
import machine
import model
import torch
import torch.distributed as dist
from bpb import ByteTable, Score, evaluate
from files import Journal, write_atomic
from learner import CPU_CALL_TOKENS, Learner, read_checkpoint
from muon import Muon
from progress import Progress
from ranks import Ranks
from settings import MICRO_BATCHES, Settings
from signals import Signals

MODEL_SETTINGS = [field.name for field in fields(model.GPTConfig)]
data_digest = cache(data.digest)  # the same for every seed
HASHER = ThreadPoolExecutor(1)  # apart from the threads that read shards, for which training waits


def model_config(s: Settings) -> model.GPTConfig:
    """Return the shape of the model that the settings ask for; ValueError for an impossible one."""
    return model.GPTConfig(**{name: getattr(s, name) for name in MODEL_SETTINGS})


@dataclass(eq=False)
class Run:
    """One seed: its log, its data, the model and its optimizers, and how far it is."""

    settings: Settings
    ranks: Ranks
    signals: Signals
    sources: dict[str, bytes]

    def __post_init__(self) -> None:
        settings = self.settings
        ranks = self.ranks
        self.out = Path(settings.out)
        self.log = self.out / "logs" / f"{settings.run_id}.txt"
        self.model_file = self.out / (f"final_model_seed{settings.seed}.pt" if settings.seeds else "final_model.pt")
        self.artifact_file = self.model_file.with_suffix(".int8.ptz")
        self.journal = Journal(self.log if ranks.rank == 0 else None)
        self.write = self.journal.write
        self.progress = Progress(settings)
        self.val_seconds = 0.0
        self.problem = ""  # what was wrong with the data, if that ended training
        self.compiled = settings.compile == "on" or (settings.compile == "auto" and ranks.device.type == "cuda")
        self.code_bytes = sum(map(len, self.sources.values()))
        for line in log.preamble(self.sources, torch.__version__, machine.output("nvidia-smi")):
            self.write(line, show=False)
        self.config = model_config(settings)
        self.kernels = machine.choose_kernels(ranks.device, self.config.head_dim, settings.flash_attention)
        # Before minutes are spent on data: a run of another shape or split cannot be resumed.
        names = (*MODEL_SETTINGS, "ema_decay", "seed", "train_batch_tokens")
        same = {name: getattr(settings, name) for name in names} | {"world_size": ranks.world_size}
        self.resumed = read_checkpoint(Path(settings.resume), same) if settings.resume else None
        with self.phase("data"):
            self._open_data()
        with self.phase("building"):
            self._build()

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time a part of the run: every part has its line in the log."""
        start = time.perf_counter()
        yield
        self.write(log.Phase(name=name, seconds=time.perf_counter() - start))

    def _open_data(self) -> None:
        s = self.settings
        folder = Path(s.data_path)
        self.shards = data.shard_paths(folder, "train")
        val_shards = data.shard_paths(folder, "val")
        self.table = ByteTable.load(Path(s.tokenizer_path), s.vocab_size)
        self._seek((0, 0))
        self.val_tokens = data.read_validation(val_shards, s.train_seq_len, s.vocab_size)
        self.final_tokens = data.read_validation(val_shards, s.final_seq_len, s.vocab_size)
        text_bytes = int(self.table.count(self.val_tokens).sum())
        if not text_bytes:
            raise ValueError(f"{folder}: the validation tokens stand for no text: is {s.tokenizer_path} theirs?")
        self.write(log.Tokenizer.of(s))
        self.write(log.TrainLoader(dataset=folder.resolve().name, shards=len(self.shards)))
        self.write(log.ValLoader(glob=f"{s.data_path}/fineweb_val_*.bin", tokens=self.val_tokens.size - 1))
        self.write(log.ValText(tokens=self.val_tokens.size - 1, size_bytes=text_bytes))
        if self.ranks.rank == 0:
            self.write(log.TokenizerFile(pieces=s.vocab_size, sha256=data.sha256(Path(s.tokenizer_path))))
            self._write_digest("val", val_shards)
            # Hashing 16 GB of training data may take minutes, and idle GPUs cost money: training does not wait for it.
            self.digest = HASHER.submit(data_digest, tuple(self.shards))

    def _write_digest(self, split: str, paths: list[Path]) -> None:
        tokens = sum(map(data.shard_tokens, paths))
        self.write(log.DataFiles(split=split, files=len(paths), tokens=tokens, sha256=data_digest(tuple(paths))))

    def _seek(self, position: tuple[int, int]) -> None:
        """Move to a position in the training tokens, and start reading the step there."""
        ranks = self.ranks
        stream = data.TokenStream(self.shards, self.settings.vocab_size, position)
        span = self.settings.train_batch_tokens // MICRO_BATCHES + 1  # of a micro-batch, with the last target
        shape = (MICRO_BATCHES // ranks.world_size, ranks.world_size, span)
        # From pinned memory a GPU copies by itself, while the processor queues what follows.
        pin = torch.Tensor.pin_memory if ranks.device.type == "cuda" else torch.Tensor.contiguous
        self.feed = data.Feed(stream, shape, ranks.rank, lambda batch: pin(torch.from_numpy(batch)))

    def _build(self) -> None:
        s = self.settings
        ranks = self.ranks
        if ranks.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()  # the log has this seed's own
        torch.manual_seed(s.seed)  # the same weights on all ranks, which then take the same steps
        self.gpt = model.GPT(self.config, s.final_seq_len).to(ranks.device)
        self.learner = Learner(self.gpt, s, ranks, Muon, self.compiled)
        self.token_flop = self.gpt.flop_per_token()
        self.matmul = machine.matmul_flops(ranks.device) * ranks.world_size
        scores = self.learner.call_seqs * s.num_heads * s.train_seq_len**2
        kernel = model.attention_kernel(ranks.device, scores)
        facts = dict(
            params=sum(p.numel() for p in self.gpt.parameters()), compiled=self.compiled, activations="bf16",
            world_size=ranks.world_size, grad_accum_steps=MICRO_BATCHES // ranks.world_size,
            embed_lr=self.learner.groups[0]["base_lr"], head_lr=0.0 if s.tie_embeddings else s.head_lr,
            kernel=kernel if s.flash_attention == "2" else f"flash_attention_{s.flash_attention}",
            device=machine.device_name(ranks.device), json=json.dumps(s.changed()), **self.kernels,
        )  # fmt: skip
        for kind in log.ABOUT_MODEL:
            self.write(kind.of(s, **facts))
        commit, changed = machine.git_commit(Path(__file__).parent)
        if commit:
            self.write(log.GitCommit(commit=commit, changed=changed))

    def train(self) -> None:
        """Warm up, then train until the last iteration, the cap, or a signal."""
        s = self.settings
        progress = self.progress
        with self.phase("warmup"):
            self._warm_up()
        progress.begin(0, 0.0)
        if self.resumed:
            self.learner.load(self.resumed, self.resumed["ranks"][self.ranks.rank])
            self._seek(self.resumed["position"])
            progress.begin(self.resumed["step"], self.resumed["train_ms"])
            self.write(log.Resumed.of(progress))
        self.signals.phase = "training"
        reason = progress.time_is_up  # of a run that is resumed past the cap
        loss = 0.0
        loss_sum = 0.0
        while not reason and progress.step < s.iterations:
            if progress.is_due(s.val_loss_every):
                self._validate()
            self._train_step()  # is queued: on a GPU this returns long before the work is done
            progress.step += 1
            if progress.is_watched or self.signals or self.ranks.device.type == "cpu":
                # Waits for the device, so not at every step. A NaN stays in a sum: none goes unnoticed.
                loss, loss_sum = self.learner.losses.tolist()
            self.problem = self.feed.problem()
            ends = {"nonfinite_loss": not math.isfinite(loss_sum), "signal": bool(self.signals)}
            reason = progress.advance(self.ranks.agree, **ends, data_error=bool(self.problem))
            if reason or progress.is_logged:
                self.write(log.TrainStep.of(progress, train_loss=self.learner.losses[0].item()))
            tokens = progress.speed(self.token_flop, self.matmul)["tokens"]
            left = f"{progress.left_seconds:,.0f} s left"
            self._show(progress.share, f"step {progress.step}  loss {loss:.3f}  {tokens:,.0f} tokens/s  {left}")
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
        """Run whole steps, to compile and to warm every kernel, and undo them; --profile traces the last."""
        s = self.settings
        position = self.feed.position
        with self.learner.undone():
            for step in range(1, s.warmup_steps + 1):
                is_last = step == s.warmup_steps
                is_traced = s.profile and is_last and self.ranks.rank == 0
                with machine.traced(self.out) if is_traced else contextlib.nullcontext():
                    self._train_step()
                if s.warmup_steps <= 20 or step % 10 == 0 or is_last:
                    self.write(log.WarmupStep(step=step, steps=s.warmup_steps))
        self._seek(position)  # the tokens of the warm-up come again

    def _train_step(self) -> None:
        # Rate and momentum depend on the step and the agreed time alone, so that all ranks have the same.
        self.learner.step(self.feed.take(), self.progress.lr_factor, self.progress.momentum)

    def _show(self, share: float, text: str) -> None:
        self.ranks.at_work()
        self.journal.progress(share, text)

    def _report_training(self, reason: str) -> None:
        progress = self.progress
        if reason:
            self.write(log.Stopping.of(progress, reason=reason))
        if reason == "data_error":
            self.problem = max(self.ranks.gather(self.problem))  # not every rank has seen it
            self.write(log.Problem(text=self.problem))
        if self.ranks.rank == 0:
            self.digest.result()
            self._write_digest("train", self.shards)
        self.write(log.Phase(name="training", seconds=progress.train_ms / 1000.0))
        if progress.step_avg_ms:
            self.write(log.Speed(**progress.speed(self.token_flop, self.matmul)))
        self.write(log.Phase(name="validation", seconds=self.val_seconds))
        if reason == "nonfinite_loss":
            why = f"the loss of step {progress.step} is not finite"
            raise FloatingPointError(f"{why}: nothing is published; lower the learning rates")

    def _validate(self) -> None:
        with self.progress.stopped():
            score, seconds = self.evaluate("validation")
        self.val_seconds += seconds
        if not math.isfinite(score.val_loss_nats):
            raise FloatingPointError(f"the weights score {score.val_bpb} on validation: nothing is published")
        self.write(log.ValStep.of(self.progress, val_loss=score.val_loss_nats, val_bpb=score.val_bpb))

    def evaluate(self, what: str) -> tuple[Score, float]:
        """Score the current weights on all validation tokens, over all ranks; also return the seconds it took."""
        s = self.settings
        ranks = self.ranks
        is_final = what == "evaluation"
        seq_len = s.final_seq_len if is_final else s.train_seq_len
        call_tokens = CPU_CALL_TOKENS if ranks.device.type == "cpu" else s.val_batch_size // MICRO_BATCHES
        stride = s.eval_stride if is_final else 0
        model.FAST_SCORES = not is_final  # the final score is what golfcheck gets from the artifact, to the bit
        loss = partial(self.learner.loss, reduction="none") if stride else self.learner.loss
        start = time.perf_counter()
        with torch.autocast(ranks.device.type, torch.bfloat16):
            score = evaluate(
                loss, self.final_tokens if is_final else self.val_tokens, self.table, seq_len=seq_len, stride=stride,
                batch_seqs=max(1, call_tokens // seq_len), device=ranks.device, rank=ranks.rank,
                world_size=ranks.world_size, reduce=dist.all_reduce if ranks.world_size > 1 else None,
                progress=lambda done, total: self._show(done / total, f"{what}  {done:,}/{total:,} sequences"),
            )  # fmt: skip
        return score, time.perf_counter() - start

    def export(self) -> None:
        """Write the weights and the artifact, read the artifact back from disk, and score that."""
        self.write(log.PeakMemory(**machine.peak_memory_mib(self.ranks.device)))
        if self.ranks.rank == 0:
            self._write_model()
        # The score that counts is that of the file, as others will load it.
        with self.phase("reading"):
            blob = self.ranks.gather(self.artifact_file.read_bytes() if self.ranks.rank == 0 else b"")[0]
            self.gpt.load_state_dict(artifact.dequantize(artifact.unpack(blob)))
        score, seconds = self.evaluate("evaluation")
        self.write(log.Phase(name="evaluation", seconds=seconds))
        self.write(log.Final(val_loss=score.val_loss_nats, val_bpb=score.val_bpb, eval_ms=1000.0 * seconds))
        self.write(log.FinalExact(val_loss=score.val_loss_nats, val_bpb=score.val_bpb))

    def _write_model(self) -> None:
        s = self.settings
        state = self.gpt.state_dict()
        with self.phase("quantization"):
            keep_fp32 = [pattern for pattern in s.int8_keep_float_fp32_name_patterns.split(",") if pattern]
            stated = {"eval_seq_len": s.eval_seq_len} if s.eval_seq_len else {}
            obj = artifact.quantize(state, keep_fp32, model_config=asdict(self.config), **stated)
            artifact.check(obj)
            packed = artifact.pack(obj, search=s.zlib == "best")
        if s.zlib == "best":
            self.write(log.ZlibSearch.of(packed))
        with self.phase("serialization"):
            raw_model = artifact.dump(state)
            write_atomic(self.model_file, raw_model)
            write_atomic(self.artifact_file, packed.blob)
        ratio = sum(t.nbytes for t in state.values()) / packed.payload_bytes
        self.write(log.ModelBytes(size_bytes=len(raw_model)))
        self.write(log.CodeBytes(size_bytes=self.code_bytes))
        self.write(log.TotalBytes(size_bytes=self.code_bytes + len(raw_model)))
        self.write(log.Int8ModelBytes.of(packed, size_bytes=len(packed.blob), payload_ratio=ratio))
        self.write(log.Int8TotalBytes(size_bytes=self.code_bytes + len(packed.blob)))

    def _save(self) -> None:
        """Write all that the next step depends on, unless its weights are broken: then the last good one stays."""
        if not all(bool(p.isfinite().all()) for p in self.gpt.parameters()):
            return  # on all ranks alike
        where = {"step": self.progress.step, "train_ms": self.progress.train_ms, "position": self.feed.position}
        state = where | {"ranks": self.ranks.gather(self.learner.own_state())}
        if self.ranks.rank == 0:
            state |= self.learner.shared_state() | {"settings": asdict(self.settings)}
            try:
                write_atomic(self.out / "checkpoint.pt", artifact.dump(state))
            except OSError as error:  # a run that cannot be saved now can still be finished
                self.write(log.Problem(text=error.strerror))
