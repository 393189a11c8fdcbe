"""A whole rescoring with the submission's own predictor.py: start it, score it, run the twin test, judge."""

import time
from dataclasses import dataclass, replace
from pathlib import Path

from golfcheck.box import launch
from golfcheck.box.boxlimits import BoxLimits
from golfcheck.box.client import INTERFACE, Box
from golfcheck.core.errors import UsageError
from golfcheck.reference.data import Tokens
from golfcheck.reference.model import GPTConfig
from golfcheck.reference.ranks import Ranks
from golfcheck.rescore import attention, early, inputs, judge, rescoring, twin
from golfcheck.rescore.boxed import BoxedEvaluation
from golfcheck.rescore.measure import Interrupted
from golfcheck.rescore.prepare import Request, Stage, digest_of, named, text_for
from golfcheck.rescore.report import (
    Challenges,
    Claim,
    FileDigest,
    PredictorReport,
    Probe,
    Rescore,
    RescoreOutcome,
    Sourced,
)
from golfcheck.rescore.submitted import Submitted


@dataclass(frozen=True, slots=True)
class BoxRequest:
    """The user's options for the box and the twin test."""

    cuts: int = twin.DEFAULT_CUTS
    strict: bool = False
    sandboxed: bool = True
    limits: BoxLimits = BoxLimits()  # noqa: RUF009 - frozen


def rescore(submitted: Submitted, request: Request, boxes: BoxRequest, ranks: Ranks, stage: Stage) -> Rescore:
    """Score one seed of a submission by its own predictor, over all ranks, and compare it with its claim.

    Raises Refused (BOX_*) if the predictor misbehaves, NoSandbox if there is none, UsageError for options that
    do not apply to it, and on Ctrl-C `Interrupted` with the results so far.
    """
    start = time.perf_counter()
    if boxes.sandboxed:
        launch.sandbox()
    hidden = _hidden(request)
    library, how = _attention(request, submitted.target.claim, ranks)

    def box() -> Box:
        return Box(
            submitted.files, hidden,
            device=str(ranks.device), limits=boxes.limits, sandboxed=boxes.sandboxed, attention=library,
        )  # fmt: skip

    claim = submitted.target.claim
    claimed = claim.seq_len if claim else None
    with (
        named(submitted.path),
        BoxedEvaluation(box, ranks, request.seq_len, strict=boxes.strict, how=how, claimed_seq_len=claimed) as model,
    ):
        result = _rescore(submitted, request, boxes, model, stage)
    return replace(result, seconds=time.perf_counter() - start)


def _attention(request: Request, claim: Claim | None, ranks: Ranks) -> tuple[Path | None, str]:
    """Return the compiled attention's library, or None if boxes must do without it, and the reason.

    This is decided once for all boxes, because their answers must agree.
    """
    if ranks.device.type != "cpu" or request.attention != "auto" or (claim is not None and claim.device == "cpu"):
        return None, ""
    config = GPTConfig()
    kernel, why = attention.faster(config.num_heads, config.num_kv_heads, config.head_dim, config.train_seq_len)
    if not all(ranks.gather(kernel is not None)):  # all ranks must use the same kernel
        return None, f"torch's attention: {why}"
    return attention.library(), "compiled attention for bf16"


def _rescore(
    submitted: Submitted, request: Request, boxes: BoxRequest, model: BoxedEvaluation, stage: Stage
) -> Rescore:
    target, ranks, config, claim = submitted.target, model.ranks, model.config, submitted.target.claim
    _check(request, boxes, model)
    text = text_for(target, request, config.vocab_size, config.train_seq_len)
    tokens, num_bytes = text.tokens, text.num_bytes
    stride = None if boxes.strict else _stride(request, claim, model, tokens)
    if boxes.cuts and not boxes.strict:
        model.challenge(tokens, boxes.cuts, early.draw_seed(request.order_seed, ranks)[0], stride)

    # The submission says itself how its claim was computed: no other precision excuses another score.
    tolerance_bpb, tolerance_source = judge.tolerance(claim, ranks.device.type, request.tolerance_bpb)
    tolerance_source = tolerance_source.replace("same precision", "the submission's own arithmetic")
    notes, plan, report = list(target.notes), None, None
    may_estimate = not (model.adaptive or boxes.strict) and stride is None
    if may_estimate and rescoring.is_estimate(request, model, tokens, notes):
        plan, report = rescoring.plan_of(request, ranks, text, seq_len=config.train_seq_len)
    draw = stage("strictly" if boxes.strict else "score, reveal, adapt" if model.adaptive else "predictor.py")
    if plan is not None:
        measured = early.score(model, tokens, plan, lambda now: judge.settled(claim, now, tolerance_bpb), draw)
    else:
        measured = model.score(tokens, num_bytes, draw, stride)
    try:
        challenges = model.twin_test(stage("twin"))
    except KeyboardInterrupt:
        raise Interrupted(measured) from None
    outcome, reason = judge.decide(claim, measured, None, tolerance_bpb, tables_are_stated=True)
    outcome, reason = judge.also(outcome, reason, target.json_claim, measured, tolerance_bpb)
    if challenges is not None and (failures := challenges.failures()):
        outcome, reason = RescoreOutcome.REFUTED, "; ".join(failures)
    device = model.describe()
    model.boxes.retire()
    load, answers, adapt, peak = model.boxes.costs()
    return Rescore(
        artifact=_artifact(submitted),
        tokenizer=text.tokenizer,
        shards=text.shards,
        seed=target.seed,
        settings={
            "vocab_size": Sourced(config.vocab_size, "predictor.py"),
            "seq_len": Sourced(config.train_seq_len, _length_source(request, claim, model)),
            "data": Sourced(str(text.inputs.shards[0].parent), text.inputs.source),
        },
        device=device,
        claim=claim,
        measured=measured,
        other_tables=None,
        tolerance_bpb=tolerance_bpb,
        tolerance_source=tolerance_source,
        outcome=outcome,
        reason=reason,
        probes=_probes(challenges, strict=boxes.strict),
        raw=None,
        control=report,
        json_claim=target.json_claim,
        other_code=None,
        notes=tuple(notes),
        seconds=0.0,
        text=text.words,
        predictor=PredictorReport(
            interface=INTERFACE,
            sandbox=launch.sandbox() if boxes.sandboxed else None,
            files=tuple(digest_of(name, data) for name, data in submitted.files),
            visible_bytes=sum(len(data) for _, data in submitted.files),
            not_shown=submitted.not_shown,
            vocab_size=config.vocab_size,
            seq_len=model.longest,
            adaptive=model.adaptive,
            strict=boxes.strict,
            boxes=model.workers,
            load_seconds=load,
            answer_seconds=answers,
            adapt_seconds=adapt,
            peak_bytes=peak,
            challenges=challenges,
        ),
    )


def _length_source(request: Request, claim: Claim | None, model: BoxedEvaluation) -> str:
    """Return where the sequence length comes from."""
    if request.seq_len:
        return "--seq-len"
    is_claimed = claim is not None and claim.seq_len == model.config.train_seq_len
    return "the log" if is_claimed else "predictor.py"


def _check(request: Request, boxes: BoxRequest, model: BoxedEvaluation) -> None:
    """Raise UsageError if this predictor cannot be scored with these options."""
    longest = model.config.train_seq_len
    if request.stride is not None and not 0 < request.stride <= longest:
        raise UsageError(f"rescore: --stride must be from 1 to the sequence length {longest}")
    if not model.adaptive:
        return
    in_order = "this predictor adapts, so it is scored in the order of the text"
    if request.estimate or request.control:
        raise UsageError(f"rescore: {in_order}, which --estimate does not keep; --val-tokens N scores the first ones")
    if model.ranks.world_size > 1:
        raise UsageError(f"rescore: {in_order}, by one process: run it without torchrun")


def _stride(request: Request, claim: Claim | None, model: BoxedEvaluation, tokens: Tokens) -> int | None:
    """Return the sliding window's stride: the requested one, else the claim's if that does not take too long.

    A predictor that adapts is asked for each token only once, so it would have to slide the window itself.
    """
    seq_len = model.config.train_seq_len
    if request.stride is not None or claim is None or claim.stride is None or model.adaptive:
        return request.stride
    if request.estimate or request.control or claim.stride > seq_len:
        return None
    is_slow = model.device.type == "cpu" and model.seconds_for(tokens) * seq_len / claim.stride > rescoring.SLOW_SECONDS
    return None if is_slow and request.estimate is None else claim.stride


def _probes(challenges: Challenges | None, *, strict: bool) -> tuple[Probe, ...]:
    """Return the conditions of a valid score: met by construction, or checked by the twin test."""
    by_construction = "by construction"
    probes = [Probe("normalized", True, by_construction), Probe("scored before adapted", True, by_construction)]
    if strict:
        return (Probe("causal", True, f"{by_construction}: token by token"), *probes)
    if challenges is None:
        return tuple(probes)
    failures = challenges.failures()
    return Probe("causal and without trace", not failures, "; ".join(failures) or "the twin answers alike"), *probes


def _hidden(request: Request) -> list[Path]:
    """Return the folders that must not be visible in a box: those of the validation text."""
    folders = [inputs.STANDARD, *([request.data] if request.data else [])]
    return [folder.resolve() for folder in folders if folder.is_dir()]


def _artifact(submitted: Submitted) -> FileDigest:
    """Return the file that represents the submission in the report: its artifact, or predictor.py if it has none."""
    return digest_of(submitted.target.path, submitted.target.data)
