"""A whole rescoring, step by step: read, build, check, measure, judge."""

import platform
import time
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import golfcheck.reference.model
from golfcheck.core.errors import GolfcheckError
from golfcheck.core.numbers import whole_minutes_text
from golfcheck.core.progress import narrate
from golfcheck.reference.data import Tokens, digest
from golfcheck.reference.ranks import Ranks
from golfcheck.reference.settings import CONTROL_TENSORS
from golfcheck.rescore import control, early, fit, judge, measure, numerics, shipped, submitted, weights, wrappers
from golfcheck.rescore.prepare import Prepared, Request, Stage, Text, assumption, digest_of, named, prepare
from golfcheck.rescore.report import Claim, FileDigest, Measured, RawCheck, Rescore, RescoreOutcome, Sourced
from golfcheck.rescore.target import Target, read_file
from golfcheck.untrusted.artifacts import load
from golfcheck.untrusted.readlimits import Limits

MAX_RAW_BYTES = 256 << 20  # the contest's model takes 67 MB
SLOW_SECONDS = 600.0  # on a CPU: a full evaluation that takes longer is estimated, unless it is asked for


def rescore(target: Target, request: Request, ranks: Ranks, stage: Stage) -> Rescore:
    """Prepare one artifact and evaluate it; see `prepare` and `evaluate`."""
    return evaluate(prepare(target, request), request, ranks, stage)


def evaluate(prepared: Prepared, request: Request, ranks: Ranks, stage: Stage) -> Rescore:
    """Score one artifact, over all ranks, and compare it with its claim.

    `stage(name)` is called when a stage begins, and returns a function for its progress, which is called with the
    number of sequences done and in total. Raises Refused for an artifact that must not be evaluated, and GolfcheckError
    if it cannot be.
    """
    start = time.perf_counter()
    target, claim, text, path = prepared.target, prepared.target.claim, prepared.text, prepared.target.path
    raw = _raw_check(prepared.tree, request.raw, target.log_settings) if request.raw else None
    notes, settings = list(prepared.notes), dict(prepared.settings)
    plan: early.Plan | None = None
    report: FileDigest | None = None
    precision = judge.precision_of(claim, request.precision)
    is_compiled = request.attention == "auto" and (claim is None or claim.device != "cpu")
    other_code = shipped.difference(target.sources)
    if claim is not None and (doubt := _undecidable(claim, prepared, other_code)):
        narrate(f"{path}: {doubt}")
    with named(path):
        config = weights.config_of(prepared.sizes, prepared.options)
        state = weights.state_of(prepared.tree)  # after its shapes were checked: floats take four times the memory

    def evaluation(rope_tables: str) -> measure.Evaluation:
        tabled = replace(config, rope_tables=rope_tables)
        return measure.Evaluation(state, tabled, precision, ranks, compiled=is_compiled)

    def is_enough(so_far: Measured) -> bool:
        return judge.settled(claim, so_far, tolerance_bpb)

    def score(model: measure.Evaluation) -> Measured:
        draw = stage(f"{model.config.rope_tables} tables" + (f", {model.mlp}" if model.mlp else ""))
        with named(path):
            if plan is not None:
                return early.score(model, text.tokens, plan, is_enough, draw)
            return model.score(text.tokens, text.num_bytes, draw, prepared.stride)

    tolerance_bpb, tolerance_source = judge.tolerance(claim, ranks.device.type, request.tolerance_bpb)
    with named(path):
        model = evaluation(config.rope_tables)
        probes = model.probe(text.tokens)
        if prepared.stride is not None:
            _check_time(prepared, request, model)
        elif is_estimate(request, model, text.tokens, notes):
            plan, report = plan_of(request, ranks, text, seq_len=prepared.seq_len)
    measured, other = score(model), None
    tables_are_stated = settings["rope_tables"].source != numerics.DEFAULT_SOURCE
    is_missed = claim and not judge.comparable(claim, measured) and not judge.meets(claim, measured, tolerance_bpb)
    is_hurried = tables_are_stated and measured.estimate is not None  # other tables would only be a diagnosis
    for tables in numerics.OTHER_TABLES[config.rope_tables] if is_missed and not is_hurried else ():
        other = score(evaluation(tables))
        if claim and judge.meets(claim, other, tolerance_bpb):
            break
    mlp = None
    if (
        is_missed
        and (other_code or not target.sources)
        and not (other and claim and judge.meets(claim, other, tolerance_bpb))
    ):
        with named(path):
            mlp = fit.best(model, text.tokens)
        if mlp is not None:
            model.use(mlp)
            other, tables_are_stated = score(model), False
    outcome, reason = judge.decide(claim, measured, other, tolerance_bpb, tables_are_stated)
    if outcome is RescoreOutcome.CONFIRMED and other is not None:
        measured, other = other, measured
        settings["rope_tables"] = Sourced(str(measured.rope_tables), "the claim, which the others miss")
    for cause in (
        judge.other_code(claim, [score for score in (measured, other) if score], other_code),
        mlp and f"the function in the MLP is stated nowhere, and {mlp} fits the weights better than the reference's",
        assumption(settings["seq_len"]),
        _partial(prepared),
        judge.other_precision(claim, measured, tolerance_bpb),
    ):
        outcome, reason = judge.excused(outcome, reason, cause)
    # If the log's score holds, model and text are the right ones, and nothing excuses a wrong score in the JSON.
    outcome, reason = judge.also(outcome, reason, target.json_claim, measured, _json_tolerance(target, request, ranks))
    if not all(probe.passed for probe in probes):
        outcome, reason = RescoreOutcome.REFUTED, "a probe of the loaded model failed"
    return Rescore(
        artifact=prepared.artifact,
        tokenizer=text.tokenizer,
        shards=text.shards,
        seed=target.seed,
        settings=settings | {"data": Sourced(str(text.inputs.shards[0].parent), text.inputs.source)},
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
        text=text.words,
    )


def _undecidable(claim: Claim, prepared: Prepared, other_code: str | None) -> str | None:
    """Return why a claim will stay open, if that is clear before the evaluation, and what would decide it."""
    num_bytes = prepared.text.num_bytes
    if (other := judge.other_text(claim, num_bytes.size, int(num_bytes.sum()))) is not None:
        what, claimed, here = other
        return f"the claim is about {claimed:,} {what}, the text here has {here:,}: they cannot be compared"
    if other_code is not None:
        return (
            f"the record ships other code than the reference's: a missed claim decides nothing, a {submitted.NAME} does"
        )
    for cause in (assumption(prepared.settings["seq_len"]), _partial(prepared)):
        if cause is not None:
            return f"a missed claim decides nothing: {cause}"
    return None


def _json_tolerance(target: Target, request: Request, ranks: Ranks) -> float:
    return judge.tolerance(target.json_claim, ranks.device.type, request.tolerance_bpb)[0]


def _partial(prepared: Prepared) -> str | None:
    """Return a reason to leave the claim open if only part of the text was scored and the claim may be about all."""
    claim, text = prepared.target.claim, prepared.text
    if not text.is_partial or claim is None or claim.tokens is not None:
        return None
    return f"--val-tokens scored only the first {text.tokens.size - 1:,} tokens, which the claim need not be about"


def _check_time(prepared: Prepared, request: Request, model: measure.Evaluation) -> None:
    """Raise GolfcheckError if the claim's sliding window would take too long here and was not requested explicitly."""
    if request.stride is not None or request.estimate is False or model.device.type != "cpu" or not prepared.stride:
        return
    seconds = model.seconds_for(prepared.text.tokens) * prepared.seq_len / prepared.stride
    if seconds > SLOW_SECONDS:
        takes = f"about {whole_minutes_text(seconds)} minutes here"
        way = f"the claim is of a window that slides by {prepared.stride}, {takes}"
        raise GolfcheckError(
            f"rescore: {prepared.target.path}: {way}: give --full for all of it, or --val-tokens N with a --claim "
            "about so much text"
        )


def is_estimate(request: Request, model: measure.Evaluation, tokens: Tokens, notes: list[str]) -> bool:
    """Tell whether to estimate: as requested, else if the whole text would take too long on a CPU, with a note."""
    if request.stride is not None or request.estimate is False:
        return False
    if request.estimate or request.control is not None:
        return True
    if model.device.type != "cpu" or (seconds := model.seconds_for(tokens)) <= SLOW_SECONDS:
        return False
    notes.append(
        f"the whole text would take about {whole_minutes_text(seconds)} minutes here: estimated; "
        "--full scores all of it"
    )
    return True


def plan_of(request: Request, ranks: Ranks, text: Text, *, seq_len: int) -> tuple[early.Plan, FileDigest | None]:
    """Return the plan of an estimate, and the report that it uses as a control."""
    report, losses = None, None
    if request.control is not None:
        count = (text.tokens.size - 1) // seq_len
        report, losses = control.read(request.control, text.shards, seq_len, count)
    seed, source = early.draw_seed(request.order_seed, ranks)
    plan = early.plan(
        text.tokens, text.num_bytes, seq_len, losses,
        order_seed=seed, order_source=source, within_bpb=request.within_bpb,
    )  # fmt: skip
    return plan, report


def _raw_check(tree: dict[str, Any], path: Path, log: dict[str, str]) -> RawCheck:
    data = read_file(path, MAX_RAW_BYTES, "what torch.save made of a state dict")
    keep = log.get("int8_keep_float_fp32_name_patterns", CONTROL_TENSORS).split(",")
    with named(path):
        raw = load(data, replace(Limits(), file_bytes=MAX_RAW_BYTES), zipped=False)
        tensors, differ = weights.differences(tree, wrappers.unwrapped_state(raw), keep)
    return RawCheck(digest_of(str(path), data), tensors, differ)


def code_digest() -> str:
    """Return one sha256 of our evaluation code: that of the output of `sha256sum` for its files, in order."""
    ours, theirs = Path(__file__).parent, Path(golfcheck.reference.model.__file__).parent
    paths = [theirs / f"{name}.py" for name in ("artifact", "bpb", "data", "model")]
    paths += sorted(ours.glob("*.[cp]*"))
    paths += [path for name in ("box", "untrusted") for path in sorted((ours.parent / name).glob("*.py"))]
    return digest(paths)


def versions() -> dict[str, str]:
    """Return the versions of Python and the packages that a score depends on."""
    return {"python": platform.python_version()} | {
        name: metadata.version(name) for name in ("torch", "numpy", "sentencepiece")
    }
