"""Settings: the contract's names and defaults, which source wins, and one line for each bad value."""

import os
from dataclasses import fields

import pytest

from golfcheck.reference.settings import PRESETS, Settings, parse

CONTRACT = {
    "DATA_PATH": "./data/datasets/fineweb10B_sp1024", "TOKENIZER_PATH": "./data/tokenizers/fineweb_1024_bpe.model",
    "RUN_ID": "training_opt_seq4096_v1", "SEED": 1337, "VAL_BATCH_SIZE": 524288, "VAL_LOSS_EVERY": 1000,
    "TRAIN_LOG_EVERY": 200, "ITERATIONS": 20000, "WARMDOWN_ITERS": 3000, "WARMUP_STEPS": 20,
    "TRAIN_BATCH_TOKENS": 393216, "TRAIN_SEQ_LEN": 4096, "MAX_WALLCLOCK_SECONDS": 600.0, "MUON_MOMENTUM": 0.99,
    "MUON_BACKEND_STEPS": 5, "MUON_MOMENTUM_WARMUP_START": 0.92, "MUON_MOMENTUM_WARMUP_STEPS": 1500,
    "GRAD_CLIP_NORM": 0.0, "ROPE_TABLES": "bf16_frequencies", "NUM_LAYERS": 9, "MODEL_DIM": 512, "NUM_HEADS": 8,
    "NUM_KV_HEADS": 4, "MLP_MULT": 2, "VOCAB_SIZE": 1024, "TIE_EMBEDDINGS": True, "ROPE_BASE": 10000.0,
    "LOGIT_SOFTCAP": 30.0, "QK_GAIN_INIT": 1.5, "EMBED_LR": 0.6, "HEAD_LR": 0.008, "TIED_EMBED_LR": 0.030,
    "TIED_EMBED_INIT_STD": 0.005, "MATRIX_LR": 0.020, "SCALAR_LR": 0.020, "BETA1": 0.9, "BETA2": 0.95,
    "ADAM_EPS": 1e-8,
}  # fmt: skip
PATTERNS = "attn_scale,attn_scales,mlp_scale,mlp_scales,resid_mix,resid_mixes,q_gain,skip_weight,skip_weights"


def test_names_and_defaults_are_the_contracts() -> None:
    defaults = {f.name.upper(): f.default for f in fields(Settings)}
    assert {name: defaults[name] for name in CONTRACT} == CONTRACT
    assert defaults["CONTROL_TENSOR_NAME_PATTERNS"] == PATTERNS
    assert defaults["INT8_KEEP_FLOAT_FP32_NAME_PATTERNS"] == PATTERNS


def test_a_flag_wins_over_the_environment_over_the_preset_over_the_default() -> None:
    env = {"TRAIN_SEQ_LEN": "2048"}
    assert parse([], {}).train_seq_len == 4096
    assert parse(["--preset", "baseline"], {}).train_seq_len == 1024
    assert parse(["--preset", "baseline"], env).train_seq_len == 2048
    assert parse(["--preset", "baseline", "--train-seq-len", "512"], env).train_seq_len == 512
    assert parse([], {"PRESET": "baseline"}).train_seq_len == 1024
    assert parse(["--smoke"], {"PRESET": "baseline"}).preset == "smoke"


def test_the_baseline_is_one_preset_away() -> None:
    s = parse(["--preset", "baseline"], {})
    assert (s.train_seq_len, s.train_batch_tokens, s.warmdown_iters) == (1024, 524288, 1200)
    assert (s.matrix_lr, s.scalar_lr, s.tied_embed_lr) == (0.04, 0.04, 0.05)
    assert (s.muon_momentum, s.muon_momentum_warmup_start, s.muon_momentum_warmup_steps) == (0.95, 0.85, 500)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("world_size", [1, 2, 4, 8])
def test_every_preset_fits_every_world_size(preset: str, world_size: int) -> None:
    parse(["--preset", preset], {}).check(world_size)


@pytest.mark.parametrize("text", ["1", "0", "true", "False"])
def test_a_flag_is_read_as_people_write_it(text: str) -> None:
    assert parse(["--tie-embeddings", text], {}).tie_embeddings is (text.lower() in ("1", "true"))


def test_a_flag_that_is_on_or_off_needs_no_number() -> None:
    s = parse(["--profile", "--tie-embeddings", "0"], {})
    assert s.profile
    assert not s.tie_embeddings
    assert not parse([], {}).profile


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "TRAIN_SEQ_LEN",
            "4096.5",
            "TRAIN_SEQ_LEN must be a whole number of at least 1 and below 131072, not '4096.5'",
        ),
        ("TRAIN_SEQ_LEN", "0", "TRAIN_SEQ_LEN must be a whole number of at least 1 and below 131072, not '0'"),
        ("MATRIX_LR", "fast", "MATRIX_LR must be a number of at least 0, not 'fast'"),
        ("MATRIX_LR", "-0.1", "MATRIX_LR must be a number of at least 0, not '-0.1'"),
        ("MATRIX_LR", "inf", "MATRIX_LR must be a number of at least 0, not 'inf'"),
        ("MATRIX_LR", "nan", "MATRIX_LR must be a number of at least 0, not 'nan'"),
        ("QK_GAIN_INIT", "-inf", "QK_GAIN_INIT must be a number, not '-inf'"),
        ("BETA1", "1", "BETA1 must be a number of at least 0 and below 1, not '1'"),
        (
            "THREADS",
            "100000",
            f"THREADS must be a whole number of at least 0 and below {os.cpu_count() + 1}, not '100000'",
        ),
        ("SEED", str(2**63), f"SEED must be a whole number of at least 0 and below 9.22337e+18, not '{2**63}'"),
        ("QK_GAIN_INIT", "nan", "QK_GAIN_INIT must be a number, not 'nan'"),
        ("TIE_EMBEDDINGS", "yes", "TIE_EMBEDDINGS must be 0 or 1, not 'yes'"),
        ("ROPE_TABLES", "fp16", "ROPE_TABLES must be one of bf16, bf16_frequencies, fp32, not 'fp16'"),
        ("DEVICE", "tpu", "DEVICE must be one of auto, cuda, mps, cpu, not 'tpu'"),
        ("PRESET", "fast", "PRESET must be one of seq4096, baseline, smoke, not 'fast'"),
        ("OUT", "a\x1b[2J", r"OUT must be text without control characters, not 'a\x1b[2J'"),
    ],
)
def test_a_bad_value_is_one_line_that_names_the_variable(name: str, text: str, expected: str) -> None:
    flag = "--" + name.lower().replace("_", "-")
    for argv, env in (([f"{flag}={text}"], {}), ([], {name: text})):
        with pytest.raises(ValueError) as refused:
            parse(argv, env)
        assert str(refused.value) == expected


@pytest.mark.parametrize(
    ("flags", "world_size", "expected"),
    [
        ([], 3, "WORLD_SIZE must divide 8, and 3 does not"),
        (["--train-seq-len", "1000"], 1, "TRAIN_BATCH_TOKENS must be a multiple of 8000"),
        (["--val-batch-size", "4096"], 1, "VAL_BATCH_SIZE must be at least 32768"),
        (["--run-id", "../escape"], 1, "RUN_ID must be 1 to 100 letters"),
        (["--seeds", "1;2"], 1, "SEEDS must be different numbers like 42,1337"),
        (["--seeds", "1,,2"], 1, "SEEDS must be different numbers like 42,1337"),
        (["--seeds", "5,5"], 1, "SEEDS must be different numbers like 42,1337"),
        (["--seeds", "5,6", "--resume", "x.pt"], 1, "without RESUME"),
    ],
)
def test_conflicting_settings_give_one_line(flags: list[str], world_size: int, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        parse(flags, {}).check(world_size)


def help_text(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", "1000")
    with pytest.raises(SystemExit) as ended:
        parse(["--help"], {})
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_help_lists_each_flag_with_its_unit_meaning_and_default(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = " ".join(help_text(capsys, monkeypatch).split())
    for f in fields(Settings):
        is_bool = isinstance(f.default, bool)
        metavar = f"[{f.metadata['metavar']}]" if is_bool else f.metadata["metavar"]
        default = {"": "none", PATTERNS: "attn_scale,...", 0: 0, 1: 1}.get(f.default, f.default)
        assert f" --{f.name.replace('_', '-')} {metavar} {f.metadata['help']}; default: {default} " in text


def test_help_has_groups_in_the_order_of_the_settings_and_examples(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = help_text(capsys, monkeypatch)
    groups = ["data and names:", "length and batches:", "shape of the model:", "learning rates and optimizers:"]
    places = [text.index(title) for title in [*groups, "ours: what", "ours: where", "examples:"]]
    assert places == sorted(places)
    assert places[0] < text.index("--data-path") < places[1] < text.index("--iterations") < places[2]
    assert "torchrun --standalone --nproc-per-node 8 train.py" in text


@pytest.mark.parametrize(
    ("flag", "hint"),
    [
        ("--smok", "did you mean --smoke?"),
        ("--iteration", "did you mean --iterations?"),
        ("--train_seq_len=7", "did you mean --train-seq-len?"),
        ("--xyzzy", "--help lists all"),
        ("7", "--help lists all"),
    ],
)
def test_an_unknown_flag_gives_one_line_with_the_nearest_flag(flag: str, hint: str) -> None:
    with pytest.raises(ValueError) as refused:
        parse([flag], {})
    assert str(refused.value) == f"{flag} is not a flag: {hint}"


def test_an_empty_flag_wins_over_the_environment() -> None:
    assert parse(["--seeds", ""], {"SEEDS": "1,2"}).seeds == ""
