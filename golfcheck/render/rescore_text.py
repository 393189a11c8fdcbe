"""A rescoring → a report for people."""

from collections import Counter
from collections.abc import Sequence
from math import isfinite
from statistics import mean as mean_of
from statistics import stdev

from golfcheck.core.numbers import (
    bound_text,
    bpb_text,
    cap_text,
    factor_text,
    fine_delta_text,
    measured_text,
    nats_text,
    percent_text,
    ratio_text,
    stated_text,
    tolerance_text,
    took_text,
)
from golfcheck.core.ruleset import ACCELERATOR, CLOCK_CAP_MS, SIZE_CAP_BYTES, TOKENIZERS, WORLD_SIZE, tokenizer_of
from golfcheck.core.text import safe, shell_word
from golfcheck.render import predictor_text
from golfcheck.render.page import Page
from golfcheck.rescore.report import Claim, Estimate, Mean, Measured, RawCheck, Rescore, RescoreOutcome

_STYLE = {
    RescoreOutcome.CONFIRMED: "ok",
    RescoreOutcome.REFUTED: "error",
    RescoreOutcome.MEASURED: "bold",
    RescoreOutcome.INCOMPARABLE: "warning",
}
_MODEL = ("num_layers", "model_dim", "num_heads", "num_kv_heads", "mlp_mult", "vocab_size", "tie_embeddings")
_WIDENED = "the losses vary less than a language model's do: the interval uses the text's own spread"


def render(rescore: Rescore, page: Page) -> str:
    """Return the block of one artifact."""
    measured, claim = rescore.measured, rescore.claim
    lines = [page.paint(safe(rescore.artifact.path), "bold")]
    if claim is not None:
        lines += page.flow("claimed", [*_claimed(claim, measured), (safe(claim.source), "dim")])
    if (stated := rescore.json_claim) is not None:
        lines += page.flow("JSON", [*_claimed(stated, measured), (safe(stated.source), "dim")])
    lines += page.flow("measured" if measured.estimate is None else "estimate", _score(measured))
    if measured.estimate is not None:
        lines += page.flow("", _estimate(measured, measured.estimate))
    if (delta_bpb := rescore.delta_bpb) is not None:
        delta = [(f"{fine_delta_text(delta_bpb)} bpb", _STYLE[rescore.outcome]), (_delta_nats(rescore, delta_bpb), "")]
        source = (safe(rescore.tolerance_source), "dim")
        if measured.estimate is None:
            lines += page.flow("delta", [*delta, (f"tolerance {tolerance_text(rescore.tolerance_bpb)}", "")])
            lines += page.flow("", [source])
        else:
            within, tolerance = measured.estimate.within_bpb, rescore.tolerance_bpb
            why = "--within" if within >= tolerance else f"--within {within:g} is less than the tolerance"
            lines += page.flow("delta", [*delta, ("the verdict depends on the whole interval", "dim")])
            lines += page.flow(
                "", [(f"refuted once it is more than {tolerance_text(tolerance)} from the claim", ""), source]
            )
            near = f"confirmed once it is within {tolerance_text(max(within, tolerance))} of it"
            lines += page.flow("", [(near, ""), (why, "dim")])
    if rescore.other_tables is not None:
        lines += page.flow("variant", _score(rescore.other_tables))
        if rescore.other_tables.estimate is not None:
            lines += page.flow("", _estimate(rescore.other_tables, rescore.other_tables.estimate))
    if rescore.control is not None:
        lines += page.flow("control", [(safe(rescore.control.path), ""), (rescore.control.sha256[:16], "dim")])
    lines += page.flow("bytes", _bytes(measured, rescore.settings["vocab_size"].value))
    if rescore.text:
        lines += page.flow("text", [(rescore.text, "")])
    if rescore.predictor is not None:
        lines += predictor_text.rows(rescore.predictor, page)
    else:
        lines += _built_in(rescore, page)
    settings = {name: value for name, value in rescore.settings.items() if name not in _MODEL}
    lines += page.flow(
        "settings", [(safe(f"{name} {item.value} ({item.source})"), "") for name, item in settings.items()]
    )
    ranks = [(f"{len(measured.rank_sequences)} ranks", "")] if len(measured.rank_sequences) > 1 else []
    cap = f"{cap_text(CLOCK_CAP_MS)} s on {WORLD_SIZE}x{ACCELERATOR}"
    took = (f"evaluation {took_text(measured.seconds)}, the cap is {cap}", "")
    lines += page.flow("device", [(safe(rescore.device), ""), *ranks, took])
    if rescore.predictor is None:  # otherwise its own lines say so
        lines += page.flow(
            "checks",
            [
                (f"{probe.name} {'ok' if probe.passed else f'FAILED: {probe.detail}'}", "" if probe.passed else "error")
                for probe in rescore.probes
            ],
        )
    if rescore.raw is not None:
        lines += page.flow("raw", _raw(rescore.raw))
    if rescore.other_code is not None:
        lines += page.prose(safe(rescore.other_code), "code      ", " " * 10)
    for note in rescore.notes:
        lines += page.prose(safe(note), "note      ", " " * 10)
    how = [] if measured.estimate is None else [(f"an estimate, {_seen(measured.estimate)}", "warning")]
    verdict = [(str(rescore.outcome), _STYLE[rescore.outcome]), *how, (took_text(rescore.seconds), "dim")]
    lines += ["", *page.flow("VERDICT", verdict, indent=9), *page.prose(safe(rescore.reason), " " * 9, " " * 9)]
    lines += [*_next(rescore, page), ""]
    return page.text(lines) + "\n"


def _built_in(rescore: Rescore, page: Page) -> list[str]:
    """Return the lines about an artifact and the model in it, if the reference model was evaluated."""
    left = SIZE_CAP_BYTES - rescore.artifact.size_bytes
    lines = page.flow(
        "artifact",
        [(f"{rescore.artifact.size_bytes:,} bytes", ""), (f"{left:,} left of {SIZE_CAP_BYTES:,} for code", "")],
    )
    values = rescore.settings
    model = f"{values['num_layers'].value} layers, width {values['model_dim'].value}, {values['num_heads'].value} heads"
    model += f" ({values['num_kv_heads'].value} kv), MLP x{values['mlp_mult'].value}"
    model += f", vocabulary {values['vocab_size'].value}"
    head = "tied" if values["tie_embeddings"].value else "untied"
    lines += page.flow("model", [(safe(f"{model}, {head}"), ""), ("from the tensors", "dim")])
    return lines


def summary(rescores: Sequence[Rescore], mean_claim: Mean | None, page: Page) -> str:
    """Return the block of all artifacts of a record: how many claims hold, the mean score, and the claimed one."""
    counts = Counter(rescore.outcome for rescore in rescores)
    scores = [rescore.measured.val_bpb for rescore in rescores]
    segments = [(f"{count} {outcome}", _STYLE[outcome]) for outcome, count in counts.items()]
    mean = f"mean {measured_text(mean_of(scores))} bpb   sd {measured_text(stdev(scores))}   {len(scores)} artifacts"
    lines = page.flow("ALL", [*segments, (mean, "bold")], indent=9)
    if mean_claim is not None:
        claim, delta = mean_claim.claim, fine_delta_text(mean_claim.val_bpb - mean_claim.claim.val_bpb)
        claimed = f"{safe(claim.source)} {stated_text(claim.val_bpb, claim.digits)} for the mean: {mean_claim.outcome}"
        values = [(claimed, _STYLE[mean_claim.outcome]), (f"delta {delta} bpb", "")]
        if claim.val_loss_nats is not None:
            values.append((f"{fine_delta_text(mean_claim.val_loss_nats - claim.val_loss_nats)} nats/tok", ""))
        lines += page.flow("", [*values, (f"tolerance {tolerance_text(mean_claim.tolerance_bpb)}", "")], indent=9)
    return page.text(lines)


def _score(measured: Measured) -> list[tuple[str, str]]:
    return [
        (f"{measured_text(measured.val_bpb)} bpb", "bold"),
        (f"{measured_text(measured.val_loss_nats)} nats/tok", "bold"),
        (_numerics(measured), ""),
        *([(f"window of {measured.seq_len}, stride {measured.stride}", "")] if measured.stride else []),
    ]


def _numerics(measured: Measured) -> str:
    if measured.rope_tables is None:
        return "with its own predictor.py"
    mlp = f", {measured.mlp} in the MLP" if measured.mlp else ""
    return f"{measured.rope_tables} rotary tables, {measured.precision} activations{mlp}"


def _estimate(measured: Measured, estimate: Estimate) -> list[tuple[str, str]]:
    tokens = estimate.sequences * measured.seq_len
    wider = estimate.half_width_bpb / estimate.fixed_half_width_bpb if estimate.fixed_half_width_bpb else 1.0
    ends = f"from {bound_text(estimate.low_bpb)} to {bound_text(estimate.high_bpb)} bpb"
    return [
        (f"{ends} at {percent_text(estimate.level)}, whenever checked", "bold"),
        (f"{factor_text(wider)}x as wide as for a single check", "dim"),
        (f"{_seen(estimate)} in {took_text(measured.seconds)}", "warning"),
        (f"{estimate.sequences:,} of {estimate.of_sequences:,} sequences, {tokens:,} tokens", ""),
        (f"order seed {estimate.order_seed}, from {safe(estimate.order_source)}", "dim"),
        *([(_WIDENED, "warning")] if estimate.widened else []),
        (f"helped by {', '.join(dict.fromkeys(estimate.covariates))}", "dim"),
    ]


def _seen(estimate: Estimate) -> str:
    return f"{percent_text(estimate.share, 1)} of the tokens seen"


def _claimed(claim: Claim, measured: Measured) -> list[tuple[str, str]]:
    """Return a claim in bpb and nats; "=" marks nats that are computed from the bytes per token of the scored text."""
    nats = claim.val_loss_nats
    stated = f"= {measured_text(claim.val_bpb * _nats_per_bpb(measured))}" if nats is None else measured_text(nats)
    return [(f"{stated_text(claim.val_bpb, claim.digits)} bpb", ""), (f"{stated} nats/tok", "")]


def _nats_per_bpb(measured: Measured) -> float:
    return measured.val_loss_nats / measured.val_bpb  # ln 2 times the text's bytes per token


def _delta_nats(rescore: Rescore, delta_bpb: float) -> str:
    claimed = rescore.claim.val_loss_nats if rescore.claim else None
    of_text = delta_bpb * _nats_per_bpb(rescore.measured)
    return f"{fine_delta_text(of_text if claimed is None else rescore.measured.val_loss_nats - claimed)} nats/tok"


def _bytes(measured: Measured, vocab_size: object) -> list[tuple[str, str]]:
    """Return the text's bytes per token, next to those of known tokenizers, which hold for the whole split."""
    ratio, tokenizer = measured.text_bytes / measured.tokens, tokenizer_of(measured.text_bytes / measured.tokens)
    values = [(f"{measured.tokens:,} tokens, {measured.text_bytes:,} bytes", "")]
    values += [(f"{ratio_text(ratio)} bytes per token" + (f" = {tokenizer.name}" if tokenizer else ""), "")]
    others = dict.fromkeys(
        f"{t.name} {ratio_text(t.bytes_per_token)}" for t in TOKENIZERS if t.vocab_size == vocab_size
    )
    return values if tokenizer or not others else [*values, (f"on the whole split: {', '.join(others)}", "dim")]


def _raw(raw: RawCheck) -> list[tuple[str, str]]:
    if not raw.differ:
        return [(f"the artifact is exactly the quantization of {safe(raw.file.path)}", "ok")]
    names = ", ".join(safe(name, 60) for name in raw.differ[:3]) + (", …" if len(raw.differ) > 3 else "")
    return [
        (f"{len(raw.differ)} of {raw.tensors} tensors differ from the quantization of", "warning"),
        (f"{safe(raw.file.path)}: {names}", ""),
    ]


def _next(rescore: Rescore, page: Page) -> list[str]:
    hints = {
        RescoreOutcome.REFUTED: "try other settings: --seq-len, --rope-tables, --rope-base, --logit-softcap, "
        "--precision; a different model: include a predictor.py (docs/predictor.md)",
        RescoreOutcome.INCOMPARABLE: _what_would_compare(rescore),
        RescoreOutcome.MEASURED: f"golfcheck rescore {shell_word(rescore.artifact.path)} --claim BPB, or --log FILE",
    }
    if rescore.predictor is not None:
        hints[RescoreOutcome.REFUTED] = predictor_text.what_to_do(rescore.predictor)
    if rescore.measured.estimate is not None and rescore.outcome is RescoreOutcome.CONFIRMED:
        hints[RescoreOutcome.CONFIRMED] = "for the exact score, from all of the text: --full"
    if (hint := hints.get(rescore.outcome)) is None:
        return []
    is_command = rescore.outcome is RescoreOutcome.MEASURED  # in one line, so that it can be copied
    lines = [f"next     {hint}"] if is_command else page.prose(hint, "next     ", " " * 9)
    return [page.paint(line, "dim") for line in lines]


def _what_would_compare(rescore: Rescore) -> str:
    """Return what to do about a claim that this score does not decide, the surest reason first."""
    claim, measured = rescore.claim, rescore.measured.tokens
    if claim and claim.is_sliding is not None and claim.stride != rescore.measured.stride:
        return f"use the claim's window: --stride {claim.stride}" if claim.stride else "leave out --stride"
    if claim and claim.seq_len not in (None, rescore.measured.seq_len):
        return f"use the claim's sequences: --seq-len {claim.seq_len}"
    claimed = claim.tokens if claim else None
    if claimed is not None and claimed > measured:
        return "score the whole validation split: golfcheck data get, without --val-tokens"
    if claimed is not None and claimed < measured:
        return f"score as much text as the claim is about: --val-tokens {claimed}"
    if claim and claim.text_bytes not in (None, rescore.measured.text_bytes):
        return "use the text and the tokenizer of the claim: --data DIR --tokenizer MODEL"
    if rescore.other_code is not None:
        return "score its own model with a predictor.py: golfcheck new --predictor DIR (docs/predictor.md)"
    return "give the sequence length that it was trained with: --seq-len N, or --log FILE"


def so_far(measured: Measured) -> str:
    """Return the result so far of an evaluation that was stopped."""
    if (estimate := measured.estimate) is not None:
        low, high = bpb_text(estimate.low_bpb), bpb_text(estimate.high_bpb)
        between = f" ({low} to {high})" if isfinite(estimate.half_width_bpb) else ""
        return (
            f"\nso far an estimate: {bpb_text(measured.val_bpb)} bpb{between} from {estimate.sequences:,} of "
            f"{estimate.of_sequences:,} sequences ({percent_text(estimate.share, 1)}), {_numerics(measured)}"
        )
    return (
        f"\nso far: {bpb_text(measured.val_bpb)} bpb   {nats_text(measured.val_loss_nats)} nats/tok over the first "
        f"{measured.tokens:,} tokens, {_numerics(measured)}"
    )
