"""Train, quantize and score a small language model: `python train.py --smoke`, or under `torchrun`.

The only module that knows the others: settings → data → model → optimizers → loop → artifact → evaluation. They are
siblings and imported as such, so a copied folder trains its own code.
"""

import contextlib
import math
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, fields
from functools import cache
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch loads: threads that spin starve their neighbors
import artifact
import checkpoint
import data
import flash
import loglines as log
import machine
import model
import torch
import torch.distributed as dist
from bpb import ByteTable, Score, evaluate
from feed import Feed
from files import Outputs, lock, sweep_partial, write_atomic
from journal import Journal, say
from learner import CPU_CALL_TOKENS, Learner
from muon import Muon
from progress import Progress
from ranks import Ranks, variable
from settings import MICRO_BATCHES, Settings, parse
from signals import Signals

HERE = Path(__file__).resolve().parent
MODEL_SETTINGS = [field.name for field in fields(model.GPTConfig)]
data_digest = cache(data.digest)  # the same for every seed
HASHER = ThreadPoolExecutor(1)  # next to the threads that read shards, for which training waits


class Run:
    """One seed: its log, its data, the model and its optimizers, and how far it is."""

    def __init__(self, settings: Settings, ranks: Ranks, signals: Signals, sources: dict[str, bytes]) -> None:
        self.settings = settings
        self.ranks = ranks
        self.signals = signals
        self.files = Outputs(settings.out, settings.run_id, settings.seed if settings.seeds else None)
        self.journal = Journal(self.files.log if ranks.rank == 0 else None)
        self.write = self.journal.write
        self.progress = Progress(settings)
        self.val_seconds = 0.0
        self.feed: Any = None
        self.problem = ""  # with the data, which ended training
        self.compiled = settings.compiles(ranks.device.type)
        self.code_bytes = sum(map(len, sources.values()))
        machine.reset_peak_memory(ranks.device)  # what it says at the end is this seed's own
        for line in log.preamble(sources, torch.__version__, machine.output("nvidia-smi")):
            self.write(line, show=False)
        self.resumed = self._read_checkpoint() if settings.resume else None  # before minutes are spent on data
        with self.phase("data"):
            self._open_data()
        with self.phase("building"):
            self._build()

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time a part of the run: nothing is left outside of a clock."""
        start = time.perf_counter()
        yield
        self.write(log.Phase(name=name, seconds=time.perf_counter() - start))

    def _open_data(self) -> None:
        s = self.settings
        folder = Path(s.data_path)
        splits = {split: data.shard_paths(folder, split) for split in ("train", "val")}
        self.table = ByteTable.load(Path(s.tokenizer_path), s.vocab_size)
        self.shards = splits["train"]
        self._seek((0, 0))
        self.val_tokens = data.read_validation(splits["val"], s.train_seq_len, s.vocab_size)
        self.final_tokens = data.read_validation(splits["val"], s.final_seq_len, s.vocab_size)
        predicted = self.val_tokens.size - 1
        text_bytes = int(self.table.count(self.val_tokens).sum())
        if not text_bytes:
            raise ValueError(f"{folder}: the validation tokens stand for no text: is {s.tokenizer_path} theirs?")
        self.write(log.Tokenizer.of(s))
        self.write(log.TrainLoader(dataset=folder.resolve().name, shards=len(splits["train"])))
        self.write(log.ValLoader(glob=f"{s.data_path}/fineweb_val_*.bin", tokens=predicted))
        self.write(log.ValText(tokens=predicted, size_bytes=text_bytes))
        if self.ranks.rank == 0:
            self.write(log.TokenizerFile(pieces=s.vocab_size, sha256=data.sha256(Path(s.tokenizer_path))))
            self._write_digest("val", splits["val"])
            # 16 GB of training data may take minutes to hash, while idle GPUs cost money: training does not wait.
            self.digest = HASHER.submit(data_digest, tuple(self.shards))

    def _write_digest(self, split: str, paths: list[Path]) -> None:
        tokens = sum(map(data.shard_tokens, paths))
        self.write(log.DataFiles(split=split, files=len(paths), tokens=tokens, sha256=data_digest(tuple(paths))))

    def _seek(self, place: tuple[int, int]) -> None:
        """Go to a place of the stream, and have the step there read ahead."""
        before = self.feed.stop() if self.feed else None
        stream = data.TokenStream(self.shards, self.settings.vocab_size, place, before)
        self.feed = Feed(stream, self.settings.step_shape(self.ranks.world_size), self.ranks, data.READER.submit)

    def _build(self) -> None:
        s = self.settings
        ranks = self.ranks
        torch.manual_seed(s.seed)  # the same weights on all ranks, which then take the same steps
        config = model_config(s)
        flash.prefer(ranks.device, config.head_dim)
        self.gpt = model.GPT(config, s.final_seq_len).to(ranks.device)
        self.learner = Learner(self.gpt, s, ranks, Muon, self.compiled)
        self.token_flop = self.gpt.flop_per_token()
        self.matmul = machine.matmul_flops(ranks.device) * ranks.world_size
        heads = (s.num_heads, s.num_kv_heads, s.num_kv_heads)
        problem = flash.choose(model, heads, config.head_dim, ranks, self.compiled) if s.hub_kernels else ""
        if problem and ranks.rank == 0:
            say(f"train.py: without FlashAttention-3: {problem}", sys.stderr)
        facts: dict[str, Any] = {"params": sum(p.numel() for p in self.gpt.parameters()), "compiled": self.compiled}
        facts |= {"world_size": ranks.world_size, "grad_accum_steps": s.accumulation(ranks.world_size)}
        facts |= {"device": machine.device_name(ranks.device), **flash.backends(), **machine.git_commit(HERE)}
        scores = self.learner.call_seqs * s.num_heads * s.train_seq_len**2
        for line in log.about_model(s, kernel=model.attention_kernel(ranks.device, scores), **facts):
            self.write(line)

    def train(self) -> None:
        """Warm up, then train until the last iteration, the cap, or a signal."""
        s = self.settings
        progress = self.progress
        with self.phase("warmup"):
            self._warm_up()
        progress.begin(0, 0.0)
        if self.resumed:
            self._load(self.resumed)
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
                # Waits for the device, so not at every step. A sum stays what is no number: none goes unnoticed.
                loss, loss_sum = self.learner.losses.tolist()
            self.problem = self.feed.problem()
            reason = progress.advance(
                self.ranks.agree,
                nonfinite_loss=not math.isfinite(loss_sum),
                signal=bool(self.signals),
                data_error=bool(self.problem),
            )
            if reason or progress.is_logged:
                self.write(log.TrainStep.of(progress, train_loss=self.learner.losses[0].item()))
            pace = progress.pace(self.token_flop, self.matmul)
            self.journal.progress(pace.share, f"step {progress.step}  loss {loss:.3f}  {pace}")
            # What a signal ends can go on later: the checkpoint comes first, for launchers wait only so long.
            if reason == "signal" or (progress.is_due(s.save_every) and reason != "nonfinite_loss"):
                with progress.clock.stopped(), self.phase("checkpoint"):
                    self._save()
        self.signals.phase = "saved"
        if reason != "nonfinite_loss":
            self.learner.use_average()
            self._validate()
        if reason:
            self.write(log.Stopping.of(progress, reason=reason))
        if reason == "data_error":
            self.problem = max(self.ranks.gather(self.problem))  # only some ranks may have met it
            self.write(log.Problem(text=self.problem))
        if self.ranks.rank == 0:
            self.digest.result()
            self._write_digest("train", self.shards)
        self.write(log.Phase(name="training", seconds=progress.train_ms / 1000.0))
        if progress.step_avg_ms:
            self.write(log.Speed.of(progress.pace(self.token_flop, self.matmul)))
        self.write(log.Phase(name="validation", seconds=self.val_seconds))
        if reason == "nonfinite_loss":
            why = f"the loss of step {progress.step} is not finite"
            raise FloatingPointError(f"{why}: nothing is published; lower the learning rates")

    def _validate(self) -> None:
        with self.progress.clock.stopped():
            score, seconds = self.evaluate("validation")
        self.val_seconds += seconds
        if not math.isfinite(score.val_loss_nats):
            raise FloatingPointError(f"the weights score {score.val_bpb} on validation: nothing is published")
        self.write(log.ValStep.of(self.progress, val_loss=score.val_loss_nats, val_bpb=score.val_bpb))

    def _warm_up(self) -> None:
        """Run whole steps, to compile and to warm every kernel, and put everything back; --profile traces the last."""
        s = self.settings
        place = self.feed.place
        with self.learner.undone():
            for step in range(1, s.warmup_steps + 1):
                is_last = step == s.warmup_steps
                with machine.traced(self.files.folder, s.profile and is_last and self.ranks.rank == 0):
                    self._train_step()
                if s.warmup_steps <= 20 or step % 10 == 0 or is_last:
                    self.write(log.WarmupStep(step=step, steps=s.warmup_steps))
        self._seek(place)  # the tokens of the warm-up come again

    def _train_step(self) -> None:
        """Take one optimizer step; the learner's `losses` then has its mean loss on this rank in nats."""
        # Both depend on the step or the clock alone, so that all ranks have the same.
        self.learner.step(self.feed.take(), self.progress.lr_factor, self.progress.momentum)

    def evaluate(self, what: str) -> tuple[Score, float]:
        """Score the model as it is on all validation tokens, over all ranks; and the seconds that this took."""
        s = self.settings
        is_final = what == "evaluation"
        seq_len = s.final_seq_len if is_final else s.train_seq_len
        on_cpu = self.ranks.device.type == "cpu"
        options: dict[str, Any] = {
            "seq_len": seq_len,
            "batch_seqs": max(1, (CPU_CALL_TOKENS if on_cpu else s.val_batch_size // MICRO_BATCHES) // seq_len),
            "device": self.ranks.device,
            "rank": self.ranks.rank,
            "world_size": self.ranks.world_size,
            "reduce": dist.all_reduce if self.ranks.world_size > 1 else None,
            "progress": lambda n, all_: self.journal.progress(n / all_, f"{what}  {n:,}/{all_:,} sequences"),
        }
        start = time.perf_counter()
        with torch.autocast(self.ranks.device.type, torch.bfloat16):
            if is_final and s.eval_stride:
                nats = torch.compile(self.gpt.nats, dynamic=False) if self.compiled else self.gpt.nats
                score = evaluate(nats, self.final_tokens, self.table, stride=s.eval_stride, **options)
            else:
                tokens = self.final_tokens if is_final else self.val_tokens
                score = evaluate(self.learner.loss, tokens, self.table, **options)
        return score, time.perf_counter() - start

    def export(self) -> None:
        """Write the weights and the artifact, read the artifact back from disk, and score that."""
        s = self.settings
        self.write(log.PeakMemory(**machine.peak_memory_mib(self.ranks.device)))
        if self.ranks.rank == 0:
            state = self.gpt.state_dict()
            keep = [pattern for pattern in s.int8_keep_float_fp32_name_patterns.split(",") if pattern]
            with self.phase("quantization"):
                obj = artifact.sound(artifact.quantize(state, keep, model_config=asdict(self.gpt.config)))
                packed = artifact.pack(obj, search=s.zlib == "best")
            if s.zlib == "best":
                self.write(log.ZlibSearch(saved_bytes=len(artifact.pack(obj).blob) - len(packed.blob)))
            with self.phase("serialization"):
                raw_model = artifact.dump(state)
                write_atomic(self.files.model, raw_model)
                write_atomic(self.files.artifact, packed.blob)
            payload = artifact.payload_bytes(obj)
            facts = {"payload_bytes": payload, "payload_ratio": sum(t.nbytes for t in state.values()) / payload}
            for line in log.sizes(self.code_bytes, len(raw_model), len(packed.blob), packed, **facts):
                self.write(line)
        # What counts is what others can load: the file is read back, and its weights are scored.
        with self.phase("reading"):
            blob = self.ranks.gather(self.files.artifact.read_bytes() if self.ranks.rank == 0 else b"")[0]
            self.gpt.load_state_dict(artifact.dequantize(artifact.unpack(blob)))
        score, seconds = self.evaluate("evaluation")
        self.write(log.Phase(name="evaluation", seconds=seconds))
        self.write(log.Final(val_loss=score.val_loss_nats, val_bpb=score.val_bpb, eval_ms=1000.0 * seconds))
        self.write(log.FinalExact(val_loss=score.val_loss_nats, val_bpb=score.val_bpb))

    def _save(self) -> None:
        """Write all that the next step depends on, unless that step is lost: then the last good one stays."""
        if not all(bool(p.isfinite().all()) for p in self.gpt.parameters()):
            return  # on all ranks alike
        # As bytes: tensors would go to every rank's copy of their device.
        ranks = self.ranks.gather(artifact.dump(self.learner.own_state()))
        if self.ranks.rank == 0:
            state = self.progress.state() | {"place": self.feed.place, "ranks": ranks}
            state |= self.learner.shared_state() | {"settings": asdict(self.settings)}
            try:
                write_atomic(self.files.checkpoint, artifact.dump(state))
            except OSError as error:  # a run that cannot be saved now can still be finished
                self.write(log.Problem(text=error.strerror))

    def _read_checkpoint(self) -> dict[str, Any]:
        """Return the checkpoint to go on from; ValueError where it is of another run."""
        path = Path(self.settings.resume)
        state = checkpoint.read(path)
        ours = asdict(self.settings) | {"world_size": self.ranks.world_size}
        checkpoint.check(path, state, ours, [*MODEL_SETTINGS, "ema_decay", "seed", "train_batch_tokens", "world_size"])
        return state

    def _load(self, state: dict[str, Any]) -> None:
        self.learner.load(state, checkpoint.of_rank(state, self.ranks.rank))
        self._seek(state["place"])
        self.progress.begin(state["step"], state["train_ms"])
        self.write(log.Resumed.of(self.progress))


def model_config(s: Settings) -> model.GPTConfig:
    """Return the shape of the model that the settings ask for; ValueError for one that cannot be."""
    return model.GPTConfig(**{name: getattr(s, name) for name in MODEL_SETTINGS})


def run_seeds(settings: Settings, ranks: Ranks, sources: dict[str, bytes]) -> None:
    """Run the seeds one after another, and make their record."""
    signals = Signals()
    out = Path(settings.out)
    finished = list[Outputs]()
    if ranks.rank == 0:
        _held = lock(out)  # until this process ends
        sweep_partial(out)
        if settings.preset == "smoke" and not Path(settings.data_path).exists():
            machine.golfcheck("data", "demo")
    ranks.agree()  # the others wait for the data
    for own in settings.of_seeds():
        signals.phase = "starting"
        run = None  # frees the one before
        run = Run(own, ranks, signals, sources)
        run.train()
        run.export()
        finished.append(run.files)
        if ranks.agree(bool(signals), bool(run.problem)) != [0.0, 0.0]:
            break
    if ranks.rank == 0:
        files = ("--from", *(str(own.log) for own in finished), "--artifact", *(str(own.artifact) for own in finished))
        machine.golfcheck("new", "--into", str(out / "record"), "--name", settings.run_id, *files)
    ranks.agree()  # nobody leaves while another still works
    if run and run.problem:
        raise OSError(f"{run.problem}: what was trained before it is exported and scored")


def main(argv: list[str]) -> int:
    """Train as the command line and the environment say, and return the exit code."""
    sources = {path.name: path.read_bytes() for path in sorted(HERE.glob("*.py")) if path.stat().st_size}  # as they are
    rank = 0
    try:
        world_size = variable("WORLD_SIZE", 1)
        rank = variable("RANK", 0)
        settings = parse(argv, os.environ)
        settings.check(world_size)
        config = model_config(settings)
        ranks = Ranks.join(settings.device)
        rank = 0  # what all ranks find wrong alike is behind us: from here on each speaks for itself
        machine.check_memory(model.training_bytes(config), ranks.device)
        torch.set_num_threads(settings.threads or torch.get_num_threads())
        run_seeds(settings, ranks, sources)
    except Exception as error:
        code, problem = machine.explain(error)
    else:
        return 0
    if rank > 0:
        time.sleep(60.0)  # rank 0 says it, and its launcher ends the others
    say(f"train.py: {problem}", sys.stderr)
    return code


if __name__ == "__main__":
    # An interpreter that takes its time to end aborts where the thread that watches the ranks is inside the store.
    os._exit(main(sys.argv[1:]))
