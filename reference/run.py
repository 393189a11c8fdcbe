"""One run of the trainer: data → model → optimizers → loop → artifact → score, with every line of its log.

Most lines are the contest's, which everybody's tools read: not a character of them may change. Our own begin with words
that no line of the contest begins with. golfcheck/trainlog/loglines.py reads both. Losses are in nats.
"""

import contextlib
import math
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import artifact
import data
import machine
import model
import torch
from bpb import ByteTable, Score
from files import Journal, write_atomic
from learner import Learner, model_config, read_checkpoint
from progress import Progress
from ranks import Ranks, Signals
from settings import MICRO_BATCHES, Settings

data_digest = cache(data.digest)  # the same for every seed
HASHER = ThreadPoolExecutor(1)  # apart from the threads that read shards, for which training waits


@dataclass(eq=False)
class Run:
    """One seed: its log, its data, the model and its optimizers, and how far it is."""

    settings: Settings
    ranks: Ranks
    signals: Signals
    sources: dict[str, bytes]

    def __post_init__(self) -> None:
        s = self.settings
        ranks = self.ranks
        self.out = Path(s.out)
        self.log = self.out / "logs" / f"{s.run_id}.txt"
        self.model_file = self.out / (f"final_model_seed{s.seed}.pt" if s.seeds else "final_model.pt")
        self.artifact_file = self.model_file.with_suffix(".int8.ptz")
        self.journal = Journal(self.log if ranks.rank == 0 else None)
        self.write = self.journal.write
        self.progress = Progress(s)
        self.final_seq_len = s.eval_seq_len or s.train_seq_len  # of the evaluation that counts
        self.val_seconds = 0.0
        self.problem = ""  # what was wrong with the data, if that ended training
        self.compiled = s.compile == "on" or (s.compile == "auto" and ranks.device.type == "cuda")
        self.code_bytes = sum(map(len, self.sources.values()))
        # The code that runs, file by file, and what it runs on.
        for name, text in self.sources.items():
            self.write(f"# file: {name}, {len(text)} bytes", show=False)
            self.write(text.decode().removesuffix("\n"), show=False)
        python = sys.version.replace("\n", "")
        versions = f"Running Python {python}\nRunning PyTorch {torch.__version__}"
        rule = "=" * 100
        self.write(f"{rule}\n{versions}\n{machine.output('nvidia-smi')}\n{rule}", show=False)
        self.config = model_config(s)
        self.kernels = machine.choose_kernels(ranks.device, self.config.head_dim, s.flash_attention)
        # Before minutes are spent on data: a run of another shape or split cannot be resumed.
        self.resumed = read_checkpoint(Path(s.resume), s, ranks.world_size) if s.resume else None
        with self.phase("data"):
            self._open_data()
        with self.phase("building"):
            self._build()

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time a part of the run: every part has its line in the log."""
        start = time.perf_counter()
        yield
        self.write(f"phase:{name} seconds:{time.perf_counter() - start:.3f}")

    def _open_data(self) -> None:
        s = self.settings
        folder = Path(s.data_path)
        self.shards = data.shard_paths(folder, "train")
        val_shards = data.shard_paths(folder, "val")
        self.table = ByteTable.load(Path(s.tokenizer_path), s.vocab_size)
        self._seek((0, 0))
        self.val_tokens = data.read_validation(val_shards, s.train_seq_len, s.vocab_size)
        self.final_tokens = data.read_validation(val_shards, self.final_seq_len, s.vocab_size)
        text_bytes = int(self.table.count(self.val_tokens).sum())
        if not text_bytes:
            raise ValueError(f"{folder}: the validation tokens stand for no text: is {s.tokenizer_path} theirs?")
        tokens = self.val_tokens.size - 1
        self.write(f"val_bpb:enabled tokenizer_kind=sentencepiece tokenizer_path={s.tokenizer_path}")
        self.write(f"train_loader:dataset:{folder.resolve().name} train_shards:{len(self.shards)}")
        self.write(f"val_loader:shards pattern={s.data_path}/fineweb_val_*.bin tokens:{tokens}")
        self.write(f"data:val_text tokens:{tokens} bytes:{text_bytes}")  # what bits per byte divides by
        if self.ranks.rank == 0:
            self.write(f"data:tokenizer pieces:{s.vocab_size} sha256:{data.sha256(Path(s.tokenizer_path))}")
            self._write_digest("val", val_shards)
            # Hashing 16 GB of training data may take minutes, and idle GPUs cost money: training does not wait for it.
            self.digest = HASHER.submit(data_digest, tuple(self.shards))

    def _write_digest(self, split: str, paths: list[Path]) -> None:
        tokens = sum(map(data.shard_tokens, paths))
        self.write(f"data:{split}_shards files:{len(paths)} tokens:{tokens} sha256:{data_digest(tuple(paths))}")

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
        self.gpt = model.GPT(self.config, self.final_seq_len).to(ranks.device)
        self.learner = Learner(self.gpt, s, ranks, self.compiled)
        self.token_flop = self.gpt.flop_per_token()
        self.matmul = machine.matmul_flops(ranks.device) * ranks.world_size
        for line in self.learner.about(self.kernels, self.compiled):
            self.write(line)
        git = ("git", "-C", str(Path(__file__).parent))
        if commit := machine.output(*git, "rev-parse", "HEAD"):
            self.write(f"code:git commit:{commit} changed:{bool(machine.output(*git, 'status', '--porcelain', '.'))}")

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
            self.write(f"resumed_from_step:{progress.step}")
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
            # The next batch was read during this step. If it cannot be read, this step is the last.
            self.problem = " ".join(str(self.feed.ahead.exception() or "").split())
            ends = {"nonfinite_loss": not math.isfinite(loss_sum), "signal": bool(self.signals)}
            reason = progress.advance(self.ranks.agree, **ends, data_error=bool(self.problem))
            if reason or progress.is_logged:
                self._write_step(f"train_loss:{self.learner.losses[0].item():.4f}")
            tokens_per_s = 1000.0 * s.train_batch_tokens / progress.step_avg_ms
            left_s = progress.train_ms / 1000.0 * (1.0 / progress.share - 1.0)
            pace = f"{tokens_per_s:,.0f} tokens/s  {left_s:,.0f} s left"
            self._show(progress.share, f"step {progress.step}  loss {loss:.3f}  {pace}")
            # A run ended by a signal can be resumed. Its checkpoint comes first: launchers soon kill what does not end.
            if reason == "signal" or (progress.is_due(s.save_every) and reason != "nonfinite_loss"):
                with progress.stopped(), self.phase("checkpoint"):
                    self._save()
        self.signals.phase = "saved"
        if reason != "nonfinite_loss":
            self.learner.use_average()
            self._validate()
        self._report_training(reason)

    def _write_step(self, values: str) -> None:
        p = self.progress
        clock = f"train_time:{p.train_ms:.0f}ms step_avg:{p.step_avg_ms:.2f}ms"
        self.write(f"step:{p.step}/{p.iterations} {values} {clock}")

    def _warm_up(self) -> None:
        """Run whole steps, to compile and to warm every kernel, and undo them; --profile traces the last."""
        steps = self.settings.warmup_steps
        position = self.feed.position
        with self.learner.undone():
            for step in range(1, steps + 1):
                is_traced = self.settings.profile and step == steps and self.ranks.rank == 0
                with torch.profiler.profile() if is_traced else contextlib.nullcontext() as profile:
                    self._train_step()
                if profile:
                    profile.export_chrome_trace(str(self.out / "trace.json"))  # https://ui.perfetto.dev shows it
                if steps <= 20 or step % 10 == 0 or step == steps:
                    self.write(f"warmup_step:{step}/{steps}")
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
            time_and_step = f"train_time:{progress.train_ms:.0f}ms step:{progress.step}/{progress.iterations}"
            self.write(f"stopping_early: {reason} {time_and_step}")
        if reason == "data_error":
            self.problem = max(self.ranks.gather(self.problem))  # not every rank has seen it
            self.write(f"problem:{self.problem}")
        if self.ranks.rank == 0:
            self.digest.result()
            self._write_digest("train", self.shards)
        self.write(f"phase:training seconds:{progress.train_ms / 1000.0:.3f}")
        if progress.step_avg_ms:
            tokens_per_s = 1000.0 * self.settings.train_batch_tokens / progress.step_avg_ms
            flops = tokens_per_s * self.token_flop  # FLOP/s; compared with what products of bf16 matrices reach here
            share = flops / self.matmul
            self.write(f"speed:training tokens/s:{tokens_per_s:.0f} flop/s:{flops:.0f} matmul_share:{share:.3f}")
        self.write(f"phase:validation seconds:{self.val_seconds:.3f}")
        if reason == "nonfinite_loss":
            why = f"the loss of step {progress.step} is not finite"
            raise FloatingPointError(f"{why}: nothing is published; lower the learning rates")

    def _validate(self) -> None:
        with self.progress.stopped():
            score, seconds = self.evaluate("validation")
        self.val_seconds += seconds
        if not math.isfinite(score.val_loss_nats):
            raise FloatingPointError(f"the weights score {score.val_bpb} on validation: nothing is published")
        self._write_step(f"val_loss:{score.val_loss_nats:.4f} val_bpb:{score.val_bpb:.4f}")

    def evaluate(self, what: str) -> tuple[Score, float]:
        """Score the current weights on all validation tokens, over all ranks; also return the seconds it took."""
        is_final = what == "evaluation"
        seq_len = self.final_seq_len if is_final else self.settings.train_seq_len
        stride = self.settings.eval_stride if is_final else 0
        model.FAST_SCORES = not is_final  # the final score is what golfcheck gets from the artifact, to the bit
        start = time.perf_counter()
        score = self.learner.score(
            self.final_tokens if is_final else self.val_tokens, self.table, seq_len, stride,
            lambda done, total: self._show(done / total, f"{what}  {done:,}/{total:,} sequences"),
        )  # fmt: skip
        return score, time.perf_counter() - start

    def export(self) -> None:
        """Write the weights and the artifact, read the artifact back from disk, and score that."""
        allocated, reserved = machine.peak_memory_mib(self.ranks.device)
        self.write(f"peak memory allocated: {allocated} MiB reserved: {reserved} MiB")
        if self.ranks.rank == 0:
            self._write_model()
        # The score that counts is that of the file, as others will load it.
        with self.phase("reading"):
            blob = self.ranks.gather(self.artifact_file.read_bytes() if self.ranks.rank == 0 else b"")[0]
            self.gpt.load_state_dict(artifact.dequantize(artifact.unpack(blob)))
        score, seconds = self.evaluate("evaluation")
        self.write(f"phase:evaluation seconds:{seconds:.3f}")
        name = "final_int8_zlib_roundtrip"
        rounded = f"val_loss:{score.val_loss_nats:.4f} val_bpb:{score.val_bpb:.4f}"
        self.write(f"{name} {rounded} eval_time:{1000.0 * seconds:.0f}ms")
        self.write(f"{name}_exact val_loss:{score.val_loss_nats:.8f} val_bpb:{score.val_bpb:.8f}")

    def _write_model(self) -> None:
        s = self.settings
        state = self.gpt.state_dict()
        with self.phase("quantization"):
            keep_fp32 = [pattern for pattern in s.int8_keep_float_fp32_name_patterns.split(",") if pattern]
            stated = {"eval_seq_len": s.eval_seq_len} if s.eval_seq_len else {}
            obj = artifact.quantize(state, keep_fp32, model_config=asdict(self.config), **stated)
            artifact.check(obj)
            blob, payload_bytes, raw_bytes, saved_bytes = artifact.pack(obj, search=s.zlib == "best")
        if s.zlib == "best":
            self.write(f"zlib:best saved_bytes:{saved_bytes}")
        with self.phase("serialization"):
            raw_model = artifact.dump(state)
            write_atomic(self.model_file, raw_model)
            write_atomic(self.artifact_file, blob)
        ratio = sum(t.nbytes for t in state.values()) / payload_bytes
        self.write(f"Serialized model: {len(raw_model)} bytes")
        self.write(f"Code size: {self.code_bytes} bytes")
        self.write(f"Total submission size: {self.code_bytes + len(raw_model)} bytes")
        sizes = f"payload:{payload_bytes} raw_torch:{raw_bytes} payload_ratio:{ratio:.2f}x"
        self.write(f"Serialized model int8+zlib: {len(blob)} bytes ({sizes})")
        self.write(f"Total submission size int8+zlib: {self.code_bytes + len(blob)} bytes")  # what is capped

    def _save(self) -> None:
        """Write all that the next step depends on, unless its weights are broken: then the last good one stays."""
        if not all(bool(p.isfinite().all()) for p in self.gpt.parameters()):
            return  # on all ranks alike
        where = {"step": self.progress.step, "train_ms": self.progress.train_ms, "position": self.feed.position}
        state = where | {"ranks": self.ranks.gather(self.learner.own_state())}
        try:
            if self.ranks.rank == 0:
                state |= self.learner.shared_state() | {"settings": asdict(self.settings)}
                write_atomic(self.out / "checkpoint.pt", artifact.dump(state))
        except OSError as error:  # a run that cannot be saved now can still be finished
            self.write(f"problem:{error.strerror}")
