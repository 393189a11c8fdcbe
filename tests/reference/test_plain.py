"""The plain version, which speed is measured against, computes what the contest's own trainer computes."""

import subprocess
import sys
from pathlib import Path

import pytest

from golfcheck.reference import loglines
from golfcheck.reference.settings import parse
from golfcheck.trainlog import templates
from tests.bench.plain import Plain
from tests.clock import HANG_SECONDS
from tests.conftest import ROOT
from tests.reference import trainer
from tests.reference.test_golden import SETTINGS

STEPS = 30  # the momentum's rise, 20, and half of the rates' fall; all 40 take as long as the trainer's two runs


def test_the_plain_version_reproduces_the_golden_losses(shared_data: Path) -> None:
    text = (shared_data / "golden" / "one_rank.log").read_text()
    golden = [
        line.train_loss for line in map(templates.parse, text.split("\n")) if isinstance(line, loglines.TrainStep)
    ]
    plain = Plain(parse([], {**SETTINGS, "DATA_PATH": str(shared_data / "fineweb")}))
    assert [plain.step() for _ in range(STEPS)] == pytest.approx(golden[:STEPS], abs=0.005)


def test_the_measurement_for_a_gpu_runs_at_toy_size_on_a_cpu() -> None:
    command = [sys.executable, str(ROOT / "tests" / "bench" / "gpu.py"), "--toy"]
    done = subprocess.run(command, env=trainer.environment({}), capture_output=True, text=True, timeout=HANG_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines[2:5]] == ["plain", "ours", "ours"]
    assert "nats apart at most" in lines[-1]
