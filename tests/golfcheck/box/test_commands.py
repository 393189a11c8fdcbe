"""`golfcheck rescore` of a folder with a predictor.py, `new --predictor` and `doctor`, as a user types them."""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

from golfcheck.box.launch import NoSandbox, sandbox
from golfcheck.cli import main
from golfcheck.core import schema
from tests.conftest import ROOT
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
    """A record as our trainer writes it: the code that ran, its predictor.py among it."""
    path = tmp_path / "2026-04-01_Tiny"
    shutil.copytree(world.record, path)
    config = dataclasses.asdict(world.config)
    (path / "final_model.int8.ptz").write_bytes(tiny.packed(world.state, model_config=config))
    for source in (ROOT / "reference").glob("*.py"):
        if source.stat().st_size:
            shutil.copy(source, path)
    return path


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
    (found,) = document["rescores"]
    assert found["measured"]["val_bpb"] == pytest.approx(world.score.val_bpb, abs=1e-6)
    predictor = found["predictor"]
    assert {file["path"] for file in predictor["files"]} >= {"predictor.py", "model.py", "final_model.int8.ptz"}
    assert predictor["not_shown"] == ["submission.json", "train.log"]
    assert predictor["visible_bytes"] == sum(file["size_bytes"] for file in predictor["files"])
    assert predictor["challenges"]["differ"] == 0


@NEEDS_SANDBOX
def test_a_claim_that_its_own_predictor_misses_is_refuted(record: Path, world: World, capsys):
    code = main(["rescore", str(record), "--challenges", "0", "--claim", "9.0", *options(world)])
    assert code == 1
    out = capsys.readouterr().out
    assert "missed by its own predictor.py" in out
    assert "not tested (--challenges 0)" in out


def test_the_reference_model_is_evaluated_where_it_is_asked_for(record: Path, world: World, capsys):
    assert main(["rescore", str(record), "--built-in", *options(world)]) == 0
    assert "from the tensors" in capsys.readouterr().out


def test_without_a_sandbox_one_line_says_what_to_do_and_nothing_runs(
    record: Path, world: World, capsys, monkeypatch: pytest.MonkeyPatch
):
    (record / "predictor.py").write_text("import os; os._exit(77)")

    def missing() -> str:
        raise NoSandbox("bubblewrap is not installed: sudo apt install bubblewrap")

    monkeypatch.setattr("golfcheck.box.launch.sandbox", missing)
    assert main(["rescore", str(record), *options(world)]) == 2
    said = capsys.readouterr().err.strip()
    assert said.startswith("golfcheck: bubblewrap is not installed")
    assert "--built-in" in said
    assert "\n" not in said


def test_no_sandbox_is_said_on_the_page_and_in_the_report(
    record: Path, world: World, tmp_path: Path, capsys, monkeypatch
):
    monkeypatch.delenv("CI", raising=False)
    report = tmp_path / "report.json"
    arguments = ["rescore", str(record), "--no-sandbox", "--challenges", "0", "--json", str(report), *options(world)]
    assert main(arguments) == 0
    assert "WITHOUT A SANDBOX" in capsys.readouterr().out
    assert json.loads(report.read_text())["rescores"][0]["predictor"]["sandbox"] is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--no-sandbox"], "--trust-code as well"),
        (["--precision", "fp32"], "--precision has no effect on"),
        (["--built-in", "--strict"], "--strict has no effect on"),
        (["--strict", "--stride", "8"], "goes with neither --stride nor --challenges"),
        (["--challenges", "-1"], "--challenges must be 0 or more"),
        (["--box-memory", "0"], "--box-memory must be a positive number"),
    ],
    ids=" ".join,
)
def test_options_that_do_not_go_together_are_refused_before_anything_runs(
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
