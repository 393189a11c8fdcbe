"""The plain version, which speed is measured against, computes what the contest's own trainer computes."""

from pathlib import Path

import pytest

from golfcheck.trainlog import lines
from reference import loglines
from reference.settings import parse
from tests.bench.plain import Plain
from tests.reference.test_golden import SETTINGS

STEPS = 12  # the first ten hold the steepest part of the run; all 40 take as long as the trainer's


def test_the_plain_version_reproduces_the_golden_losses(shared_data: Path) -> None:
    text = (shared_data / "golden" / "one_rank.log").read_text()
    golden = [line.train_loss for line in map(lines.parse, text.split("\n")) if isinstance(line, loglines.TrainStep)]
    plain = Plain(parse([], {**SETTINGS, "DATA_PATH": str(shared_data / "fineweb")}))
    assert [plain.step() for _ in range(STEPS)] == pytest.approx(golden[:STEPS], abs=0.005)
