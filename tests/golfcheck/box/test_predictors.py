"""Predictors of every kind through the box: honest ones are scored, and cheats are caught or gain nothing."""

import dataclasses
import os
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from golfcheck.box.boxlimits import BoxLimits
from golfcheck.box.launch import NoSandbox, sandbox
from golfcheck.core.errors import Refused, UsageError
from golfcheck.reference import artifact, data
from golfcheck.reference.model import GPTConfig
from golfcheck.rescore import shape, submitted
from golfcheck.rescore.boxed import BoxedEvaluation
from golfcheck.rescore.devices import join
from golfcheck.rescore.measure import Evaluation
from golfcheck.rescore.predicted import BoxRequest, rescore
from golfcheck.rescore.report import Claim, Rescore, RescoreOutcome
from golfcheck.rescore.rescoring import Request
from tests.conftest import ROOT
from tests.golfcheck import predictors
from tests.golfcheck import rescore_fixture as tiny
from tests.golfcheck.rescore_fixture import World

try:
    sandbox()
except NoSandbox as error:
    pytestmark = pytest.mark.skip(reason=str(error))

LIMITS = BoxLimits(
    resident_bytes=768 << 20, call_seconds=600.0, load_seconds=600.0, scratch_bytes=64 << 20, flood_bytes=32 << 20
)


@pytest.fixture(autouse=True)
def one_box(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use one box at a time: there are many tests and few cores."""
    monkeypatch.setattr("golfcheck.rescore.workers.usable", lambda cores: 1)


Folder = Callable[[str], Path]


@pytest.fixture
def folder(tmp_path: Path, table: np.ndarray) -> Folder:
    return lambda body: predictors.write(tmp_path / "submission", body, table)


def scored(folder: Path, world: World, *, cuts: int = 256, strict: bool = False, **options: object) -> Rescore:
    """Rescore a folder in this process; its boxes are real."""
    (seed,) = submitted.find(folder, folder, None, None, 16_000_000)
    request = Request(data=world.shards, tokenizer=world.tokenizer, **options)
    boxes = BoxRequest(cuts=cuts, strict=strict, limits=LIMITS)
    return rescore(seed, request, boxes, join("cpu"), lambda name: lambda *_: None)


def expected_bpb(world: World, table: np.ndarray) -> float:
    """The score of the bigram table, computed here in float64."""
    tokens = data.read_validation(data.shard_paths(world.shards, "val"), 64, tiny.VOCAB).astype(np.int64)
    logits = table.astype(np.float64)
    log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    nats = -log_p[tokens[:-1], tokens[1:]].mean()
    return predictors.bits(nats) * (tokens.size - 1) / world.score.bytes


@pytest.mark.parametrize("name", predictors.HONEST)
def test_an_honest_predictor_is_scored_and_its_twin_gives_the_same_answers(name: str, folder: Folder, world: World):
    cuts = 64 if "torch" in name else 256
    result = scored(folder(predictors.HONEST[name]), world, cuts=cuts)
    assert result.outcome is RescoreOutcome.MEASURED, result.reason
    assert result.predictor is not None
    challenges = result.predictor.challenges
    assert challenges is not None
    assert challenges.failures() == []
    assert challenges.cuts >= cuts
    assert challenges.moved_nats == 0.0
    assert (challenges.differ, challenges.uncut_differ, challenges.repeated_differ) == (0, 0, 0)
    assert min(challenges.uncut, challenges.repeated) >= cuts // 8
    assert result.predictor.adaptive == ("def adapt" in predictors.HONEST[name])


def test_the_score_agrees_with_the_same_table_in_float64(folder: Folder, world: World, table: np.ndarray):
    result = scored(folder(predictors.HONEST["a bigram table"]), world, cuts=0)
    assert result.measured.val_bpb == pytest.approx(expected_bpb(world, table), abs=1e-6)
    assert result.measured.tokens == world.score.tokens
    assert result.measured.text_bytes == world.score.bytes


def test_a_predictor_that_adapts_to_scored_tokens_scores_better(folder: Folder, world: World):
    adaptive = predictors.HONEST["an adaptive bigram of counts"]
    path = folder(adaptive)
    learned = scored(path, world, cuts=0).measured.val_bpb
    (path / "predictor.py").write_text(predictors.source(adaptive.replace("def adapt", "def forget")))
    assert learned < scored(path, world, cuts=0).measured.val_bpb - 1.0


def test_a_model_of_another_architecture_in_another_container_is_scored(tmp_path: Path, world: World):
    result = scored(predictors.write_gpt(tmp_path / "gpt", tiny.VOCAB), world, cuts=64)
    assert result.outcome is RescoreOutcome.MEASURED, result.reason
    assert [file.path for file in result.predictor.files] == ["predictor.py", "weights.int6.xz"]
    assert result.artifact.path.endswith("weights.int6.xz")
    assert result.predictor.visible_bytes == sum(path.stat().st_size for path in (tmp_path / "gpt").iterdir())


@pytest.mark.parametrize("name", predictors.CAUGHT)
def test_a_cheat_is_refuted_by_the_twin(name: str, tmp_path: Path, world: World, table: np.ndarray, monkeypatch):
    words, body = predictors.CAUGHT[name]
    if "neighbors" in name:
        monkeypatch.setattr("golfcheck.rescore.boxed._LEAST_CALLS", 8)  # several sequences a call
    result = scored(predictors.write(tmp_path / "submission", body, table), world)
    assert result.outcome is RescoreOutcome.REFUTED
    assert words in result.reason
    assert (result.measured.val_bpb < expected_bpb(world, table) - 0.01) == (name in predictors.GAINING)


@pytest.mark.parametrize("name", predictors.HARMLESS)
def test_tricks_that_gain_outside_a_box_gain_nothing_inside(
    name: str, folder: Folder, world: World, table: np.ndarray
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        body = predictors.HARMLESS[name].replace("PORT", str(server.getsockname()[1]))
        result = scored(folder(body), world, cuts=0)
    assert result.measured.val_bpb == pytest.approx(expected_bpb(world, table), abs=1e-6)


@pytest.mark.parametrize("name", predictors.REFUSED)
def test_a_predictor_that_breaks_the_contract_or_a_limit_is_refused_in_one_line(
    name: str, folder: Folder, world: World
):
    code, words, body = predictors.REFUSED[name]
    path = folder(body)
    (path / "linked.bin").symlink_to(next(world.shards.iterdir()))
    never = {"never answers": {"call_seconds": 1.0}, "never loads": {"load_seconds": 1.0}}
    limits = dataclasses.replace(LIMITS, **never.get(name, {}))
    (seed,) = submitted.find(path, path, None, None, 16_000_000)
    request = Request(data=world.shards, tokenizer=world.tokenizer)
    before = children()  # such as the resource tracker that an earlier test has started
    with pytest.raises(Refused) as refused:
        rescore(seed, request, BoxRequest(limits=limits), join("cpu"), lambda name: lambda *_: None)
    if code == "BOX_THREADS" and "can't start new thread" in str(refused.value):
        pytest.skip("needs more threads than the process limit leaves")
    assert refused.value.code == code, str(refused.value)
    assert words in str(refused.value)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)
    assert children() <= before


def children() -> set[str]:
    """The running processes that this one started."""
    pids = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return {pid for pid in pids if not re.search(r"\) Z", Path(f"/proc/{pid}/stat").read_text())}


def test_asking_token_by_token_gives_the_same_score_and_proves_causality(folder: Folder, world: World):
    path = folder(predictors.HONEST["a bigram table"])
    at_once = scored(path, world, val_tokens=256, cuts=0).measured.val_bpb
    strictly = scored(path, world, val_tokens=256, strict=True)
    assert strictly.measured.val_bpb == pytest.approx(at_once, abs=1e-7)
    assert strictly.predictor.strict
    stepping = "class P(Base):\n    def step(self, ids, position):\n        return self.table[ids]"
    (path / "predictor.py").write_text(predictors.source(stepping))
    assert scored(path, world, val_tokens=256, strict=True).measured.val_bpb == pytest.approx(at_once, abs=1e-7)


def test_looking_ahead_gains_nothing_if_asked_token_by_token(folder: Folder, world: World):
    path = folder(predictors.HONEST["a bigram table"])
    honest = scored(path, world, val_tokens=256, cuts=0).measured.val_bpb
    _, body = predictors.CAUGHT["reads the next token"]
    (path / "predictor.py").write_text(predictors.source(body))
    assert scored(path, world, val_tokens=256, cuts=0).measured.val_bpb < honest - 0.5
    assert scored(path, world, val_tokens=256, strict=True).measured.val_bpb == pytest.approx(honest, abs=1e-7)


def test_a_window_slides_and_an_estimate_stops_early(folder: Folder, world: World):
    path = folder(predictors.HONEST["a bigram table"])
    whole = scored(path, world, cuts=0).measured
    slid = scored(path, world, cuts=64, stride=16)
    assert slid.measured.val_bpb == pytest.approx(whole.val_bpb, abs=1e-6)  # a bigram needs one token of context
    assert slid.outcome is RescoreOutcome.MEASURED
    estimated = scored(path, world, estimate=True, within_bpb=0.3)
    assert estimated.measured.estimate is not None
    assert estimated.measured.estimate.low_bpb < whole.val_bpb < estimated.measured.estimate.high_bpb
    assert estimated.predictor.challenges.cuts > 0


def test_a_window_that_reads_other_windows_of_its_call_is_refuted(
    folder: Folder, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("golfcheck.rescore.boxed._LEAST_CALLS", 8)  # several windows a call
    path = folder(predictors.HONEST["a bigram table"])
    honest = scored(path, world, stride=16)
    assert honest.predictor.challenges.unrelated >= 16
    assert honest.predictor.challenges.failures() == []
    (path / "predictor.py").write_text(predictors.source(predictors.OVERLAPPING))
    reading_on = scored(path, world, stride=16)
    assert reading_on.outcome is RescoreOutcome.REFUTED
    assert "among unrelated sequences" in reading_on.reason


@given(
    length=st.integers(2, 64),
    share=st.floats(0.01, 1.0),
    windows=st.integers(1, 400),
    shorter=st.integers(0, 63),
    order=st.sampled_from(("side by side", "sliding", "drawn")),
)
def test_no_sequence_in_a_call_contains_anothers_next_tokens_and_losses_keep_their_order(
    length: int, share: float, windows: int, shorter: int, order: str
) -> None:
    is_sliding = order == "sliding"
    stride = max(1, int(share * length)) if is_sliding else length
    begins = np.arange(windows) * stride
    if is_sliding and windows > 1:
        begins[-1] -= min(shorter, stride - 1)  # the last window ends with the text
    model = object.__new__(BoxedEvaluation)
    model.config, model.workers = GPTConfig(vocab_size=300, train_seq_len=length), 1
    model.device, model.adaptive, model.strict = torch.device("cpu"), False, False
    if order == "drawn":
        np.random.default_rng(windows).shuffle(begins)
    sizes = []

    def losses(_tokens: object, call: np.ndarray) -> list[float]:
        sizes.append(len(call))
        assert (np.diff(np.sort(call[:, 0])) > length).all()  # ids and targets are length + 1 tokens
        return call[:, 0].astype(float).tolist()

    model._losses = losses  # type: ignore[method-assign]
    items = np.stack([begins, begins], axis=1)
    assert [loss for some in model._each(np.empty(0), items) for loss in some] == begins.tolist()
    if not is_sliding and windows >= 128:
        assert max(sizes) > 1


def test_sequences_have_the_claimed_length_if_the_predictor_accepts_it(folder: Folder, world: World):
    path = folder(predictors.HONEST["a bigram table"])
    (seed,) = submitted.find(path, path, Claim(1.9, 4, "log", seq_len=16), None, 16_000_000)
    request, boxes = Request(data=world.shards, tokenizer=world.tokenizer), BoxRequest(cuts=0, limits=LIMITS)
    result = rescore(seed, request, boxes, join("cpu"), lambda name: lambda *_: None)
    assert (result.measured.seq_len, result.settings["seq_len"].source) == (16, "the log")
    (seed,) = submitted.find(path, path, Claim(1.9, 4, "log", seq_len=128), None, 16_000_000)
    result = rescore(seed, request, boxes, join("cpu"), lambda name: lambda *_: None)
    assert result.outcome is RescoreOutcome.INCOMPARABLE
    assert result.reason == "the claim is of sequences of 128 tokens, this score of 64"


def test_a_shorter_context_may_be_requested_but_not_a_longer_one(folder: Folder, world: World):
    path = folder(predictors.HONEST["a bigram table"])
    assert scored(path, world, cuts=0, seq_len=16).measured.seq_len == 16
    with pytest.raises(UsageError, match="takes from 1 to 64 tokens a call"):
        scored(path, world, cuts=0, seq_len=65)


def test_a_predictor_that_adapts_cannot_be_estimated(folder: Folder, world: World):
    path = folder(predictors.HONEST["an adaptive bigram of counts"])
    with pytest.raises(UsageError, match="scored in the order of the text, which --estimate does not keep"):
        scored(path, world, estimate=True)


def test_looking_ahead_would_gain_without_the_twin_test(folder: Folder, world: World, table: np.ndarray):
    _, body = predictors.CAUGHT["reads the next token"]
    assert scored(folder(body), world, cuts=0).measured.val_bpb < expected_bpb(world, table) - 0.5


def test_more_files_than_the_cap_are_refused_before_anything_runs(folder: Folder):
    path = folder("class P(Base): pass")
    (path / "raw.bin").write_bytes(bytes(16_000_000))
    with pytest.raises(Refused, match=r"move away what it does not need.*raw\.bin 16,000,000"):
        submitted.find(path, path, None, None, 16_000_000)


def test_documents_and_logs_are_neither_shown_nor_counted(folder: Folder):
    path = folder("class P(Base): pass")
    for name in ("README.md", "train_seed1.log", "submission.json", "requirements.txt"):
        (path / name).write_text("{}")
    (seed,) = submitted.find(path, path, None, None, 16_000_000)
    assert {name for name, _ in seed.files} == {"base.py", "predictor.py", "table.npy"}
    assert {"README.md", "train_seed1.log", "submission.json", "requirements.txt"} <= set(seed.not_shown)


@pytest.mark.parametrize("name", ["weights.i6z", "weights.bin"])
def test_the_claim_is_that_of_submission_json_whatever_the_weights_are_called(name: str, tmp_path: Path):
    (tmp_path / "predictor.py").write_text("")
    (tmp_path / name).write_bytes(b"w")
    (tmp_path / "submission.json").write_text('{"val_bpb": 2.5415}')
    (seed,) = submitted.find(tmp_path, tmp_path, None, None, 16_000_000)
    assert seed.target.claim is not None
    assert (seed.target.claim.val_bpb, seed.target.claim.source) == (2.5415, "submission.json val_bpb")


def test_each_seed_sees_only_its_own_artifact(folder: Folder):
    path = folder("class P(Base): pass")
    for seed in (1, 2):
        (path / f"model_seed{seed}.bin").write_bytes(bytes([seed]))
    seeds = submitted.find(path, path, None, None, 16_000_000)
    assert [item.target.seed for item in seeds] == [1, 2]
    assert [{name for name, _ in item.files if name.startswith("model")} for item in seeds] == [
        {"model_seed1.bin"},
        {"model_seed2.bin"},
    ]
    (only,) = submitted.find(path / "model_seed2.bin", path, None, None, 16_000_000)
    assert only.target.seed == 2


def test_the_example_of_the_manual_works_as_it_stands(world: World, tmp_path: Path, table: np.ndarray, monkeypatch):
    text = (ROOT / "docs/predictor.md").read_text()
    predictor, training = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    shard = next(world.shards.glob("fineweb_train_*.bin"))
    training = re.sub(r'"data/.*?\.bin"', repr(str(shard)), training).replace("1024", "300")
    monkeypatch.chdir(tmp_path)
    exec(compile(training, "training", "exec"), {})
    path = tmp_path / "my_run"
    (path / "predictor.py").write_text(predictor.replace("seq_len = 1024", "seq_len = 64").replace("1024", "300"))
    result = scored(path, world, cuts=64)
    assert result.outcome is RescoreOutcome.MEASURED
    assert result.measured.val_bpb == pytest.approx(expected_bpb(world, table), abs=0.01)


@pytest.mark.parametrize(
    "golden",
    [
        ("one_rank", {"rope_tables": "bf16", "train_seq_len": 256}, 16_384),
        ("public_7L384", {"rope_tables": "fp32", "train_seq_len": 512}, 4096),
    ],
    ids=lambda golden: golden[0],
)
def test_the_golden_artifacts_have_the_built_in_evaluations_score_through_the_box(
    golden: tuple[str, dict[str, Any], int], shared_data: Path, tmp_path: Path
):
    """In fp32 within 1e-6: the built-in evaluation has the golden scores themselves (test_rescore)."""
    name, settings, tokens = golden
    unpacked = artifact.unpack((shared_data / "golden" / f"{name}.int8.ptz").read_bytes())
    shapes = {
        name: tuple(tensor.shape) for name, tensor in {**unpacked["quantized"], **unpacked["passthrough"]}.items()
    }
    config = GPTConfig(**shape.infer(shapes), **settings)
    (tmp_path / "model.int8.ptz").write_bytes(
        artifact.pack({**unpacked, "model_config": dataclasses.asdict(config)})[0]
    )
    for source in ("model.py", "artifact.py", "predictor.py"):
        text = (ROOT / "reference" / source).read_text()
        (tmp_path / source).write_text(text.replace('ACTIVATIONS = "bf16"', 'ACTIVATIONS = "fp32"'))
    fineweb = shared_data / "fineweb"
    (seed,) = submitted.find(tmp_path, tmp_path, None, None, 16_000_000)
    request = Request(data=fineweb, tokenizer=fineweb / "fineweb_1024_bpe.model", val_tokens=tokens, estimate=False)
    result = rescore(seed, request, BoxRequest(cuts=0), join("cpu"), lambda name: lambda *_: None)
    text = data.read_validation(data.shard_paths(fineweb, "val"), config.train_seq_len, 1024)[: tokens + 1]
    ours = Evaluation(artifact.dequantize(unpacked), config, "fp32", join("cpu"))
    measured = ours.score(text, np.full(tokens, 2), lambda *_: None)
    assert result.measured.val_loss_nats == pytest.approx(measured.val_loss_nats, abs=1e-6)
