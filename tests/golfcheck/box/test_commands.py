"""`golfcheck rescore` of a folder with a predictor.py, `new --predictor` and `doctor`, as a user types them."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from golfcheck.box.launch import NoSandbox, sandbox
from golfcheck.cli import main
from golfcheck.core import schema
from tests.conftest import ROOT
from tests.golfcheck import forked, predictors
from tests.golfcheck import rescore_fixture as tiny
from tests.golfcheck.rescore_fixture import World

try:
    MISSING = sandbox() and ""
except NoSandbox as error:
    MISSING = str(error)
NEEDS_SANDBOX = pytest.mark.skipif(bool(MISSING), reason=MISSING)


@pytest.fixture(autouse=True)
def one_box(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("golfcheck.rescore.workers.usable", lambda cores: 1)


@pytest.fixture
def record(world: World, tmp_path: Path) -> Path:
    """A record as our trainer writes it, with the code that ran, including predictor.py."""
    path = tmp_path / "2026-04-01_Tiny"
    shutil.copytree(world.record, path)
    config = dataclasses.asdict(world.config)
    (path / "final_model.int8.ptz").write_bytes(tiny.packed(world.state, model_config=config))
    for source in (ROOT / "reference").glob("*.py"):
        if source.stat().st_size:
            shutil.copy(source, path)
    return path


@pytest.fixture
def bigram(tmp_path: Path, table: np.ndarray) -> Path:
    return predictors.write(tmp_path / "bigram", "class P(Base): pass", table)


def options(world: World) -> list[str]:
    return ["--data", str(world.shards), "--tokenizer", str(world.tokenizer)]


@NEEDS_SANDBOX
def test_a_record_of_our_trainer_is_confirmed_by_its_own_predictor(record: Path, world: World, tmp_path: Path, capsys):
    report = tmp_path / "report.json"
    assert main(["rescore", str(record), "--challenges", "64", "--json", str(report), *options(world)]) == 0
    out = " ".join(capsys.readouterr().out.split())  # on one line, whatever the width
    assert "predictor.py of the submission, in a sandbox (bubblewrap" in out
    assert "0 of 64 cuts changed an answer at most 6.9% of positions can look ahead (99%)" in out
    assert "confirmed" in out
    document = json.loads(report.read_text())
    assert schema.violations("rescore", document) == []
    (entry,) = document["rescores"]
    assert entry["measured"]["val_bpb"] == pytest.approx(world.score.val_bpb, abs=1e-6)
    predictor = entry["predictor"]
    assert {file["path"] for file in predictor["files"]} >= {"predictor.py", "model.py", "final_model.int8.ptz"}
    assert predictor["not_shown"] == ["submission.json", "train.log"]
    assert predictor["visible_bytes"] == sum(file["size_bytes"] for file in predictor["files"])
    assert predictor["challenges"]["differ"] == 0


@NEEDS_SANDBOX
def test_a_claim_that_its_own_predictor_misses_is_refuted(bigram: Path, world: World, capsys):
    code = main(["rescore", str(bigram), "--challenges", "0", "--claim", "9.0", *options(world)])
    assert code == 1
    out = capsys.readouterr().out
    assert "missed with its own predictor.py" in out
    assert "not tested (--challenges 0)" in out


# Every option of a rescoring, through a box.


def reported(folder: Path, world: World, *arguments: str, code: int = 0) -> dict[str, Any]:
    """The report that `rescore --json` writes for a folder."""
    path = folder.with_name("report.json")
    assert main(["rescore", str(folder), "--json", str(path), *arguments, *options(world)]) == code
    document = json.loads(path.read_text())
    assert schema.violations("rescore", document) == []
    (entry,) = document["rescores"]
    return entry


@NEEDS_SANDBOX
def test_another_predictors_report_helps_to_estimate(bigram: Path, world: World, table: np.ndarray, capsys):
    other = predictors.write(
        bigram.with_name("other"), "class P(Base):\n    def logits(self, ids): return 0.8 * super().logits(ids)", table
    )
    whole = reported(bigram, world, "--full", "--challenges", "0")["measured"]
    report = bigram.with_name("report.json").rename(bigram.with_name("control.json"))
    arguments = ["--within", "0.2", "--order-seed", "5", "--challenges", "32"]
    result = reported(other, world, "--control", str(report), *arguments)
    assert f"control   {report}"[:60] in capsys.readouterr().out
    estimate = result["measured"]["estimate"]
    assert estimate["covariates"][-1] == "control"
    assert (estimate["within_bpb"], estimate["order_seed"]) == (0.2, 5)
    assert result["control"]["path"] == str(report)
    assert result["predictor"]["challenges"]["cuts"] == min(32, estimate["sequences"])
    exact = reported(other, world, "--full", "--challenges", "0")["measured"]
    assert estimate["low_bpb"] < exact["val_bpb"] < estimate["high_bpb"]
    assert exact["val_bpb"] > whole["val_bpb"]


@NEEDS_SANDBOX
def test_an_estimate_refutes_a_claim_and_confirms_another(bigram: Path, world: World, capsys):
    arguments = ["--estimate", "--challenges", "16", "--within", "0.5"]
    assert reported(bigram, world, *arguments, "--claim", "1.0", code=1)["outcome"] == "refuted"
    result = reported(bigram, world, *arguments, "--claim", "1.8629")
    assert result["outcome"] == "confirmed"
    assert result["measured"]["estimate"]["sequences"] < result["measured"]["estimate"]["of_sequences"]
    assert "the verdict depends on the whole interval" in capsys.readouterr().out


@NEEDS_SANDBOX
def test_a_window_slides_over_a_part_of_the_text(bigram: Path, world: World, capsys):
    result = reported(bigram, world, "--stride", "16", "--val-tokens", "640", "--challenges", "32")
    measured = result["measured"]
    assert (measured["stride"], measured["tokens"], measured["seq_len"]) == (16, 640, 64)
    assert 32 <= result["predictor"]["challenges"]["cuts"] <= 40
    assert "window of 64, stride 16" in capsys.readouterr().out
    side_by_side = reported(bigram, world, "--val-tokens", "640", "--challenges", "0")["measured"]
    assert measured["val_bpb"] == pytest.approx(side_by_side["val_bpb"], abs=1e-6)  # a bigram needs no more context


@NEEDS_SANDBOX
def test_two_ranks_of_torchrun_score_what_one_process_does(bigram: Path, world: World, tmp_path: Path):
    alone = reported(bigram, world, "--challenges", "0")["measured"]
    report = tmp_path / "ranks.json"
    arguments = ["rescore", str(bigram), "--challenges", "64", "--json", str(report), *options(world)]
    completed, _ = forked.ranks(lambda: main(arguments), 2, tmp_path)
    assert completed.returncode == 0, completed.stderr
    assert completed.stdout.count("VERDICT") == 1
    (entry,) = json.loads(report.read_text())["rescores"]
    assert entry["measured"]["val_bpb"] == pytest.approx(alone["val_bpb"], abs=1e-9)
    assert sorted(entry["measured"]["rank_sequences"]) == [37, 38]
    assert entry["predictor"]["challenges"]["cuts"] >= 64
    assert entry["predictor"]["challenges"]["differ"] == 0


def test_the_reference_model_is_evaluated_on_request(record: Path, world: World, capsys):
    assert main(["rescore", str(record), "--built-in", *options(world)]) == 0
    assert "from the tensors" in capsys.readouterr().out


def test_without_a_sandbox_nothing_runs_and_one_line_says_what_to_do_before_torch_loads(
    record: Path, world: World, tmp_path: Path
):
    (record / "predictor.py").write_text("import os; os._exit(77)")
    program = (
        "import sys; from golfcheck.cli import main; code = main(sys.argv[1:]);"
        "sys.exit(99 if 'torch' in sys.modules or 'numpy' in sys.modules else code)"
    )
    command = [sys.executable, "-c", program, "rescore", str(record), *options(world)]
    completed = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert completed.returncode == 2
    assert completed.stderr.startswith("golfcheck: bubblewrap is not installed: sudo apt install bubblewrap")
    assert "--built-in" in completed.stderr
    assert completed.stderr.count("\n") == 1


def test_a_missing_sandbox_is_shown_on_the_page_and_in_the_report(
    bigram: Path, world: World, tmp_path: Path, capsys, monkeypatch
):
    monkeypatch.delenv("CI", raising=False)
    report = tmp_path / "report.json"
    arguments = ["rescore", str(bigram), "--no-sandbox", "--challenges", "0", "--json", str(report), *options(world)]
    assert main(arguments) == 0
    assert "WITHOUT A SANDBOX" in capsys.readouterr().out
    assert json.loads(report.read_text())["rescores"][0]["predictor"]["sandbox"] is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--no-sandbox"], "--trust-code as well"),
        (["--precision", "fp32"], "--precision has no effect on"),
        (["--built-in", "--strict"], "--strict has no effect on"),
        (["--strict", "--stride", "8"], "do not use --stride or --challenges with it"),
        (["--strict", "--estimate"], "no estimate of the others is a proof: use --val-tokens N"),
        (["--strict", "--control", "report.json"], "no estimate of the others is a proof"),
        (["--challenges", "-1"], "--challenges must be 0 or more"),
        (["--box-memory", "0"], "--box-memory must be a positive number"),
    ],
    ids=" ".join,
)
def test_conflicting_options_are_refused_before_anything_runs(
    arguments: list[str], said: str, record: Path, capsys, monkeypatch
):
    monkeypatch.setenv("CI", "true")
    assert main(["rescore", str(record), *arguments]) == 2
    assert said in capsys.readouterr().err


def test_new_puts_the_reference_predictor_into_a_folder_and_overwrites_none(tmp_path: Path, capsys):
    assert main(["new", "--predictor", str(tmp_path)]) == 0
    assert (tmp_path / "predictor.py").read_bytes() == (ROOT / "reference/predictor.py").read_bytes()
    out = capsys.readouterr().out
    assert "edit load() and logits() for yours" in out
    assert f"golfcheck rescore {tmp_path}" in out
    assert main(["new", "--predictor", str(tmp_path)]) == 2
    assert "exists already; nothing was written" in capsys.readouterr().err
    assert main(["new", "--predictor", str(tmp_path / "none")]) == 2


@pytest.mark.parametrize("works", [True, False])
def test_doctor_says_whether_the_sandbox_works(works: bool, capsys, monkeypatch: pytest.MonkeyPatch):
    def there() -> str:
        if works:
            return "bubblewrap 0.8.0"
        raise NoSandbox("bubblewrap is not installed: sudo apt install bubblewrap")

    monkeypatch.setattr("golfcheck.box.launch.sandbox", there)
    main(["doctor"])
    line = next(line for line in capsys.readouterr().out.splitlines() if "sandbox" in line)
    assert line.startswith("ok" if works else "--")
    assert ("sudo apt install bubblewrap" in line) == (not works)
