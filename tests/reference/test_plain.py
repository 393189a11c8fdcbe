"""The plain version, which speed is measured against, computes what the contest's own trainer computes."""

from pathlib import Path

import pytest

from golfcheck.reference.settings import parse
from golfcheck.trainlog import linekinds, templates
from tests.bench import gpu
from tests.bench.plain import Plain
from tests.reference import trainer
from tests.reference.test_golden import SETTINGS

STEPS = 24  # the momentum's rise, 20, and a part of the rates' fall; all 40 take as long as the trainer's two runs


def test_the_plain_version_reproduces_the_golden_losses(shared_data: Path) -> None:
    text = (shared_data / "golden" / "one_rank.log").read_text()
    golden = [
        line.train_loss for line in map(templates.parse, text.split("\n")) if isinstance(line, linekinds.TrainStep)
    ]
    plain = Plain(parse([], {**SETTINGS, "DATA_PATH": str(shared_data / "fineweb")}))
    assert [plain.step() for _ in range(STEPS)] == pytest.approx(golden[:STEPS], abs=0.005)


def test_a_part_of_the_measurement_for_a_gpu_survives_the_failure_of_another(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(gpu.LIMIT_SECONDS, "quantize", 0.1)  # as a hang would, it takes too long
    monkeypatch.setitem(gpu.LIMIT_SECONDS, "attention", 600)
    settings = {**trainer.TINY, **gpu.TOY, "DATA_PATH": str(tmp_path), "TOKENIZER_PATH": str(tmp_path)}
    assert gpu.run_all(settings, ["--toy"], ["quantize", "attention"]) == 1
    out = capfd.readouterr().out
    assert "part quantize: failed: " in out
    assert "part attention: ok" in out
    assert "the trainer's: forward" in out
    assert "1 of 2 parts in" in out
