"""The contest's own trainer on the real tokens: the same losses, the same score (shared/data/golden)."""

from pathlib import Path

import pytest

from golfcheck.reference import loglines
from golfcheck.trainlog.templates import parse
from tests.reference import trainer
from tests.reference.trainer import Data

SETTINGS = {
    "SEED": "1337", "VAL_BATCH_SIZE": "32768", "VAL_LOSS_EVERY": "0", "TRAIN_LOG_EVERY": "1", "ITERATIONS": "40",
    "WARMDOWN_ITERS": "20", "WARMUP_STEPS": "2", "TRAIN_BATCH_TOKENS": "8192", "TRAIN_SEQ_LEN": "256",
    "MAX_WALLCLOCK_SECONDS": "0", "NUM_LAYERS": "4", "MODEL_DIM": "128", "NUM_HEADS": "4", "NUM_KV_HEADS": "2",
    "MUON_MOMENTUM_WARMUP_STEPS": "20",
}  # fmt: skip


@pytest.mark.parametrize(("ranks", "log"), [(1, "one_rank.log"), (2, "two_ranks.log")])
def test_the_trainer_reproduces_the_golden_run(shared_data: Path, out: Path, ranks: int, log: str) -> None:
    fineweb = shared_data / "fineweb"
    tokens = Data(fineweb, fineweb / "fineweb_1024_bpe.model")
    ours = trainer.train(out, tokens, ranks=ranks, **SETTINGS)
    assert ours.code == 0, ours.output
    golden = [parse(text) for text in (shared_data / "golden" / log).read_text().split("\n")]
    losses = [line.train_loss for line in golden if isinstance(line, loglines.TrainStep)]
    (score,) = (line for line in golden if isinstance(line, loglines.FinalExact))
    assert len(losses) == 40
    assert ours.losses == pytest.approx(losses, abs=0.005)
    (final,) = ours.lines(loglines.FinalExact)
    assert final.val_bpb == pytest.approx(score.val_bpb, abs=0.002)
