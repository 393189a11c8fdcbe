"""Rescoring gives the trainer's own score, names the source of every setting, and never scores an invalid artifact."""

import base64
import copy
import fnmatch
import io
import json
import math
import os
import random
import shutil
import subprocess
import sys
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import golfcheck.reference.bpb
import golfcheck.reference.model
from golfcheck import cli
from golfcheck.commands import progressline
from golfcheck.commands import rescore as command
from golfcheck.core import schema
from golfcheck.core.errors import GolfcheckError, Refused, UsageError
from golfcheck.core.numbers import took_text
from golfcheck.reference import artifact, data
from golfcheck.reference.bpb import ByteTable
from golfcheck.reference.model import GPT, GPTConfig
from golfcheck.reference.ranks import Ranks
from golfcheck.render import rescore_json
from golfcheck.render import rescore_text as render
from golfcheck.render.page import Page
from golfcheck.rescore import (
    attention,
    inputs,
    judge,
    measure,
    numerics,
    prepare,
    rescoring,
    shape,
    shipped,
    sound,
    target,
    weights,
)
from golfcheck.rescore.report import Claim, Measured, RawCheck, Rescore, RescoreOutcome
from golfcheck.submission import record
from golfcheck.untrusted.artifacts import load
from tests.golfcheck import forked
from tests.golfcheck import rescore_fixture as tiny
from tests.golfcheck.rescore_fixture import World

Tree = dict[str, Any]
ALONE = Ranks(0, 1, torch.device("cpu"))


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def silent(_stage: str) -> Callable[..., None]:
    return lambda *_: None


def request(world: World, **changes: Any) -> prepare.Request:
    return replace(prepare.Request(data=world.shards, tokenizer=world.tokenizer, seq_len=64, estimate=False), **changes)


def scored(world: World, path: Path | None = None, claim: Claim | None = None, **changes: Any) -> Rescore:
    (candidate,) = target.find(path or world.record, claim, None, 16_000_000)
    return rescoring.rescore(candidate, request(world, **changes), ALONE, silent)


def claim_of(bpb: float) -> Claim:
    return Claim(bpb, 8, "--claim")


# --- the score --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_a_rescored_artifact_has_the_score_of_the_trainers_evaluation(world: World, precision: str) -> None:
    theirs = tiny.scored(world.state, world.shards, world.tokenizer, world.config, precision)
    ours = scored(world, precision=precision).measured
    assert (ours.tokens, ours.text_bytes) == (theirs.tokens, theirs.bytes)
    assert ours.val_bpb == pytest.approx(theirs.val_bpb, abs=1e-6)


def test_the_losses_of_the_sequences_have_the_reported_loss_as_their_mean(world: World) -> None:
    measured = scored(world).measured
    assert len(measured.sequence_losses) == measured.tokens // 64
    assert np.mean(measured.sequence_losses) == pytest.approx(measured.val_loss_nats, abs=1e-9)


def test_a_token_limit_scores_only_the_first_tokens(world: World) -> None:
    whole, part = scored(world).measured, scored(world, val_tokens=200).measured
    assert part.tokens == 3 * 64
    assert part.val_loss_nats == pytest.approx(np.mean(whole.sequence_losses[:3]), abs=1e-9)
    with pytest.raises(UsageError, match="less than one sequence"):
        scored(world, val_tokens=63)


def test_a_window_that_slides_by_its_length_scores_sequences_side_by_side(world: World) -> None:
    plain, sliding = scored(world, precision="fp32").measured, scored(world, precision="fp32", stride=64).measured
    assert (sliding.tokens, sliding.text_bytes) == (plain.tokens, plain.text_bytes)
    assert sliding.val_loss_nats == pytest.approx(plain.val_loss_nats, abs=1e-6)


@pytest.mark.parametrize("stride", [1, 17, 40, 63])
def test_a_sliding_window_scores_each_token_once_with_its_full_context(world: World, stride: int) -> None:
    held = measure.Evaluation(world.state, world.config, "fp32", ALONE)
    tokens = tokens_of(world)[: 3 * 64 + 1]
    score = held.score(tokens, table_of(world).count(tokens), lambda _done, _total: None, stride)
    nats, scored_to = 0.0, 0  # the oracle: one token at a time, from the first window that ends behind it
    ids = torch.from_numpy(tokens.astype(np.int64))
    with torch.inference_mode():
        for at in [*range(0, 128, stride), 128]:
            log_probs = (
                held.model.logits(*held.model.hidden(ids[None, at : at + 64]))[0].double().log_softmax(-1)
            )  # [T, V]
            for position in range(scored_to, at + 64):
                assert position - at >= (64 - stride if at else 0)
                nats -= float(log_probs[position - at, ids[position + 1]])
            scored_to = at + 64
    assert score.tokens == 3 * 64
    assert score.val_loss_nats == pytest.approx(nats / (3 * 64), abs=1e-6)


@pytest.mark.parametrize("stride", [0, -1, 65])
def test_an_impossible_stride_is_refused(world: World, stride: int) -> None:
    with pytest.raises(UsageError, match="--stride must be from 1 to the sequence length 64"):
        scored(world, stride=stride)


# Rows of the golden README: artifact, tables, activations, sequence length, tokens, bpb. With other tables one_rank has
# the same scores to less than a tolerance; the public one's, which differ by 0.01, are compared on a part of the text.
GOLDEN = [
    ("one_rank", "bf16", "bf16", 256, 131_072, 2.92054785),
    ("one_rank", "fp32", "fp32", 256, 131_072, 2.92037873),
    ("public_7L384", "bf16", "bf16", 512, 65_536, 2.12118971),
]


@pytest.mark.parametrize("row", GOLDEN, ids=lambda row: "-".join(map(str, row[:3])))
def test_golden_artifacts_have_their_documented_scores(
    shared_data: Path, row: tuple[str, str, str, int, int, float]
) -> None:
    name, tables, precision, seq_len, tokens, bpb = row
    (candidate,) = target.find(shared_data / "golden" / f"{name}.int8.ptz", claim_of(bpb), None, 16_000_000)
    wanted = prepare.Request(
        data=shared_data / "fineweb", val_tokens=tokens, seq_len=seq_len, rope_tables=tables, precision=precision,
        tolerance_bpb=1e-5 if precision == "fp32" else judge.SAME_BPB, attention="torch",
    )  # fmt: skip
    rescore = rescoring.rescore(candidate, wanted, ALONE, silent)
    assert rescore.outcome is RescoreOutcome.CONFIRMED, rescore.reason
    assert rescore.other_tables is None


def test_a_published_artifact_has_the_trainers_score_with_fp32_tables_and_activations(shared_data: Path) -> None:
    """The golden page's figure of all 65,536 tokens, 2.10992632, takes 20 s: this is the beginning of them."""
    fineweb, tokens = shared_data / "fineweb", 4096
    (candidate,) = target.find(shared_data / "golden/public_7L384.int8.ptz", None, None, 16_000_000)
    wanted = prepare.Request(
        data=fineweb, val_tokens=tokens, seq_len=512, rope_tables="fp32", precision="fp32", estimate=False
    )
    ours = rescoring.rescore(candidate, wanted, ALONE, silent).measured
    obj = artifact.unpack(candidate.data)
    shapes = {name: tuple(t.shape) for part in ("quantized", "passthrough") for name, t in obj[part].items()}
    theirs = GPT(GPTConfig(**shape.infer(shapes), train_seq_len=512, rope_tables="fp32"))
    theirs.load_state_dict(artifact.dequantize(obj))
    ids = data.read_validation(data.shard_paths(fineweb, "val"), 512, 1024)[: tokens + 1]
    table = ByteTable.load(fineweb / "fineweb_1024_bpe.model", 1024)
    score = golfcheck.reference.bpb.evaluate(
        theirs.float(), ids, table, seq_len=512, batch_seqs=4, device=torch.device("cpu")
    )
    assert ours.val_bpb == pytest.approx(score.val_bpb, abs=1e-6)


def compiled(shared_data: Path, name: str, wanted: prepare.Request, monkeypatch: pytest.MonkeyPatch) -> Measured:
    """The score with the compiled attention, even if torch's is faster on this chip."""
    monkeypatch.setattr(attention, "_CLEARLY", math.inf)
    if (missing := attention.kernel()[1]) != "":
        pytest.skip(f"no compiled attention: {missing}")
    (candidate,) = target.find(shared_data / "golden" / f"{name}.int8.ptz", None, None, 16_000_000)
    rescore = rescoring.rescore(candidate, replace(wanted, data=shared_data / "fineweb"), ALONE, silent)
    assert "compiled attention" in rescore.device
    return rescore.measured


def test_the_compiled_attention_gives_a_golden_score_to_one_part_in_ten_thousand(
    shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = prepare.Request(seq_len=256, rope_tables="bf16", precision="bf16")
    assert compiled(shared_data, "one_rank", wanted, monkeypatch).val_bpb == pytest.approx(GOLDEN[0][-1], abs=1e-4)


def test_the_compiled_attention_changes_a_published_artifacts_losses_only_by_rounding(
    shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In bf16 a sequence's loss moves by 0.001 nats either way: of a part the mean is not the whole's to 1e-4."""
    wanted = prepare.Request(val_tokens=4096, seq_len=512, rope_tables="bf16", precision="bf16")
    ours = compiled(shared_data, "public_7L384", wanted, monkeypatch).sequence_losses
    (candidate,) = target.find(shared_data / "golden/public_7L384.int8.ptz", None, None, 16_000_000)
    torchs = rescoring.rescore(
        candidate, replace(wanted, data=shared_data / "fineweb", attention="torch"), ALONE, silent
    )
    assert len(ours) == 8
    assert ours == pytest.approx(torchs.measured.sequence_losses, abs=4e-3)


# --- claims -----------------------------------------------------------------------------------------------------------


def test_a_record_folder_supplies_its_artifact_claim_and_settings(world: World) -> None:
    rescore = scored(world, seq_len=None)
    assert rescore.outcome is RescoreOutcome.CONFIRMED
    assert rescore.claim is not None
    assert rescore.claim.source == "train.log:13 final_int8_zlib_roundtrip_exact"
    assert rescore.tolerance_source == "same precision, both on cpu; the claim has 8 decimals"
    assert {name: (item.value, item.source) for name, item in rescore.settings.items()}.items() >= {
        "rope_base": (500.0, "the log"),
        "rope_tables": ("bf16", "the log"),
        "seq_len": (64, "the log"),
        "logit_softcap": (30.0, "the contest's default"),
        "num_kv_heads": (2, "the tensors"),
    }.items()


def test_an_artifact_inside_a_record_has_the_records_claim(world: World) -> None:
    (alone,) = target.find(world.record / world.artifact.name, None, None, 16_000_000)
    assert [alone] == target.find(world.record, None, None, 16_000_000)


def test_without_a_score_in_a_log_the_claim_is_that_of_submission_json(world: World, tmp_path: Path) -> None:
    (tmp_path / world.artifact.name).write_bytes(world.artifact.read_bytes())
    (tmp_path / "submission.json").write_text('{"val_bpb": 1.2345}')
    (candidate,) = target.find(tmp_path, None, None, 16_000_000)
    assert candidate.claim == Claim(1.2345, 4, "submission.json val_bpb")


def test_a_claim_that_is_too_low_is_refuted_with_both_tables(world: World) -> None:
    rescore = scored(world, world.artifact, claim_of(world.score.val_bpb - 0.02), rope_base=500.0)
    assert rescore.outcome is RescoreOutcome.REFUTED
    assert rescore.delta_bpb == pytest.approx(0.02, abs=1e-5)
    assert rescore.other_tables is not None
    assert rescore.other_tables.rope_tables == "fp32"


def test_a_claim_made_with_the_other_rotary_tables_is_diagnosed(world: World, tmp_path: Path) -> None:
    state = tiny.model().state_dict()  # random weights: large differences
    path = tmp_path / "a.int8.ptz"
    path.write_bytes(tiny.packed(state))
    bf16, exact = (
        tiny.scored(state, world.shards, world.tokenizer, replace(world.config, rope_tables=tables)).val_bpb
        for tables in ("bf16", "fp32")
    )
    assert abs(exact - bf16) > 5e-4
    unstated = scored(world, path, claim_of(exact), rope_base=500.0, tolerance_bpb=1e-5)
    assert (unstated.outcome, unstated.measured.rope_tables) == (RescoreOutcome.CONFIRMED, "fp32")
    assert "missed with bf16 rotary tables, met with fp32 rotary tables" in unstated.reason
    stated = scored(world, path, claim_of(exact), rope_base=500.0, rope_tables="bf16", tolerance_bpb=1e-5)
    assert (stated.outcome, stated.measured.rope_tables) == (RescoreOutcome.REFUTED, "bf16")
    assert "so the claim used those" in stated.reason


def test_a_claim_about_other_text_is_not_compared(world: World) -> None:
    rescore = scored(world, val_tokens=640)
    assert rescore.outcome is RescoreOutcome.INCOMPARABLE
    assert rescore.reason == f"the claim is about {world.score.tokens:,} tokens, this score about 640"
    assert rescore.other_tables is None
    assert "the whole validation split" in render.render(rescore, Page())


@pytest.mark.parametrize(
    ("tokens", "more_bytes", "hint"),
    [(1, 0, "--val-tokens 1"), (None, 1, "use the text and the tokenizer of the claim")],
)
def test_what_would_make_a_claim_comparable_follows_from_what_differs(
    world: World, tokens: int | None, more_bytes: int, hint: str
) -> None:
    score = scored(world)
    claim = Claim(1.2, 4, "", tokens=tokens, text_bytes=score.measured.text_bytes + more_bytes)
    outcome, reason = judge.decide(claim, score.measured, None, 1e-3, True)
    assert outcome is RescoreOutcome.INCOMPARABLE
    page = render.render(replace(score, claim=claim, outcome=outcome, reason=reason), Page())
    assert hint in page.partition("next     ")[2]


def test_a_claim_is_not_refuted_with_an_unstated_sequence_length(world: World) -> None:
    """The text is as long as one sequence of the default, and the artifact was trained with another length."""
    world_tokens = scored(world).measured.tokens
    assumed = dict(seq_len=None, rope_tables="bf16", tolerance_bpb=1e-9)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(numerics._SETTINGS, "seq_len", replace(numerics._SETTINGS["seq_len"], default=128))
        missed = scored(world, world.artifact, claim_of(1.0), rope_base=500.0, **assumed)
        matching = scored(world, world.artifact, claim_of(missed.measured.val_bpb), rope_base=500.0, **assumed)
    assert missed.measured.tokens <= world_tokens
    assert missed.outcome is RescoreOutcome.INCOMPARABLE
    assert missed.reason.endswith(
        "; but the sequence length is stated nowhere: 128 is assumed; give --seq-len N if it is another"
    )
    assert "next     give the sequence length that it was trained with: --seq-len N" in render.render(missed, Page())
    assert matching.outcome is RescoreOutcome.CONFIRMED
    assert scored(world, world.artifact, claim_of(1.0), rope_base=500.0).outcome is RescoreOutcome.REFUTED


def test_no_tensor_is_converted_to_floats_before_all_are_checked(
    monkeypatch: pytest.MonkeyPatch, world: World, tmp_path: Path
) -> None:
    path = tmp_path / "a.int8.ptz"
    path.write_bytes(artifact.pack(artifact.quantize({**world.state, "extra": torch.ones(1)}, tiny.KEEP))[0])
    monkeypatch.setattr(weights, "dequantize", lambda _: pytest.fail("made floats"))
    with pytest.raises(Refused, match=r"ART_KEYS: .*not known 'extra'"):
        scored(world, path)


def test_without_a_claim_the_score_is_only_measured(world: World) -> None:
    assert scored(world, world.artifact).outcome is RescoreOutcome.MEASURED


@pytest.mark.parametrize(
    ("claim", "device", "expected", "words"),
    [
        (Claim(1.2, 4, "", activations="bf16", device="cpu"), "cpu", 2e-5 + 5e-5, "both on cpu"),
        (Claim(1.2, 8, "", activations="bf16", device="cuda"), "cpu", 5e-4 + 5e-9, "the claim on cuda"),
        (Claim(1.2, 8, ""), "cpu", 5e-4 + 5e-9, "unknown"),
        (Claim(1.2, 8, "", activations="fp32", device="cpu"), "cpu", 2e-5 + 5e-9, "both on cpu"),
        (Claim(1.2, 8, "", activations="bf16", device="cpu", is_compiled=True), "cpu", 2e-4 + 5e-9, "compiled"),
    ],
)
def test_the_tolerance_follows_from_device_compiler_and_decimals(
    claim: Claim, device: str, expected: float, words: str
) -> None:
    bpb, source = judge.tolerance(claim, device, None)
    assert bpb == pytest.approx(expected)
    assert words in source


def test_the_precision_is_the_requested_one_else_the_claims_else_the_contests() -> None:
    fp32 = Claim(1.2, 8, "", activations="fp32")
    assert judge.precision_of(fp32, None) == "fp32"
    assert judge.precision_of(fp32, "bf16") == "bf16"
    assert judge.precision_of(Claim(1.2, 8, ""), None) == judge.precision_of(None, None) == "bf16"


def test_a_score_whose_val_bpb_holds_and_whose_val_loss_does_not_is_refuted(world: World) -> None:
    score = scored(world)
    assert (
        score.outcome is RescoreOutcome.CONFIRMED and score.claim is not None and score.claim.val_loss_nats is not None
    )
    for nats, outcome in (
        (3e-5, RescoreOutcome.CONFIRMED),
        (0.01, RescoreOutcome.REFUTED),
        (-2.0, RescoreOutcome.REFUTED),
    ):
        claim = replace(score.claim, val_loss_nats=score.claim.val_loss_nats + nats)
        decided, reason = judge.decide(claim, score.measured, None, score.tolerance_bpb, True)
        assert decided is outcome, nats
        assert ("val_bpb holds, but not val_loss" in reason) == (outcome is RescoreOutcome.REFUTED)


def test_a_claim_in_bits_per_byte_is_also_shown_in_nats(world: World) -> None:
    rescore = scored(world, world.artifact, Claim(1.2, 4, "--claim"))
    nats = 1.2 * math.log(2) * rescore.measured.text_bytes / rescore.measured.tokens
    page = render.render(rescore, Page())
    assert f"claimed   1.2000 bpb   = {nats:.8f} nats/tok   --claim" in page
    assert f"bpb   {rescore.measured.val_loss_nats - nats:+.8f} nats/tok   tolerance" in page


def test_no_number_is_cut_off_at_40_columns(world: World) -> None:
    rescore = scored(world)
    assert rescore.claim is not None and rescore.claim.val_loss_nats is not None
    page = render.render(rescore, Page(columns=40))
    for number in (rescore.measured.val_bpb, rescore.measured.val_loss_nats, rescore.claim.val_loss_nats):
        assert f"{number:.8f} " in page


def test_trailing_zeros_lost_in_json_do_not_widen_the_tolerance() -> None:
    assert [target.digits_of(value) for value in (2.9, 1.0, 1.20321, 1e-7)] == [4, 4, 5, target.MAX_DIGITS]


def test_few_decimals_do_not_widen_the_tolerance(world: World, tmp_path: Path) -> None:
    for typed, digits in (("3", 4), ("1.2", 4), ("1.20", 4), ("1.20321", 5)):
        claim = command._claim(typed)
        assert claim is not None and (claim.val_bpb, claim.digits) == (float(typed), digits)
    path = tmp_path / "a.log"
    path.write_text(tiny.log(world).replace(f"val_bpb:{world.score.val_bpb:.8f}", "val_bpb:3"))
    [of_log] = target.find(world.artifact, None, path, 16_000_000)
    assert of_log.claim is not None and (of_log.claim.val_bpb, of_log.claim.digits) == (3.0, 4)


@pytest.mark.parametrize("stated", ["nan", "inf", "-1.0", "1e30"])
def test_a_log_whose_score_is_not_a_number_gives_one_line_and_no_claim(
    world: World, tmp_path: Path, stated: str
) -> None:
    path = tmp_path / "a.log"
    text = tiny.log(world).replace(f"val_bpb:{world.score.val_bpb:.8f}", f"val_bpb:{stated}")
    path.write_text(text)
    with pytest.raises(GolfcheckError):
        target.find(world.artifact, None, path, 16_000_000)


def test_each_artifact_of_a_record_is_compared_with_the_log_of_its_seed(world: World, tmp_path: Path) -> None:
    for seed, bpb in ((1337, world.score.val_bpb), (42, 9.0)):
        (tmp_path / f"final_model_seed{seed}.int8.ptz").write_bytes(world.artifact.read_bytes())
        (tmp_path / f"train_seed{seed}.log").write_text(tiny.log(world, seed=seed, bpb=bpb))
    candidates = target.find(tmp_path, None, None, 16_000_000)
    assert [(item.seed, item.claim and round(item.claim.val_bpb, 6)) for item in candidates] == [
        (1337, round(world.score.val_bpb, 6)),
        (42, 9.0),
    ]
    with pytest.raises(UsageError, match="2 artifacts, but one --claim"):
        target.find(tmp_path, claim_of(1.0), None, 16_000_000)


def test_a_tree_of_records_is_not_read_as_one(world: World, tmp_path: Path) -> None:
    for name in ("2026-04-01_A", "2026-04-02_B"):
        shutil.copytree(world.record, tmp_path / name)
    with pytest.raises(
        UsageError, match=r"2 records in it, each with its own claims: name one, for example .*2026-04-01_A"
    ):
        target.find(tmp_path, None, None, 16_000_000)
    shutil.rmtree(tmp_path / "2026-04-02_B")
    assert len(target.find(tmp_path, None, None, 16_000_000)) == 1


def test_a_folder_without_artifact_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no artifact \(\*\.ptz\)"):
        target.find(tmp_path, None, None, 16_000_000)


def test_raw_weights_are_recognized_as_those_of_an_artifact_or_not(world: World, tmp_path: Path) -> None:
    path, raw = tmp_path / "a.int8.ptz", tmp_path / "final_model.pt"
    state = big_state()
    torch.save(state, raw)
    tree = artifact.quantize(state, tiny.KEEP)
    path.write_bytes(zlib.compress(artifact.dump(tree)))
    tensors, differ = weights.differences(load(path.read_bytes()), load(raw.read_bytes(), zipped=False), tiny.KEEP)
    assert (tensors, differ) == (len(state), ())
    tree["quantized"]["tok_emb.weight"][7, 3] ^= 1
    tree["passthrough"]["blocks.0.attn.q_gain"] += 1e-3
    _, differ = weights.differences(
        load(zlib.compress(artifact.dump(tree))), load(raw.read_bytes(), zipped=False), tiny.KEEP
    )  # fmt: skip
    assert differ == ("blocks.0.attn.q_gain", "tok_emb.weight")
    for section, edit in (("passthrough_orig_dtypes", {"blocks.0.attn.q_gain": "bfloat16"}), ("payload", {"x": "y"})):
        other = artifact.quantize(big_state(), tiny.KEEP)
        other[section] = other.get(section, {}) | edit
        _, differ = weights.differences(
            load(zlib.compress(artifact.dump(other))), load(raw.read_bytes(), zipped=False), tiny.KEEP
        )  # fmt: skip
        assert differ == ((section,) if section == "payload" else (*edit,))
    whole = scored(world, raw=world.root / "final_model.pt")
    assert whole.raw is not None
    assert whole.raw.differ == ()
    assert "exactly the quantization of" in render.render(whole, Page())


SHIPPED = [Path(module.__file__ or "") for module in (golfcheck.reference.model, golfcheck.reference.bpb)]


def ship(folder: Path, edit: tuple[str, str] = ("", "")) -> None:
    """Put the trainer's own model and evaluation into a folder, with an edit, and a script that reaches them."""
    (folder / "train_gpt.py").write_text("import model, bpb\n")
    assert any(edit[0] in path.read_text() for path in SHIPPED)
    for path in SHIPPED:
        (folder / path.name).write_text(path.read_text().replace(*edit) if edit[0] else path.read_text())


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (("", ""), None),
        (('    """Attend within [B, T, D]."""\n', "    # another comment\n\n"), None),
        (("F.relu(", "F.gelu("), "1 of the * definitions that are evaluated here differ or are missing: Block.forward"),
        (("RMS_EPS = 2.0**-23", "RMS_EPS = 1e-6"), "1 of the *: RMS_EPS"),
        (("class Score", "class Scores"), "2 of the *: Score, Score.val_bpb"),
        (("logit_softcap: float = 30.0", "logit_softcap: float = 20.0"), "1 of the *: GPTConfig.logit_softcap"),
    ],
)
def test_a_records_model_differs_if_a_definition_does_but_not_if_only_comments_do(
    tmp_path: Path, edit: tuple[str, str], message: str | None
) -> None:
    ship(tmp_path, edit)
    difference = shipped.difference(record.load(tmp_path).sources)
    if message is None:
        assert difference is None
    else:
        assert difference is not None
        assert fnmatch.fnmatch(difference, message)


def test_a_script_with_another_model_differs_and_so_do_hostile_scripts(tmp_path: Path) -> None:
    for text in (
        "class Net: pass\n",
        "x = " + "(" * 600 + ")" * 600,
        "\0",
        "def (:",
        "x=1\n" * 200_000,
        "# coding: utf-7\n",
    ):
        (tmp_path / "train_gpt.py").write_text(text)
        difference = shipped.difference(record.load(tmp_path).sources)
        assert difference == "train_gpt.py has a model of its own: it shares no definition with ours", text[:20]


def copied(world: World, folder: Path) -> Path:
    for path in world.record.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def test_a_claim_that_our_model_misses_is_not_refuted_where_the_record_ships_other_code(
    world: World, tmp_path: Path
) -> None:
    folder = copied(world, tmp_path)
    (folder / "train.log").write_text(tiny.log(world, bpb=world.score.val_bpb - 0.02))
    ship(folder)
    assert scored(world, folder, seq_len=None).outcome is RescoreOutcome.REFUTED
    ship(folder, ("F.relu(", "F.gelu("))
    rescore = scored(world, folder, seq_len=None)
    assert rescore.outcome is RescoreOutcome.INCOMPARABLE
    assert "but the record ships other code, which would have to score these weights 0.0" in rescore.reason
    assert rescore.reason.endswith(" bpb better than the nearest variant of the reference")
    assert rescore.other_code is not None and rescore.other_code.endswith("differ or are missing: Block.forward")
    assert "with a predictor.py" in render.render(rescore, Page())


def test_a_claim_that_our_model_reproduces_is_confirmed_whatever_code_the_record_ships(
    world: World, tmp_path: Path
) -> None:
    ship(copied(world, tmp_path), (".square()", ".square().clone()"))
    rescore = scored(world, tmp_path, seq_len=None)
    assert rescore.outcome is RescoreOutcome.CONFIRMED
    assert rescore.other_code is not None


def test_the_log_and_the_json_must_both_hold_and_are_both_named(world: World, tmp_path: Path) -> None:
    both = scored(world, seq_len=None)
    assert both.json_claim is not None
    assert both.reason.endswith("; submission.json val_bpb holds as well")
    assert "JSON      " in render.render(both, Page())
    folder = copied(world, tmp_path)
    (folder / "submission.json").write_text(json.dumps({"val_bpb": world.score.val_bpb - 0.01}))
    for change in ((), (("F.relu(", "F.gelu("),)):  # code that is another does not excuse it: the log's score holds
        ship(folder, *change)
        rescore = scored(world, folder, seq_len=None)
        assert rescore.outcome is RescoreOutcome.REFUTED
        assert "the log's score holds, but submission.json val_bpb is " in rescore.reason


@pytest.mark.parametrize("is_per_seed", [False, True])
def test_the_val_loss_of_the_json_must_hold_too(world: World, tmp_path: Path, is_per_seed: bool) -> None:
    folder = copied(world, tmp_path)
    for nats, outcome in ((0.0, RescoreOutcome.CONFIRMED), (0.01, RescoreOutcome.REFUTED)):
        claims = {"val_bpb": world.score.val_bpb, "val_loss": world.score.val_loss_nats + nats}
        (folder / "submission.json").write_text(json.dumps({"seeds": {"1337": claims}} if is_per_seed else claims))
        rescore = scored(world, folder, seq_len=None)
        assert rescore.outcome is outcome
        assert ("holds, but not its val_loss" in rescore.reason) == (nats > 0)


@pytest.mark.parametrize(
    ("low", "message"), [((0.0, 0.0), "confirmed"), ((0.01, 0.0), "refuted"), ((0.0, 0.01), "refuted")]
)
def test_the_claimed_mean_is_compared_if_every_seed_has_a_score(
    world: World, tmp_path: Path, low: tuple[float, float], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed in (1337, 42):
        (tmp_path / f"final_model_seed{seed}.int8.ptz").write_bytes(world.artifact.read_bytes())
        (tmp_path / f"train_seed{seed}.log").write_text(tiny.log(world, seed=seed))
    seeds = {"1337": {"val_bpb": world.score.val_bpb}, "42": {"val_bpb": world.score.val_bpb}}
    means = {"val_bpb": world.score.val_bpb - low[0], "val_loss": world.score.val_loss_nats - low[1]}
    claims = {**means, "seed_results": seeds}
    (tmp_path / "submission.json").write_text(json.dumps(claims))
    report = tmp_path / "report.json"
    command = ["rescore", str(tmp_path), "--device", "cpu", "--data", str(world.shards)]
    assert cli.main([*command, "--json", str(report)]) == (message == "refuted")
    shown = capsys.readouterr().out
    assert "submission.json val_bpb of seed 42" in shown
    assert f"for the mean: {message}" in shown
    document = json.loads(report.read_text())
    assert schema.violations("rescore", document) == []
    assert document["mean"]["outcome"] == message
    (tmp_path / "final_model_seed42.int8.ptz").unlink()
    assert cli.main(command) == 0
    assert "for the mean" not in capsys.readouterr().out


# --- settings ---------------------------------------------------------------------------------------------------------


def test_a_flag_wins_over_the_artifact_the_artifact_over_the_log_the_log_over_the_default() -> None:
    flags, config, log = {"rope_base": 1e3}, {"rope_base": 2e3, "rope_tables": "fp32"}, {"rope_tables": "bf16"}
    settings = numerics.resolve(flags, config, log | {"rope_base": "3e3", "logit_softcap": "15.0"})
    assert {name: (item.value, item.source) for name, item in settings.items()} == {
        "rope_tables": ("fp32", "the artifact"),
        "rope_base": (1e3, "--rope-base"),
        "logit_softcap": (15.0, "the log"),
        "seq_len": (4096, "the contest's default"),
    }


@pytest.mark.parametrize(
    "config",
    [
        {"train_seq_len": 1 << 40},
        {"train_seq_len": 1 << 16},
        {"train_seq_len": 64.5},
        {"train_seq_len": True},
        {"rope_base": math.nan},
        {"rope_base": -1.0},
        {"logit_softcap": 0.0},
        {"rope_tables": "fp8"},
        {"rope_tables": "bf16" * 1000},
    ],
    ids=str,
)
def test_impossible_settings_in_an_artifact_are_refused(config: dict[str, Any]) -> None:
    with pytest.raises(Refused) as caught:
        numerics.resolve({}, config, {})
    assert caught.value.code == "ART_CONFIG"
    assert len(str(caught.value)) < 200


def test_a_very_long_sequence_length_is_accepted_only_from_the_flag() -> None:
    assert numerics.resolve({"seq_len": 1 << 16}, {"train_seq_len": 1 << 16}, {})["seq_len"].value == 1 << 16


def test_a_model_config_that_contradicts_the_tensors_is_noted_and_ignored(world: World, tmp_path: Path) -> None:
    path = tmp_path / "a.int8.ptz"
    path.write_bytes(tiny.packed(world.state, model_config={"num_heads": 2, "train_seq_len": 32}))
    rescore = scored(world, path, seq_len=None)
    assert rescore.notes == ("the artifact says num_heads '2', its tensors 4",)
    assert rescore.settings["seq_len"].value == 32
    assert rescore.settings["seq_len"].source == "the artifact"


# --- the model from the tensors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"num_layers": 1},
        {"num_layers": 2, "num_kv_heads": 4},
        {"num_kv_heads": 1, "mlp_mult": 3},
        {"tie_embeddings": False, "vocab_size": 77},
        {"num_heads": 16, "num_kv_heads": 8},
    ],
    ids=str,
)
def test_the_sizes_of_a_model_are_read_from_its_tensors(change: dict[str, Any]) -> None:
    config = replace(tiny.CONFIG, **change)
    shapes = {name: tuple(tensor.shape) for name, tensor in GPT(config).state_dict().items()}
    inferred = shape.infer(shapes)
    assert {name: getattr(config, name) for name in inferred} == inferred


def drop(state: dict[str, torch.Tensor], name: str) -> None:
    del state[name]


EDITS: list[tuple[str, str, Callable[[dict[str, torch.Tensor]], Any]]] = [
    ("ART_KEYS", "missing 'blocks.1.attn.proj.weight'", lambda s: drop(s, "blocks.1.attn.proj.weight")),
    ("ART_KEYS", "not known 'bigram.weight'", lambda s: s.update({"bigram.weight": torch.ones(3)})),
    ("ART_KEYS", "no tensor tok_emb.weight", lambda s: drop(s, "tok_emb.weight")),
    ("ART_KEYS", "no tensor blocks.0.*", lambda s: [drop(s, name) for name in list(s) if name.startswith("blocks")]),
    ("ART_SHAPE", "blocks.2.attn_scale: expected [32], found [31]",
     lambda s: s.update({"blocks.2.attn_scale": torch.ones(31)})),
    ("ART_SHAPE", "tok_emb.weight: expected a matrix", lambda s: s.update({"tok_emb.weight": torch.ones(4)})),
    ("ART_SHAPE", "one gain a head", lambda s: s.update({"blocks.0.attn.q_gain": torch.ones(5)})),
    ("ART_SHAPE", "not a multiple of a head's 8", lambda s: s.update({"blocks.0.attn.c_k.weight": torch.ones(9, 32)})),
    ("ART_SHAPE", "4 heads cannot share 3", lambda s: s.update({"blocks.0.attn.c_k.weight": torch.ones(24, 32)})),
    ("ART_SHAPE", "blocks.0.mlp.proj.weight: expected [32, 33], found [32, 64]",
     lambda s: s.update({"blocks.0.mlp.fc.weight": torch.ones(33, 32)})),
    ("ART_SHAPE", "70000 rows", lambda s: s.update({"tok_emb.weight": torch.ones(70_000, 1)})),
    ("ART_KEYS", "no tensor blocks.3.*", lambda s: s.update({"blocks.10001.x": torch.ones(1)})),
]  # fmt: skip


@pytest.mark.parametrize(("code", "words", "edit"), EDITS, ids=[words for _, words, _ in EDITS])
def test_tensors_that_are_not_this_architecture_are_named(world: World, code: str, words: str, edit: Any) -> None:
    state = dict(world.state)
    edit(state)
    with pytest.raises(Refused) as caught:
        shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
        shape.check(shapes, shape.expected(shape.infer(shapes)))
    assert caught.value.code == code
    assert words in str(caught.value)


# --- meaning: numbers 89 to 98 of the corpus --------------------------------------------------------------------------


def big_state() -> dict[str, torch.Tensor]:
    """A state dict with one matrix that is large enough to be quantized."""
    config = replace(tiny.CONFIG, vocab_size=2100)
    return tiny.model(config=config).state_dict()


def read(tree: Tree) -> None:
    """Do everything from an artifact's tree to the model."""
    shapes = sound.shapes_of(tree)
    shape.check(shapes, shape.expected(shape.infer(shapes)))
    weights.state_of(tree)


EMBEDDING = "tok_emb.weight"
MEANING: list[tuple[int, str, Callable[[Tree], Any], str]] = [
    (89, "ART_QFORMAT", lambda t: t.update(__quant_format__="int6_gptq"), "'int6_gptq'"),
    (89, "ART_QFORMAT", lambda t: t.pop("__quant_format__"), "None"),
    (89, "ART_QFORMAT", lambda t: t.update(__quant_format__=torch.ones(2)), ""),
    (90, "ART_DTYPE_NAME", lambda t: t["dtypes"].update({EMBEDDING: "load"}), "'load'"),
    (90, "ART_DTYPE_NAME", lambda t: t["dtypes"].update({EMBEDDING: "complex64"}), "'complex64'"),
    (90, "ART_DTYPE_NAME", lambda t: t["dtypes"].update({EMBEDDING: 5}), "5"),
    (90, "ART_DTYPE_NAME", lambda t: t["dtypes"].update({EMBEDDING: torch.ones(2)}), ""),
    (91, "ART_NONFINITE", lambda t: t["scales"][EMBEDDING].fill_(math.nan), "scales"),
    (92, "ART_NONFINITE", lambda t: t["scales"][EMBEDDING].fill_(math.inf), "scales"),
    (92, "ART_NONFINITE", lambda t: t["passthrough"]["skip_weights"].fill_(math.inf), "skip_weights"),
    (93, "ART_SCALE_SHAPE", lambda t: t["scales"].update({EMBEDDING: torch.ones(5)}), "(5,)"),
    (94, "ART_Q_DTYPE", lambda t: t["quantized"].update({EMBEDDING: t["quantized"][EMBEDDING].float()}), "float32"),
    (94, "ART_Q_DTYPE", lambda t: t["quantized"].update({EMBEDDING: t["quantized"][EMBEDDING].long()}), "int64"),
    (94, "ART_Q_DTYPE", lambda t: t["quantized"].update({EMBEDDING: t["quantized"][EMBEDDING].bool()}), "bool"),
    (94, "ART_TYPE", lambda t: t["quantized"].update({EMBEDDING: 5}), "int"),
    (95, "ART_MISSING", lambda t: t["scales"].pop(EMBEDDING), EMBEDDING),
    (95, "ART_MISSING", lambda t: t.pop("dtypes"), "dtypes"),
    (95, "ART_MISSING", lambda t: t.update(passthrough=torch.ones(2)), "passthrough"),
    (96, "ART_DUP_NAME", lambda t: t["passthrough"].update({EMBEDDING: torch.ones(1)}), EMBEDDING),
    (97, "ART_DTYPE", lambda t: t["passthrough"].update({"skip_weights": torch.ones(1, 32).long()}), "int64"),
    (97, "ART_KEYS", lambda t: t["passthrough"].update({"extra": torch.ones(1)}), "extra"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("number", "code", "edit", "words"), MEANING, ids=[f"{n}-{i}-{c}" for i, (n, c, _, _) in enumerate(MEANING)]
)
def test_an_invalid_artifact_is_refused(number: int, code: str, edit: Any, words: str) -> None:
    tree = artifact.quantize(big_state(), tiny.KEEP)
    edit(tree)
    with pytest.raises(Refused) as caught:
        read(load(zlib.compress(artifact.dump(tree))))
    assert caught.value.code == code
    assert words in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_model_whose_logits_are_not_finite_has_no_score(world: World, tmp_path: Path) -> None:
    state = copy.deepcopy(world.state)
    state["blocks.1.mlp.proj.weight"].fill_(1.0)
    obj = artifact.quantize(state, [*tiny.KEEP, "mlp.proj"])
    obj["passthrough"]["blocks.1.mlp.proj.weight"].fill_(3e38)  # finite, so the format has nothing against it
    path = tmp_path / "a.int8.ptz"
    path.write_bytes(artifact.pack(obj)[0])
    with pytest.raises(Refused) as caught:
        scored(world, path)
    assert caught.value.code == "EVAL_NONFINITE"


def test_every_edited_artifact_is_refused_or_gives_a_model(world: World) -> None:
    seed = int(np.random.SeedSequence().entropy) % 2**32
    print(f"seed {seed}")
    rng = random.Random(seed)
    base = artifact.quantize(big_state(), tiny.KEEP, model_config={"rope_base": 10.0})
    strange = [5, -1.5, math.nan, True, "x", "float16", (), (1, "a"), {}, {"a": {}}, torch.ones(2), torch.zeros(0)]
    for _ in range(400):
        tree: Tree = {key: dict(value) if isinstance(value, dict) else value for key, value in base.items()}
        where: Tree = rng.choice([tree, *(value for value in tree.values() if isinstance(value, dict) and value)])
        key = rng.choice(list(where))
        if rng.random() < 0.2:
            del where[key]
        else:
            where[key if rng.random() < 0.8 else "new"] = copy.copy(rng.choice([*strange, *base.values()]))
        try:
            read(tiny.arrays(tree))
        except Refused as error:
            assert error.code.startswith("ART_"), error


# --- data -------------------------------------------------------------------------------------------------------------


def test_the_standard_folders_are_searched_for_the_dataset_that_the_log_names(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(world.root)
    text_inputs = inputs.find(None, None, {"train_loader": "dataset:tiny_sp300"}, 300)
    assert (text_inputs.shards[0].name, text_inputs.tokenizer.name) == ("fineweb_val_000000.bin", "tiny_300.model")
    assert inputs.find(None, None, {}, 300).source == "data/, the only dataset of 300 pieces"
    with pytest.raises(UsageError, match="found none that fit; give --data"):
        inputs.find(None, None, {}, 1024)


def test_paths_in_a_log_are_not_followed(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    log = {"data_path": str(world.shards), "tokenizer_path": str(world.tokenizer)}
    with pytest.raises(UsageError, match="found none that fit"):
        inputs.find(None, None, log, 300)


@pytest.mark.parametrize("name", ["tokenizer_sha256", "val_sha256"])
def test_data_that_the_logs_run_did_not_use_is_refused(world: World, tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.log"
    path.write_text(tiny.log(world, **{name: "ab" * 32}))
    (candidate,) = target.find(world.artifact, None, path, 16_000_000)
    with pytest.raises(GolfcheckError, match="has sha256 abababababababab…, the one here"):
        rescoring.rescore(candidate, request(world), ALONE, silent)


def test_a_hostile_tokenizer_is_refused_before_it_is_loaded_here(world: World, tmp_path: Path) -> None:
    bad = tmp_path / "bad.model"
    bad.write_bytes(b"\x0a\xff\xff\xff")
    with pytest.raises(Refused) as caught:
        scored(world, tokenizer=bad)
    assert caught.value.code.startswith("TOK_")


# --- probes -----------------------------------------------------------------------------------------------------------


def evaluation(world: World) -> measure.Evaluation:
    return measure.Evaluation(world.state, world.config, "bf16", ALONE)


def tokens_of(world: World) -> Any:
    return data.read_validation(data.shard_paths(world.shards, "val"), 64, tiny.VOCAB)


def table_of(world: World) -> ByteTable:
    return ByteTable.load(world.tokenizer, tiny.VOCAB)


def test_a_sound_model_passes_every_probe(world: World) -> None:
    assert [probe.passed for probe in evaluation(world).probe(tokens_of(world))] == [True, True, True]


def test_a_model_that_looks_ahead_fails_the_probe_of_causality(world: World) -> None:
    cheat = evaluation(world)
    honest = cheat.logits

    def logits(ids: torch.Tensor) -> torch.Tensor:
        return honest(ids) + torch.nn.functional.one_hot(ids.roll(-1, 1), 300)

    cheat.logits = logits  # type: ignore[method-assign]
    causal, normalized, scored_so = cheat.probe(tokens_of(world))
    assert not causal.passed
    assert normalized.passed
    assert not scored_so.passed  # the score is from other logits


def test_ctrl_c_reports_the_results_so_far(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "_CPU_CALL_TOKENS", tiny.ONE_SEQUENCE)
    started = evaluation(world)
    tokens = tokens_of(world)
    num_bytes = table_of(world).count(tokens)

    def stop(done: int, _total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(measure.Interrupted) as caught:
        started.score(tokens, num_bytes, stop)
    whole = evaluation(world).score(tokens, num_bytes, lambda _done, _total: None)
    so_far = caught.value.so_far
    assert so_far.tokens == 3 * 64
    assert so_far.val_loss_nats == pytest.approx(np.mean(whole.sequence_losses[:3]), abs=1e-9)
    assert "so far:" in render.so_far(so_far)


# --- the command ------------------------------------------------------------------------------------------------------


def test_the_command_writes_a_valid_report_and_its_exit_code_is_the_verdict(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(world.root)
    report = tmp_path / "report.json"
    assert cli.main(["rescore", str(world.record), "--device", "cpu", "--json", str(report)]) == 0
    assert "VERDICT  confirmed" in capsys.readouterr().out
    document = json.loads(report.read_text())
    assert schema.violations("rescore", document) == []
    (rescore,) = document["rescores"]
    losses = np.frombuffer(base64.b64decode(rescore["measured"]["sequence_losses"]["base64"]), "<f2")
    assert losses.astype(np.float64).mean() == pytest.approx(rescore["measured"]["val_loss_nats"], abs=2e-3)
    assert document["code_sha256"] == rescoring.code_digest()


def test_progress_is_one_line_with_the_time_that_is_left_and_only_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 10.0, 10.1, 20.0])
    monkeypatch.setattr(progressline.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    draw = progressline.progress("bf16 tables")
    for done in (1, 2, 4):
        draw(done, 4)
    drawn = capsys.readouterr().err
    assert drawn == "\r\x1b[K[######..................] bf16 tables  1/4 sequences  30 s left\r\x1b[K"
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    clock = iter([0.0, 10.0])
    progressline.progress("bf16 tables")(1, 4)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("stride", [None, 24])
def test_two_ranks_share_the_work_and_give_the_score_of_one(world: World, tmp_path: Path, stride: int | None) -> None:
    path, options = tmp_path / "report.json", ["--stride", str(stride)] if stride else []
    arguments = ["rescore", str(world.record), "--device", "cpu", "--json", str(path), *options]
    if stride is None:
        launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", "-m"]
        env = os.environ | {"OMP_NUM_THREADS": "1"}
        completed = subprocess.run(
            [*launch, "golfcheck", *arguments], cwd=world.root, capture_output=True, text=True, env=env
        )
        assert (completed.returncode, completed.stdout.count("VERDICT")) == (0, 1), completed.stderr
    else:
        first, second = forked.ranks(lambda: cli.main(arguments), 2, world.root)
        assert first.stdout.count("VERDICT  incomparable") == 1, first.stderr  # its window is not the claim's
        assert first.returncode == command.UNDECIDED
        assert (second.returncode, second.stdout) == (0, ""), second.stderr
    two, one = json.loads(path.read_text())["rescores"][0]["measured"], scored(world, stride=stride).measured
    assert len(two["rank_sequences"]) == 2
    assert sum(two["rank_sequences"]) == one.rank_sequences[0]
    assert two["sequence_losses"]["count"] == len(one.sequence_losses)
    assert (two["tokens"], two["text_bytes"]) == (one.tokens, one.text_bytes)
    assert two["val_bpb"] == pytest.approx(one.val_bpb, abs=1e-9)


def test_the_command_exits_1_for_a_claim_that_is_missed_and_3_for_one_that_cannot_be_compared(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(world.root)
    common = [str(world.artifact), "--device", "cpu", "--seq-len", "64", "--rope-base", "500"]
    assert cli.main(["rescore", *common, "--claim", "9.0"]) == 1
    assert "VERDICT  refuted" in capsys.readouterr().out
    assert cli.main(["rescore", str(world.record), "--device", "cpu", "--val-tokens", "640"]) == 3
    assert "VERDICT  incomparable" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--claim", "1,2"], "--claim must be a number of bits per byte like 1.2032, not '1,2'"),
        (["--tolerance", "-1"], "--tolerance must be 0 or more"),
        (["--tolerance", "inf"], "--tolerance must be 0 or more"),
        (["--within", "inf"], "--within must be a positive number"),
        (["--json", "."], "--json .: expected a file to write"),
        (["--json", "/nowhere/report.json"], "in an existing folder"),
        (["--within", "nan"], "--within must be a positive number"),
        (["--seq-len", "0"], "--seq-len must be a number from 1 to 65536, not 0"),
        (["--max-bytes", "10"], "ART_TOO_BIG: "),
        (["--claim", "2_9.1"], "--claim must be a number of bits per byte like 1.2032, not '2_9.1'"),
        (["--data", "/nowhere"], "no such folder"),
        (["--data", __file__], "test_rescore.py: a file; expected the folder with the shards"),
        (["--log", "/nowhere.log"], "/nowhere.log: No such file or directory; expected a training log"),
        (["--raw", "/nowhere.pt"], "/nowhere.pt: No such file or directory; expected what torch.save made"),
    ],
)
def test_an_invalid_option_is_one_line_and_exit_code_2(
    world: World, capsys: pytest.CaptureFixture[str], options: list[str], words: str
) -> None:
    assert cli.main(["rescore", str(world.artifact), *options]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("zip.ptz", zlib.decompress, "zip.ptz: unsupported container: a ZIP archive"),
        ("gzip.ptz", lambda raw: b"\x1f\x8b" + raw, "gzip.ptz: unsupported container: gzip"),
        ("missing.ptz", None, "missing.ptz"),
        (
            "train.log",
            None,
            "train.log: not an artifact; give final_model.int8.ptz, or the record folder: golfcheck rescore ",
        ),
    ],
)
def test_a_foreign_file_is_unsupported_by_name_with_exit_code_2(
    world: World, capsys: pytest.CaptureFixture[str], name: str, change: Any, words: str
) -> None:
    tmp_path = world.root
    if change is not None:
        (tmp_path / name).write_bytes(change(world.artifact.read_bytes()))
    assert cli.main(["rescore", str(tmp_path / name)]) == 2
    assert words in capsys.readouterr().err


def test_the_page_compares_seconds_and_bytes_per_token_with_known_values(world: World) -> None:
    rescore = scored(world)
    page = render.render(rescore, Page())
    assert f"evaluation {took_text(rescore.measured.seconds)}, the cap is 600 s on 8xH100" in page
    assert "on the whole split" not in page  # nothing is known of a tokenizer of 300 pieces
    settings = rescore.settings | {"vocab_size": replace(rescore.settings["vocab_size"], value=8192)}
    part = render.render(replace(rescore, settings=settings), Page())
    assert "on the whole split: sp8192 3.7266, sp8192-CaseOps 3.157" in " ".join(part.split())
    whole = replace(rescore.measured, tokens=62_021_632, text_bytes=151_079_734)
    assert "2.4359 bytes per token = sp1024" in render.render(replace(rescore, measured=whole), Page())


def test_unusual_names_are_escaped_on_the_page(world: World, tmp_path: Path) -> None:
    rescore = scored(world)
    payload = "a\x1b]52;c;x\x07\u202e\u0085\n[red]"
    assert rescore.claim is not None
    odd = replace(
        rescore,
        artifact=replace(rescore.artifact, path=payload),
        claim=replace(rescore.claim, source=payload),
        settings={name: replace(item, value=payload) for name, item in rescore.settings.items()},
        tolerance_source=payload,
        reason=payload,
        notes=(payload,),
        device=payload,
        raw=RawCheck(replace(rescore.artifact, path=payload), 1, (payload,)),
    )
    text = render.render(odd, Page())
    assert all(character.isprintable() or character == "\n" for character in text)


def test_the_report_of_a_nan_free_run_is_plain_json(world: World) -> None:
    document = rescore_json.document([scored(world)], None, rescoring.code_digest(), rescoring.versions())
    text = json.dumps(document, allow_nan=False)
    assert schema.violations("rescore", json.loads(text)) == []
    assert io.StringIO(text).read(1) == "{"


def test_an_artifact_has_the_claim_of_its_folder_whatever_the_submission_file_is_called(
    world: World, tmp_path: Path
) -> None:
    shutil.copytree(world.record, folder := tmp_path / "undated")
    (folder / "submission.json").rename(folder / "submission.v2.json")
    (alone,) = target.find(folder / world.artifact.name, None, None, 16_000_000)
    (usual,) = target.find(world.record / world.artifact.name, None, None, 16_000_000)
    assert alone.json_claim is not None and usual.json_claim is not None
    assert alone.json_claim.val_bpb == usual.json_claim.val_bpb
