"""The trainer as a process: its log, its files, its determinism, and what it says when it cannot go on."""

import hashlib
import itertools
import json
import math
import zlib
from pathlib import Path
from typing import Any

import pytest
import torch

from golfcheck.data.shardwriter import shard_bytes
from golfcheck.reference import artifact
from golfcheck.reference import data as shards
from golfcheck.reference.bpb import ByteTable, evaluate
from golfcheck.reference.model import GPT, GPTConfig
from golfcheck.trainlog import linekinds
from golfcheck.trainlog.templates import parse
from tests.reference import trainer
from tests.reference.trainer import Data, Finished

ORDER = [
    "Separator", "PythonVersion", "TorchVersion", "Separator", "Tokenizer", "TrainLoader", "ValLoader", "ValText",
    "TokenizerFile", "DataFiles", "Phase", "ModelParams", "World", "Sdp", "Attention", "LearningRates",
    "Plan", "Seed", "AttentionKernel", "Numerics", "ChangedSettings", "Phase", "WarmupStep", "Phase",
    *["TrainStep"] * 6, "ValStep", "DataFiles",
    "Phase", "Speed", "Phase", "PeakMemory", "Phase", "Phase", "ModelBytes", "CodeBytes", "TotalBytes",
    "Int8ModelBytes", "Int8TotalBytes", "Phase", "Phase", "Final", "FinalExact",
]  # fmt: skip


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def split_log(text: str) -> tuple[str, list[str]]:
    """The source dump, and the lines after it."""
    rule = "=" * 100
    dump, rest = text.split(f"{rule}\n", 1)
    return dump, [rule, *rest.rstrip("\n").split("\n")]


def test_a_run_writes_the_contracts_lines_in_their_order(tiny: Finished) -> None:
    assert tiny.code == 0, tiny.output
    _, texts = split_log(tiny.log())
    lines = [parse(text) for text in texts if text]
    kinds = [type(line).__name__ for line in lines if not isinstance(line, linekinds.GitCommit)]
    assert kinds == ORDER


def test_the_log_begins_with_the_code_that_ran_file_by_file(tiny: Finished) -> None:
    dump, _ = split_log(tiny.log())
    files = sorted(path for path in trainer.REFERENCE.glob("*.py") if path.name != "__init__.py")
    assert (trainer.REFERENCE / "__init__.py").stat().st_size == 0
    expected = "".join(f"# file: {p.name}, {p.stat().st_size} bytes\n{p.read_text()}" for p in files)
    assert dump == expected
    (code,) = tiny.lines(linekinds.CodeBytes)
    assert code.size_bytes == sum(p.stat().st_size for p in files)


def test_the_sizes_are_those_of_the_files_and_add_up(tiny: Finished) -> None:
    (code,), (model,), (total,) = (
        tiny.lines(kind) for kind in (linekinds.CodeBytes, linekinds.ModelBytes, linekinds.TotalBytes)
    )
    (small,), (small_total,) = tiny.lines(linekinds.Int8ModelBytes), tiny.lines(linekinds.Int8TotalBytes)
    assert model.size_bytes == (tiny.out / "final_model.pt").stat().st_size
    assert small.size_bytes == (tiny.out / "final_model.int8.ptz").stat().st_size
    assert total.size_bytes == code.size_bytes + model.size_bytes
    assert small_total.size_bytes == code.size_bytes + small.size_bytes


def test_the_final_score_is_that_of_the_artifact_on_disk(tiny: Finished, data: Data) -> None:
    obj = artifact.unpack((tiny.out / "final_model.int8.ptz").read_bytes())
    model = GPT(GPTConfig(**obj["model_config"]))
    model.load_state_dict(artifact.dequantize(obj))
    table = ByteTable.load(data.tokenizer_path, 1024)
    tokens = shards.read_validation(shards.shard_paths(data.data_path, "val"), 32, 1024)
    with torch.autocast("cpu", torch.bfloat16):
        score = evaluate(model, tokens, table, seq_len=32, batch_seqs=64, device=torch.device("cpu"))
    (final,), (text,) = tiny.lines(linekinds.FinalExact), tiny.lines(linekinds.ValText)
    assert final.val_loss == pytest.approx(score.val_loss_nats, abs=1e-6)
    assert final.val_bpb == pytest.approx(score.val_bpb, abs=1e-6)
    assert (text.tokens, text.size_bytes) == (score.tokens, score.bytes)


def test_the_raw_weights_quantize_to_the_artifact(tiny: Finished) -> None:
    state = torch.load(tiny.out / "final_model.pt", weights_only=True)
    obj = artifact.unpack((tiny.out / "final_model.int8.ptz").read_bytes())
    again = artifact.quantize(state, trainer_patterns(), model_config=obj["model_config"])
    assert artifact.pack(again)[0] == (tiny.out / "final_model.int8.ptz").read_bytes()


def trainer_patterns() -> list[str]:
    from golfcheck.reference.settings import CONTROL_TENSORS

    return CONTROL_TENSORS.split(",")


def test_the_log_states_the_settings_and_the_data(tiny: Finished, data: Data) -> None:
    (changed,), (numerics,) = tiny.lines(linekinds.ChangedSettings), tiny.lines(linekinds.Numerics)
    values = json.loads(changed.json)
    assert values["TRAIN_SEQ_LEN"] == 32
    assert values["MAX_WALLCLOCK_SECONDS"] == 0.0
    assert "SEED" not in values  # the default
    assert numerics.rope_tables == "bf16_frequencies"
    (tokenizer,) = tiny.lines(linekinds.TokenizerFile)
    assert tokenizer.sha256 == sha256(data.tokenizer_path)
    val = tiny.lines(linekinds.DataFiles)[0]
    listing = f"{sha256(data.data_path / 'fineweb_val_000000.bin')}  fineweb_val_000000.bin\n"
    assert val.sha256 == hashlib.sha256(listing.encode()).hexdigest()


def test_the_phases_leave_nothing_of_the_run_outside_a_clock(tiny: Finished) -> None:
    names = [line.name for line in tiny.lines(linekinds.Phase)]
    assert names == [
        "data", "building", "warmup", "training", "validation", "quantization", "serialization", "reading",
        "evaluation",
    ]  # fmt: skip


def test_two_runs_of_one_seed_give_the_same_bytes_and_another_seed_others(
    tiny: Finished, data: Data, tmp_path: Path
) -> None:
    folders = [tmp_path / name for name in ("same", "other")]
    for folder in folders:
        folder.mkdir()
    same, other = trainer.train(folders[0], data), trainer.train(folders[1], data, SEED="7")
    assert same.losses == tiny.losses
    assert sha256(same.out / "final_model.int8.ptz") == sha256(tiny.out / "final_model.int8.ptz")
    assert other.losses != tiny.losses


def test_the_warm_up_does_not_change_the_weights(tiny: Finished, data: Data, out: Path) -> None:
    without = trainer.train(out, data, WARMUP_STEPS="0")
    assert without.losses == tiny.losses
    assert sha256(out / "final_model.int8.ptz") == sha256(tiny.out / "final_model.int8.ptz")


def test_two_ranks_see_the_two_halves_of_each_micro_batch(tiny: Finished, data: Data, out: Path) -> None:
    """The first loss of rank 0 is that of the first weights on rank 0's spans of the stream."""
    two = trainer.train(out, data, ranks=2, ITERATIONS="1", TIED_EMBED_INIT_STD="1.0")
    assert two.code == 0, two.output
    torch.manual_seed(1337)
    config = artifact.unpack((tiny.out / "final_model.int8.ptz").read_bytes())["model_config"]
    model = GPT(GPTConfig(**{**config, "tied_embed_init_std": 1.0}))  # large first weights: each batch its own loss
    stream = shards.TokenStream(shards.shard_paths(data.data_path, "train"), 1024)
    losses = []
    for _ in range(4):
        span = torch.from_numpy(stream.take(130)[:65].astype("int64"))
        with torch.autocast("cpu", torch.bfloat16):
            losses.append(model(span[:-1].view(-1, 32), span[1:].view(-1, 32)).item())
    assert two.losses[0] == pytest.approx(sum(losses) / 4, abs=1e-3)


def test_two_ranks_train_on_the_same_batches_split_between_them(data: Data, out: Path) -> None:
    two = trainer.train(out, data, ranks=2, MATRIX_LR="0.04")
    assert two.code == 0, two.output
    (world,) = two.lines(linekinds.World)
    assert (world.world_size, world.grad_accum_steps) == (2, 4)
    assert two.losses[0] == pytest.approx(math.log(1024), abs=0.05)
    assert two.losses[-1] < two.losses[0] - 0.05
    assert "buffers" not in two.output  # no complaint of DistributedDataParallel about its arguments
    _, texts = split_log(two.log())
    assert all(parse(text) for text in texts if text)


def test_two_ranks_come_to_the_weights_of_one_that_is_fed_the_same_batches(data: Data, tmp_path: Path) -> None:
    """As far as rounding lets them: bf16 gradients are 2^-9 off, and Muon makes all directions equally long.

    How far that is over 20 steps is measured: one rank that takes the same micro-batches in smaller passes.
    """
    smaller = trainer.copy_of_reference(
        tmp_path / "smaller", ("learner.py", "CPU_CALL_TOKENS = 2048", "CPU_CALL_TOKENS = 32")
    )
    ways: dict[str, dict[str, Any]] = {"one": {}, "two": {"ranks": 2}, "rounded": {"folder": smaller}}
    weights = {}
    for name, way in ways.items():
        (tmp_path / f"out_{name}").mkdir()
        done = trainer.train(tmp_path / f"out_{name}", data, ITERATIONS="20", WARMUP_STEPS="0", **way)
        assert done.code == 0, done.output
        state = torch.load(done.out / "final_model.pt", weights_only=True)
        weights[name] = torch.cat([tensor.double().flatten() for tensor in state.values()])
    first = done.out / "first"
    first.mkdir()
    still = {"MATRIX_LR": "0", "SCALAR_LR": "0", "TIED_EMBED_LR": "0"}
    assert trainer.train(first, data, ITERATIONS="1", WARMUP_STEPS="0", **still).code == 0
    state = torch.load(first / "final_model.pt", weights_only=True)
    way_there = (weights["one"] - torch.cat([tensor.double().flatten() for tensor in state.values()])).norm()
    apart = (weights["two"] - weights["one"]).norm() / way_there
    rounding = (weights["rounded"] - weights["one"]).norm() / way_there
    assert apart < 0.05  # of the way that training went; other batches or another seed end more than that way apart
    assert apart < 2 * rounding


def test_the_default_settings_make_the_contracts_model_and_payload(data: Data, out: Path) -> None:
    done = trainer.train(
        out, data, ITERATIONS="1", WARMUP_STEPS="0", NUM_LAYERS="9", MODEL_DIM="512", NUM_HEADS="8", NUM_KV_HEADS="4"
    )
    assert done.code == 0, done.output
    text = done.log()
    assert "\nmodel_params:17059912\n" in text
    assert "(payload:17178912 raw_torch:" in text
    assert "payload_ratio:3.91x)\n" in text


def test_a_copied_folder_trains_its_own_code(tiny: Finished, data: Data, tmp_path: Path, out: Path) -> None:
    folder = trainer.copy_of_reference(tmp_path / "mine", ("model.py", "F.relu(self.mlp", "F.gelu(self.mlp"))
    done = trainer.train(out, data, folder=folder)
    assert done.code == 0, done.output
    assert "F.gelu(self.mlp" in split_log(done.log())[0]
    assert done.losses[0] == tiny.losses[0]  # the maps that begin at zero hide the MLP at first
    assert done.losses[-1] != tiny.losses[-1]


def test_a_module_planted_in_the_current_folder_is_not_run(data: Data, out: Path) -> None:
    (out / "golfcheck.py").write_text("raise SystemExit('THIS RAN')")
    done = trainer.train(out, data, record=True, ITERATIONS="1", WARMUP_STEPS="0")
    assert done.code == 0, done.output
    assert "THIS RAN" not in done.output
    assert (out / "record").is_dir()


def test_an_older_log_of_the_same_name_is_moved_aside(data: Data, out: Path) -> None:
    (out / "logs").mkdir()
    (out / "logs" / "tiny.txt").write_text("older")
    (out / "logs" / "tiny.1.txt").write_text("oldest")
    done = trainer.train(out, data, ITERATIONS="1")
    assert done.code == 0, done.output
    assert (out / "logs" / "tiny.1.txt").read_text() == "oldest"
    assert (out / "logs" / "tiny.2.txt").read_text() == "older"
    assert "step:1/1" in done.log()


def test_the_cap_ends_training_and_the_last_step_is_validated(data: Data, out: Path) -> None:
    done = trainer.train(
        out, data, ITERATIONS="100000", MAX_WALLCLOCK_SECONDS="1.5", TRAIN_LOG_EVERY="1000", VAL_LOSS_EVERY="3"
    )
    assert done.code == 0, done.output
    (stop,) = done.lines(linekinds.Stopping)
    train, val = done.lines(linekinds.TrainStep), done.lines(linekinds.ValStep)
    assert stop.reason == "wallclock_cap"
    assert stop.train_ms >= 1500
    assert stop.train_ms - 1500 <= 2 * max(b.train_ms - a.train_ms for a, b in itertools.pairwise(train))
    assert train[-1].step == val[-1].step == stop.step
    assert [line.step for line in val[:-1]] == list(range(0, stop.step, 3))
    assert val[-1].train_ms == stop.train_ms
    assert val[-1].val_loss < val[0].val_loss


def test_a_loss_that_is_not_a_number_stops_at_that_step_and_publishes_nothing(data: Data, out: Path) -> None:
    (out / "final_model.int8.ptz").write_text("of an earlier run")
    done = trainer.train(out, data, TIED_EMBED_LR="1e38", SAVE_EVERY="1")
    assert done.code == 1
    (stop,) = done.lines(linekinds.Stopping)
    assert stop.reason == "nonfinite_loss"
    assert math.isnan(done.losses[-1])
    assert len(done.losses) == stop.step < 6
    assert done.output.strip().split("\n")[-1].endswith("is not finite: nothing is published; lower the learning rates")
    assert "Traceback" not in done.output
    assert (out / "final_model.int8.ptz").read_text() == "of an earlier run"
    if (out / "checkpoint.pt").exists():  # the last good one, never the weights that made the loss
        state = torch.load(out / "checkpoint.pt", weights_only=True)
        assert all(p.isfinite().all() for p in state["model"].values())


def test_weights_that_the_last_step_spoiled_are_not_published(data: Data, out: Path) -> None:
    (out / "final_model.int8.ptz").write_text("of an earlier run")
    done = trainer.train(out, data, ITERATIONS="1", WARMDOWN_ITERS="0", TIED_EMBED_LR="1e38")
    assert done.code == 1
    assert "the weights score nan on validation: nothing is published" in done.output
    assert "Traceback" not in done.output
    assert (out / "final_model.int8.ptz").read_text() == "of an earlier run"
    assert not (out / "final_model.pt").exists()


def test_weights_that_the_artifact_cannot_hold_are_not_published(data: Data, out: Path) -> None:
    """A gain of 1e6 is beyond fp16, in which a small tensor is kept unless its name is on the list."""
    done = trainer.train(
        out, data, ITERATIONS="1", QK_GAIN_INIT="1e6", SCALAR_LR="0", INT8_KEEP_FLOAT_FP32_NAME_PATTERNS=""
    )
    assert done.code == 1
    assert "blocks.0.attn.q_gain is too large for the artifact: nothing is published" in done.output
    assert "Traceback" not in done.output
    assert not (out / "final_model.int8.ptz").exists()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"TRAIN_SEQ_LEN": "many"}, "TRAIN_SEQ_LEN must be a whole number"),
        ({"NUM_HEADS": "5"}, "NUM_HEADS (5) must divide MODEL_DIM (32)"),
        ({"TRAIN_BATCH_TOKENS": "100"}, "TRAIN_BATCH_TOKENS must be a multiple of 256"),
        ({"DATA_PATH": "nowhere"}, "no shards nowhere/fineweb_train_*.bin: set DATA_PATH"),
        ({"VOCAB_SIZE": "512"}, "1024 pieces, but VOCAB_SIZE is 512"),
        ({"TOKENIZER_PATH": "train.py"}, "train.py"),
        ({"RESUME": "nowhere.pt"}, "nowhere.pt"),
        ({"WORLD_SIZE": "abc"}, "WORLD_SIZE must be a whole number, not 'abc'"),
        ({"WORLD_SIZE": "2"}, "WORLD_SIZE is 2, but RANK is not set: start ranks with torchrun"),
        ({"RANK": "x"}, "RANK must be a whole number, not 'x'"),
        ({"MODEL_DIM": "4000000"}, "training this model takes at least"),
        ({"THREADS": "100000"}, "THREADS must be a whole number of at least 0 and below"),
        ({"MODEL_DIM": "33", "DATA_PATH": "nowhere"}, "NUM_HEADS (4) must divide MODEL_DIM (33)"),
        ({"RESUME": "nowhere.pt", "DATA_PATH": "nowhere"}, "nowhere.pt is missing"),
        ({"EVAL_STRIDE": "33"}, "EVAL_STRIDE must be at most the window's 32, not 33"),
        ({"DEVICE": "cuda"}, "DEVICE is cuda, but rank 0 of 1 finds none"),
        ({"FLASH_ATTENTION": "3"}, "FLASH_ATTENTION=3 does not work here: No module named"),
    ],
)
def test_a_run_that_cannot_start_gives_one_line(data: Data, out: Path, settings: dict[str, str], words: str) -> None:
    if settings.get("DEVICE") == "cuda" and torch.cuda.is_available():
        pytest.skip("needs a machine without CUDA")
    done = trainer.train(out, data, **settings)
    assert done.code in (1, 2)
    complaint = [line for line in done.output.split("\n") if line.startswith("train.py: ")]
    assert len(complaint) == 1
    assert words in complaint[0]
    assert "Traceback" not in done.output


def test_a_variable_that_is_nearly_a_setting_is_reported_once(data: Data, out: Path) -> None:
    near = {"VAL_BATCHSIZE": "1", "TRAIN_SEQ_LENGTH": "1", "ITERATION": "5", "THREAD": "1"}
    near |= {"SSH_AUTH_SOCK": "/x", "MY_SEED": "5", "XDG_DATA_DIRS": "/y", "COMPILER": "gcc", "SHELL": "/bin/sh"}
    done = trainer.train(out, data, ranks=2, ITERATIONS="1", **near)
    assert done.code == 0, done.output
    warnings = sorted(line for line in done.output.split("\n") if "is not a setting" in line)
    assert warnings == [
        "train.py: ITERATION is not a setting; did you mean ITERATIONS?",
        "train.py: THREAD is not a setting; did you mean THREADS?",
        "train.py: TRAIN_SEQ_LENGTH is not a setting; did you mean TRAIN_SEQ_LEN?",
        "train.py: VAL_BATCHSIZE is not a setting; did you mean VAL_BATCH_SIZE?",
    ]


def test_a_bad_setting_is_reported_by_one_rank(data: Data, out: Path) -> None:
    done = trainer.train(out, data, ranks=2, TRAIN_BATCH_TOKENS="100")
    assert done.code != 0
    assert done.output.count("train.py: TRAIN_BATCH_TOKENS must be") == 1


def test_a_profile_and_a_searched_stream_change_no_weight(tiny: Finished, data: Data, out: Path) -> None:
    done = trainer.train(out, data, "--profile", "--zlib", "best")
    assert done.code == 0, done.output
    assert done.losses == tiny.losses
    trace = json.loads((out / "trace.json").read_text())
    assert any("mm" in event.get("name", "") for event in trace["traceEvents"])
    ours, theirs = ((run.out / "final_model.int8.ptz").read_bytes() for run in (done, tiny))
    assert zlib.decompress(ours) == zlib.decompress(theirs)
    (search,) = done.lines(linekinds.ZlibSearch)
    assert search.saved_bytes == len(theirs) - len(ours) >= 0
    assert not tiny.lines(linekinds.ZlibSearch)


def test_the_log_says_how_fast_training_was(tiny: Finished) -> None:
    (speed,), (world,) = tiny.lines(linekinds.Speed), tiny.lines(linekinds.Plan)
    last = tiny.lines(linekinds.TrainStep)[-1]
    assert speed.tokens == pytest.approx(world.train_batch_tokens * 1000.0 / last.step_avg_ms, rel=0.05)
    (params,) = tiny.lines(linekinds.ModelParams)
    flop = 6 * (params.params + 3 * 32 * 32)  # of a token: every weight, and three layers of 32 positions and channels
    assert speed.flops == pytest.approx(speed.tokens * flop, rel=0.01)
    assert 0.0 <= speed.matmul_share < 1.0  # three decimals: a busy machine may print 0.000


def test_an_embedding_that_is_only_looked_up_does_not_count_as_arithmetic(data: Data, out: Path) -> None:
    done = trainer.train(out, data, TIE_EMBEDDINGS="0", ITERATIONS="1", WARMUP_STEPS="0")
    assert done.code == 0, done.output
    (speed,), (params,) = done.lines(linekinds.Speed), done.lines(linekinds.ModelParams)
    flop = 6 * (params.params - 1024 * 32 + 3 * 32 * 32)
    assert speed.flops == pytest.approx(speed.tokens * flop, rel=0.01)


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_compiled_run_has_the_losses_of_the_eager_one(tiny: Finished, data: Data, out: Path, ranks: int) -> None:
    """The first loss is that of the same weights; on two ranks it is rank 0's, of half of each micro-batch."""
    done = trainer.train(out, data, ranks=ranks, COMPILE="on", NUM_LAYERS="1", ITERATIONS="2")
    assert done.code == 0, done.output
    (numerics,) = done.lines(linekinds.Numerics)
    assert numerics.compiled
    assert done.losses[0] == pytest.approx(tiny.losses[0], abs=0.01)


def test_a_compiler_that_is_missing_is_one_line_that_says_what_to_do(data: Data, out: Path) -> None:
    caches = {"TORCHINDUCTOR_CACHE_DIR": str(out / "cache"), "CXX": "/nonexistent"}
    done = trainer.train(out, data, COMPILE="on", NUM_LAYERS="1", **caches)
    assert done.code == 1
    assert "Traceback" not in done.output
    (complaint,) = [line for line in done.output.split("\n") if line.startswith("train.py: ")]
    assert complaint.startswith("train.py: torch.compile does not work here, use --compile off: ")
    assert "compiler" in complaint.partition("off: ")[2].lower()


def test_a_token_beyond_the_vocabulary_is_reported_with_its_position(data: Data, tmp_path: Path, out: Path) -> None:
    folder = tmp_path / "bad"
    folder.mkdir()
    for path in data.data_path.glob("*.bin"):
        tokens = shards.read_shard(path, 1024).copy()
        if "train" in path.name:
            tokens[77] = 1024
        (folder / path.name).write_bytes(shard_bytes(tokens))
    done = trainer.train(out, Data(folder, data.tokenizer_path))
    assert done.code == 2
    assert "fineweb_train_000000.bin: token 1024 at position 77, but the vocabulary has 1024 pieces" in done.output
