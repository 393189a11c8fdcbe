"""All of a rescoring, in order: find, read, build, check, measure, judge."""

import hashlib
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import golfcheck.reference.model
from golfcheck.core.errors import GolfcheckError, Refused, UsageError
from golfcheck.core.progress import narrate
from golfcheck.reference.bpb import ByteTable
from golfcheck.reference.data import Tokens, digest, read_validation
from golfcheck.reference.model import GPTConfig
from golfcheck.reference.ranks import Ranks
from golfcheck.reference.settings import CONTROL_TENSORS
from golfcheck.rescore import control, early, inputs, judge, measure, numerics, shipped, submitted, weights
from golfcheck.rescore.report import Claim, FileDigest, Measured, RawCheck, Rescore, RescoreOutcome, Sourced
from golfcheck.rescore.target import Target, read_file
from golfcheck.untrusted.limits import Limits
from golfcheck.untrusted.load import load

MAX_RAW_BYTES = 256 << 20  # the contest's model has 67 MB
SLOW_SECONDS = 600.0  # on a CPU: a full evaluation that takes longer is estimated, unless it is asked for
Stage = Callable[[str], Callable[..., object]]
# Refusals of what may be a sound artifact, of another format or architecture.
_OTHER_MODELS = {"ART_FORMAT_OWN", "ART_QFORMAT", "ART_KEYS", "ART_SHAPE"}
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
    estimate: bool | None = None  # score until enough is known; None: where the whole text takes too long on a CPU
    within_bpb: float = 0.002
    control: Path | None = None  # the report of a full rescoring of any artifacts on the same text
    order_seed: int | None = None  # of the order in which sequences are drawn; None: the system draws it
    precision: str = "bf16"
    # "auto": the compiled one where there is one, unless the claim was made on a CPU, and its last digits by torch's.
    attention: str = "auto"
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
    state: weights.State
    config: GPTConfig
    settings: dict[str, Sourced]
    notes: tuple[str, ...]


def rescore(target: Target, request: Request, ranks: Ranks, stage: Stage) -> Rescore:
    """Score one artifact, over all ranks, and compare it with its claim.

    `stage(name)` is told what begins and returns what is called with the sequences done and to do. Raises Refused for
    what must not or cannot be loaded, GolfcheckError for what is missing here.
    """
    start = time.perf_counter()
    with named(target.path):
        read, artifact = _read(target, request), digest_of(target.path, target.data)
    raw = _raw_check(read.tree, request.raw, target.log_settings) if request.raw else None
    config, settings, claim = read.config, dict(read.settings), target.claim
    if (stride := request.stride) is not None and not 0 < stride <= config.train_seq_len:
        raise UsageError(f"rescore: --stride must be from 1 to the sequence length {config.train_seq_len}")
    found = inputs.find(request.data, request.tokenizer, target.log_settings, config.vocab_size)
    tokenizer, shards = inputs.verify(found, target.log_settings, config.vocab_size)
    tokens, worth = text_of(found, config.train_seq_len, config.vocab_size, request.val_tokens)

    other_code = shipped.difference(target.sources)
    if claim is not None and (doubt := _undecidable(claim, tokens, worth, other_code, settings["seq_len"])):
        narrate(f"{target.path}: {doubt}")

    is_compiled = request.attention == "auto" and (claim is None or claim.device != "cpu")

    def evaluation(rope_tables: str) -> measure.Evaluation:
        tabled = replace(config, rope_tables=rope_tables)
        return measure.Evaluation(read.state, tabled, request.precision, ranks, compiled=is_compiled)

    def is_enough(so_far: Measured) -> bool:
        return judge.settled(claim, so_far, tolerance_bpb)

    def score(model: measure.Evaluation) -> Measured:
        draw = stage(f"{model.config.rope_tables} tables")
        with named(target.path):
            if plan is not None:
                return early.score(model, tokens, plan, is_enough, draw)
            if stride is None:
                return model.score(tokens, worth, draw)
            return model.score_sliding(tokens, worth, stride, draw)

    tolerance_bpb, tolerance_source = judge.tolerance(
        claim, request.precision, ranks.device.type, request.tolerance_bpb
    )
    model, plan, report, notes = evaluation(config.rope_tables), None, None, list(read.notes)
    with named(target.path):
        probes = model.probe(tokens)
        if is_estimate(request, model, tokens, notes):
            plan, report = plan_of(request, ranks, tokens, worth, shards=shards, seq_len=config.train_seq_len)
    measured, other = score(model), None
    tables_are_stated = settings["rope_tables"].source != numerics.DEFAULT_SOURCE
    is_missed = claim and not judge.comparable(claim, measured) and not judge.meets(claim, measured, tolerance_bpb)
    is_hurried = tables_are_stated and measured.estimate is not None  # other tables would only be a diagnosis
    if is_missed and not is_hurried:
        for tables in numerics.OTHER_TABLES[config.rope_tables]:
            other = score(evaluation(tables))
            if claim and judge.meets(claim, other, tolerance_bpb):
                break
    outcome, reason = judge.decide(claim, measured, other, tolerance_bpb, tables_are_stated)
    if outcome is RescoreOutcome.CONFIRMED and other is not None:
        measured, other = other, measured
        settings["rope_tables"] = Sourced(str(measured.rope_tables), "the claim, which the others miss")
    json_tolerance_bpb, _ = judge.tolerance(
        target.json_claim, request.precision, ranks.device.type, request.tolerance_bpb
    )
    outcome, reason = judge.also(outcome, reason, target.json_claim, measured, json_tolerance_bpb)
    outcome, reason = judge.excused(outcome, reason, other_code and f"the record ships other code: {other_code}")
    outcome, reason = judge.excused(outcome, reason, _assumed(settings["seq_len"]))
    if not all(probe.passed for probe in probes):
        outcome, reason = RescoreOutcome.REFUTED, "a probe of the loaded model failed"
    return Rescore(
        artifact=artifact,
        tokenizer=tokenizer,
        shards=shards,
        seed=target.seed,
        settings=settings | {"data": Sourced(str(found.shards[0].parent), found.source)},
        device=model.describe(),
        claim=claim,
        measured=measured,
        other_tables=other,
        tolerance_bpb=tolerance_bpb,
        tolerance_source=tolerance_source,
        outcome=outcome,
        reason=reason,
        probes=probes,
        raw=raw,
        control=report,
        json_claim=target.json_claim,
        other_code=other_code,
        notes=tuple(notes),
        seconds=time.perf_counter() - start,
    )


@contextmanager
def named(path: str | Path) -> Iterator[None]:
    """Name the file in what is refused: the readers know bytes and tensors."""
    try:
        yield
    except Refused as error:
        hint = f"; any model is scored through a {submitted.NAME}: docs/predictor.md" * (error.code in _OTHER_MODELS)
        raise Refused(error.code, f"{path}: {error.message}{hint}") from None


def _read(target: Target, request: Request) -> _Model:
    """Read an artifact, and make out the model in it."""
    tree = load(target.data, replace(Limits(), file_bytes=request.max_bytes))
    sound = weights.sound_of(tree)
    stated = tree.get("model_config", {})
    if not isinstance(stated, dict) or not all(isinstance(value, str | int | float) for value in stated.values()):
        raise Refused("ART_CONFIG", "model_config is no flat dict of strings and numbers")
    on_gpu = target.claim is not None and target.claim.device == "cuda"
    settings = numerics.resolve(request.flags(), stated, target.log_settings, on_gpu=on_gpu)
    options = {name: item.value for name, item in settings.items() if name != "seq_len"}
    config = weights.config_of(weights.shapes_of(sound), options | {"train_seq_len": settings["seq_len"].value})
    state = weights.state_of(sound)  # as floats four times as large: only once it is a model that we know
    told = {name: getattr(config, name) for name in _TOLD}
    notes = numerics.disagreements(stated, told)
    if (assumed := _assumed(settings["seq_len"])) is not None:
        notes.append(assumed)
    sourced = {name: Sourced(value, "the tensors") for name, value in told.items()}
    return _Model(tree, state, config, sourced | settings, tuple(notes))


def _undecidable(
    claim: Claim, tokens: Tokens, worth: measure.Vector, other_code: str | None, seq_len: Sourced
) -> str | None:
    """Return what is known before the work to leave a claim open, and what would decide it."""
    for what, claimed, here in (("tokens", claim.tokens, worth.size), ("bytes", claim.text_bytes, int(worth.sum()))):
        if claimed not in (None, here):
            return f"the claim is about {claimed:,} {what}, the text here has {here:,}: they cannot be compared"
    if other_code is not None:
        return f"the record ships other code, so a missed claim decides nothing: ship a {submitted.NAME}; {other_code}"
    if (assumed := _assumed(seq_len)) is not None:
        return f"a missed claim decides nothing: {assumed}"
    return None


def _assumed(seq_len: Sourced) -> str | None:
    """Return that a sequence length is nobody's: with another one every score is another."""
    if seq_len.source != numerics.DEFAULT_SOURCE:
        return None
    return f"nobody states the sequence length: {seq_len.value} is assumed; --seq-len says otherwise"


def is_estimate(request: Request, model: measure.Evaluation, tokens: Tokens, notes: list[str]) -> bool:
    """Tell whether to estimate: as asked, else by the time that the whole text would take on a CPU, with a note."""
    if request.stride is not None or request.estimate is False:
        return False
    if request.estimate or request.control is not None:
        return True
    if model.device.type != "cpu" or (seconds := model.seconds_for(tokens)) <= SLOW_SECONDS:
        return False
    notes.append(
        f"the whole text would take about {seconds / 60:,.0f} minutes here: estimated; --full scores all of it"
    )
    return True


def plan_of(
    request: Request, ranks: Ranks, tokens: Tokens, worth: measure.Vector, *,
    shards: tuple[FileDigest, ...], seq_len: int,
) -> tuple[early.Plan, FileDigest | None]:  # fmt: skip
    """Return the plan of an estimate, and the report that it makes use of."""
    report, losses = None, None
    if request.control is not None:
        report, losses = control.read(request.control, shards, seq_len, (tokens.size - 1) // seq_len)
    seed, source = early.draw_seed(request.order_seed, ranks)
    within_bpb = request.within_bpb
    plan = early.plan(tokens, worth, seq_len, losses, order_seed=seed, order_source=source, within_bpb=within_bpb)
    return plan, report


def digest_of(path: str, data: bytes) -> FileDigest:
    """Return the size and sha256 of a file that was read."""
    return FileDigest(path, len(data), hashlib.sha256(data).hexdigest())


def _raw_check(tree: dict[str, Any], path: Path, log: dict[str, str]) -> RawCheck:
    data = read_file(path, MAX_RAW_BYTES, "what torch.save made of a state dict")
    keep = log.get("int8_keep_float_fp32_name_patterns", CONTROL_TENSORS).split(",")
    with named(path):
        raw = load(data, replace(Limits(), file_bytes=MAX_RAW_BYTES), zipped=False)
        tensors, differ = weights.differences(tree, raw, keep)
    return RawCheck(digest_of(str(path), data), tensors, differ)


def text_of(found: inputs.Inputs, seq_len: int, vocab_size: int, first: int | None) -> tuple[Tokens, measure.Vector]:
    """Return the validation tokens [n + 1], n = seqs * seq_len, and how many bytes each predicted one is worth [n]."""
    try:
        tokens = read_validation(found.shards, seq_len, vocab_size)
        table = ByteTable.load(found.tokenizer, vocab_size)
    except (ValueError, OSError) as error:
        raise GolfcheckError(str(error)) from None
    if first is not None:
        if first < seq_len:
            raise UsageError(f"rescore: --val-tokens {first} is less than one sequence of {seq_len}")
        tokens = tokens[: first // seq_len * seq_len + 1]
    return tokens, table.count(tokens)  # once, for all evaluations


def code_digest() -> str:
    """Return one sha256 of our own evaluating code: of what `sha256sum` prints of its files, in their order."""
    ours, theirs = Path(__file__).parent, Path(golfcheck.reference.model.__file__).parent
    paths = [theirs / f"{name}.py" for name in ("artifact", "bpb", "data", "model")]
    paths += [*sorted(ours.glob("*.[cp]*")), *sorted((ours.parent / "untrusted").glob("*.py"))]
    return digest(paths)


def versions() -> dict[str, str]:
    """Return the versions of what a score depends on besides our own code."""
    return {"python": platform.python_version()} | {
        name: metadata.version(name) for name in ("torch", "numpy", "sentencepiece")
    }
