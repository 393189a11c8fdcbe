"""The contest's own trainer on the real tokens: the same losses, the same score (shared/data/golden)."""

from pathlib import Path

import pytest
import torch

from golfcheck.reference import artifact
from golfcheck.reference.bpb import ByteTable, evaluate
from golfcheck.reference.data import read_validation, shard_paths
from golfcheck.reference.model import GPT, GPTConfig
from golfcheck.trainlog import linekinds
from golfcheck.trainlog.templates import parse
from tests.reference import trainer
from tests.reference.trainer import Data

SETTINGS = {
    "SEED": "1337", "VAL_BATCH_SIZE": "32768", "VAL_LOSS_EVERY": "0", "TRAIN_LOG_EVERY": "1", "ITERATIONS": "40",
    "WARMDOWN_ITERS": "20", "WARMUP_STEPS": "2", "TRAIN_BATCH_TOKENS": "8192", "TRAIN_SEQ_LEN": "256",
    "MAX_WALLCLOCK_SECONDS": "0", "NUM_LAYERS": "4", "MODEL_DIM": "128", "NUM_HEADS": "4", "NUM_KV_HEADS": "2",
    "MUON_MOMENTUM_WARMUP_STEPS": "20", "ROPE_TABLES": "bf16",
}  # fmt: skip


@pytest.mark.parametrize(("ranks", "log"), [(1, "one_rank.log"), (2, "two_ranks.log")])
def test_the_trainer_reproduces_the_golden_run(shared_data: Path, out: Path, ranks: int, log: str) -> None:
    fineweb = shared_data / "fineweb"
    tokens = Data(fineweb, fineweb / "fineweb_1024_bpe.model")
    ours = trainer.train(out, tokens, ranks=ranks, **SETTINGS | {"WARMUP_STEPS": "0"})  # it leaves no trace anyway
    assert ours.code == 0, ours.output
    golden = [parse(text) for text in (shared_data / "golden" / log).read_text().split("\n")]
    losses = [line.train_loss for line in golden if isinstance(line, linekinds.TrainStep)]
    (score,) = (line for line in golden if isinstance(line, linekinds.FinalExact))
    assert len(losses) == 40
    assert ours.losses == pytest.approx(losses, abs=0.005)
    (final,) = ours.lines(linekinds.FinalExact)
    assert final.val_bpb == pytest.approx(score.val_bpb, abs=0.002)


# What the contest's own classes give for the public artifact on the first 16,384 validation tokens, in sequences of
# 2,048, with its tables as they are on a CPU and edited to be the other two.
AT_2048 = {"bf16": 2.25193802, "bf16_frequencies": 2.17416942, "fp32": 2.17677606}


@pytest.mark.parametrize("kind", AT_2048)
def test_each_kind_of_rotary_tables_scores_as_the_contests_at_2048_positions(shared_data: Path, kind: str) -> None:
    obj = artifact.unpack((shared_data / "golden" / "public_7L384.int8.ptz").read_bytes())
    config = GPTConfig(num_layers=7, model_dim=384, num_heads=8, num_kv_heads=4, train_seq_len=2048, rope_tables=kind)
    model = GPT(config)
    model.load_state_dict(artifact.dequantize(obj))
    fineweb = shared_data / "fineweb"
    tokens = read_validation(shard_paths(fineweb, "val"), 2048, 1024)[: 16_384 + 1]
    table = ByteTable.load(fineweb / "fineweb_1024_bpe.model", 1024)
    with torch.autocast("cpu", torch.bfloat16):
        score = evaluate(model, tokens, table, seq_len=2048, batch_seqs=1, device=torch.device("cpu"))
    assert score.val_bpb == pytest.approx(AT_2048[kind], abs=2e-4)  # the kinds are at least 0.0026 apart
