"""All of a rescoring, in order: find, read, build, check, measure, judge."""

import hashlib
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import reference.model
from golfcheck.errors import GolfcheckError, Refused, UsageError
from golfcheck.rescore import inputs, judge, measure, numerics
from golfcheck.rescore.report import FileDigest, Measured, Outcome, RawCheck, Rescore, Sourced
from golfcheck.rescore.target import Target, read_file
from golfcheck.untrusted.limits import Limits
from golfcheck.untrusted.load import load
from reference.bpb import ByteTable
from reference.data import Tokens, digest, read_validation
from reference.model import GPTConfig
from reference.ranks import Ranks
from reference.settings import CONTROL_TENSORS

MAX_RAW_BYTES = 256 << 20  # the contest's model has 67 MB
Stage = Callable[[str], measure.Progress]
# What the tensors tell of a model.
_TOLD = ("vocab_size", "num_layers", "model_dim", "num_heads", "num_kv_heads", "mlp_mult", "tie_embeddings")


@dataclass(frozen=True, slots=True)
class Request:
    """What the user wants; None is "find out"."""

    data: Path | None = None
    tokenizer: Path | None = None
    raw: Path | None = None  # the raw weights that the artifact should be made of
    val_tokens: int | None = None  # score only the first ones
    stride: int | None = None  # slide a window instead of cutting the text into sequences
    precision: str = "bf16"
    tolerance_bpb: float | None = None
    max_bytes: int = Limits().file_bytes
    seq_len: int | None = None
    rope_tables: str | None = None
    rope_base: float | None = None
    logit_softcap: float | None = None

    def flags(self) -> dict[str, Any]:
        """Return the settings of `numerics` that were given."""
        return {name: getattr(self, name) for name in ("seq_len", "rope_tables", "rope_base", "logit_softcap")}


@dataclass(frozen=True, slots=True)
class _Model:
    """An artifact as it was read: its tree, its weights, their configuration, and who said what."""

    tree: dict[str, Any]
    state: measure.State
    config: GPTConfig
    settings: dict[str, Sourced]
    notes: tuple[str, ...]


def rescore(target: Target, request: Request, ranks: Ranks, stage: Stage) -> Rescore:
    """Score one artifact, over all ranks, and compare it with its claim.

    `stage(name)` is told what begins and returns what is called with the sequences done and to do. Raises Refused for
    what must not or cannot be loaded, GolfcheckError for what is missing here.
    """
    start = time.perf_counter()
    read = _read(target, request)
    config, settings, claim = read.config, dict(read.settings), target.claim
    if (stride := request.stride) is not None and not 0 < stride <= config.train_seq_len:
        raise UsageError(f"rescore: --stride must be from 1 to the sequence length {config.train_seq_len}")
    found = inputs.find(request.data, request.tokenizer, target.log_settings, config.vocab_size)
    tokenizer, shards = inputs.verify(found, target.log_settings, config.vocab_size)
    tokens, table = _text(found, config.train_seq_len, config.vocab_size, request.val_tokens)

    def evaluation(rope_tables: str) -> measure.Evaluation:
        return measure.Evaluation(read.state, replace(config, rope_tables=rope_tables), request.precision, ranks)

    def score(model: measure.Evaluation) -> Measured:
        draw = stage(f"{model.config.rope_tables} tables")
        if stride is None:
            return model.score(tokens, table, draw)
        return model.score_sliding(tokens, table, stride, draw)

    model = evaluation(config.rope_tables)
    probes, measured, other = model.probe(tokens), score(model), None
    tolerance_bpb, tolerance_source = judge.tolerance(
        claim, request.precision, ranks.device.type, request.tolerance_bpb
    )
    if claim and not judge.comparable(claim, measured) and not judge.meets(claim, measured, tolerance_bpb):
        other = score(evaluation({"bf16": "fp32", "fp32": "bf16"}[config.rope_tables]))
    tables_are_stated = settings["rope_tables"].source != numerics.DEFAULT_SOURCE
    outcome, reason = judge.decide(claim, measured, other, tolerance_bpb, tables_are_stated)
    if outcome is Outcome.CONFIRMED and other is not None:
        measured, other = other, measured
        settings["rope_tables"] = Sourced(measured.rope_tables, "the claim, which the others miss")
    if not all(probe.passed for probe in probes):
        outcome, reason = Outcome.REFUTED, "a probe of the loaded model failed"
    return Rescore(
        artifact=_digest(target.path, target.data),
        tokenizer=tokenizer,
        shards=shards,
        seed=target.seed,
        settings=settings | {"data": Sourced(str(found.shards[0].parent), found.source)},
        device=measure.describe(ranks.device),
        claim=claim,
        measured=measured,
        other_tables=other,
        tolerance_bpb=tolerance_bpb,
        tolerance_source=tolerance_source,
        outcome=outcome,
        reason=reason,
        probes=probes,
        raw=_raw_check(read.tree, request.raw, target.log_settings) if request.raw else None,
        notes=read.notes,
        seconds=time.perf_counter() - start,
    )


def _read(target: Target, request: Request) -> _Model:
    """Read an artifact, and make out the model in it."""
    tree = load(target.data, replace(Limits(), file_bytes=request.max_bytes))
    state = measure.state_of(tree)
    stated = tree.get("model_config", {})
    if not isinstance(stated, dict) or not all(isinstance(value, str | int | float) for value in stated.values()):
        raise Refused("ART_CONFIG", "model_config is no flat dict of strings and numbers")
    settings = numerics.resolve(request.flags(), stated, target.log_settings)
    options = {name: item.value for name, item in settings.items() if name != "seq_len"}
    config = measure.config_of(state, options | {"train_seq_len": settings["seq_len"].value})
    told = {name: getattr(config, name) for name in _TOLD}
    notes = numerics.disagreements(stated, told)
    if settings["seq_len"].source == numerics.DEFAULT_SOURCE:
        notes.append(f"nobody states the sequence length: {config.train_seq_len} is assumed; --seq-len says otherwise")
    sourced = {name: Sourced(value, "the tensors") for name, value in told.items()}
    return _Model(tree, state, config, sourced | settings, tuple(notes))


def _digest(path: str, data: bytes) -> FileDigest:
    return FileDigest(path, len(data), hashlib.sha256(data).hexdigest())


def _raw_check(tree: dict[str, Any], path: Path, log: dict[str, str]) -> RawCheck:
    data = read_file(path, MAX_RAW_BYTES)
    raw = load(data, replace(Limits(), file_bytes=MAX_RAW_BYTES), zipped=False)
    keep = log.get("int8_keep_float_fp32_name_patterns", CONTROL_TENSORS).split(",")
    tensors, differ = measure.differences(tree, raw, keep)
    return RawCheck(_digest(str(path), data), tensors, differ)


def _text(found: inputs.Inputs, seq_len: int, vocab_size: int, first: int | None) -> tuple[Tokens, ByteTable]:
    """Return the validation tokens [seqs * seq_len + 1] and their tokenizer's table."""
    try:
        tokens = read_validation(found.shards, seq_len, vocab_size)
        table = ByteTable.load(found.tokenizer, vocab_size)
    except (ValueError, OSError) as error:
        raise GolfcheckError(str(error)) from None
    if first is not None:
        if first < seq_len:
            raise UsageError(f"rescore: --val-tokens {first} is less than one sequence of {seq_len}")
        tokens = tokens[: first // seq_len * seq_len + 1]
    return tokens, table


def code_digest() -> str:
    """Return one sha256 of our own evaluating code: of what `sha256sum` prints of its files, in their order."""
    ours, theirs = Path(__file__).parent, Path(reference.model.__file__).parent
    paths = [theirs / f"{name}.py" for name in ("artifact", "bpb", "data", "model")]
    paths += [*sorted(ours.glob("*.py")), *sorted((ours.parent / "untrusted").glob("*.py"))]
    return digest(paths)


def versions() -> dict[str, str]:
    """Return the versions of what a score depends on besides our own code."""
    return {"python": platform.python_version()} | {
        name: metadata.version(name) for name in ("torch", "numpy", "sentencepiece")
    }
